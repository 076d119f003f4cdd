"""What becomes of a withdrawal, who may declare one, and how much goes back. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from zodra_cloud.law.policy.period import Exclusion, Terms

REFUND_WITHIN: Final = timedelta(days=14)
"""From the declaration (article 13(1)); with goods to wait for, from their return or its proof."""


class WithdrawalState(StrEnum):
    """Where a withdrawal stands."""

    DECLARED = "declared"
    """The household has said so, and from that moment it holds."""
    ACKNOWLEDGED = "acknowledged"
    """The acknowledgement is on a durable medium."""
    REFUND_DUE = "refund_due"
    """Nothing is left to wait for: the goods, or the proof that they were sent, or none to send."""
    REFUNDED = "refunded"
    REFUSED = "refused"
    """By the operator, for a reason of the list."""


class WithdrawalEvent(StrEnum):
    """What can happen to a withdrawal."""

    ACKNOWLEDGED = "acknowledged"
    NOTHING_TO_RETURN = "nothing_to_return"
    """The order never left the shop, or the law does not let us wait for goods."""
    SENT_BACK = "sent_back"
    """The household has sent the goods back and says how."""
    GOODS_BACK = "goods_back"
    REFUNDED = "refunded"
    REFUSED = "refused"


_OPEN: Final = (WithdrawalState.DECLARED, WithdrawalState.ACKNOWLEDGED)

WITHDRAWAL_TRANSITIONS: Final = {
    (WithdrawalState.DECLARED, WithdrawalEvent.ACKNOWLEDGED): WithdrawalState.ACKNOWLEDGED,
    **{
        (state, event): WithdrawalState.REFUND_DUE
        for state in _OPEN
        for event in (
            WithdrawalEvent.NOTHING_TO_RETURN,
            WithdrawalEvent.SENT_BACK,
            WithdrawalEvent.GOODS_BACK,
        )
    },
    # Money may come back by another way first: the shop's own goodwill, or its own cancellation.
    **{
        (state, WithdrawalEvent.REFUNDED): WithdrawalState.REFUNDED
        for state in (*_OPEN, WithdrawalState.REFUND_DUE)
    },
    **{
        (state, WithdrawalEvent.REFUSED): WithdrawalState.REFUSED
        for state in (*_OPEN, WithdrawalState.REFUND_DUE)
    },
}

WITHDRAWAL_OPEN: Final = frozenset({*_OPEN, WithdrawalState.REFUND_DUE})


def next_state(state: WithdrawalState, event: WithdrawalEvent) -> WithdrawalState | None:
    """Look up where an event takes a withdrawal; None if it changes nothing."""
    return WITHDRAWAL_TRANSITIONS.get((state, event))


class Refusal(StrEnum):
    """Why an operator turns a withdrawal down. A name is never reused."""

    SEAL_BROKEN = "seal_broken"
    NOT_RETURNED = "not_returned"
    """The household kept the goods."""


class NotPossible(StrEnum):
    """Why there is nothing to withdraw from, in order of precedence. A name is never reused."""

    UNKNOWN_ORDER = "unknown_order"
    NO_CONTRACT = "no_contract"
    """Nothing was bought: it failed or was cancelled. Nothing is owed either."""
    EXCLUDED = "excluded"
    """The goods were shown as ones that cannot be withdrawn from."""
    ALL_WITHDRAWN = "all_withdrawn"
    PERIOD_OVER = "period_over"
    BAD_QUANTITY = "bad_quantity"
    CHANGED = "changed"
    """Something was withdrawn from it since the page was shown."""
    WRONG_LABEL = "wrong_label"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an order when a household wants to withdraw from it."""

    contract: bool
    """Whether there is one: the order has not failed and was not cancelled."""
    quantity: int
    """Ordered."""
    withdrawn: int
    """Of that, already."""
    terms: Terms
    ends_at: datetime | None
    """None while no delivery is known: the period has not begun to run."""


def judge(standing: Standing, now: datetime) -> NotPossible | None:
    """Say whether a household may withdraw; None if it may."""
    if not standing.contract:
        return NotPossible.NO_CONTRACT
    if standing.terms.exclusion is Exclusion.PERISHABLE:
        return NotPossible.EXCLUDED
    if standing.withdrawn >= standing.quantity:
        return NotPossible.ALL_WITHDRAWN
    if standing.ends_at is not None and now >= standing.ends_at:
        return NotPossible.PERIOD_OVER
    return None


def judge_quantity(standing: Standing, quantity: int, withdrawn_shown: int) -> NotPossible | None:
    """Say whether so many can be withdrawn by a form that showed so many as withdrawn."""
    if withdrawn_shown != standing.withdrawn:
        return NotPossible.CHANGED
    left = standing.quantity - standing.withdrawn
    return None if 1 <= quantity <= left else NotPossible.BAD_QUANTITY


def refund_minor(
    *, total_minor: int, goods_minor: int, quantity: int, withdrawn_before: int, quantity_now: int
) -> int:
    """Give what goes back for a part of an order.

    A part takes its share of the goods; whoever withdraws from everything in the end gets the
    delivery back too (article 13(1); CJEU C-511/08), to the last cent of the total.

    Args:
        total_minor: of the order.
        goods_minor: of that, the goods.
        quantity: ordered.
        withdrawn_before: of that, already.
        quantity_now: of that, now.
    """
    return _due(total_minor, goods_minor, quantity, withdrawn_before + quantity_now) - _due(
        total_minor, goods_minor, quantity, withdrawn_before
    )


def _due(total_minor: int, goods_minor: int, quantity: int, withdrawn: int) -> int:
    if withdrawn >= quantity:
        return total_minor
    return goods_minor * withdrawn // quantity


def refund_by(
    declared_at: datetime, free_at: datetime | None, *, may_wait_for_goods: bool
) -> datetime:
    """Give the instant by which the money is to be back.

    Args:
        declared_at: of the declaration.
        free_at: when there was nothing left to wait for; None while there is.
        may_wait_for_goods: whether the law lets us hold the money until then (article 13(3)).
    """
    due = declared_at + REFUND_WITHIN
    if not may_wait_for_goods or free_at is None:
        return due
    # Who waited longer than the fourteen days may not add another fourteen: a working week is
    # what a bank needs.
    return max(due, free_at + PAY_OUT_WITHIN)


PAY_OUT_WITHIN: Final = timedelta(days=3)
