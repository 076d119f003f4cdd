"""Orders: read them, cancel one, say whether it was right."""

from datetime import datetime

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from zodra_cloud.api.once import Done
from zodra_cloud.api.paging import LIMIT, Cursor, Limit, Page, page_of, read_cursor
from zodra_cloud.api.problems import Code, Problem
from zodra_cloud.api.routes.common import Caller, Keyed, OnceOf, codes, reading, works_of
from zodra_cloud.api.schemas.common import Nothing, PathId
from zodra_cloud.api.schemas.orders import Cancelled, Order, RightOrNot
from zodra_cloud.replenish import reading as replenished
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import CancelAnswer

router = APIRouter(tags=["Orders"])

_KIND = "orders"


def order_of(connection: Connection, household_id: str, order_key: str) -> Order:
    """Read one order with all that is told of it. Raises `UnknownThing`."""
    view = replenish.order(connection, household_id, order_key)
    return Order.of(view, replenished.follow_up(connection, household_id, order_key))


@router.get("/orders")
def list_orders(
    request: Request, caller: Caller, limit: Limit = LIMIT, cursor: Cursor = None
) -> Page[Order]:
    """List the household's orders, newest first."""
    before = read_cursor(_KIND, cursor)
    household_id = caller.household_id
    with reading(request) as connection:
        found = replenish.recent_orders(connection, household_id, limit + 1, before)
        views, following = page_of(
            _KIND, found, limit, lambda each: (each.order.confirmed_at, each.order.order_key)
        )
        items = [
            Order.of(view, replenished.follow_up(connection, household_id, view.order.order_key))
            for view in views
        ]
    return Page(items=items, next_cursor=following)


@router.get("/orders/{order_key}")
def read_order(request: Request, caller: Caller, order_key: PathId) -> Order:
    """Read one order: where it is, when it comes, and how it came to stand there."""
    with reading(request) as connection:
        return order_of(connection, caller.household_id, order_key)


@router.post(
    "/orders/{order_key}/cancel",
    dependencies=[Keyed],
    response_model=Cancelled,
    openapi_extra=codes(Code.TOO_LATE_TO_CANCEL),
)
def cancel_order(
    request: Request, caller: Caller, once: OnceOf, order_key: PathId, given: Nothing | None = None
) -> Response:
    """Cancel an order that has not been shipped.

    The right to withdraw after the delivery is another thing, and not touched by this.
    """

    def effect(connection: Connection, now: datetime) -> Done | Problem:
        answer = replenish.cancel(
            connection,
            caller.household_id,
            order_key,
            person_id=caller.person_id,
            now=now,
            changes=works_of(request).changes,
        )
        if answer is CancelAnswer.UNKNOWN_ORDER:
            return Problem(Code.NOT_FOUND)
        if answer is CancelAnswer.TOO_LATE:
            return Problem(Code.TOO_LATE_TO_CANCEL)
        outcome = "cancelled" if answer is CancelAnswer.CANCELLED else "asked"
        order = order_of(connection, caller.household_id, order_key)
        return Done(Cancelled(outcome=outcome, order=order))

    return once.do(request, caller, given, effect)


@router.post(
    "/orders/{order_key}/was-it-right",
    dependencies=[Keyed],
    response_model=Order,
    openapi_extra=codes(Code.NOTHING_TO_ANSWER),
)
def say_whether_right(
    request: Request, caller: Caller, once: OnceOf, order_key: PathId, given: RightOrNot
) -> Response:
    """Say once, after a delivery, whether it was right; forecasts learn from it."""

    def effect(connection: Connection, now: datetime) -> Done | Problem:
        replenish.order(connection, caller.household_id, order_key)
        taken = replenish.answer_follow_up(
            connection,
            caller.household_id,
            order_key,
            given.answer,
            person_id=caller.person_id,
            now=now,
            changes=works_of(request).changes,
        )
        if not taken:
            return Problem(Code.NOTHING_TO_ANSWER)
        return Done(order_of(connection, caller.household_id, order_key))

    return once.do(request, caller, given, effect)
