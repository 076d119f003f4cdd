"""Quotes, questions and orders, as cards."""

from datetime import datetime, timedelta
from typing import Final

from zodra_cloud.law.policy.period import Exclusion, period_end, terms_of
from zodra_cloud.replenish.models import OrderView, StoredOrder, StoredQuote
from zodra_cloud.replenish.policy import Reason
from zodra_cloud.replenish.snapshot import Snapshot
from zodra_cloud.replenish.states import OrderState, QuoteState
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views import words
from zodra_cloud.web.views.pages import Chip, Moment, OrderCard, QuestionCard, QuoteCard, Step, Tone

_STEPS: Final[tuple[tuple[frozenset[OrderState], str], ...]] = (
    (frozenset({OrderState.PLACED, OrderState.CANCELLING}), mark("Ordered")),
    (frozenset({OrderState.SHIPPED}), mark("Shipped")),
    (frozenset({OrderState.DELIVERED}), mark("Delivered")),
)
_REACHED: Final[dict[OrderState, int]] = {
    OrderState.CONFIRMED: 0,
    OrderState.SUBMITTING: 0,
    OrderState.UNKNOWN: 0,
    OrderState.NEEDS_PERSON: 0,
    OrderState.PLACED: 1,
    OrderState.CANCELLING: 1,
    OrderState.SHIPPED: 2,
    OrderState.DELIVERED: 3,
    OrderState.FAILED: 0,
    OrderState.CANCELLED: 0,
}
"""How many of the steps above are behind an order in each state."""

_ORDERS: Final[dict[OrderState, tuple[Tone, str, str]]] = {
    OrderState.CONFIRMED: (Tone.BUSY, mark("ordering"), mark("We pass your order on")),
    OrderState.SUBMITTING: (Tone.BUSY, mark("ordering"), mark("We pass your order on")),
    OrderState.UNKNOWN: (Tone.WAIT, mark("checking"), mark("We check whether the shop has it")),
    OrderState.NEEDS_PERSON: (
        Tone.WAIT,
        mark("checking"),
        mark("Someone is finding out how your order stands"),
    ),
    OrderState.PLACED: (Tone.BUSY, mark("ordered"), mark("The shop has your order")),
    OrderState.CANCELLING: (
        Tone.WAIT,
        mark("cancelling"),
        mark("We ask the shop to cancel your order"),
    ),
    OrderState.SHIPPED: (Tone.BUSY, mark("under way"), mark("Your order is on its way")),
    OrderState.DELIVERED: (Tone.GOOD, mark("delivered"), mark("Your order was delivered")),
    OrderState.FAILED: (Tone.BAD, mark("not ordered"), mark("Nothing was ordered")),
    OrderState.CANCELLED: (Tone.BAD, mark("cancelled"), mark("Your order was cancelled")),
}
"""Chip and headline of an order in each state."""

_REMARKS: Final[dict[OrderState, str]] = {
    OrderState.UNKNOWN: mark(
        "The shop did not answer clearly. We keep asking about this one order; "
        "it is never ordered twice."
    ),
    OrderState.NEEDS_PERSON: mark(
        "The shop has not answered clearly for a long time. Please do not order it again yet."
    ),
}
_REMARKED: Final = frozenset(
    {
        *(Reason.PRICE_ABOVE_CEILING, Reason.STALE),
        *(Reason.BUYING_PAUSED, Reason.UNAUTHENTICATED),
    }
)


def quote_card(
    speech: Speech, quote: StoredQuote, snapshot: Snapshot, because: str, now: datetime
) -> QuoteCard:
    """Make the card of a priced quote: all that must be said right before an order."""
    currency = snapshot.currency
    left_s = (snapshot.expires_at - now).total_seconds()
    return QuoteCard(
        quote_id=quote.quote_id,
        snapshot_hash=quote.snapshot_hash or "",
        because=because,
        product=snapshot.title(speech.language),
        quantity=speech.number(snapshot.quantity),
        unit_price=speech.money(snapshot.unit_price_minor, currency),
        shipping=speech.money(snapshot.shipping_minor, currency)
        if snapshot.shipping_minor
        else speech.say("free"),
        vat=speech.say(
            "includes %(vat)s VAT and all shipping", vat=speech.money(snapshot.vat_minor, currency)
        ),
        total=speech.money(snapshot.total_minor, currency),
        delivery=delivery_window(speech, snapshot.delivery_from_at, snapshot.delivery_to_at),
        seller=snapshot.merchant_name,
        withdrawal=withdrawal(speech, snapshot),
        expires=Moment(
            speech.say(
                "This price holds until %(when)s.", when=_until(speech, snapshot.expires_at, now)
            ),
            snapshot.expires_at.isoformat(),
        ),
        expires_in=speech.say("%(span)s left", span=speech.span(left_s)),
        remark=words.reason(speech, quote.reason) if quote.reason in _REMARKED else "",
    )


