"""What a payment provider can be asked, and the three kinds of answer: yes, no, and unknown.

A refusal is a value: the provider understood and said no, so no money moved. Unknown is a value
too: no answer that can be relied on came back, so anything may have happened.

Money is held in two steps. `prepare` makes a charge at the provider that moves nothing; its id is
stored; `authorize` then acts on that id. A charge is confirmed once, however often it is asked, so
exactly-once rests on our store and not on whether the provider honours idempotency keys.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from zodra_cloud.kit.money import Money


class PaymentRefusal(StrEnum):
    """Why a provider said no. A name is never reused."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT_EXCEEDED = "limit_exceeded"
    ISSUER_UNAVAILABLE = "issuer_unavailable"
    DECLINED = "declined"
    """By the bank, which did not say why."""
    AUTHENTICATION_REQUIRED = "authentication_required"
    """The bank wants to see the household approve it."""
    CARD_EXPIRED = "card_expired"
    CARD_BLOCKED = "card_blocked"
    """Lost, stolen, or the bank suspects fraud."""
    ACCOUNT_CLOSED = "account_closed"
    NOT_ALLOWED = "not_allowed"
    """This means of payment cannot be used for this, now or later."""
    MANDATE_GONE = "mandate_gone"
    NOT_FOUND = "not_found"
    WRONG_STATE = "wrong_state"
    """The charge is past that, or not there yet; ask how it stands."""
    NOT_REFUNDABLE = "not_refundable"
    UNAUTHORIZED = "unauthorized"
    """Our key is not accepted."""
    INVALID = "invalid"
    """The request itself: its amount, its currency, or a fault of ours."""


class PaymentFault(StrEnum):
    """Why an answer could not be had, or not be relied on. A name is never reused."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    SERVER_ERROR = "server_error"
    BUSY = "busy"
    OVERSIZED = "oversized"
    GARBLED = "garbled"
    """No JSON, or not of the agreed shape."""
    INCONSISTENT = "inconsistent"
    """Of the agreed shape, and wrong: another amount, another currency, another charge."""
    REDIRECTED = "redirected"
    FORBIDDEN_ADDRESS = "forbidden_address"
    """The provider's name leads where calls may not go; nothing was sent."""
    UNAUTHORIZED = "unauthorized"
    """Our key is not accepted, so nothing is known; an operator has to look."""
    REFUSED = "refused"
    """It says no to something that has to be possible; an operator has to look."""
    PROCESSING = "processing"
    """It works on it, and says the outcome later."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider said no; no money moved."""

    reason: PaymentRefusal


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is no answer to rely on; what was asked may or may not have been done."""

    fault: PaymentFault


class ChargeState(StrEnum):
    """Where the provider says that a charge stands."""

    PREPARED = "prepared"
    """Nothing has been asked of a bank."""
    ACTION = "action"
    """The household has to approve it."""
    PROCESSING = "processing"
    DECLINED = "declined"
    HELD = "held"
    CAPTURED = "captured"
    CANCELLED = "cancelled"
    """Also a hold that lapsed."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge as the provider tells it."""

    charge_id: str
    key: str
    """Ours: of the attempt."""
    state: ChargeState
    amount: Money
    decline: PaymentRefusal | None
    """The last no of a bank."""
    method_id: str | None
    """The provider's name of the means of payment; no card data."""
    method_kept: bool = False
    """It may be charged again without the household: that was asked for, and it agreed."""


class LinkState(StrEnum):
    """Where a page of the provider's stands that the household was sent to."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the provider's on which the household pays, or lets us pay later."""

    link_id: str
    url: str | None
    """None once it is closed."""
    state: LinkState
    key: str
    charge: Charge | None
    """Of a page to pay on, once the household has filled it in."""
    method_id: str | None
    """Of a page for a mandate, once it is complete."""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money on its way back."""

    refund_id: str
    key: str
    amount: Money
    failed: bool
    """The bank sent it back to us; a person has to find another way."""


@dataclass(frozen=True, slots=True)
class Paying:
    """What shall be paid, and by whom."""

    key: str
    """Of the attempt; the provider gets it as idempotency key and as metadata."""
    order_key: str
    payer_id: str
    """The provider's name of the household, which knows no name and no address."""
    amount: Money
    method_id: str | None = None
    """Under a mandate; None where the household chooses on the provider's page."""
    keep_method: bool = False
    """Whether what it chooses becomes a mandate; the provider's page says so to the household."""


@dataclass(frozen=True, slots=True)
class Page:
    """Where the household comes back to from a page of the provider's, and until when it is."""

    return_url: str
    expires_at: datetime
    language: str


class MandateStatus(StrEnum):
    """Whether the provider still lets us use a means of payment."""

    LIVE = "live"
    GONE = "gone"


class Provider(Protocol):
    """One provider. Every call blocks for a bounded time and never raises for what it does."""

    def close(self) -> None:
        """Close the connections."""
        ...

    def payer(self, key: str) -> str | Refused | Unknown:
        """Make the provider's record of a household; a second one would be harmless."""
        ...

    def prepare(self, paying: Paying) -> Charge | Refused | Unknown:
        """Make a charge under a mandate that moves nothing yet."""
        ...

    def authorize(self, charge_id: str, paying: Paying) -> Charge | Refused | Unknown:
        """Hold the money of a prepared charge, without the household present."""
        ...

    def find(self, paying: Paying, since: datetime) -> Charge | Refused | Unknown:
        """Ask for the charge that carries our key; `not_found` if there is none since then."""
        ...

    def charge(self, charge_id: str, paying: Paying) -> Charge | Refused | Unknown:
        """Ask how a charge stands."""
        ...

    def capture(self, charge_id: str, paying: Paying) -> Charge | Refused | Unknown:
        """Take all of what is held. A repeat is harmless."""
        ...

    def void(self, charge_id: str, paying: Paying) -> Charge | Refused | Unknown:
        """Let go of what is held, or end a charge that came to nothing. A repeat is harmless."""
        ...

    def refund(self, charge_id: str, key: str, amount: Money) -> Refund | Refused | Unknown:
        """Give money back. Ask `find_refund` before a repeat."""
        ...

    def find_refund(self, charge_id: str, key: str) -> Refund | Refused | Unknown:
        """Ask for the refund that carries our key; `not_found` if there is none."""
        ...

    def pay_link(self, paying: Paying, page: Page) -> Link | Refused | Unknown:
        """Make a page on which the household approves a charge, and lets us charge later."""
        ...

    def mandate_link(self, payer_id: str, key: str, page: Page) -> Link | Refused | Unknown:
        """Make a page on which the household lets us charge later, and pays nothing now."""
        ...

    def link(self, link_id: str, paying: Paying | None) -> Link | Refused | Unknown:
        """Ask how a page stands; `paying` for a page to pay on."""
        ...

    def close_link(self, link_id: str, paying: Paying | None) -> Link | Refused | Unknown:
        """Close a page; one that was completed stays so."""
        ...

    def mandate_status(self, payer_id: str, method_id: str) -> MandateStatus | Refused | Unknown:
        """Ask whether a means of payment can still be used."""
        ...

    def revoke(self, payer_id: str, method_id: str) -> MandateStatus | Refused | Unknown:
        """Make the provider forget a means of payment. A repeat is harmless."""
        ...
