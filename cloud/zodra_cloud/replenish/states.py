"""How a quote, an order and its follow-up may move: tables for the service, tests and docs.

An event that a table does not name for a state changes nothing: events arrive late, twice and out
of order, from jobs, from the shop and from people.
"""

from enum import StrEnum
from typing import Final

from zodra_contract.outcome import SignalState


class QuoteState(StrEnum):
    """Where a quote stands."""

    QUESTION = "question"
    """The household is asked whether the need is there; no shop has been asked yet."""
    REQUESTED = "requested"
    """A shop is asked for the price."""
    OPEN = "open"
    """The priced quote waits for the household."""
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    EXPIRED = "expired"
    REFUSED = "refused"
    """No shop could quote, or the consent was withdrawn."""


class QuoteEvent(StrEnum):
    """What can happen to a quote."""

    WANTED = "wanted"
    """The household says that the need is there."""
    QUOTED = "quoted"
    CONFIRM = "confirm"
    CALL_OFF = "call_off"
    """A contract that the household concluded covers it, so it is ordered without another yes."""
    DECLINE = "decline"
    EXPIRE = "expire"
    REFUSE = "refuse"


QUOTE_TRANSITIONS: Final = {
    (QuoteState.QUESTION, QuoteEvent.WANTED): QuoteState.REQUESTED,
    (QuoteState.QUESTION, QuoteEvent.DECLINE): QuoteState.DECLINED,
    (QuoteState.QUESTION, QuoteEvent.EXPIRE): QuoteState.EXPIRED,
    (QuoteState.QUESTION, QuoteEvent.REFUSE): QuoteState.REFUSED,
    (QuoteState.REQUESTED, QuoteEvent.QUOTED): QuoteState.OPEN,
    (QuoteState.REQUESTED, QuoteEvent.REFUSE): QuoteState.REFUSED,
    (QuoteState.OPEN, QuoteEvent.CONFIRM): QuoteState.CONFIRMED,
    (QuoteState.OPEN, QuoteEvent.CALL_OFF): QuoteState.CONFIRMED,
    (QuoteState.OPEN, QuoteEvent.DECLINE): QuoteState.DECLINED,
    (QuoteState.OPEN, QuoteEvent.EXPIRE): QuoteState.EXPIRED,
    (QuoteState.OPEN, QuoteEvent.REFUSE): QuoteState.REFUSED,
}

QUOTE_WAITS: Final = frozenset({QuoteState.QUESTION, QuoteState.REQUESTED, QuoteState.OPEN})
"""At most one of these per slot; a second need on the slot holds on to it."""


class OrderState(StrEnum):
    """Where an order stands."""

    CONFIRMED = "confirmed"
    SUBMITTING = "submitting"
    """The shop is being asked; whoever finds an order here after a crash treats it as unknown."""
    UNKNOWN = "unknown"
    """The shop may or may not have it. It is asked under the same key, never with a new one."""
    NEEDS_PERSON = "needs_person"
    """Unknown for too long: on the operator's page, while the shop is still asked at leisure."""
    PLACED = "placed"
    CANCELLING = "cancelling"
    """The household wants it cancelled, and the shop is being asked; it may be too late."""
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OrderEvent(StrEnum):
    """What can happen to an order."""

    SUBMIT = "submit"
    UNCLEAR = "unclear"
    GIVE_UP = "give_up"
    PLACED = "placed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    WANT_CANCEL = "want_cancel"
    """The household wants it cancelled."""
    TOO_LATE = "too_late"
    """The shop does not cancel it any more."""
    LATE = "late"
    """It comes later than was promised; a step of its history that moves it nowhere."""
    REFUSED = "refused"
    """By the shop, or by the operator who found that the shop does not have it."""


