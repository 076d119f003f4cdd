"""The household's page and what a household can answer on it."""

from collections.abc import Iterable
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Method, Purpose
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Device, Role
from zodra_cloud.offers import service as offers
from zodra_cloud.offers.models import Accepted, AcceptRefusal
from zodra_cloud.payments import service as payments
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import Confirmed, ConfirmRefusal, Line, StoredQuote
from zodra_cloud.replenish.states import QuoteState
from zodra_cloud.web import access
from zodra_cloud.web.access import HouseholdMember, OwnForm, Visitor, site_of
from zodra_cloud.web.answers import back_to, page
from zodra_cloud.web.render import render
from zodra_cloud.web.views.devices import names_of
from zodra_cloud.web.views.household import LINES_MAX, HouseholdFacts, household_page
from zodra_cloud.web.views.pages import HouseholdPage
from zodra_cloud.web.views.timeline import offer_steps, why_page

router = APIRouter()

ORDERS_MAX: Final = 5
FOLLOW_UPS_MAX: Final = 3
"""More of them at once would be a chore; the others wait on the pages of their orders."""

_REFUSAL_NOTES: Final[dict[ConfirmRefusal, str]] = {
    ConfirmRefusal.MAY_NOT_CONFIRM: "may_not_confirm",
    ConfirmRefusal.NO_CONSENT: "no_consent",
    ConfirmRefusal.EXPIRED: "quote_expired",
    ConfirmRefusal.CLOSED: "already_answered",
    ConfirmRefusal.CHANGED: "quote_changed",
    ConfirmRefusal.WRONG_LABEL: "quote_changed",
    ConfirmRefusal.ALREADY_ON_ITS_WAY: "already_on_its_way",
}
_OFFER_NOTES: Final[dict[AcceptRefusal, str]] = {
    AcceptRefusal.NO_CONSENT: "no_consent",
    AcceptRefusal.CLOSED: "already_answered",
    AcceptRefusal.ALREADY_ON_ITS_WAY: "already_on_its_way",
}
"""What the page says; a quote that is not the household's is not among them: that is a 404."""


@router.get("/")
def home(request: Request, visitor: access.SignedIn) -> Response:
    """Show the household's page; an operator's first page is the fleet."""
    if visitor.session.role is Role.OPERATOR:
        return back_to("/operator")
    visitor = access.household_member(visitor)
    shell = visitor.shell(request, "/")
    return page(request, render("household.html", shell, page=read_page(request, visitor)))


@router.get("/fragments/home")
def home_fragment(request: Request, visitor: HouseholdMember) -> Response:
    """Give the page's live part, for a page whose stream does not come through."""
    return page(request, home_part(request, visitor))


@router.get("/needs/{signal_id}/why")
def why(request: Request, visitor: HouseholdMember, signal_id: str, part: bool = False) -> Response:
    """Explain one need-moment, as a page or as the part that opens in place."""
    site = site_of(request)
    with site.database.read() as connection:
        explained = replenish.why(connection, visitor.household_id, signal_id)
        told = offer_steps(
            offers.decisions_on(connection, visitor.household_id, signal_id),
            offers.offer_of(connection, visitor.household_id, signal_id),
        )
        labels = names_of(visitor.speech, households.devices(connection, visitor.household_id))
    model = why_page(visitor.speech, explained, told, labels, site.clock.now())
    template = "parts/why.html" if part else "why.html"
    return page(request, render(template, visitor.shell(request, "/"), page=model))


@router.post("/quotes/{quote_id}/confirm", dependencies=[OwnForm])
def confirm(
    request: Request,
    visitor: HouseholdMember,
    quote_id: str,
    snapshot_hash: Annotated[str, Form()],
    label: Annotated[str, Form()],
    language: Annotated[str, Form()],
) -> Response:
    """Take the labelled yes: the words on the control travel with it, and are kept as proof."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        answer = replenish.confirm(
            connection,
            visitor.household_id,
            quote_id,
            snapshot_hash=snapshot_hash,
            label=label,
            language=language,
            person_id=visitor.session.person_id,
            now=site.clock.now(),
            changes=site.changes,
        )
    if isinstance(answer, Confirmed):
        return back_to("/", "confirmed")
    if answer.reason is ConfirmRefusal.UNKNOWN_QUOTE:
        raise HTTPException(404)
    return back_to("/", _REFUSAL_NOTES[answer.reason])


@router.post("/quotes/{quote_id}/decline", dependencies=[OwnForm])
def decline(request: Request, visitor: HouseholdMember, quote_id: str) -> Response:
    """Take the no to a quote or a question."""
    return _answer(request, visitor, quote_id, needed=False)


@router.post("/quotes/{quote_id}/wanted", dependencies=[OwnForm])
def wanted(request: Request, visitor: HouseholdMember, quote_id: str) -> Response:
    """Take the yes to "is this still needed?", which asks the shop for a price."""
    return _answer(request, visitor, quote_id, needed=True)


@router.post("/offers/{offer_id}/accept", dependencies=[OwnForm])
def accept_offer(request: Request, visitor: HouseholdMember, offer_id: str) -> Response:
    """Take the yes to an offer, which asks the shop for a price."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        answer = offers.accept(
            connection,
            visitor.household_id,
            offer_id,
            person_id=visitor.session.person_id,
            now=site.clock.now(),
            changes=site.changes,
        )
    if isinstance(answer, Accepted):
        return back_to("/", "wanted")
    if answer.reason is AcceptRefusal.UNKNOWN_OFFER:
        raise HTTPException(404)
    return back_to("/", _OFFER_NOTES[answer.reason])


