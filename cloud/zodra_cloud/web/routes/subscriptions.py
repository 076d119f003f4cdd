"""The pages of subscriptions: the list, one in full, asking for terms, and joining."""

import secrets
from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from zodra_cloud.households import service as households
from zodra_cloud.law.labels import Control
from zodra_cloud.replenish import service as replenish
from zodra_cloud.subscriptions import service as subscriptions
from zodra_cloud.subscriptions.service import (
    CANCEL_LABELS,
    LIVE,
    ORDER_LABELS,
    Cadence,
    Done,
    Every,
    Follow,
    Item,
    Refused,
    Source,
    SubscriptionView,
    Terms,
    Wanted,
    Why,
)
from zodra_cloud.web import typed
from zodra_cloud.web.access import HouseholdMember, OwnForm, Visitor, site_of
from zodra_cloud.web.answers import back_to, page
from zodra_cloud.web.render import render
from zodra_cloud.web.routes.commands import Fields, said_of
from zodra_cloud.web.views.subscriptions.detail import SubscriptionFacts, subscription_page
from zodra_cloud.web.views.subscriptions.overview import address_of, subscriptions_page
from zodra_cloud.web.views.subscriptions.pages import SubscriptionPage, Tried
from zodra_cloud.web.views.subscriptions.start import start_page

router = APIRouter()

OTHERS_MAX: Final = 12
_ORDERS_LOOKED_AT: Final = 30


@router.get("/subscriptions")
def overview(request: Request, visitor: HouseholdMember) -> Response:
    """List the subscriptions of a household."""
    site = site_of(request)
    with site.database.read() as connection:
        views = subscriptions.subscriptions(connection, visitor.household_id, now=site.clock.now())
    shell = visitor.shell(request, "/subscriptions")
    model = subscriptions_page(visitor.speech, views)
    return page(request, render("subscriptions/list.html", shell, page=model))


