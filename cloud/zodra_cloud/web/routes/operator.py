"""The operator's page: the fleet, the balances, and what needs a person."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from zodra_cloud.channels import service as channels
from zodra_cloud.errors import BadRequest
from zodra_cloud.fleet import service as fleet
from zodra_cloud.households import service as households
from zodra_cloud.ingest import service as ingest
from zodra_cloud.law import service as law
from zodra_cloud.replenish import service as replenish
from zodra_cloud.store import jobs
from zodra_cloud.web.access import Operator, OwnForm, Visitor, site_of
from zodra_cloud.web.answers import back_to, page
from zodra_cloud.web.render import render
from zodra_cloud.web.views.devices import names_of
from zodra_cloud.web.views.operator import OperatorFacts, operator_page
from zodra_cloud.web.views.pages import OperatorPage

router = APIRouter()

HOUSEHOLDS_MAX: Final = 50
"""How many balances one page shows."""


@router.get("/operator")
def operation(request: Request, visitor: Operator) -> Response:
    """Show the fleet."""
    shell = visitor.shell(request, "/operator")
    return page(request, render("operator.html", shell, page=read_page(request, visitor)))


@router.get("/fragments/fleet")
def fleet_fragment(request: Request, visitor: Operator) -> Response:
    """Give the page's live part, for a page whose stream does not come through."""
    return page(request, fleet_part(request, visitor))


@router.post("/operator/gateways/{gateway_id}/identify", dependencies=[OwnForm])
def identify(
    request: Request, visitor: Operator, gateway_id: str, device_id: Annotated[str, Form()]
) -> Response:
    """Ask a gateway to make one of its household's devices blink."""
    site = site_of(request)
    try:
        with site.database.write() as connection:
            fleet.identify(connection, gateway_id, device_id, now=site.clock.now())
    except BadRequest:
        return back_to("/operator", "blink_refused")
    return back_to("/operator", "blink")


@router.post("/operator/orders/{order_key}/settle", dependencies=[OwnForm])
def settle(
    request: Request, visitor: Operator, order_key: str, household_id: Annotated[str, Form()]
) -> Response:
    """Take an operator's word that the shop does not have an order."""
    site = site_of(request)
    with site.database.write(household_id) as connection:
        settled = replenish.settle(
            connection, household_id, order_key, now=site.clock.now(), changes=site.changes
        )
    return back_to("/operator", "settled" if settled else "settled_already")


def fleet_part(request: Request, visitor: Visitor) -> str:
    """Render the live part of the operator's page."""
    shell = visitor.shell(request, "/operator")
    return render("parts/fleet.html", shell, page=read_page(request, visitor))


def read_page(request: Request, visitor: Visitor) -> OperatorPage:
    """Read everything of the page in one transaction, and make it."""
    site = site_of(request)
    now = site.clock.now()
    with site.database.read() as connection:
        gateways = fleet.gateways(connection, now=now)
        owners = {each.gateway.household_id for each in gateways}
        facts = OperatorFacts(
            gateways=gateways,
            devices={
                owner: list(names_of(visitor.speech, households.devices(connection, owner)).items())
                for owner in owners
            },
            balances=replenish.operator_balances(connection)[:HOUSEHOLDS_MAX],
            refusals=ingest.refusals(connection),
            dead_jobs=jobs.dead(connection),
            unclear_orders=replenish.unclear_orders(connection),
            overdue=law.open_withdrawals(connection, overdue_at=now),
            letters_owed=channels.report(connection, since=now).no_durable_medium,
        )
    return operator_page(visitor.speech, facts, now)