class OrderNews(StrEnum):
    """What other rooms hear of an order (`hooks`). A name is never reused."""

    CONFIRMED = "confirmed"
    """It exists, under the household's yes or its agreement; no shop has been asked."""
    PLACED = "placed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    FAILED = "failed"
    NEEDS_PERSON = "needs_person"
    LATE = "late"
    """It will come, or has come, later than was promised; said once."""
    CANCEL_REFUSED = "cancel_refused"
    """The household wanted to cancel and the shop had sent it already."""
    REFUNDED = "refunded"
    """More of the money went back than before."""
    FOLLOW_UP = "follow_up"
    """The household is asked, once, whether it was right."""
    ANSWERED = "answered"
    """It said so; the follow-up holds the answer."""


_UNSURE: Final = (OrderState.SUBMITTING, OrderState.UNKNOWN, OrderState.NEEDS_PERSON)

ORDER_TRANSITIONS: Final = {
    (OrderState.CONFIRMED, OrderEvent.SUBMIT): OrderState.SUBMITTING,
    # Before any shop was asked: the payment was declined, or not completed in time.
    (OrderState.CONFIRMED, OrderEvent.REFUSED): OrderState.FAILED,
    (OrderState.CONFIRMED, OrderEvent.CANCELLED): OrderState.CANCELLED,
    (OrderState.PLACED, OrderEvent.WANT_CANCEL): OrderState.CANCELLING,
    (OrderState.CANCELLING, OrderEvent.TOO_LATE): OrderState.PLACED,
    (OrderState.SUBMITTING, OrderEvent.UNCLEAR): OrderState.UNKNOWN,
    (OrderState.UNKNOWN, OrderEvent.GIVE_UP): OrderState.NEEDS_PERSON,
    **{(state, OrderEvent.PLACED): OrderState.PLACED for state in _UNSURE},
    **{(state, OrderEvent.REFUSED): OrderState.FAILED for state in _UNSURE},
    # The shop's own word about an order proves that it was placed, however far behind we are.
    **{
        (state, event): reached
        for state in (*_UNSURE, OrderState.PLACED, OrderState.CANCELLING)
        for event, reached in (
            (OrderEvent.SHIPPED, OrderState.SHIPPED),
            (OrderEvent.DELIVERED, OrderState.DELIVERED),
            (OrderEvent.CANCELLED, OrderState.CANCELLED),
        )
    },
    (OrderState.SHIPPED, OrderEvent.DELIVERED): OrderState.DELIVERED,
}

ORDER_OPEN: Final = frozenset(
    {
        OrderState.CONFIRMED,
        OrderState.SUBMITTING,
        OrderState.UNKNOWN,
        OrderState.NEEDS_PERSON,
        OrderState.PLACED,
        OrderState.CANCELLING,
        OrderState.SHIPPED,
    }
)
"""At most one of these per slot, held by a unique index; a second need is already on its way."""

AT_SHOP: Final = frozenset(
    {OrderState.PLACED, OrderState.CANCELLING, OrderState.SHIPPED, OrderState.DELIVERED}
)
"""The shop has said that it has the order."""

NEVER_BOUGHT: Final = frozenset({OrderState.FAILED, OrderState.CANCELLED})
"""What counts for no cap, no cooldown and no frequency."""

SIGNAL_STATES: Final = {
    OrderState.CONFIRMED: SignalState.ORDERING,
    OrderState.SUBMITTING: SignalState.ORDERING,
    OrderState.UNKNOWN: SignalState.ORDERING,
    OrderState.NEEDS_PERSON: SignalState.ORDERING,
    OrderState.PLACED: SignalState.ORDERED,
    OrderState.CANCELLING: SignalState.ORDERED,
    OrderState.SHIPPED: SignalState.SHIPPED,
    OrderState.DELIVERED: SignalState.DELIVERED,
    OrderState.FAILED: SignalState.REFUSED,
    OrderState.CANCELLED: SignalState.REFUSED,
}
"""What the household hears about its need while the order stands there."""


class FollowUpState(StrEnum):
    """Where the question "was it right?" about a delivery stands."""

    DUE = "due"
    """Not asked yet; an answer counts all the same."""
    ASKED = "asked"
    ANSWERED = "answered"
    EXPIRED = "expired"


class FollowUpEvent(StrEnum):
    """What can happen to it."""

    ASK = "ask"
    ANSWER = "answer"
    EXPIRE = "expire"