@router.get("/slots/{device_id}/{slot_key}/subscribe")
def start(
    request: Request,
    visitor: HouseholdMember,
    device_id: str,
    slot_key: str,
    quote: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Show the form that asks for the terms of a subscription."""
    return _start(request, visitor, (device_id, slot_key), quote, None, None)


@router.post("/slots/{device_id}/{slot_key}/subscribe", dependencies=[OwnForm])
def ask(
    request: Request, visitor: HouseholdMember, device_id: str, slot_key: str, sent: Fields
) -> Response:
    """Ask for the terms; they are shown once the shop said what it costs."""
    site = site_of(request)
    key = sent.get("key", "")[:64] or secrets.token_urlsafe(12)
    place = (device_id, slot_key)
    quote = sent.get("quote", "")[:64]
    with site.database.write(visitor.household_id) as connection:
        source = _source(connection, visitor, place, quote)
        wanted = _wanted(sent, source.currency)
        answer = (
            wanted
            if isinstance(wanted, Refused)
            else subscriptions.request(
                connection,
                visitor.household_id,
                source,
                wanted,
                said_of(request, visitor, key),
            )
        )
    if isinstance(answer, Done):
        return back_to(address_of(answer.subscription_id), "terms_asked")
    return _start(request, visitor, place, quote, key, Tried("start", sent, answer))


@router.get("/subscriptions/{subscription_id}")
def detail(request: Request, visitor: HouseholdMember, subscription_id: str) -> Response:
    """Show one subscription."""
    return show(request, visitor, subscription_id)


@router.get("/fragments/subscriptions/{subscription_id}")
def fragment(request: Request, visitor: HouseholdMember, subscription_id: str) -> Response:
    """Give the live part of a subscription's page, where its stream does not come through."""
    return page(request, subscription_part(subscription_id, request, visitor))


def show(
    request: Request, visitor: Visitor, subscription_id: str, tried: Tried | None = None
) -> Response:
    """Answer with the page of one subscription, with a form that was not taken if there is one."""
    model = read_page(request, visitor, subscription_id, tried)
    shell = visitor.shell(request, model.address)
    status = 200 if tried is None else 422
    return page(request, render("subscriptions/one.html", shell, page=model), status)


def subscription_part(subscription_id: str, request: Request, visitor: Visitor) -> str:
    """Render the live part of a subscription's page."""
    model = read_page(request, visitor, subscription_id)
    return render("subscriptions/part.html", visitor.shell(request, model.address), page=model)


def read_page(
    request: Request, visitor: Visitor, subscription_id: str, tried: Tried | None = None
) -> SubscriptionPage:
    """Read everything of one subscription in one transaction, and make its page."""
    site, language = site_of(request), visitor.speech.language
    now, household_id = site.clock.now(), visitor.household_id
    with site.database.read() as connection:
        view = own_subscription(connection, visitor, subscription_id, request)
        facts = SubscriptionFacts(
            view=view,
            ledger=subscriptions.ledger(connection, household_id, subscription_id),
            others=() if site.shop is None else _others(connection, household_id, view),
            ladder_id=subscriptions.ladder_of(connection, view.item.sku),
            reprice=_repriced(connection, household_id, view),
            order_label=ORDER_LABELS[language],
            cancel_label=CANCEL_LABELS[language],
            withdraw_label=site.law.labels.text(Control.WITHDRAW, language),
        )
    return subscription_page(visitor.speech, facts, now, tried)


def own_subscription(
    connection: Connection, visitor: Visitor, subscription_id: str, request: Request
) -> SubscriptionView:
    """Read a subscription of the visitor's household; 404 for any other."""
    found = subscriptions.view(
        connection, visitor.household_id, subscription_id, now=site_of(request).clock.now()
    )
    if found is None:
        raise HTTPException(404)
    return found


def _repriced(connection: Connection, household_id: str, view: SubscriptionView) -> Terms | None:
    """Give the terms at the price that the shop asks now, where that is above what was agreed."""
    asked, price = view.announced_minor, view.price
    if view.status not in LIVE or asked is None or price is None or asked <= price.ceiling_minor:
        return None
    terms = subscriptions.price_terms(connection, household_id, view.subscription_id, asked)
    return None if isinstance(terms, Refused) else terms


def _others(connection: Connection, household_id: str, view: SubscriptionView) -> list[Item]:
    """List what the household had before or has bound elsewhere, other than what is delivered."""
    found: dict[str, Item] = {}
    for order in replenish.recent_orders(connection, household_id, _ORDERS_LOOKED_AT):
        titles = dict(order.snapshot.titles)
        found.setdefault(order.snapshot.sku, Item(order.snapshot.sku, view.item.quantity, titles))
    for device in households.devices(connection, household_id):
        for slot in device.slots:
            if slot.sku is not None and slot.title:
                titles = {"": slot.title}
                found.setdefault(slot.sku, Item(slot.sku, view.item.quantity, titles))
    found.pop(view.item.sku, None)
    return list(found.values())[:OTHERS_MAX]


def _source(connection: Connection, visitor: Visitor, place: tuple[str, str], quote: str) -> Source:
    """Take what an open quote proposes, else what the slot is bound to; 404 for neither."""
    found: Source | Refused = Refused(Why.UNKNOWN_ORDER)
    if quote:
        found = subscriptions.of_quote(connection, visitor.household_id, quote)
        if isinstance(found, Source) and (found.device_id, found.slot_key) != place:
            raise HTTPException(404)
    if isinstance(found, Refused):
        found = subscriptions.of_slot(connection, visitor.household_id, *place)
    if isinstance(found, Refused):
        raise HTTPException(404)
    return found if found.titles else replace(found, titles=_titles(connection, visitor, found))


def _titles(connection: Connection, visitor: Visitor, source: Source) -> dict[str, str]:
    """Name a product as the shop did when it was last ordered."""
    for view in replenish.recent_orders(connection, visitor.household_id, _ORDERS_LOOKED_AT):
        if view.snapshot.sku == source.sku:
            return dict(view.snapshot.titles)
    return {}


def _wanted(sent: dict[str, str], currency: str) -> Wanted | Refused:
    """Read the form; the first field that cannot be read is named."""
    count, quantity = typed.whole(sent.get("count", "")), typed.whole(sent.get("quantity", ""))
    every = sent.get("every", "")
    if count is None or every not in set(Every):
        return Refused(Why.BAD_CADENCE, "cadence")
    if quantity is None:
        return Refused(Why.BAD_QUANTITY, "quantity")
    first_on = typed.day(sent["first_on"]) if sent.get("first_on") else None
    if first_on is None and sent.get("first_on"):
        return Refused(Why.PAST_DATE, "first_on")
    ceiling = typed.minor(sent["ceiling"], currency) if sent.get("ceiling") else None
    if ceiling is None and sent.get("ceiling"):
        return Refused(Why.BAD_PRICE, "ceiling_minor")
    cadence = Cadence(count, Every(every))
    days = round(cadence.days) if 1 <= count <= 366 else 0
    follow = Follow(max(3, days // 2), min(366, days * 2)) if sent.get("follow") == "yes" else None
    return Wanted(cadence, quantity, first_on, ceiling, follow)


def _start(
    request: Request,
    visitor: Visitor,
    place: tuple[str, str],
    quote: str,
    key: str | None,
    tried: Tried | None,
) -> Response:
    with site_of(request).database.read() as connection:
        source = _source(connection, visitor, place, quote)
    model = start_page(visitor.speech, source, quote, key or secrets.token_urlsafe(12), tried)
    status = 200 if tried is None else 422
    shell = visitor.shell(request, model.action)
    return page(request, render("subscriptions/start.html", shell, page=model), status)
