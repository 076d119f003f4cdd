"""The values that pages and other rooms see of decisions, quotes and orders.

Reasons are closed names (`policy.Reason`, `states.Ending`); putting them into words is the web's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.kit.changes import Changes
from zodra_cloud.replenish.policy import Fact, Reason, Verdict
from zodra_cloud.replenish.snapshot import Snapshot
from zodra_cloud.replenish.states import (
    Answer,
    FollowUpState,
    OrderEvent,
    OrderState,
    QuoteState,
)


@dataclass(frozen=True, slots=True)
class At:
    """When a move is made, and whom it tells."""

    now: datetime
    changes: Changes


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """One verdict as it was taken, with the facts it used."""

    household_id: str
    signal_id: str
    verdict: Verdict
    reason: Reason
    facts: dict[str, Fact]
    policy_version: str
    consent_id: int | None
    quote_id: str | None
    """The quote it opened, or holds on to."""
    follows: str | None
    """The signal whose quote it holds on to; what becomes of that becomes of this."""
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class StoredQuote:
    """One question or priced quote."""

    household_id: str
    quote_id: str
    signal_id: str
    round: int
    """1 for the first quote of a need; a price that changes leads to the next."""
    device_id: str
    slot_key: str
    purpose: str
    """Under whose consent it is made: `replenish`, or `offers` for an accepted offer."""
    order_key: str
    """The key of the order it may become."""
    sku: str
    quantity: int
    currency: str
    price_ceiling_minor: int | None
    state: QuoteState
    reason: str
    """Why it is asked (`Reason`), or why it ended (`Ending`)."""
    session_id: str | None
    snapshot: Snapshot | None
    """None until a shop has quoted."""
    snapshot_hash: str | None
    expires_at: datetime | None
    """Of the question while it is one, of the priced quote afterwards."""
    created_at: datetime
    state_at: datetime
    ended_by: str | None
    """The person who confirmed or declined."""
    agreement_id: str | None = None
    """The standing agreement under which it may become an order without another yes."""


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """One replenishment order."""

    household_id: str
    order_key: str
    """Also the reference and idempotency key at the shop."""
    quote_id: str
    signal_id: str
    device_id: str
    slot_key: str
    state: OrderState
    reason: str
    """An `Ending` once it failed or was cancelled; else a `ShopFault` while unknown, or empty."""
    session_id: str
    total_minor: int
    currency: str
    snapshot_hash: str
    confirmed_by: str
    confirmed_at: datetime
    label: str
    """The literal words of the control that was used: proof of the labelled yes."""
    language: str
    shop_order_id: str | None
    shop_revision: int
    delivery_from_at: datetime | None
    delivery_to_at: datetime | None
    carrier: str | None
    tracking_url: str | None
    unclear_since: datetime | None
    """When the shop's answer was first missing; stays as a record."""
    state_at: datetime
    agreement_id: str | None = None
    """The standing agreement under which it was placed; None if the household confirmed it."""
    place_at: datetime | None = None
    """No shop is asked before; until then the household cancels with one word."""
    promised_to_at: datetime | None = None
    """The end of the delivery window as it was confirmed."""
    late_at: datetime | None = None
    """When it was found to come, or to have come, later than promised."""
    delivered_at: datetime | None = None
    refunded_minor: int = 0
    """What went back in all, of the total."""
    cancel_wanted_at: datetime | None = None
    """When the household asked to cancel it, whatever came of that."""
    cancel_wanted_by: str | None = None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The question "was it right?" about one delivery."""

    household_id: str
    order_key: str
    device_id: str
    slot_key: str
    state: FollowUpState
    answer: Answer | None
    answered_by: str | None
    delivered_at: datetime
    state_at: datetime


class CancelAnswer(StrEnum):
    """What came of the household's wish to cancel, at once."""

    UNKNOWN_ORDER = "unknown_order"
    CANCELLED = "cancelled"
    """No shop had been asked yet."""
    ASKED = "asked"
    """The shop is asked; `cancelled` or `cancel_refused` follows."""
    TOO_LATE = "too_late"
    """It is on its way, delivered, or ended."""


