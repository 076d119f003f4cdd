"""Live tracking: a stream of what happens, that goes on where it broke off."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from zodra_cloud.api import repository
from zodra_cloud.api.models import Event, Token
from zodra_cloud.api.policy import is_live
from zodra_cloud.api.problems import Code, Problem
from zodra_cloud.api.routes.common import Caller, token_of, works_of
from zodra_cloud.api.routes.orders import order_of
from zodra_cloud.api.schemas.common import PathId
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.states import ORDER_OPEN

router = APIRouter(tags=["Events"])

LOOK_S: Final = 5.0
"""Also without a word in this process: another one may have moved the order."""
BATCH: Final = 100
STANDING_MAX: Final = 100
_RECONNECT_MS: Final = 2_000
_TOO_MANY_RETRY_S: Final = 5

LastEventId = Annotated[
    int | None,
    Header(
        alias="Last-Event-ID",
        ge=0,
        le=2**53 - 1,
        description="The id of the last event that was read; what followed is sent first.",
    ),
]


def one_stream(request: Request) -> Iterator[None]:
    """Count the stream against the token's limit."""
    works, token_id = works_of(request), token_of(request).token_id
    if not works.take_stream(token_id):
        wait = {"retry-after": str(_TOO_MANY_RETRY_S)}
        raise Problem(Code.TOO_MANY_STREAMS, headers=wait)
    try:
        yield
    finally:
        works.give_stream_back(token_id)


def known_order(request: Request, caller: Caller, order_key: PathId) -> None:
    """Refuse a stream about an order that the household does not have."""
    with works_of(request).database.read() as connection:
        replenish.order(connection, caller.household_id, order_key)


@router.get("/events", response_class=EventSourceResponse, dependencies=[Depends(one_stream)])
async def follow_household(
    request: Request, caller: Caller, last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """Follow everything that happens to the household's quotes and orders, as it happens.

    The first event is `standing`, with the orders under way, unless Last-Event-ID says where to go
    on. Later ones carry the names `order.*` and `quote.*`; `order.late` says unasked that a
    promise will not be kept. `missed` says that more happened than was kept: list again.
    """
    async for event in _stream(_Follower(request, caller, None), last_event_id):
        yield event


@router.get(
    "/orders/{order_key}/events",
    response_class=EventSourceResponse,
    dependencies=[Depends(known_order), Depends(one_stream)],
)
async def follow_order(
    request: Request, caller: Caller, order_key: PathId, last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """Follow one order to the door, as `/api/v1/events` does for all of them."""
    async for event in _stream(_Follower(request, caller, order_key), last_event_id):
        yield event


class _Follower:
    """Reads what a stream has not told yet."""

    def __init__(self, request: Request, token: Token, order_key: str | None) -> None:
        self._works = works_of(request)
        self._token = token
        self._order_key = order_key
        self._told = 0

    def begin(self, last_event_id: int | None) -> list[ServerSentEvent]:
        """Say where the stream starts."""
        household_id = self._token.household_id
        with self._works.database.read() as connection:
            first, last = repository.numbers(connection, household_id)
            if last_event_id is None:
                self._told = last
                told = {"orders": self._standing(connection)}
                return [_written("standing", told, last)]
        self._told = min(last_event_id, last)
        if last_event_id > last or last_event_id < first - 1:
            return [_written("missed", {"since": last_event_id}, self._told)]
        return []

    def _standing(self, connection: Any) -> list[dict[str, Any]]:
        household_id = self._token.household_id
        if self._order_key is not None:
            return [order_of(connection, household_id, self._order_key).model_dump(mode="json")]
        views = replenish.recent_orders(connection, household_id, STANDING_MAX)
        return [
            order_of(connection, household_id, each.order.order_key).model_dump(mode="json")
            for each in views
            if each.order.state in ORDER_OPEN
        ]

    def look(self) -> list[ServerSentEvent] | None:
        """Give what happened since; None if the token ended meanwhile."""
        with self._works.database.read() as connection:
            found = repository.events_after(
                connection, self._token.household_id, self._told, self._order_key, BATCH
            )
            token = repository.token(connection, self._token.household_id, self._token.token_id)
        if token is None or not is_live(token, self._works.clock.now()):
            return None
        if found:
            self._told = found[-1].number
        return [_event(each) for each in found]

    def changes(self) -> AsyncGenerator[bool]:
        """Listen for changes of the household, and to the passing of time."""
        listening = self._works.changes.listen(self._token.household_id, LOOK_S)
        return cast(AsyncGenerator[bool], listening)


async def _stream(follower: _Follower, last_event_id: int | None) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(follower.changes()) as changes:
        # Listening starts before the first look, so that no change falls between the two.
        heard = asyncio.ensure_future(anext(changes, None))
        await asyncio.sleep(0)
        try:
            for event in await run_in_threadpool(follower.begin, last_event_id):
                yield event
            while (events := await run_in_threadpool(follower.look)) is not None:
                for event in events or [ServerSentEvent(comment="here")]:
                    yield event
                if len(events) == BATCH:
                    continue
                if await heard is None:
                    return
                heard = asyncio.ensure_future(anext(changes, None))
        finally:
            heard.cancel()
            with suppress(asyncio.CancelledError):
                await heard


def _event(event: Event) -> ServerSentEvent:
    at = event.at.isoformat().replace("+00:00", "Z")
    return _written(event.kind, {"kind": event.kind, "at": at, **event.told}, event.number)


def _written(kind: str, told: dict[str, Any], number: int) -> ServerSentEvent:
    return ServerSentEvent(data=told, event=kind, id=str(number), retry=_RECONNECT_MS)
