"""The right to withdraw: its first step on the page of an order, and the page of its second."""

from datetime import datetime, timedelta

from zodra_cloud.law.service import Choice, NotPossible, Refusal, Withdrawal, WithdrawalState
from zodra_cloud.web.i18n import Speech
from zodra_cloud.web.views import words as plain_words
from zodra_cloud.web.views.orders import cards, words
from zodra_cloud.web.views.orders.listing import address_of
from zodra_cloud.web.views.orders.pages import PastWithdrawal, WithdrawalBox, WithdrawPage
from zodra_cloud.web.views.pages import Chip, Fact, Moment


def last_day(ends_at: datetime) -> datetime:
    """Give an instant of the last day of a period that is over at an instant."""
    return ends_at - timedelta(seconds=1)


def box(speech: Speech, choice: Choice, label: str, now: datetime) -> WithdrawalBox | None:
    """Make the first step, visible for as long as the right lasts; None where nothing was bought.

    Args:
        speech: of the reader.
        choice: what may be withdrawn from.
        label: the literal words of the first step.
        now: the instant.
    """
    if choice.not_possible is NotPossible.NO_CONTRACT and not choice.withdrawals:
        return None
    return WithdrawalBox(
        address=f"{address_of(choice.order.order_key)}/withdraw",
        label=label if choice.not_possible is None else "",
        sentence=sentence(speech, choice, now),
        past=tuple(_past(speech, each, now) for each in choice.withdrawals),
    )


def sentence(speech: Speech, choice: Choice, now: datetime) -> str:
    """Say until when a household may withdraw, or why it may not."""
    if choice.not_possible is not None:
        return speech.say(words.NOT_POSSIBLE[choice.not_possible])
    if choice.ends_at is None:
        said = speech.count(
            "You may withdraw from now until %(n)s day after the delivery.",
            "You may withdraw from now until %(n)s days after the delivery.",
            choice.terms.days,
        )
    else:
        said = speech.say(
            "You may withdraw until the end of %(day)s.",
            day=speech.day_of(last_day(choice.ends_at), now),
        )
    reason = speech.say("No reason is asked.")
    if choice.terms.exclusion is not None:
        reason = speech.say("The seal has to be unbroken.")
    return f"{said} {reason}"


def _past(speech: Speech, found: Withdrawal, now: datetime) -> PastWithdrawal:
    tone, text = words.WITHDRAWALS[found.state]
    said = [
        speech.say(
            "%(money)s comes back by %(day)s at the latest.",
            money=speech.money(found.refund_minor, found.currency),
            day=speech.day_of(found.refund_by_at, now),
        )
    ]
    if found.state is WithdrawalState.REFUNDED:
        paid = speech.money(found.refund_minor, found.currency)
        said = [speech.say("%(money)s was paid back.", money=paid)]
    if found.state is WithdrawalState.REFUSED:
        known = found.reason in set(Refusal)
        said = [
            speech.say(words.TURNED_DOWN[Refusal(found.reason)])
            if known
            else plain_words.plain(found.reason)
        ]
    count = speech.count(
        "You withdrew from %(n)s piece.", "You withdrew from %(n)s pieces.", found.quantity
    )
    waiting = found.state in (WithdrawalState.DECLARED, WithdrawalState.ACKNOWLEDGED)
    return PastWithdrawal(
        sentence=" ".join([count, *said]),
        state=Chip(speech.say(text), tone),
        when=Moment(speech.instant(found.declared_at, now), found.declared_at.isoformat()),
        may_say_sent=waiting and found.goods_back_at is None,
    )


def withdraw_page(
    speech: Speech,
    choice: Choice,
    label: str,
    now: datetime,
    *,
    typed: str | None = None,
    fault: NotPossible | None = None,
) -> WithdrawPage:
    """Make the second step.

    Args:
        speech: of the reader.
        choice: what may be withdrawn from.
        label: the literal words of the control that declares it.
        now: the instant.
        typed: the number of a form that was not taken.
        fault: why it was not.
    """
    order, snapshot = choice.order, choice.snapshot
    quantity = choice.left
    if typed is not None and typed.isascii() and typed.isdigit():
        quantity = int(typed[:6])
    return WithdrawPage(
        back=address_of(order.order_key),
        action=f"{address_of(order.order_key)}/withdraw",
        title=speech.say("Withdraw from the contract"),
        product=cards.product_line(speech, snapshot),
        sentence=sentence(speech, choice, now),
        facts=(
            Fact(speech.say("Order"), order.order_key),
            Fact(speech.say("Ordered"), speech.instant(order.confirmed_at, now)),
            Fact(speech.say("Sold by"), snapshot.merchant_name),
            Fact(speech.say("Total"), speech.money(order.total_minor, order.currency)),
        ),
        possible=choice.not_possible is None,
        label=label,
        quantity=quantity,
        left=choice.left,
        withdrawn=choice.withdrawn,
        note=speech.say("You get an acknowledgement by mail at %(address)s.", address=choice.email)
        if choice.email
        else speech.say("You find the acknowledgement on the page of the order, to keep."),
        fault="" if fault is None else speech.say(words.NOT_POSSIBLE[fault]),
    )
