"""Writes the letters: a `models.Teller` on top of the room that sends mail."""

from datetime import date, tzinfo
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.channels import service as channels
from zodra_cloud.channels.content import Block, Content, link, paragraph, rows
from zodra_cloud.channels.models import LetterKind
from zodra_cloud.households import service as households
from zodra_cloud.subscriptions.letters.words import Words
from zodra_cloud.subscriptions.models import Told
from zodra_cloud.subscriptions.policy.dates import Cadence, local_date
from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.policy.ledger.states import Kind

PATH: Final = "/subscriptions"

_QUIET: Final = frozenset({"skipped"})
"""What a household did itself and needs no letter about."""


class SubscriptionLetters:
    """Writes a letter for each thing that a household is told.

    Args:
        public_url: how people reach the pages.
        mail_on: whether this service sends mail.
    """

    def __init__(self, public_url: str, *, mail_on: bool) -> None:
        self._page = public_url.rstrip("/") + PATH
        self._mail_on = mail_on

    def __call__(self, connection: Connection, told: Told) -> bool:
        """Write it; False if it cannot be sent, and only waits to be downloaded."""
        event = told.event
        if isinstance(event, e.CyclePassed) and event.reason in _QUIET:
            return True
        home = households.household(connection, told.household_id)
        zone = households.zone(connection, told.household_id)
        draft = channels.Draft(
            household_id=told.household_id,
            kind=LetterKind.NOTICE,
            content=content(told, Words(home.language), self._page, zone),
            caused_at=told.at,
            name=f"{told.subscription_id}:{told.number}:{told.kind.value}",
        )
        channels.post(connection, draft, now=told.at, mail_on=self._mail_on)
        return self._mail_on and channels.contact(connection, told.household_id) is not None


def content(told: Told, words: Words, page: str, zone: tzinfo) -> Content:
    """Write what a letter says."""
    event, state = told.event, told.state
    item = event.item if isinstance(event, e.PreNoticeSent) else state.item_of(_cycle(told))
    product = item.title(words.language)
    on = words.day(_day(told, zone))
    facts = {"product": product, "on": on, **_facts(told, words)}
    blocks: list[Block] = [paragraph(words.say(f"{told.kind.value}_text", **facts))]
    blocks += _more(told, words)
    blocks.append(
        rows(
            (words.say("product"), product),
            (words.say("quantity"), str(item.quantity)),
            (words.say("how_often"), _every(state.cadence, words)),
            *_details(told, words, zone),
        )
    )
    if told.kind is Kind.PRE_NOTICE_SENT:
        blocks.append(paragraph(words.say("until_then")))
    blocks.append(link(words.say("page"), page))
    return Content(words.say(told.kind.value, **facts), words.language, tuple(blocks))


def _cycle(told: Told) -> int:
    cycle = getattr(told.event, "cycle", None)
    return cycle if isinstance(cycle, int) else told.state.next_cycle


def _day(told: Told, zone: tzinfo) -> date:
    event, state = told.event, told.state
    if isinstance(event, e.PreNoticeSent):
        return local_date(event.order_at, zone)
    if isinstance(event, e.Cancelled):
        return event.ends_on
    on = getattr(event, "on", None)
    if isinstance(on, date):
        return on
    cycle = _cycle(told)
    done = state.done.get(cycle)
    return state.on(cycle) if done is None else done.on


def _facts(told: Told, words: Words) -> dict[str, str]:
    event = told.event
    facts = {"every": _every(told.state.cadence, words)}
    if isinstance(event, e.CycleFailed | e.CyclePassed):
        facts["reason"] = words.reason(event.reason)
    if isinstance(event, e.Joined):
        facts["withdrawal_days"] = str(told.state.agreed.withdrawal_days)
    if isinstance(event, e.SizeProposed):
        facts["size"] = event.size
    return facts


def _more(told: Told, words: Words) -> list[Block]:
    event, price = told.event, told.state.price
    if isinstance(event, e.CadenceChanged) and event.why.get("reason") in (
        "used_slower",
        "used_faster",
    ):
        days = event.why.get("needed_in_days")
        return [paragraph(words.say(str(event.why["reason"]), days=round(float(days or 0))))]
    if not isinstance(event, e.PreNoticeSent) or price is None or event.total_minor is None:
        return []
    above = event.total_minor > price.ceiling_minor
    return [paragraph(words.say("above_rule"))] if above else []


def _details(told: Told, words: Words, zone: tzinfo) -> list[tuple[str, str]]:
    event, state = told.event, told.state
    price = state.price
    details: list[tuple[str, str]] = []
    if isinstance(event, e.PreNoticeSent):
        details.append((words.say("charged_on"), words.day(_day(told, zone))))
        if event.total_minor is not None and price is not None:
            asked = words.money(event.total_minor, price.currency)
            details.append((words.say("price_now"), asked))
    if isinstance(event, e.Joined):
        details.append((words.say("first_on"), words.day(state.agreed.first_on)))
    if price is not None:
        most = words.money(price.ceiling_minor, price.currency)
        details.append((words.say("price_most"), most))
    if isinstance(event, e.Joined | e.PriceAccepted):
        details.append((words.say("confirmed_with"), event.label))
        details.append((words.say("proof"), event.terms_hash))
    return details


def _every(cadence: Cadence, words: Words) -> str:
    return words.say(cadence.every.value, count=cadence.count)
