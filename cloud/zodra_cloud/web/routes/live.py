"""The live streams: the page's part, rendered anew whenever something changed."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, suppress
from functools import partial
from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from zodra_cloud.replenish import service as replenish
from zodra_cloud.web.access import (
    HouseholdMember,
    Operator,
    SignedIn,
    Visitor,
    site_of,
    visitor_of,
)
from zodra_cloud.web.routes.household import home_part
from zodra_cloud.web.routes.operator import fleet_part
from zodra_cloud.web.routes.orders import order_part
from zodra_cloud.web.routes.subscriptions import own_subscription, subscription_part

router = APIRouter()

_RECONNECT_MS: Final = 2_000


def one_stream(request: Request, visitor: SignedIn) -> Iterator[None]:
    """Count the stream against the session's limit; a page beyond it polls."""
    streams = site_of(request).streams
    session = visitor.session.session_hash
    if not streams.take(session):
        raise HTTPException(429)
    try:
        yield
    finally:
        streams.give_back(session)


def own_order(request: Request, visitor: HouseholdMember, order_key: str) -> None:
    """Answer 404 for an order of another household before a stream begins."""
    with site_of(request).database.read() as connection:
        replenish.order(connection, visitor.household_id, order_key)


def own_terms(request: Request, visitor: HouseholdMember, subscription_id: str) -> None:
    """Answer 404 for a subscription of another household before a stream begins."""
    with site_of(request).database.read() as connection:
        own_subscription(connection, visitor, subscription_id, request)


@router.get("/events", response_class=EventSourceResponse, dependencies=[Depends(one_stream)])
async def household_events(
    request: Request, visitor: HouseholdMember, last_event_id: Annotated[str, Header()] = ""
) -> AsyncIterator[ServerSentEvent]:
    """Stream the household's page."""
    async for event in _stream(request, visitor.household_id, home_part, last_event_id):
        yield event


@router.get(
    "/orders/{order_key}/events",
    response_class=EventSourceResponse,
    dependencies=[Depends(own_order), Depends(one_stream)],
)
async def order_events(
    request: Request,
    visitor: HouseholdMember,
    order_key: str,
    last_event_id: Annotated[str, Header()] = "",
) -> AsyncIterator[ServerSentEvent]:
    """Stream the page of one order."""
    part = partial(order_part, order_key)
    async for event in _stream(request, visitor.household_id, part, last_event_id):
        yield event


@router.get(
    "/subscriptions/{subscription_id}/events",
    response_class=EventSourceResponse,
    dependencies=[Depends(own_terms), Depends(one_stream)],
)
async def subscription_events(
    request: Request,
    visitor: HouseholdMember,
    subscription_id: str,
    last_event_id: Annotated[str, Header()] = "",
) -> AsyncIterator[ServerSentEvent]:
    """Stream the page of one subscription."""
    part = partial(subscription_part, subscription_id)
    async for event in _stream(request, visitor.household_id, part, last_event_id):
        yield event


@router.get(
    "/operator/events", response_class=EventSourceResponse, dependencies=[Depends(one_stream)]
)
async def operator_events(
    request: Request, visitor: Operator, last_event_id: Annotated[str, Header()] = ""
) -> AsyncIterator[ServerSentEvent]:
    """Stream the operator's page."""
    async for event in _stream(request, None, fleet_part, last_event_id):
        yield event


async def _stream(
    request: Request,
    household_id: str | None,
    part: Callable[[Request, Visitor], str],
    last_event_id: str,
) -> AsyncIterator[ServerSentEvent]:
    """Send the part now, and again whenever it reads differently.

    The id is a hash of what was sent, so a page that reconnects to an unchanged household gets
    nothing. A quiet stream looks every heartbeat too: instants in words grow older by themselves.
    """
    sent = last_event_id

    async def look() -> ServerSentEvent | None:
        nonlocal sent
        visitor = await run_in_threadpool(visitor_of, request)
        if visitor is None:
            return None
        html = await run_in_threadpool(part, request, visitor)
        digest = hashlib.sha256(html.encode()).hexdigest()[:24]
        if digest == sent:
            return ServerSentEvent(comment="unchanged")
        sent = digest
        return ServerSentEvent(raw_data=html, id=digest, retry=_RECONNECT_MS)

    changes = cast(AsyncGenerator[bool], site_of(request).changes.listen(household_id))
    async with aclosing(changes):
        # Listening starts before the first look, so that no change falls between the two.
        heard = asyncio.ensure_future(anext(changes, None))
        await asyncio.sleep(0)
        try:
            while (event := await look()) is not None:
                yield event
                if await heard is None:
                    return
                heard = asyncio.ensure_future(anext(changes, None))
        finally:
            heard.cancel()
            with suppress(asyncio.CancelledError):
                await heard
