"""Needs of the household."""

from fastapi import APIRouter, Request

from zodra_cloud.api.paging import LIMIT, Cursor, Limit, Page, page_of, read_cursor
from zodra_cloud.api.routes.common import Caller, codes, reading
from zodra_cloud.api.schemas.common import PathId
from zodra_cloud.api.schemas.needs import Need, Why
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.reading import line

router = APIRouter(tags=["Needs"])

_KIND = "needs"


@router.get("/needs", openapi_extra=codes())
def list_needs(
    request: Request, caller: Caller, limit: Limit = LIMIT, cursor: Cursor = None
) -> Page[Need]:
    """List the household's needs with what became of each, newest first."""
    before = read_cursor(_KIND, cursor)
    with reading(request) as connection:
        found = replenish.timeline(connection, caller.household_id, limit + 1, before)
    lines, following = page_of(
        _KIND, found, limit, lambda each: (each.signal.occurred_at, each.signal.signal_id)
    )
    return Page(items=[Need.of(each) for each in lines], next_cursor=following)


@router.get("/needs/{signal_id}")
def read_need(request: Request, caller: Caller, signal_id: PathId) -> Need:
    """Read one need."""
    with reading(request) as connection:
        return Need.of(line(connection, caller.household_id, signal_id))


@router.get("/needs/{signal_id}/why")
def explain_need(request: Request, caller: Caller, signal_id: PathId) -> Why:
    """Explain why a need ended, or stands, as it does: every step with the values it used."""
    with reading(request) as connection:
        return Why.of(replenish.why(connection, caller.household_id, signal_id))
