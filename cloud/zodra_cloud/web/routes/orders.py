"""The pages of orders: the list, one order live, and what a household can still do about it."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from zodra_cloud.channels import service as channels
from zodra_cloud.errors import UnknownThing
from zodra_cloud.law import service as law
from zodra_cloud.law.labels import Control
from zodra_cloud.payments import service as payments
from zodra_cloud.replenish import reading
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import CancelAnswer, OrderView
from zodra_cloud.replenish.states import Answer
from zodra_cloud.store.paging import Before
from zodra_cloud.web.access import HouseholdMember, OwnForm, Visitor, site_of
from zodra_cloud.web.answers import back_to, page
from zodra_cloud.web.context import Site
from zodra_cloud.web.render import render
from zodra_cloud.web.views.orders import withdrawing
from zodra_cloud.web.views.orders.listing import address_of, orders_page
from zodra_cloud.web.views.orders.page import OrderFacts, order_page
from zodra_cloud.web.views.orders.pages import OrderPage
from zodra_cloud.web.views.payments import payments_page

router = APIRouter()

PAYMENTS: Final = "/payments"

PAGE_ORDERS: Final = 20

_CANCEL_NOTES: Final[dict[CancelAnswer, str]] = {
    CancelAnswer.CANCELLED: "cancelled",
    CancelAnswer.ASKED: "cancel_asked",
    CancelAnswer.TOO_LATE: "cancel_too_late",
}


@router.get("/orders")
def orders(request: Request, visitor: HouseholdMember, before: str = "", key: str = "") -> Response:
    """List the orders of a household, newest first."""
    site, now = site_of(request), site_of(request).clock.now()
    with site.database.read() as connection:
        views = replenish.recent_orders(
            connection, visitor.household_id, PAGE_ORDERS + 1, _before(before, key)
        )
        withdraw = {
            view.order.order_key: found
            for view in views[:PAGE_ORDERS]
            if (found := _withdraw(connection, site, visitor, view, now)) is not None
        }
    model = orders_page(visitor.speech, views, PAGE_ORDERS, withdraw, now)
    shell = visitor.shell(request, "/orders")
    return page(request, render("orders/list.html", shell, page=model))


@router.get("/orders/{order_key}")
def order(request: Request, visitor: HouseholdMember, order_key: str) -> Response:
    """Show one order."""
    shell = visitor.shell(request, address_of(order_key))
    model = read_page(request, visitor, order_key)
    return page(request, render("orders/order.html", shell, page=model))


@router.get("/fragments/orders/{order_key}")
def order_fragment(request: Request, visitor: HouseholdMember, order_key: str) -> Response:
    """Give the live part of an order's page, where its stream does not come through."""
    return page(request, order_part(order_key, request, visitor))


@router.post("/orders/{order_key}/cancel", dependencies=[OwnForm])
def cancel(request: Request, visitor: HouseholdMember, order_key: str) -> Response:
    """Take the wish to cancel an order that has not been sent."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        answer = replenish.cancel(
            connection,
            visitor.household_id,
            order_key,
            person_id=visitor.session.person_id,
            now=site.clock.now(),
            changes=site.changes,
        )
    if answer is CancelAnswer.UNKNOWN_ORDER:
        raise HTTPException(404)
    return back_to(address_of(order_key), _CANCEL_NOTES[answer])


@router.post("/orders/{order_key}/right", dependencies=[OwnForm])
def was_it_right(
    request: Request,
    visitor: HouseholdMember,
    order_key: str,
    answer: Annotated[str, Form()],
    back: Annotated[str, Form()] = "",
) -> Response:
    """Take the answer to "was it right?"."""
    if answer not in set(Answer):
        raise HTTPException(400)
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        replenish.order(connection, visitor.household_id, order_key)
        taken = replenish.answer_follow_up(
            connection,
            visitor.household_id,
            order_key,
            Answer(answer),
            person_id=visitor.session.person_id,
            now=site.clock.now(),
            changes=site.changes,
        )
    where = "/" if back == "/" else address_of(order_key)
    return back_to(where, "answered" if taken else "already_answered")


@router.post("/orders/{order_key}/pay-otherwise", dependencies=[OwnForm])
def pay_otherwise(request: Request, visitor: HouseholdMember, order_key: str) -> Response:
    """Ask for a page on which the household pays what its bank did not let us take."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        replenish.order(connection, visitor.household_id, order_key)
        asked = payments.pay_otherwise(
            connection,
            visitor.household_id,
            order_key,
            now=site.clock.now(),
            changes=site.changes,
        )
    return back_to(address_of(order_key), "pay_link_asked" if asked else "already_answered")


