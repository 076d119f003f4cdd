"""The values that pages and other rooms see of withdrawals and proofs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zodra_cloud.law.policy.period import Terms
from zodra_cloud.law.policy.withdrawing import NotPossible, WithdrawalState
from zodra_cloud.replenish.models import StoredOrder
from zodra_cloud.replenish.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One declaration of withdrawal from an order, or from a part of it."""

    household_id: str
    order_key: str
    number: int
    """From 1; a second one of the same order is for another part."""
    quantity: int
    state: WithdrawalState
    reason: str
    """Why it was refused (`Refusal`), or why its refund needs a person; else empty."""
    statement: dict[str, Any]
    """What was declared, word for word: language, both labels, contract, quantity."""
    declared_by: str
    declared_at: datetime
    refund_minor: int
    currency: str
    refund_by_at: datetime
    """After it the operator sees it as overdue."""
    acknowledged_at: datetime | None
    goods_back_at: datetime | None
    """When the goods came back, or their sending was shown."""
    refunded_at: datetime | None
    state_at: datetime

    @property
    def label(self) -> str:
        """The literal words of the control that confirmed it."""
        return str(self.statement["label"])


@dataclass(frozen=True, slots=True)
class Choice:
    """What a household may withdraw from now, for the first step and its page."""

    order: StoredOrder
    snapshot: Snapshot
    terms: Terms
    withdrawn: int
    """Of the quantity, already; the second step says it back."""
    left: int
    ends_at: datetime | None
    """None while no delivery is known."""
    not_possible: NotPossible | None
    email: str | None
    """Where the acknowledgement will go."""
    withdrawals: tuple[Withdrawal, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """The withdrawal that a declaration made; the same for every repeat of it."""

    withdrawal: Withdrawal
    letter_id: str
    """Of its acknowledgement."""


@dataclass(frozen=True, slots=True)
class NotDeclared:
    """Nothing was withdrawn from."""

    reason: NotPossible
