"""How long a household may withdraw: the clock of one delivery. Pure.

Sources: Directive 2011/83, articles 9, 10 and 16; Regulation 1182/71, article 3, for how periods
are counted: the day of the delivery is not counted, the last day counts to its end, and a period
that would end on a Saturday, a Sunday or a public holiday ends with the next working day.
Where countries differ we give the longer period: a day more never takes a right from anybody.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

DAYS: Final = 14
"""The least that a household has; a merchant may grant more."""
DAYS_MAX: Final = 365
EXTENSION_MONTHS: Final = 12
"""More, if the household was not informed of its right."""


class Exclusion(StrEnum):
    """Why goods cannot be withdrawn from, in whole or from a moment on. A name is never reused."""

    SEALED_HYGIENE = "sealed_hygiene"
    """Not once the seal is broken (article 16(e)); unopened they go back like anything else."""
    PERISHABLE = "perishable"
    """Liable to expire rapidly (article 16(d)): no withdrawal at all."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was said of withdrawal before the order, and so holds for it."""

    days: int
    exclusion: Exclusion | None


ALL_EXCLUSIONS: Final = frozenset(Exclusion)


def terms_of(
    returns_days: int,
    returns_sealed_only: bool,
    *,
    days_min: int = DAYS,
    honoured: frozenset[Exclusion] = ALL_EXCLUSIONS,
) -> Terms:
    """Read the terms that a quote showed; never less than the law gives.

    Args:
        returns_days: as the merchant quoted them; 0 or less says that nothing goes back.
        returns_sealed_only: as quoted.
        days_min: of the country.
        honoured: the exclusions that the country's law has.
    """
    if returns_days <= 0 and Exclusion.PERISHABLE in honoured:
        return Terms(0, Exclusion.PERISHABLE)
    sealed = returns_sealed_only and Exclusion.SEALED_HYGIENE in honoured
    days = min(DAYS_MAX, max(days_min, returns_days))
    return Terms(days, Exclusion.SEALED_HYGIENE if sealed else None)


def period_end(
    delivered_at: datetime, days: int, zone: tzinfo, informed_at: datetime | None
) -> datetime:
    """Give the instant, UTC, from which a household can no longer withdraw.

    Args:
        delivered_at: of the parcel, or of the last of several.
        days: of the terms.
        zone: of the household.
        informed_at: when it had the instructions on a durable medium; None if never.
    """
    day = delivered_at.astimezone(zone).date()
    ordinary = day + timedelta(days=days)
    if informed_at is not None and informed_at <= delivered_at:
        return _end_of(ordinary, zone)
    latest = _months_later(ordinary, EXTENSION_MONTHS)
    if informed_at is None:
        return _end_of(latest, zone)
    # Article 10(2): told late, the period runs from that day. Whether a message a minute after
    # the door "informed" is not worth a quarrel, so it counts from the later of the two.
    told = informed_at.astimezone(zone).date() + timedelta(days=days)
    return _end_of(min(latest, max(ordinary, told)), zone)


def _end_of(day: date, zone: tzinfo) -> datetime:
    last = day
    while not is_working_day(last):
        last += timedelta(days=1)
    following = datetime.combine(last + timedelta(days=1), time(0), tzinfo=zone)
    return following.astimezone(UTC)


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def is_working_day(day: date) -> bool:
    """Tell whether a period may end on a day: no weekend, no holiday of the Netherlands."""
    return day.weekday() < 5 and day not in holidays(day.year)


def holidays(year: int) -> frozenset[date]:
    """Give the public holidays of a year, Good Friday among them."""
    easter = _easter(year)
    kings_day = date(year, 4, 27)
    if kings_day.weekday() == 6:
        kings_day -= timedelta(days=1)
    return frozenset(
        {
            date(year, 1, 1),
            kings_day,
            date(year, 5, 5),
            date(year, 12, 25),
            date(year, 12, 26),
            *(easter + timedelta(days=after) for after in (-2, 1, 39, 50)),
        }
    )


def _easter(year: int) -> date:
    """Give Easter Sunday of the Gregorian calendar, by the rule of Gauss as Lichtenberg wrote it.

    Checked in the tests against published dates.
    """
    century = year // 100
    moon = 15 + (3 * century + 3) // 4 - (8 * century + 13) // 25
    sun = 2 - (3 * century + 3) // 4
    golden = year % 19
    seed = (19 * golden + moon) % 30
    correction = (seed + golden // 11) // 29
    border = 21 + seed - correction
    first_sunday = 7 - (year + year // 4 + sun) % 7
    march = border + 7 - (border - first_sunday) % 7
    return date(year, 3, 1) + timedelta(days=march - 1)