@dataclass(frozen=True, slots=True)
class OrderStep:
    """One move of an order."""

    number: int
    event: OrderEvent | None
    """None for the confirmation itself."""
    state: OrderState
    source: str
    """`household`, `job`, `shop` or `operator`."""
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with what was ordered and how it came to stand there."""

    order: StoredOrder
    snapshot: Snapshot
    steps: tuple[OrderStep, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One need-moment of the timeline, with what became of it."""

    signal: StoredSignal
    decision: StoredDecision | None
    quote: StoredQuote | None
    """The newest one; for a need that holds on to another's quote, that one."""
    order: StoredOrder | None


class StepKind(StrEnum):
    """What a step of an explanation tells."""

    NEED = "need"
    DECISION = "decision"
    QUESTION = "question"
    QUOTE = "quote"
    CONFIRMATION = "confirmation"
    ORDER = "order"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Step:
    """One step between a need and its outcome."""

    kind: StepKind
    at: datetime
    name: str
    """A closed name: verdict, state or event."""
    reason: str
    """A closed name, or empty."""
    facts: dict[str, Fact]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a need ended, or stands, as it does."""

    line: Line
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """Where all needs of a household stand. Every need is in exactly one of the five counts."""

    household_id: str
    needs: int
    ordered: int
    """The shop has the order."""
    asked: int
    """A question, quote or offer waits for the household."""
    refused: int
    """Ended without an order, with a reason; `held` among them."""
    expired: int
    pending: int
    """Not decided, not quoted, or confirmed and not yet certain at the shop."""
    held: int
    """Of the refused: answered "already on its way" by an order of another need."""
    orders: int
    """Orders that the shop has, counted from the orders themselves."""
    unclear: int
    """Orders of which it is not known whether the shop has them."""

    @property
    def adds_up(self) -> bool:
        """Whether every need is counted once, and needs and orders agree."""
        counted = self.ordered + self.asked + self.refused + self.expired + self.pending
        return self.needs == counted and self.ordered == self.orders


class ConfirmRefusal(StrEnum):
    """Why a confirmation does not count, in order of precedence. A name is never reused."""

    UNKNOWN_QUOTE = "unknown_quote"
    MAY_NOT_CONFIRM = "may_not_confirm"
    """The slot names who may, and this person is not among them."""
    NO_CONSENT = "no_consent"
    EXPIRED = "expired"
    CLOSED = "closed"
    """Declined, or not priced yet."""
    CHANGED = "changed"
    """What the person saw is not what the quote says."""
    WRONG_LABEL = "wrong_label"
    """The control did not carry the words that the law asks for."""
    ALREADY_ON_ITS_WAY = "already_on_its_way"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The order that the confirmation made; the same for every repeat of it."""

    order_key: str


@dataclass(frozen=True, slots=True)
class NotConfirmed:
    """Nothing was ordered."""

    reason: ConfirmRefusal


@dataclass(frozen=True, slots=True)
class UnclearOrder:
    """An order that a person may have to look into, for the operator's page."""

    household_id: str
    order_key: str
    state: OrderState
    fault: str
    unclear_since: datetime
    merchant_id: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits within which every need ends. Raising one makes people wait longer."""

    country: str = "NL"
    """Where the households are; decides the VAT."""
    quote_lifetime: timedelta = timedelta(minutes=15)
    """At most; a shop may set less."""
    quoting_limit: timedelta = timedelta(minutes=10)
    """How long a shop that does not answer is asked for a price."""
    unknown_limit: timedelta = timedelta(minutes=15)
    """How long an order may be unknown before it needs a person."""
    call_off_allowed: bool = False
    """Whether the law of the country lets a press order under a standing agreement."""
    payment_limit: timedelta = timedelta(hours=24)
    """How long an order waits for its payment before it is given up."""
