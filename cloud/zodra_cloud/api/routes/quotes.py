"""Quotes and questions: read them, say yes or no."""

from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from zodra_cloud.api.once import Done
from zodra_cloud.api.paging import LIMIT, Cursor, Limit, Page, page_of, read_cursor
from zodra_cloud.api.problems import Code, Problem
from zodra_cloud.api.routes.common import Caller, Keyed, OnceOf, codes, reading, works_of
from zodra_cloud.api.schemas.common import Nothing, PathId
from zodra_cloud.api.schemas.quotes import Confirmation, Confirmed, Quote, Wanted
from zodra_cloud.replenish import reading as replenished
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import ConfirmRefusal

router = APIRouter(tags=["Quotes"])

_KIND = "quotes"

_REFUSALS: Final = {
    ConfirmRefusal.UNKNOWN_QUOTE: Code.NOT_FOUND,
    ConfirmRefusal.MAY_NOT_CONFIRM: Code.MAY_NOT_CONFIRM,
    ConfirmRefusal.NO_CONSENT: Code.NO_CONSENT,
    ConfirmRefusal.EXPIRED: Code.QUOTE_EXPIRED,
    ConfirmRefusal.CLOSED: Code.QUOTE_CLOSED,
    ConfirmRefusal.CHANGED: Code.QUOTE_CHANGED,
    ConfirmRefusal.WRONG_LABEL: Code.WRONG_LABEL,
    ConfirmRefusal.ALREADY_ON_ITS_WAY: Code.ALREADY_ON_ITS_WAY,
}


@router.get("/quotes")
def list_quotes(
    request: Request, caller: Caller, limit: Limit = LIMIT, cursor: Cursor = None
) -> Page[Quote]:
    """List the household's quotes and questions, newest first; those that ended included."""
    before = read_cursor(_KIND, cursor)
    with reading(request) as connection:
        found = replenished.recent_quotes(connection, caller.household_id, limit + 1, before)
    quotes, following = page_of(_KIND, found, limit, lambda each: (each.created_at, each.quote_id))
    return Page(items=[Quote.of(each) for each in quotes], next_cursor=following)


@router.get("/quotes/{quote_id}")
def read_quote(request: Request, caller: Caller, quote_id: PathId) -> Quote:
    """Read one quote or question. Show a person all of `shown` before they confirm."""
    with reading(request) as connection:
        return Quote.of(replenished.quote(connection, caller.household_id, quote_id))


@router.post(
    "/quotes/{quote_id}/confirm",
    dependencies=[Keyed],
    response_model=Confirmed,
    openapi_extra=codes(*list(_REFUSALS.values())[1:]),
)
def confirm_quote(
    request: Request, caller: Caller, once: OnceOf, quote_id: PathId, given: Confirmation
) -> Response:
    """Order: take the person's labelled yes to what they were shown. It obliges to pay.

    The hash says what they saw and the label which words were on the control; both are kept as
    proof. A repeat of the same yes gives the same order.
    """

    def effect(connection: Connection, now: datetime) -> Done | Problem:
        answer = replenish.confirm(
            connection,
            caller.household_id,
            quote_id,
            snapshot_hash=given.snapshot_hash,
            label=given.label,
            language=given.language,
            person_id=caller.person_id,
            now=now,
            changes=works_of(request).changes,
        )
        if isinstance(answer, replenish.Confirmed):
            return Done(Confirmed(order_key=answer.order_key))
        return Problem(_REFUSALS[answer.reason])

    return once.do(request, caller, given, effect)


@router.post(
    "/quotes/{quote_id}/decline",
    dependencies=[Keyed],
    response_model=Quote,
    openapi_extra=codes(Code.QUESTION_CLOSED),
)
def decline_quote(
    request: Request, caller: Caller, once: OnceOf, quote_id: PathId, given: Nothing | None = None
) -> Response:
    """Say no to a quote or a question; nothing is ordered."""
    return _answer(request, caller, once, quote_id, Wanted(needed=False))


@router.post(
    "/quotes/{quote_id}/answer",
    dependencies=[Keyed],
    response_model=Quote,
    openapi_extra=codes(Code.QUESTION_CLOSED),
)
def answer_question(
    request: Request, caller: Caller, once: OnceOf, quote_id: PathId, given: Wanted
) -> Response:
    """Answer the question whether it is still needed; a yes asks the shop for its price."""
    return _answer(request, caller, once, quote_id, given)


def _answer(
    request: Request, caller: Caller, once: OnceOf, quote_id: str, given: Wanted
) -> Response:
    def effect(connection: Connection, now: datetime) -> Done | Problem:
        replenished.quote(connection, caller.household_id, quote_id)
        taken = replenish.answer(
            connection,
            caller.household_id,
            quote_id,
            needed=given.needed,
            person_id=caller.person_id,
            now=now,
            changes=works_of(request).changes,
        )
        if not taken:
            return Problem(Code.QUESTION_CLOSED)
        return Done(Quote.of(replenished.quote(connection, caller.household_id, quote_id)))

    return once.do(request, caller, given, effect)
