"""When a need may be ordered without another yes: under a contract that the household concluded.

Off unless the market allows it (see `replenish.call_off_countries` in the settings): whether a
press may call off inside a standing agreement is the least certain point of EU law. A subscription
is such a contract too, with a cadence in place of a press.
"""

from dataclasses import dataclass
from enum import StrEnum

from zodra_cloud.kit.money import Money
from zodra_cloud.replenish.policy.needs import Reason


class CoverBasis(StrEnum):
    """What kind of contract covers a need."""

    AGREEMENT = "agreement"
    """A standing agreement: a press, or what the slot itself says, calls off inside it."""
    SUBSCRIPTION = "subscription"
    """Deliveries at a cadence."""


@dataclass(frozen=True, slots=True)
class Cover:
    """A concluded contract that a need falls under, with the proof of its conclusion."""

    cover_id: str
    basis: CoverBasis
    sku: str
    quantity: int
    price_ceiling: Money
    """The most that one order may cost in all; above it, the household is asked."""
    notice_s: int
    """Between telling the household and asking the shop; until then one word cancels."""
    within_frequency: bool
    """Whether the contract allows one more order now."""
    concluded_by: str
    """The person who used the labelled control."""
    label: str
    """Its literal words."""
    language: str


def judge_call_off(sku: str, quantity: int, total: Money, cover: Cover) -> Reason:
    """Say whether a quote may become an order under its cover, or why it is asked instead.

    Args:
        sku: as the shop quoted it.
        quantity: as quoted.
        total: with VAT and shipping.
        cover: as it stands now.

    Returns:
        `WITHIN_AGREEMENT`, or the reason to show the ordinary quote with.
    """
    if not cover.within_frequency or (sku, quantity) != (cover.sku, cover.quantity):
        return Reason.CONFIRM_FIRST
    if total.currency != cover.price_ceiling.currency or total.exceeds(cover.price_ceiling):
        return Reason.PRICE_ABOVE_CEILING
    return Reason.WITHIN_AGREEMENT


def over_cap(total: Money, spent: Money | None, cap: Money | None) -> bool:
    """Tell whether one more order of `total` would pass the cap; other currencies count as over."""
    if cap is None:
        return False
    if total.currency != cap.currency or (spent is not None and spent.currency != cap.currency):
        return True
    already = 0 if spent is None else spent.amount_minor
    return already + total.amount_minor > cap.amount_minor