@router.post("/offers/{offer_id}/dismiss", dependencies=[OwnForm])
def dismiss_offer(request: Request, visitor: HouseholdMember, offer_id: str) -> Response:
    """Take the no to an offer."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        gone = offers.dismiss(
            connection,
            visitor.household_id,
            offer_id,
            person_id=visitor.session.person_id,
            now=site.clock.now(),
            changes=site.changes,
        )
        if not gone and not offers.has_offer(connection, visitor.household_id, offer_id):
            raise HTTPException(404)
    return back_to("/", "offer_dismissed" if gone else "already_answered")


@router.post("/consents/{purpose}", dependencies=[OwnForm])
def set_consent(
    request: Request, visitor: HouseholdMember, purpose: str, granted: Annotated[bool, Form()]
) -> Response:
    """Grant or withdraw one purpose, from this moment."""
    if purpose not in set(Purpose):
        raise HTTPException(404)
    site = site_of(request)
    record = consent.grant if granted else consent.withdraw
    with site.database.write(visitor.household_id) as connection:
        record(
            connection,
            visitor.household_id,
            Purpose(purpose),
            person_id=visitor.session.person_id,
            language=visitor.speech.language,
            method=Method.PAGE,
            now=site.clock.now(),
            changes=site.changes,
        )
    return back_to("/", "granted" if granted else "withdrawn")


def home_part(request: Request, visitor: Visitor) -> str:
    """Render the live part of the household's page."""
    visitor = access.household_member(visitor)
    shell = visitor.shell(request, "/")
    return render("parts/home.html", shell, page=read_page(request, visitor))


def read_page(request: Request, visitor: Visitor) -> HouseholdPage:
    """Read everything of one household in one transaction, and make its page."""
    site = site_of(request)
    with site.database.read() as connection:
        facts = _facts(connection, visitor)
    return household_page(visitor.speech, facts, site.clock.now())


def _facts(connection: Connection, visitor: Visitor) -> HouseholdFacts:
    household_id = visitor.household_id
    lines = replenish.timeline(connection, household_id, LINES_MAX + 1)
    quotes = replenish.open_quotes(connection, household_id)
    questions = replenish.open_questions(connection, household_id)
    standing = consent.current(connection, household_id)
    devices = households.devices(connection, household_id)
    return HouseholdFacts(
        devices=devices,
        quotes=[*quotes, *questions, *_asked_of_shop(lines)],
        orders=replenish.recent_orders(connection, household_id, ORDERS_MAX),
        lines=lines,
        payments=[
            (each, replenish.order(connection, household_id, each.order_key))
            for each in payments.links(connection, household_id)
        ],
        follow_ups=[
            (each, replenish.order(connection, household_id, each.order_key))
            for each in replenish.open_follow_ups(connection, household_id)[:FOLLOW_UPS_MAX]
        ],
        offer=next(iter(offers.open_offers(connection, household_id)), None),
        consents=[row for row in standing.values() if row is not None],
        products=_products(lines, devices, visitor.speech.language),
    )


def _asked_of_shop(lines: Iterable[Line]) -> list[StoredQuote]:
    asked = {
        line.quote.quote_id: line.quote
        for line in lines
        if line.quote is not None and line.quote.state is QuoteState.REQUESTED
    }
    return list(asked.values())


def _products(lines: Iterable[Line], devices: Iterable[Device], language: str) -> dict[str, str]:
    """Name products as shops have, the newest quote first; else as the household's slots do."""
    names: dict[str, str] = {}
    for line in lines:
        if line.quote is not None and line.quote.snapshot is not None:
            names.setdefault(line.quote.sku, line.quote.snapshot.title(language))
    for slot in (slot for device in devices for slot in device.slots):
        if slot.sku is not None and slot.title:
            names.setdefault(slot.sku, slot.title)
    return names


def _answer(request: Request, visitor: Visitor, quote_id: str, *, needed: bool) -> Response:
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        taken = replenish.answer(
            connection,
            visitor.household_id,
            quote_id,
            needed=needed,
            person_id=visitor.session.person_id,
            now=site.clock.now(),
            changes=site.changes,
        )
        if not taken and not replenish.has_quote(connection, visitor.household_id, quote_id):
            raise HTTPException(404)
    if not taken:
        return back_to("/", "already_answered")
    return back_to("/", "wanted" if needed else "declined")
