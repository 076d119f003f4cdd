"""The list of orders, and the cards about orders that ask something on the first page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from zodra_cloud.payments.models import StoredPayment
from zodra_cloud.replenish.models import FollowUp, OrderView
from zodra_cloud.replenish.states import FollowUpState
from zodra_cloud.web.i18n import Speech
from zodra_cloud.web.views.orders import cards, words
from zodra_cloud.web.views.orders.pages import OrderLine, OrdersPage
from zodra_cloud.web.views.pages import AnswerChoice, FollowUpCard, Moment, PaymentCard


def orders_page(
    speech: Speech,
    views: Sequence[OrderView],
    limit: int,
    withdraw: Mapping[str, tuple[str, str]],
    now: datetime,
) -> OrdersPage:
    """Make the list; one order more than `limit` says that it goes on.

    Args:
        speech: of the reader.
        views: newest first.
        limit: how many one page shows.
        withdraw: for each order from which may be withdrawn: the control's words, until when.
        now: the instant.
    """
    shown = views[:limit]
    older = ""
    if len(views) > limit:
        last = shown[-1].order
        query = {"before": last.confirmed_at.isoformat(), "key": last.order_key}
        older = f"/orders?{urlencode(query)}"
    return OrdersPage(tuple(_line(speech, view, withdraw, now) for view in shown), older)


def _line(
    speech: Speech, view: OrderView, withdraw: Mapping[str, tuple[str, str]], now: datetime
) -> OrderLine:
    order = view.order
    label, until = withdraw.get(order.order_key, ("", ""))
    return OrderLine(
        address=address_of(order.order_key),
        product=cards.product_line(speech, view.snapshot),
        total=speech.money(order.total_minor, order.currency),
        seller=view.snapshot.merchant_name,
        when=Moment(speech.instant(order.confirmed_at, now), order.confirmed_at.isoformat()),
        state=cards.state_chip(speech, order.state),
        remark=late_sentence(speech, view),
        withdraw=label,
        withdraw_until=until,
    )


def address_of(order_key: str) -> str:
    """Give where the page of an order is."""
    return f"/orders/{order_key}"


def late_sentence(speech: Speech, view: OrderView) -> str:
    """Say that an order is late, what was promised, and what is promised now."""
    order = view.order
    if order.late_at is None:
        return ""
    said = [speech.say("It comes later than was promised.")]
    if order.delivered_at is not None:
        said = [speech.say("It came later than was promised.")]
    if order.promised_to_at is not None:
        said.append(
            speech.say("Promised was %(day)s at the latest.", day=speech.day(order.promised_to_at))
        )
    expected = order.delivery_to_at
    moved = expected is not None and expected != order.promised_to_at
    if order.delivered_at is None and expected is not None and moved:
        said.append(speech.say("Now expected by %(day)s.", day=speech.day(expected)))
    return " ".join(said)


def follow_up_card(
    speech: Speech, found: FollowUp, view: OrderView, now: datetime
) -> FollowUpCard | None:
    """Make the question "was it right?", or what was said; None once it expired unanswered."""
    if found.state is FollowUpState.EXPIRED:
        return None
    answered = found.state is FollowUpState.ANSWERED and found.answer is not None
    choices = () if answered else tuple(words.ANSWERS.items())
    return FollowUpCard(
        order_key=found.order_key,
        product=cards.product_line(speech, view.snapshot),
        when=speech.say("Delivered %(when)s", when=speech.instant(found.delivered_at, now)),
        choices=tuple(AnswerChoice(value.value, speech.say(text)) for value, text in choices),
        said=speech.say(words.ANSWERS[found.answer])
        if answered and found.answer is not None
        else "",
    )


def payment_card(
    speech: Speech, found: StoredPayment, product: str, now: datetime
) -> PaymentCard | None:
    """Make the card of a payment that waits for the household; None without a usable link."""
    address = outside(found.link_url)
    if not address:
        return None
    until = found.link_expires_at
    return PaymentCard(
        order_key=found.order_key,
        product=product,
        amount=speech.money(found.amount_minor, found.currency),
        address=address,
        until=None
        if until is None
        else Moment(
            speech.say("This holds until %(when)s.", when=speech.instant(until, now)),
            until.isoformat(),
        ),
    )


def outside(address: str | None) -> str:
    """Let an address of somebody else through if a browser may follow it, else give nothing."""
    if address is None:
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and parts.netloc else ""
