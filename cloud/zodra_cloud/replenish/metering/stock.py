"""What is left of a slot that counts, and whether it is time to order. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

from zodra_cloud.forecast import Forecast, LevelHistory, State
from zodra_cloud.replenish.states import Answer

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LEAD_DEFAULT: Final = timedelta(days=3)
"""From yes to door, of a slot that has had no delivery yet."""
LEAD_MIN: Final = timedelta(days=1)
LEAD_MAX: Final = timedelta(days=30)
NEEDED_FROM: Final = 0.6
"""Probability of falling to the threshold before a delivery from which a need is opened: asked
too early twice in five times at most, if forecasts are calibrated."""
REST: Final = timedelta(days=3)
"""After a need that ended without a delivery, until the next is opened."""
ANSWERS_MAX: Final = 10
"""The newest deliveries whose answers count, and whose time on the way does."""
SOONER_MAX: Final = 5
"""Days by which all answers together may move a need, either way."""
UNOPENED: Final = timedelta(days=30)
"""After a delivery that no reading shows, which may stand in a cupboard."""


@dataclass(frozen=True, slots=True)
class Point:
    """One reading of a slot, or one amount that was counted or delivered."""

    at: datetime
    value: float


def days(at: datetime) -> float:
    """Give an instant as days since 1970, the axis of the forecasts."""
    return (at - EPOCH) / timedelta(days=1)


def level_history(readings: Sequence[Point], threshold: float) -> LevelHistory:
    """Give what a level slot said was left; it runs out, for us, at its threshold."""
    ordered = sorted(readings, key=lambda point: point.at)
    return LevelHistory(
        days=tuple(days(point.at) for point in ordered),
        remaining=tuple(point.value for point in ordered),
        empty_at=threshold,
    )


def stock_history(
    counter: Sequence[Point],
    counts: Sequence[Point],
    deliveries: Sequence[Point],
    full: float,
    threshold: float,
) -> LevelHistory:
    """Keep the stock of a usage slot, whose device only says how much was used.

    Args:
        counter: what was used since the device began to count; a smaller value than before means
            that it began anew.
        counts: what a person said was left; it replaces whatever we thought.
        deliveries: what arrived, in units.
        full: what is there at the first reading, if nobody counted.
        threshold: at which it runs out, for us.
    """
    left, used = full, None
    events = [(each.at, 1, each.value) for each in counter]
    events += [(each.at, 2, each.value) for each in deliveries]
    events += [(each.at, 3, each.value) for each in counts]
    seen: list[tuple[datetime, float]] = []
    for at, kind, value in sorted(events):
        if kind == 1:
            if used is not None:
                left -= value - used if value >= used else value
            used = value
        else:
            left = left + value if kind == 2 else value
        left = max(left, 0.0)
        if used is not None or kind == 3:
            seen.append((at, left))
    return LevelHistory(
        days=tuple(days(at) for at, _left in seen),
        remaining=tuple(left for _at, left in seen),
        empty_at=threshold,
    )


def days_sooner(answers: Iterable[Answer | None]) -> int:
    """Give how many days sooner to ask than a delivery takes: one more for each that came too late.

    One less for each that came too early, so it may be negative; never beyond `SOONER_MAX`.
    """
    counted = Counter(answers)
    wanted = counted[Answer.TOO_LATE] - counted[Answer.TOO_EARLY]
    return min(max(wanted, -SOONER_MAX), SOONER_MAX)


def lead_time(taken: Iterable[timedelta], sooner: int = 0) -> timedelta:
    """Give how long before it runs out to ask: as a delivery takes, by the slot's own past ones.

    Args:
        taken: from yes to door, of each of them.
        sooner: days to add, by what the household said of them.
    """
    known = [each.total_seconds() for each in taken]
    found = timedelta(seconds=median(known)) if known else LEAD_DEFAULT
    return min(max(found + timedelta(days=sooner), LEAD_MIN), LEAD_MAX)


def p_within(forecast: Forecast, days_ahead: float) -> float:
    """Give P(at the threshold within so many days), between the levels that the forecast names.

    Beyond the outermost levels it stays there, so it never claims more than they do.
    """
    goes_on = 1.0 - forecast.explanation.stopped_probability
    levels = sorted(forecast.quantiles.items())
    below = [(level, at) for level, at in levels if at <= days_ahead]
    above = [(level, at) for level, at in levels if at > days_ahead]
    if not below:
        return 0.0
    if not above:
        return goes_on * below[-1][0]
    (low, first), (high, last) = below[-1], above[0]
    share = (days_ahead - first) / (last - first)
    return goes_on * (low + (high - low) * share)


@dataclass(frozen=True, slots=True)
class Past:
    """The last need that the cloud opened for a slot."""

    ended_at: datetime | None
    """None while it stands open."""
    delivered: bool
    refilled: bool
    """Whether a reading since then shows more than the threshold."""


def is_time(
    forecast: Forecast,
    remaining: float | None,
    threshold: float,
    lead: timedelta,
    past: Past | None,
    now: datetime,
) -> bool:
    """Say whether to open a need: at its threshold, or probably there before a delivery could be.

    Args:
        forecast: of reaching the threshold.
        remaining: by the last reading; None if there is none.
        threshold: in the same unit.
        lead: how long a delivery takes.
        past: the last need that was opened so; None for the first.
        now: the instant.
    """
    if remaining is None or not _rested(past, now):
        return False
    if remaining <= threshold:
        return True
    if forecast.state in (State.COLD, State.STOPPED):
        return False
    return p_within(forecast, lead / timedelta(days=1)) >= NEEDED_FROM


def _rested(past: Past | None, now: datetime) -> bool:
    if past is None:
        return True
    if past.ended_at is None:
        return False
    if past.delivered:
        return past.refilled or now - past.ended_at >= UNOPENED
    return now - past.ended_at >= REST
