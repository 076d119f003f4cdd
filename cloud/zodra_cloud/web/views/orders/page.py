"""One order: where it stands, what can still be done about it, and everything to keep."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from zodra_cloud.channels.models import Letter
from zodra_cloud.law.service import Choice
from zodra_cloud.payments.models import StoredPayment
from zodra_cloud.payments.states import PaymentState
from zodra_cloud.replenish.models import FollowUp, OrderStep, OrderView
from zodra_cloud.replenish.states import OrderEvent, OrderState
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views import words as plain_words
from zodra_cloud.web.views.orders import cards, withdrawing, words
from zodra_cloud.web.views.orders.listing import (
    address_of,
    follow_up_card,
    late_sentence,
    outside,
    payment_card,
)
from zodra_cloud.web.views.orders.pages import Happening, LetterRow, OrderPage
from zodra_cloud.web.views.pages import Fact, Moment
from zodra_cloud.web.views.timeline import NAMES

_CANCEL: Final[dict[OrderState, str]] = {
    OrderState.CONFIRMED: mark("No shop has been asked yet, so it is cancelled at once."),
    OrderState.SUBMITTING: mark("We ask the shop to cancel it as soon as the shop has answered."),
    OrderState.UNKNOWN: mark("We ask the shop to cancel it as soon as the shop has answered."),
    OrderState.NEEDS_PERSON: mark("We ask the shop to cancel it as soon as the shop has answered."),
    OrderState.PLACED: mark("We ask the shop to cancel it. It can be too late for that."),
}
"""From which states an order can be cancelled, and what comes of it."""

_HAPPENED: Final[dict[OrderEvent, str]] = {
    OrderEvent.SUBMIT: mark("We sent the order to the shop."),
    OrderEvent.UNCLEAR: mark("The shop did not answer clearly, so we asked it again."),
    OrderEvent.PLACED: mark("The shop confirmed the order."),
    OrderEvent.REFUSED: mark("It was not ordered."),
}


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """Everything that was read for the page of one order, at one instant."""

    view: OrderView
    follow_up: FollowUp | None
    payment: StoredPayment | None
    choice: Choice
    """What may be withdrawn from."""
    withdraw_label: str
    """The literal words of the first step."""
    letters: Sequence[Letter]
    proof: bool


def order_page(speech: Speech, facts: OrderFacts, now: datetime) -> OrderPage:
    """Make the page of one order."""
    view = facts.view
    order = view.order
    address = address_of(order.order_key)
    product = cards.product_line(speech, view.snapshot)
    card = replace(cards.order_card(speech, view, now), hint="")
    follow_up = facts.follow_up
    waits = facts.payment is not None and facts.payment.state is PaymentState.ACTION
    payment = payment_card(speech, facts.payment, product, now) if waits and facts.payment else None
    wanted = order.cancel_wanted_at is not None
    return OrderPage(
        address=address,
        card=card,
        late=late_sentence(speech, view),
        payment=payment,
        payment_said=""
        if facts.payment is None
        else speech.say(words.PAYMENTS[facts.payment.state]),
        pay_otherwise=facts.payment is not None and facts.payment.state in words.NOT_BY_LINK,
        follow_up=None if follow_up is None else follow_up_card(speech, follow_up, view, now),
        cancel=speech.say(_CANCEL[order.state]) if order.state in _CANCEL and not wanted else "",
        facts=_facts(speech, view, now),
        tracking=outside(order.tracking_url),
        history=tuple(_happening(speech, view, step, now) for step in view.steps),
        withdrawal=withdrawing.box(speech, facts.choice, facts.withdraw_label, now),
        letters=tuple(_letter(speech, address, letter, now) for letter in facts.letters),
        proof=f"{address}/proof" if facts.proof else "",
        why=f"/needs/{order.signal_id}/why",
        announcement=f"{card.headline}. {product}",
    )


def _facts(speech: Speech, view: OrderView, now: datetime) -> tuple[Fact, ...]:
    order, snapshot = view.order, view.snapshot
    pairs = [
        (speech.say("Ordered"), speech.instant(order.confirmed_at, now)),
        (speech.say("Your yes"), _yes(speech, view)),
        (speech.say("Price each"), speech.money(snapshot.unit_price_minor, snapshot.currency)),
        (
            speech.say("Shipping"),
            speech.money(snapshot.shipping_minor, snapshot.currency)
            if snapshot.shipping_minor
            else speech.say("free"),
        ),
        (speech.say("Total"), speech.money(order.total_minor, order.currency)),
        (speech.say("Of which VAT"), speech.money(snapshot.vat_minor, snapshot.currency)),
        (speech.say("Promised"), _promised(speech, view)),
        (speech.say("Delivered"), _maybe(speech, order.delivered_at, now)),
        (speech.say("Carrier"), order.carrier or ""),
        (speech.say("Sold by"), snapshot.merchant_name),
        (speech.say("Order number at the shop"), order.shop_order_id or ""),
        (
            speech.say("Paid back"),
            speech.money(order.refunded_minor, order.currency) if order.refunded_minor else "",
        ),
    ]
    return tuple(Fact(name, value) for name, value in pairs if value)


def _yes(speech: Speech, view: OrderView) -> str:
    if view.order.agreement_id is not None:
        return speech.say("within your agreement")
    return speech.say("“%(label)s”", label=view.order.label)


def _promised(speech: Speech, view: OrderView) -> str:
    order, snapshot = view.order, view.snapshot
    end = order.promised_to_at or snapshot.delivery_to_at
    return cards.delivery_window(speech, min(snapshot.delivery_from_at, end), end)


def _maybe(speech: Speech, at: datetime | None, now: datetime) -> str:
    return "" if at is None else speech.instant(at, now)


def _happening(speech: Speech, view: OrderView, step: OrderStep, now: datetime) -> Happening:
    return Happening(
        _sentence(speech, view, step), Moment(speech.instant(step.at, now), step.at.isoformat())
    )


def _sentence(speech: Speech, view: OrderView, step: OrderStep) -> str:
    if step.event is None:
        basis = "call_off" if view.order.agreement_id is not None else "confirmed"
        return speech.say(NAMES[basis])
    if step.event in _HAPPENED:
        said = speech.say(_HAPPENED[step.event])
    else:
        said = plain_words.named(speech, NAMES, step.event.value)
    known = step.detail in plain_words.REASONS and step.event is not OrderEvent.LATE
    return f"{said} {plain_words.reason(speech, step.detail)}" if known else said


def _letter(speech: Speech, address: str, letter: Letter, now: datetime) -> LetterRow:
    if letter.accepted_at is not None:
        sentence = speech.say("Mailed to you.")
    elif letter.fetched_at is not None:
        sentence = speech.say("You have kept it.")
    else:
        sentence = speech.say("Not mailed; please keep a copy.")
    return LetterRow(
        action=f"{address}/letters/{letter.letter_id}",
        title=speech.say(words.LETTERS[letter.kind]),
        when=Moment(speech.instant(letter.caused_at, now), letter.caused_at.isoformat()),
        sentence=sentence,
    )
