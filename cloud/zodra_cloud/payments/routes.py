"""Where the payment provider sends its events: signed, at least once, in any order."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Depends, Request, Response, status
from fastapi.concurrency import run_in_threadpool

from zodra_cloud.kit.clock import Clock
from zodra_cloud.kit.problem import problem
from zodra_cloud.payments.stripe import events
from zodra_cloud.payments.stripe.events import EVENT_BYTES_MAX, EventRefusal

EventListener = Callable[[str, tuple[str, ...]], bool]
"""Takes in an event: its id, and the ids it is about. False if they are none of ours."""

_STATUS: Final = {
    EventRefusal.UNSIGNED: status.HTTP_401_UNAUTHORIZED,
    EventRefusal.OUTSIDE_WINDOW: status.HTTP_401_UNAUTHORIZED,
    EventRefusal.FORGED: status.HTTP_401_UNAUTHORIZED,
    EventRefusal.MALFORMED: status.HTTP_400_BAD_REQUEST,
}

_DETAILS: Final = {
    EventRefusal.UNSIGNED: "Stripe-Signature is missing or has no t and v1",
    EventRefusal.OUTSIDE_WINDOW: "t in Stripe-Signature is more than five minutes from our clock",
    EventRefusal.FORGED: "v1 in Stripe-Signature is not of this body and t under our secret",
    EventRefusal.MALFORMED: "the body is no event: id, type and data.object are read",
}
TOO_LARGE: Final = "too_large"

_log = structlog.get_logger("zodra_cloud.payments")


async def _bounded_body(request: Request) -> bytes | None:
    """Read the body; None if it is larger than an event can be, without reading all of it."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > EVENT_BYTES_MAX:
            return None
    return bytes(raw)


def router(clock: Clock, secrets: Sequence[str], listener: EventListener) -> APIRouter:
    """Make the routes.

    Args:
        clock: for the window in which an event counts.
        secrets: `whsec_...`; two while one replaces the other.
        listener: takes in what was told; called in a worker thread.
    """
    routes = APIRouter(prefix="/payments")

    @routes.post("/stripe/events", status_code=status.HTTP_204_NO_CONTENT)
    async def event(
        request: Request, body: Annotated[bytes | None, Depends(_bounded_body)]
    ) -> Response:
        """Take in one event. 401 and 400 are final; anything from 500 on asks to retry."""
        if body is None:
            return problem(
                status.HTTP_413_CONTENT_TOO_LARGE,
                TOO_LARGE,
                f"the body is larger than {EVENT_BYTES_MAX} bytes",
            )
        header = request.headers.get("stripe-signature")
        checked = events.check(secrets, header, body, clock.now())
        if isinstance(checked, EventRefusal):
            _log.warning("payment_event_refused", reason=checked.value)
            return problem(_STATUS[checked], checked.value, _DETAILS[checked])
        known = await run_in_threadpool(listener, checked.event_id, checked.about)
        if not known:
            # Of another kind, or about something that others do in the same account.
            _log.info("payment_event_of_nothing_ours", kind=checked.kind)
        return Response(status_code=status.HTTP_204_NO_CONTENT)

    return routes