FOLLOW_UP_TRANSITIONS: Final = {
    (FollowUpState.DUE, FollowUpEvent.ASK): FollowUpState.ASKED,
    (FollowUpState.DUE, FollowUpEvent.ANSWER): FollowUpState.ANSWERED,
    (FollowUpState.ASKED, FollowUpEvent.ANSWER): FollowUpState.ANSWERED,
    (FollowUpState.ASKED, FollowUpEvent.EXPIRE): FollowUpState.EXPIRED,
}


class Answer(StrEnum):
    """What the household says of a delivery; a label for its forecasts. Never reused."""

    YES = "yes"
    NOT_NEEDED = "not_needed"
    WRONG_PRODUCT = "wrong_product"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"


class Ending(StrEnum):
    """Why a quote or an order ended without a delivery, as people are told. Never reused."""

    OUT_OF_STOCK = "out_of_stock"
    UNKNOWN_ITEM = "unknown_item"
    PRICE_CHANGED = "price_changed"
    """A new quote follows, and has to be confirmed anew."""
    QUOTE_EXPIRED = "quote_expired"
    QUESTION_EXPIRED = "question_expired"
    DECLINED = "declined"
    """By the household."""
    CONSENT_WITHDRAWN = "consent_withdrawn"
    PAYMENT_DECLINED = "payment_declined"
    PAYMENT_NOT_COMPLETED = "payment_not_completed"
    """The household was asked to approve the payment and did not within the limit."""
    SHOP_REFUSED = "shop_refused"
    """For another reason of its own, which the operator can read."""
    SHOP_UNAVAILABLE = "shop_unavailable"
    """No shop could quote within the limit."""
    OVER_SPEND_CAP = "over_spend_cap"
    """Its price would have passed what the slot may cost in a day."""
    CANCELLED_BY_HOUSEHOLD = "cancelled_by_household"
    CANCELLED_BY_SHOP = "cancelled_by_shop"
    NOT_AT_SHOP = "not_at_shop"
    """A person found out that the shop does not have an order that was unknown."""


QUOTED_ANEW: Final = frozenset({Ending.PRICE_CHANGED, Ending.QUOTE_EXPIRED})
"""When the shop refuses an order for one of these, the household gets a new quote."""

ROUNDS_MAX: Final = 3
"""How many quotes one need may get; then it is refused, and the household can press again."""


def next_quote_state(state: QuoteState, event: QuoteEvent) -> QuoteState | None:
    """Look up where an event takes a quote; None if it changes nothing."""
    return QUOTE_TRANSITIONS.get((state, event))


_ROAD: Final = (OrderState.PLACED, OrderState.SHIPPED, OrderState.DELIVERED)
_ROAD_NEWS: Final = (OrderNews.PLACED, OrderNews.SHIPPED, OrderNews.DELIVERED)
_OTHER_NEWS: Final = {
    OrderState.NEEDS_PERSON: (OrderNews.NEEDS_PERSON,),
    OrderState.FAILED: (OrderNews.FAILED,),
    OrderState.CANCELLED: (OrderNews.CANCELLED,),
}


def order_news(before: OrderState, after: OrderState) -> tuple[OrderNews, ...]:
    """Give what other rooms hear of a move, in order.

    A shop's word may skip steps (delivered, of an order that was unknown): the news never does,
    so that whoever captures on shipping captures.
    """
    if after not in _ROAD:
        return _OTHER_NEWS.get(after, ())
    before = OrderState.PLACED if before is OrderState.CANCELLING else before
    passed = _ROAD.index(before) + 1 if before in _ROAD else 0
    return _ROAD_NEWS[passed : _ROAD.index(after) + 1]


def next_order_state(state: OrderState, event: OrderEvent) -> OrderState | None:
    """Look up where an event takes an order; None if it changes nothing."""
    return ORDER_TRANSITIONS.get((state, event))


def next_follow_up_state(state: FollowUpState, event: FollowUpEvent) -> FollowUpState | None:
    """Look up where an event takes a follow-up; None if it changes nothing."""
    return FOLLOW_UP_TRANSITIONS.get((state, event))
