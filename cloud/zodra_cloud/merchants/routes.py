"""Where shops send their order events: signed, at most once each, in any order."""

from collections.abc import Sequence
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response, status
from fastapi.concurrency import run_in_threadpool

from zodra_cloud.kit.clock import Clock
from zodra_cloud.kit.problem import problem
from zodra_cloud.merchants import events, wire
from zodra_cloud.merchants.events import EVENT_BYTES_MAX, EventRefusal
from zodra_cloud.merchants.http import Garbled, Inconsistent
from zodra_cloud.merchants.service import OrderListener

_STATUS = {
    EventRefusal.UNSIGNED: status.HTTP_401_UNAUTHORIZED,
    EventRefusal.OUTSIDE_WINDOW: status.HTTP_401_UNAUTHORIZED,
    EventRefusal.FORGED: status.HTTP_401_UNAUTHORIZED,
    EventRefusal.MALFORMED: status.HTTP_400_BAD_REQUEST,
}

_DETAILS = {
    EventRefusal.UNSIGNED: "webhook-id, webhook-timestamp or webhook-signature is missing or not"
    " as Standard Webhooks says",
    EventRefusal.OUTSIDE_WINDOW: "webhook-timestamp is more than five minutes from our clock: sign"
    " each attempt anew",
    EventRefusal.FORGED: "webhook-signature is not of this body, id and timestamp under our secret",
    EventRefusal.MALFORMED: "the body is no order event: it has to be JSON as it is documented",
}
TOO_LARGE = "too_large"

_log = structlog.get_logger("zodra_cloud.merchants")


async def _bounded_body(request: Request) -> bytes | None:
    """Read the body; None if it is larger than an event can be, without reading all of it."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > EVENT_BYTES_MAX:
            return None
    return bytes(raw)


def router(clock: Clock, secrets: Sequence[str], listener: OrderListener) -> APIRouter:
    """Make the routes.

    Args:
        clock: for the window in which an event counts.
        secrets: `whsec_...`, in base64; two while one replaces the other.
        listener: takes in what was told; called in a worker thread.
    """
    routes = APIRouter(prefix="/merchants")

    @routes.post("/ucp/events", status_code=status.HTTP_204_NO_CONTENT)
    async def event(
        request: Request, body: Annotated[bytes | None, Depends(_bounded_body)]
    ) -> Response:
        """Take in one order event. 401 and 400 are final; anything from 500 on asks to retry."""
        if body is None:
            return problem(
                status.HTTP_413_CONTENT_TOO_LARGE,
                TOO_LARGE,
                f"the body is larger than {EVENT_BYTES_MAX} bytes",
            )
        now = clock.now()
        checked = events.check(secrets, request.headers, body, now)
        if isinstance(checked, EventRefusal):
            return _refuse(checked)
        try:
            told = wire.read_event(body)
        except (Garbled, Inconsistent):
            return _refuse(EventRefusal.MALFORMED)
        if told is not None:
            known = await run_in_threadpool(listener, told, checked.event_id, now)
            if not known:
                _log.warning("shop_event_of_unknown_order", event_id=checked.event_id)
        return Response(status_code=status.HTTP_204_NO_CONTENT)

    return routes


def _refuse(refusal: EventRefusal) -> Response:
    _log.warning("shop_event_refused", reason=refusal.value)
    return problem(_STATUS[refusal], refusal.value, _DETAILS[refusal])