@router.post("/orders/{order_key}/letters/{letter_id}", dependencies=[OwnForm])
def letter(request: Request, visitor: HouseholdMember, order_key: str, letter_id: str) -> Response:
    """Give a letter as a file to keep; that the household has it is noted, so it is no GET."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        found = channels.letter(connection, visitor.household_id, letter_id)
        if found.order_key != order_key:
            raise UnknownThing("letter", letter_id)
        kept, html = law.fetch_letter(
            connection,
            visitor.household_id,
            letter_id,
            rules=site.law,
            now=site.clock.now(),
            changes=site.changes,
        )
    return _file(html, kept.content.document_name or f"{kept.kind.value}-{order_key}.html")


@router.get("/orders/{order_key}/proof")
def proof(request: Request, visitor: HouseholdMember, order_key: str) -> Response:
    """Give what was shown and confirmed, as one file that proves itself."""
    site = site_of(request)
    with site.database.read() as connection:
        sealed = law.export(connection, visitor.household_id, order_key)
    return _file(law.as_html(sealed), f"proof-{order_key}.html")


def order_part(order_key: str, request: Request, visitor: Visitor) -> str:
    """Render the live part of an order's page."""
    shell = visitor.shell(request, address_of(order_key))
    return render("orders/part.html", shell, page=read_page(request, visitor, order_key))


def read_page(request: Request, visitor: Visitor, order_key: str) -> OrderPage:
    """Read everything of one order in one transaction, and make its page."""
    site, now = site_of(request), site_of(request).clock.now()
    household_id = visitor.household_id
    with site.database.read() as connection:
        view = replenish.order(connection, household_id, order_key)
        facts = OrderFacts(
            view=view,
            follow_up=reading.follow_up(connection, household_id, order_key),
            payment=payments.payment(connection, household_id, order_key),
            choice=law.choice(connection, household_id, order_key, rules=site.law, now=now),
            withdraw_label=_label(site, visitor, Control.WITHDRAW),
            letters=law.letters_of(connection, household_id, order_key),
            proof=_has_proof(connection, household_id, order_key),
        )
    return order_page(visitor.speech, facts, now)


@router.get(PAYMENTS)
def paying(request: Request, visitor: HouseholdMember) -> Response:
    """Show what the household allowed."""
    site = site_of(request)
    with site.database.read() as connection:
        found = payments.mandates(connection, visitor.household_id)
    model = payments_page(visitor.speech, found, site.clock.now(), payments_on=site.payments_on)
    return page(request, render("payments.html", visitor.shell(request, PAYMENTS), page=model))


@router.post(PAYMENTS + "/allow", dependencies=[OwnForm])
def allow_charges(request: Request, visitor: HouseholdMember) -> Response:
    """Ask the payment service for the page on which it is allowed; nothing is allowed by this."""
    site = site_of(request)
    if not site.payments_on:
        raise HTTPException(404)
    with site.database.write(visitor.household_id) as connection:
        payments.request_mandate(
            connection,
            visitor.household_id,
            language=visitor.speech.language,
            now=site.clock.now(),
            changes=site.changes,
        )
    return back_to(PAYMENTS, "mandate_asked")


@router.post(PAYMENTS + "/revoke", dependencies=[OwnForm])
def revoke_charges(request: Request, visitor: HouseholdMember) -> Response:
    """Take every permission back, also one that waits to be given."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        ended = payments.revoke_mandate(
            connection, visitor.household_id, now=site.clock.now(), changes=site.changes
        )
    return back_to(PAYMENTS, "mandate_revoked" if ended else "already_done")


def _label(site: Site, visitor: Visitor, control: Control) -> str:
    return site.law.labels.text(control, visitor.speech.language)


def _has_proof(connection: Connection, household_id: str, order_key: str) -> bool:
    try:
        law.export(connection, household_id, order_key)
    except UnknownThing:
        return False
    return True


def _withdraw(
    connection: Connection, site: Site, visitor: Visitor, view: OrderView, now: datetime
) -> tuple[str, str] | None:
    key = view.order.order_key
    choice = law.choice(connection, visitor.household_id, key, rules=site.law, now=now)
    if choice.not_possible is not None:
        return None
    until = withdrawing.sentence(visitor.speech, choice, now)
    return _label(site, visitor, Control.WITHDRAW), until


def _before(at: str, key: str) -> Before | None:
    """Read where the list goes on; anything that is no such place begins it anew."""
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        return None
    return None if instant.tzinfo is None else (instant, key[:64])


def _file(html: str, name: str) -> HTMLResponse:
    # The file brings its own style and runs nothing; it is kept, not shown within our pages.
    safe = "".join(each if each.isalnum() or each in "-_." else "-" for each in name)[:120]
    disposition = f'attachment; filename="{safe.encode("ascii", "replace").decode()}"'
    return HTMLResponse(html, headers={"content-disposition": disposition})
