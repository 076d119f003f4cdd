"""A cadence that follows the forecast: bounded, explained, and slow to change its mind."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from zodra_cloud.subscriptions.policy.commands import cadence_changed
from zodra_cloud.subscriptions.policy.dates import Cadence, Every
from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.policy.ledger.state import State
from zodra_cloud.subscriptions.policy.marks import anchor
from zodra_cloud.subscriptions.policy.terms import Follow

CHANGE_MAX: Final = 0.25
"""Of the cadence, at one delivery."""
DEADBAND: Final = 0.12
"""Smaller wishes are noise: half of a household's gaps differ by more than this."""
OWN_SHARE_MIN: Final = 0.3
"""A forecast that rests mostly on other households moves nothing."""
EARLY: Final = 0.25
"""The quantile at which a delivery should be there: in three cases of four it still is in time."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """When the slot's thing is needed next, as far as the cadence asks."""

    days_by_level: dict[float, float]
    """Quantiles of the days from today."""
    active: bool
    """False while too little was seen, or if it seems to be needed no more."""
    own_share: float
    """How far the household's own history decides, 0 to 1."""
    count: int
    """On how many gaps or readings it rests."""
    typical_days: float | None
    """Between two needs; None if unknown."""
    basis: str
    """`gaps` or `rate`."""


def look(
    state: State, cycle: int, outlook: Outlook | None, lead_days: int, today: date
) -> list[e.Event]:
    """Ask once per delivery whether the cadence should change; it has to be told so twice.

    Args:
        state: of the subscription.
        cycle: the next delivery.
        outlook: of its slot; None if there is none.
        lead_days: between an order and its arrival.
        today: the household's date.

    Returns:
        What the ledger takes in: the look, and the change if there is one.
    """
    current = state.cadence.days
    if state.follow is None or outlook is None or not _counts(outlook):
        return [e.ForecastLooked(cycle, 0, current)]
    needed_in = outlook.days_by_level[EARLY] - lead_days
    wanted = current + needed_in - (state.on(cycle) - today).days
    direction = _direction(wanted, current)
    looked = e.ForecastLooked(cycle, direction, round(wanted, 1))
    if direction == 0 or direction != state.drift:
        return [looked]
    return [looked, *_change(state, state.follow, wanted, outlook, today)]


def _counts(outlook: Outlook) -> bool:
    return outlook.active and outlook.own_share >= OWN_SHARE_MIN and EARLY in outlook.days_by_level


def _direction(wanted: float, current: float) -> int:
    if abs(wanted - current) < DEADBAND * current:
        return 0
    return 1 if wanted > current else -1


def bounded_days(wanted: float, current: float, low: int, high: int) -> int:
    """Give the whole days nearest to a wish that one delivery may change the cadence to."""
    least = max(low, _up(current * (1 - CHANGE_MAX)))
    most = min(high, int(current * (1 + CHANGE_MAX)))
    return max(min(round(wanted), most), least)


def _up(days: float) -> int:
    whole = int(days)
    return whole if whole == days else whole + 1


def _change(
    state: State, follow: Follow, wanted: float, outlook: Outlook, today: date
) -> list[e.Event]:
    current, before = state.cadence.days, round(state.cadence.days)
    days = bounded_days(wanted, current, follow.days_min, follow.days_max)
    if days == before or (days > before) != (wanted > current):
        return []
    # Never so much sooner that it could not be announced any more.
    soonest = (today - state.on(anchor(state))).days + state.agreed.pre_notice_days
    shift = days - before if days > before else min(0, max(days - before, soonest))
    why: e.Why = {
        "reason": "used_slower" if days > before else "used_faster",
        "before_days": before,
        "after_days": days,
        "wanted_days": round(wanted, 1),
        "needed_in_days": round(outlook.days_by_level[EARLY], 1),
        "typical_days": None if outlook.typical_days is None else round(outlook.typical_days, 1),
        "count": outlook.count,
        "basis": outlook.basis,
    }
    return [cadence_changed(state, Cadence(days, Every.DAYS), today, why, shift_days=shift)]
