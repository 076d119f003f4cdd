"""What the shop answers instead of what was asked, and what stops it from starting.

SimError
└── ShopFault
    ├── BadSettings       the settings file, or a file that it names
    └── Refused           carries a refusal out of an HTTP route
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from zodra_sim.errors import SimError


class ShopFault(SimError):
    """The room's root: its text is the sentence for the person who started the shop."""


class BadSettings(ShopFault):
    """The settings name something that cannot be used."""


class Code(StrEnum):
    """Why the shop refuses; a closed list that clients go by."""

    UNAUTHORIZED = "unauthorized"
    INVALID = "invalid"
    IDEMPOTENCY_KEY_MISSING = "idempotency_key_missing"
    UNKNOWN_ITEM = "unknown_item"
    SESSION_NOT_FOUND = "session_not_found"
    ORDER_NOT_FOUND = "order_not_found"
    OUT_OF_STOCK = "out_of_stock"
    PRICE_CHANGED = "price_changed"
    SESSION_CANCELED = "session_canceled"
    ALREADY_COMPLETED = "already_completed"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    TOO_LATE = "too_late"
    NOT_REFUNDABLE = "not_refundable"
    SESSION_EXPIRED = "session_expired"
    PAYMENT_DECLINED = "payment_declined"


STATUS: Final = {
    Code.UNAUTHORIZED: 401,
    Code.INVALID: 400,
    Code.IDEMPOTENCY_KEY_MISSING: 400,
    Code.UNKNOWN_ITEM: 404,
    Code.SESSION_NOT_FOUND: 404,
    Code.ORDER_NOT_FOUND: 404,
    Code.OUT_OF_STOCK: 409,
    Code.PRICE_CHANGED: 409,
    Code.SESSION_CANCELED: 409,
    Code.ALREADY_COMPLETED: 409,
    Code.IDEMPOTENCY_CONFLICT: 409,
    Code.TOO_LATE: 409,
    Code.NOT_REFUNDABLE: 409,
    Code.SESSION_EXPIRED: 410,
    Code.PAYMENT_DECLINED: 402,
}
"""The HTTP status of each refusal."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal, with a sentence for the developer who reads the answer."""

    code: Code
    content: str


class Refused(ShopFault):
    """Carries a refusal out of an HTTP route."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.content)
        self.refusal = refusal
