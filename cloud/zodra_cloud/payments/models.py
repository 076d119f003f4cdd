"""The values that pages and other rooms see of payments, refunds and mandates. No card data."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from zodra_cloud.kit.money import Money
from zodra_cloud.payments.states import MandateState, PaymentState, RefundState


@dataclass(frozen=True, slots=True)
class Rules:
    """How households pay."""

    return_url: str
    """Where the provider's pages send a household back to; it says nothing of what came of it."""
    link_lifetime: timedelta = timedelta(hours=1)
    """How long a household has to approve a payment, or to give a mandate."""
    keep_method: bool = True
    """A first payment also makes a mandate, which the provider's page tells the household."""


@dataclass(frozen=True, slots=True)
class StoredPayment:
    """The payment of one order."""

    household_id: str
    order_key: str
    state: PaymentState
    reason: str
    """A `PaymentRefusal` or `PaymentFault`, or empty."""
    amount_minor: int
    currency: str
    language: str
    """Of the page on which the order was confirmed; the provider's page speaks it too."""
    attempt: int
    """From 1; each has a key and at most one charge, and no two of them hold money."""
    by_link: bool
    charge_id: str | None
    link_id: str | None
    link_url: str | None
    link_expires_at: datetime | None
    mandate_id: str | None
    """Under which the attempt is made."""
    failures: int
    first_failed_at: datetime | None
    due_at: datetime | None
    """When it is asked, or asked again."""
    capture_wanted_at: datetime | None
    """Since when the goods are on their way; then the money is owed."""
    authorized_at: datetime | None
    captured_at: datetime | None
    unclear_since: datetime | None
    """Since when the provider's answer is missing; None while nothing is."""
    created_at: datetime
    state_at: datetime

    @property
    def amount(self) -> Money:
        """What the household pays."""
        return Money(self.amount_minor, self.currency)


@dataclass(frozen=True, slots=True)
class PaymentStep:
    """One move of a payment."""

    number: int
    event: str
    state: PaymentState
    attempt: int
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredRefund:
    """Money that goes back, once under its key."""

    household_id: str
    order_key: str
    refund_key: str
    amount_minor: int
    currency: str
    state: RefundState
    reason: str
    """Why the provider said no; else what it is for."""
    refund_id: str | None
    asked_at: datetime | None
    """When the provider was first asked."""
    unclear_since: datetime | None
    created_at: datetime
    state_at: datetime

    @property
    def amount(self) -> Money:
        """What goes back."""
        return Money(self.amount_minor, self.currency)


@dataclass(frozen=True, slots=True)
class StoredMandate:
    """A household's permission to be charged later."""

    household_id: str
    mandate_id: str
    state: MandateState
    reason: str
    language: str
    link_id: str | None
    link_url: str | None
    link_expires_at: datetime | None
    method_id: str | None
    """The provider's name of the means of payment."""
    unclear_since: datetime | None
    created_at: datetime
    state_at: datetime


class PaymentNews(StrEnum):
    """What other rooms hear of payments, to tell the household. A name is never reused."""

    LINK = "link"
    """The household is asked to approve a payment."""
    NOT_NOW = "not_now"
    """The bank said not now; it is asked again, or the household pays in another way."""
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"
    DECLINED = "declined"
    EXPIRED = "expired"
    UNPAID = "unpaid"
    REFUNDED = "refunded"


class RefundAnswer(StrEnum):
    """What came of asking for a refund, at once."""

    WANTED = "wanted"
    """It is on its way; a repeat under its key says so too."""
    NO_PAYMENT = "no_payment"
    """We took nothing for this order: it was not paid through us, or not yet."""
    TOO_MUCH = "too_much"
    """More than was taken and has not gone back."""
    KEY_CONFLICT = "key_conflict"
    """The key stands for another amount."""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """What a person may have to look into, for the operator."""

    kind: str
    """`payment`, `refund` or `mandate`."""
    household_id: str
    name: str
    """Order key, refund key or mandate id."""
    state: str
    reason: str
    provider_id: str | None
    """What to search for at the provider."""
    since: datetime
