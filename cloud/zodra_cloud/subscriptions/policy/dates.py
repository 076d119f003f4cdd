"""Calendar arithmetic of deliveries: local dates, counted from an anchor, and their instants.

A date is counted from the anchor and never from the date before it, so that the 31st becomes the
28th in February and the 31st again in March.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

CADENCE_DAYS_MIN: Final = 3
CADENCE_DAYS_MAX: Final = 366
MONTH_DAYS: Final = 365.2425 / 12
HORIZON: Final = timedelta(days=3 * 366)
"""How far ahead a delivery may be planned by hand."""
STEPS_MAX: Final = 5_000
"""Deliveries counted from one anchor; at the shortest cadence more than forty years."""


class Every(StrEnum):
    """The unit of a cadence."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often: every so many days, weeks or months of the calendar."""

    count: int
    every: Every

    @property
    def days(self) -> float:
        """Its length in days; of months, the mean."""
        return (
            self.count * {Every.DAYS: 1.0, Every.WEEKS: 7.0, Every.MONTHS: MONTH_DAYS}[self.every]
        )


def cadence_fault(cadence: Cadence) -> str | None:
    """Say which rule a cadence breaks; None if it is usable."""
    if not 1 <= cadence.count <= CADENCE_DAYS_MAX:
        return f"from 1 to {CADENCE_DAYS_MAX} of its unit"
    if not CADENCE_DAYS_MIN <= cadence.days <= CADENCE_DAYS_MAX:
        return f"at least {CADENCE_DAYS_MIN} days and at most a year"
    return None


def add_months(day: date, months: int) -> date:
    """Give the same day of another month, or that month's last day where it has no such day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def date_at(anchor: date, cadence: Cadence, steps: int) -> date:
    """Give the date so many deliveries after the anchor; before it for a negative number."""
    if cadence.every is Every.MONTHS:
        return add_months(anchor, steps * cadence.count)
    return anchor + timedelta(days=steps * int(cadence.days))


def first_step(anchor: date, cadence: Cadence, not_before: date) -> int:
    """Give the smallest number of steps, from 0, whose date is not before a date."""
    if not_before <= anchor:
        return 0
    steps = max(0, int((not_before - anchor).days / cadence.days) - 1)
    while date_at(anchor, cadence, steps) < not_before:
        steps += 1
    return steps


def nearest_step(anchor: date, cadence: Cadence, to: date) -> int:
    """Give the number of steps, from 0, whose date is nearest to a date; the earlier of two."""
    after = first_step(anchor, cadence, to)
    if after == 0:
        return 0
    before = after - 1
    back = to - date_at(anchor, cadence, before)
    return before if back <= date_at(anchor, cadence, after) - to else after


def instant(day: date, at: time, zone: tzinfo) -> datetime:
    """Give the UTC instant of a local wall time.

    A wall time that a change of the clock skips is an hour later, one that it repeats the first.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def local_date(now: datetime, zone: tzinfo) -> date:
    """Give the household's date at an instant."""
    return now.astimezone(zone).date()


def effective_on(today: date, term_ends_on: date, notice_days: int) -> date:
    """Give the first day on which a subscription that is cancelled today is no more.

    Any day will do; after the first term never more than a month of notice, whatever was agreed
    (Dutch Civil Code, article 6:236 j: one month).

    Args:
        today: the household's date.
        term_ends_on: the first day after the first term.
        notice_days: as agreed.
    """
    noticed = min(today + timedelta(days=max(0, notice_days)), add_months(today, 1))
    return max(term_ends_on, noticed)