def question_card(speech: Speech, quote: StoredQuote, product: str, because: str) -> QuestionCard:
    """Make the card of a need that has no price to show yet."""
    asked = quote.state is QuoteState.QUESTION
    return QuestionCard(
        quote_id=quote.quote_id,
        title=speech.say("Is this still needed: %(product)s?", product=product)
        if asked
        else product,
        because=because,
        remark=words.reason(speech, quote.reason) if asked else "",
        waits_for_shop=not asked,
    )


def order_card(speech: Speech, view: OrderView, now: datetime) -> OrderCard:
    """Make the card of an order with its steps."""
    order, snapshot = view.order, view.snapshot
    _tone, _chip, headline = _ORDERS[order.state]
    return OrderCard(
        order_id=order.order_key,
        headline=speech.say(headline),
        product=product_line(speech, snapshot),
        total=speech.say(
            "%(total)s in total", total=speech.money(order.total_minor, order.currency)
        ),
        seller=snapshot.merchant_name,
        reference=speech.say("Order %(number)s", number=order.shop_order_id)
        if order.shop_order_id
        else "",
        state=state_chip(speech, order.state),
        steps=_steps(speech, view, now),
        remark=_remark(speech, order),
        hint=_hint(speech, order, snapshot),
    )


def state_chip(speech: Speech, state: OrderState) -> Chip:
    """Say the state of an order in one or two words."""
    tone, chip, _headline = _ORDERS[state]
    return Chip(speech.say(chip), tone)


def product_line(speech: Speech, snapshot: Snapshot) -> str:
    """Write product and quantity."""
    title = snapshot.title(speech.language)
    if snapshot.quantity == 1:
        return title
    return speech.say("%(n)s times %(product)s", n=speech.number(snapshot.quantity), product=title)


def delivery_window(speech: Speech, start: datetime, end: datetime) -> str:
    """Write the days between which it is delivered."""
    first, last = speech.day(start), speech.day(end)
    if first == last:
        return first
    return speech.say("%(first)s to %(last)s", first=first, last=last)


def withdrawal(speech: Speech, snapshot: Snapshot) -> str:
    """Write the terms of withdrawal."""
    given = terms_of(snapshot.returns_days, snapshot.returns_sealed_only)
    if given.exclusion is Exclusion.PERISHABLE:
        return speech.say("This cannot be returned.")
    if given.exclusion is Exclusion.SEALED_HYGIENE:
        return speech.count(
            "You may return it within %(n)s day of delivery, as long as the seal is unbroken.",
            "You may return it within %(n)s days of delivery, as long as the seal is unbroken.",
            given.days,
        )
    return speech.count(
        "You may return it within %(n)s day of delivery, without giving a reason.",
        "You may return it within %(n)s days of delivery, without giving a reason.",
        given.days,
    )


def _until(speech: Speech, at: datetime, now: datetime) -> str:
    same_day = at.astimezone(speech.zone).date() == now.astimezone(speech.zone).date()
    return speech.clock(at) if same_day else speech.instant(at, now)


def _steps(speech: Speech, view: OrderView, now: datetime) -> tuple[Step, ...]:
    if view.order.state in (OrderState.FAILED, OrderState.CANCELLED):
        return ()
    reached = _REACHED[view.order.state]
    texts = {
        "done": speech.say("done"),
        "now": speech.say("now"),
        "next": speech.say("still to come"),
    }
    steps: list[Step] = []
    for index, (states, name) in enumerate(_STEPS):
        begun = index == reached == 0
        state = "done" if index < reached else "now" if begun else "next"
        at = next((step.at for step in view.steps if step.state in states), None)
        when = "" if at is None or state != "done" else speech.instant(at, now)
        if index == 2 and state == "next" and reached:
            when = _expected(speech, view.order)
        current = index == max(0, reached - 1)
        steps.append(Step(speech.say(name), state, texts[state], when, current))
    return tuple(steps)


def _expected(speech: Speech, order: StoredOrder) -> str:
    if order.delivery_to_at is None:
        return ""
    return speech.say("by %(day)s", day=speech.short_day(order.delivery_to_at))


def _remark(speech: Speech, order: StoredOrder) -> str:
    if order.state in (OrderState.FAILED, OrderState.CANCELLED):
        return words.reason(speech, order.reason)
    found = _REMARKS.get(order.state)
    return speech.say(found) if found else ""


def _hint(speech: Speech, order: StoredOrder, snapshot: Snapshot) -> str:
    given = terms_of(snapshot.returns_days, snapshot.returns_sealed_only)
    if order.state is OrderState.DELIVERED and given.days > 0:
        delivered_at = order.delivered_at or order.state_at
        ends_at = period_end(delivered_at, given.days, speech.zone, delivered_at)
        until = ends_at - timedelta(seconds=1)
        return speech.say("You may return it until %(day)s.", day=speech.day(until))
    return ""
