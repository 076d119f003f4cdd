"""The page on which a household sees, gives and takes back the permission to be charged later."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from zodra_cloud.payments import service as payments
from zodra_cloud.web.access import HouseholdMember, OwnForm, site_of
from zodra_cloud.web.answers import back_to, page
from zodra_cloud.web.render import render
from zodra_cloud.web.views.payments import payments_page

router = APIRouter()

PAYMENTS: Final = "/payments"


@router.get(PAYMENTS)
def overview(request: Request, visitor: HouseholdMember) -> Response:
    """Show what the household allowed."""
    site = site_of(request)
    with site.database.read() as connection:
        found = payments.mandates(connection, visitor.household_id)
    model = payments_page(visitor.speech, found, site.clock.now(), payments_on=site.payments_on)
    return page(request, render("payments.html", visitor.shell(request, PAYMENTS), page=model))


@router.post(PAYMENTS + "/allow", dependencies=[OwnForm])
def allow(request: Request, visitor: HouseholdMember) -> Response:
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
def revoke(request: Request, visitor: HouseholdMember) -> Response:
    """Take every permission back, also one that waits to be given."""
    site = site_of(request)
    with site.database.write(visitor.household_id) as connection:
        ended = payments.revoke_mandate(
            connection, visitor.household_id, now=site.clock.now(), changes=site.changes
        )
    return back_to(PAYMENTS, "mandate_revoked" if ended else "already_done")
