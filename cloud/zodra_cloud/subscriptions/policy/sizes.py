"""Diapers that grow: when another size is proposed, from a ladder of sizes that is data.

A child's age is said by the household, as a month, or not at all; its weight is never asked. Use
is what the slot's own forecast says: larger sizes are used fewer times a day.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from pydantic import TypeAdapter

from zodra_cloud.subscriptions.policy.dates import (
    CADENCE_DAYS_MAX,
    CADENCE_DAYS_MIN,
    Cadence,
    Every,
)
from zodra_cloud.subscriptions.policy.follow import OWN_SHARE_MIN, Outlook
from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.policy.ledger.state import State
from zodra_cloud.subscriptions.policy.terms import Item

SIZES_MAX: Final = 20
ASK_AGAIN_DAYS: Final = 28
"""After a no, the same size is not proposed again for so long."""
COUNT_MIN: Final = 4
"""Gaps on which a proposal from use alone must rest."""


@dataclass(frozen=True, slots=True)
class Size:
    """One rung of a ladder."""

    name: str
    sku: str
    titles: dict[str, str]
    pieces: int
    """In one pack."""
    per_day: float
    """How many are usually used a day in this size."""
    from_age_days: int | None
    """From which age it usually fits; None: age says nothing about it."""


Ladder = tuple[Size, ...]
"""From the smallest size to the largest."""

_LADDER: Final = TypeAdapter(Ladder)


def read_ladder(stored: object) -> Ladder:
    """Read a ladder from plain values.

    Raises:
        ValueError: it is not of this shape.
    """
    return _LADDER.validate_python(stored)


def ladder_fault(ladder: Ladder) -> str | None:
    """Say which rule a ladder breaks; None if it is usable."""
    if not 2 <= len(ladder) <= SIZES_MAX:
        return f"from 2 to {SIZES_MAX} sizes"
    if len({each.sku for each in ladder}) < len(ladder):
        return "each sku once"
    if any(each.pieces < 1 or not 0 < each.per_day <= 100 for each in ladder):
        return "pieces from 1, per_day above 0 and at most 100"
    ages = [each.from_age_days for each in ladder if each.from_age_days is not None]
    return None if ages == sorted(ages) else "from_age_days never falling"


def propose(
    state: State, ladder: Ladder, outlook: Outlook | None, today: date
) -> e.SizeProposed | None:
    """Say whether the next size is to be proposed now, and why."""
    growth = state.growth
    item = state.item_of(state.next_cycle)
    index = next((i for i, each in enumerate(ladder) if each.sku == item.sku), None)
    if growth is None or state.proposal is not None or index is None or index + 1 >= len(ladder):
        return None
    worn, larger = ladder[index], ladder[index + 1]
    declined = growth.declined.get(larger.name)
    if declined is not None and today < declined + timedelta(days=ASK_AGAIN_DAYS):
        return None
    per_day = _per_day(worn, item, outlook)
    why = _why(worn, larger, growth.born_on, per_day, today)
    if why is None:
        return None
    titles = dict(larger.titles)
    cadence = _cadence(state.cadence, worn, larger)
    return e.SizeProposed(larger.name, Item(larger.sku, item.quantity, titles), cadence, why)


def _per_day(worn: Size, item: Item, outlook: Outlook | None) -> float | None:
    if outlook is None or not outlook.active or not outlook.typical_days:
        return None
    if outlook.own_share < OWN_SHARE_MIN or outlook.count < COUNT_MIN:
        return None
    return worn.pieces * item.quantity / outlook.typical_days


def _why(
    worn: Size, larger: Size, born_on: date | None, per_day: float | None, today: date
) -> e.Why | None:
    sizes: e.Why = {"from_size": worn.name, "to_size": larger.name}
    if born_on is not None and larger.from_age_days is not None:
        age = (today - born_on).days
        if age >= larger.from_age_days:
            return {**sizes, "reason": "age", "age_months": int(age / 30.44)}
    if per_day is None or larger.per_day >= worn.per_day:
        return None
    # Nearer to what the larger size uses, on the scale of ratios.
    if per_day * per_day > worn.per_day * larger.per_day:
        return None
    return {**sizes, "reason": "used_less", "per_day": round(per_day, 1)}


def _cadence(cadence: Cadence, worn: Size, larger: Size) -> Cadence | None:
    ratio = (larger.pieces / larger.per_day) / (worn.pieces / worn.per_day)
    days = min(max(round(cadence.days * ratio), CADENCE_DAYS_MIN), CADENCE_DAYS_MAX)
    return None if days == round(cadence.days) else Cadence(days, Every.DAYS)
