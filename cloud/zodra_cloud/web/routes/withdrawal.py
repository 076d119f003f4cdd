"""The function for withdrawal: the page of its second step, and the declaration itself."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from zodra_cloud.law import service as law
from zodra_cloud.law.labels import Control
from zodra_cloud.law.service import Declared, NotPossible
from zodra_cloud.replenish import service as replenish
from zodra_cloud.web.access import HouseholdMember, OwnForm, Visitor, site_of
from zodra_cloud.web.answers import back_to, page
from zodra_cloud.web.render import render
from zodra_cloud.web.views.orders.listing import address_of
from zodra_cloud.web.views.orders.withdrawing import withdraw_page

router = APIRouter()

_DIGITS_MAX: Final = 6


@router.get("/orders/{order_key}/withdraw")
def second_step(request: Request, visitor: HouseholdMember, order_key: str) -> Response:
    """Show what would be declared, and the control that declares it."""
    return _show(request, visitor, order_key)


@router.post("/orders/{order_key}/withdraw", dependencies=[OwnForm])
def declare(
    request: Request,
    visitor: HouseholdMember,
    order_key: str,
    quantity: Annotated[str, Form()],
    withdrawn: Annotated[str, Form()],
    label: Annotated[str, Form()],
    language: Annotated[str, Form()],
) -> Response:
    """Take the declaration; from its commit the household has withdrawn."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        answer = law.withdraw(
            connection,
            visitor.household_id,
            order_key,
            quantity=_number(quantity),
            withdrawn_shown=_number(withdrawn),
            label=label,
            language=language,
            person_id=visitor.session.person_id,
            rules=site.law,
            now=site.clock.now(),
            changes=site.changes,
        )
    if isinstance(answer, Declared):
        return back_to(address_of(order_key), "withdrawal_declared")
    if answer.reason is NotPossible.UNKNOWN_ORDER:
        raise HTTPException(404)
    return _show(request, visitor, order_key, typed=quantity, fault=answer.reason)


@router.post("/orders/{order_key}/sent-back", dependencies=[OwnForm])
def sent_back(request: Request, visitor: HouseholdMember, order_key: str) -> Response:
    """Take the household's word that the goods are on their way back."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        replenish.order(connection, visitor.household_id, order_key)
        taken = law.sent_back(
            connection,
            visitor.household_id,
            order_key,
            rules=site.law,
            now=site.clock.now(),
            changes=site.changes,
        )
    return back_to(address_of(order_key), "sent_back" if taken else "already_answered")


def _show(
    request: Request,
    visitor: Visitor,
    order_key: str,
    *,
    typed: str | None = None,
    fault: NotPossible | None = None,
) -> Response:
    site = site_of(request)
    now = site.clock.now()
    with site.database.read() as connection:
        choice = law.choice(connection, visitor.household_id, order_key, rules=site.law, now=now)
    label = site.law.labels.text(Control.CONFIRM_WITHDRAWAL, visitor.speech.language)
    model = withdraw_page(visitor.speech, choice, label, now, typed=typed, fault=fault)
    shell = visitor.shell(request, model.action)
    status = 200 if fault is None else 422
    return page(request, render("orders/withdraw.html", shell, page=model), status)


def _number(typed: str) -> int:
    """Read a number of a form; 0, which is never right, for anything else."""
    fine = typed.isascii() and typed.isdigit() and len(typed) <= _DIGITS_MAX
    return int(typed) if fine else 0
