"""The addresses of what a household does with a subscription, and its two-step withdrawal."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from zodra_cloud.law.labels import Control
from zodra_cloud.subscriptions import service as subscriptions
from zodra_cloud.subscriptions.service import Done, Refused
from zodra_cloud.web.access import HouseholdMember, OwnForm, Visitor, site_of
from zodra_cloud.web.answers import back_to, page
from zodra_cloud.web.render import render
from zodra_cloud.web.routes.commands import Fields, carry_out, note_of_command
from zodra_cloud.web.routes.subscriptions import own_subscription, show
from zodra_cloud.web.views.subscriptions.ending import leave_page
from zodra_cloud.web.views.subscriptions.overview import address_of
from zodra_cloud.web.views.subscriptions.pages import Tried

router = APIRouter()


@router.get("/subscriptions/{subscription_id}/withdraw")
def second_step(request: Request, visitor: HouseholdMember, subscription_id: str) -> Response:
    """Show what would be declared, and the control that declares it."""
    return _leave(request, visitor, subscription_id)


@router.post("/subscriptions/{subscription_id}/{command}", dependencies=[OwnForm])
def act(
    request: Request, visitor: HouseholdMember, subscription_id: str, command: str, sent: Fields
) -> Response:
    """Carry out one form; one that cannot be is shown again with what was typed."""
    answer = carry_out(request, visitor, subscription_id, command, sent)
    if isinstance(answer, Done):
        return back_to(address_of(subscription_id), note_of_command(command, answer))
    if command == "withdraw":
        return _leave(request, visitor, subscription_id, answer)
    form = f"move-{sent.get('cycle', '')}" if command == "move" else command
    return show(request, visitor, subscription_id, Tried(form, sent, answer))


def _leave(
    request: Request, visitor: Visitor, subscription_id: str, refused: Refused | None = None
) -> Response:
    site, language = site_of(request), visitor.speech.language
    with site.database.read() as connection:
        view = own_subscription(connection, visitor, subscription_id, request)
        ledger = subscriptions.ledger(connection, visitor.household_id, subscription_id)
    label = site.law.labels.text(Control.CONFIRM_WITHDRAWAL, language)
    seen = ledger[0].number if ledger else 0
    model = leave_page(visitor.speech, view, label, seen, refused)
    shell = visitor.shell(request, model.action)
    status = 200 if refused is None else 422
    return page(request, render("subscriptions/leave.html", shell, page=model), status)
