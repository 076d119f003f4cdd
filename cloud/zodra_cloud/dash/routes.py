"""The classic verbs over HTTP: two mandatory headers, 200 or 400, and a word about what is wrong.

Paths, headers and answers are those that firmware was written for; what differs and why is in
docs/dash.md.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from zodra_cloud.dash import wire
from zodra_cloud.dash.calls import Calls, Fault
from zodra_cloud.dash.wire import BODY_BYTES_MAX, DeviceStatus, SlotStatus, Verb, Versions
from zodra_cloud.kit.clock import Clock
from zodra_cloud.oauth.service import Access

RETRY_AFTER_S: Final = 30
CLASSIC_PREFIX: Final = "Atza|"
"""Some firmware writes it before whatever token it was given."""

Limit = Callable[[str, float], bool]
Do = Callable[[Access, Versions, bytes], dict[str, Any] | Fault]

_log = structlog.get_logger("zodra_cloud.dash")


async def _body(request: Request) -> bytes | None:
    """Read the body; None if it is larger than one can be, without reading all of it."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > BODY_BYTES_MAX:
            return None
    return bytes(raw)


Body = Annotated[bytes | None, Depends(_body)]


class Desk:
    """Serves the calls of devices.

    Args:
        calls: the verbs.
        clock: for the limit.
        limit: takes one call of a device; False if it has none left.
    """

    def __init__(self, calls: Calls, clock: Clock, limit: Limit) -> None:
        self._calls = calls
        self._clock = clock
        self._limit = limit

    async def replenish(self, request: Request, slot_id: str, body: Body) -> Response:
        """Ask for replenishment of a slot."""
        key = request.headers.get("idempotency-key")

        def do(access: Access, _versions: Versions, _raw: bytes) -> dict[str, Any] | Fault:
            return self._calls.replenish(access, slot_id, key)

        return await self._serve(request, Verb.REPLENISH, body, do)

    async def slot_status(self, request: Request, slot_id: str, body: Body) -> Response:
        """Say what is left in a slot."""

        def do(access: Access, _versions: Versions, raw: bytes) -> dict[str, Any] | Fault:
            read = wire.read_body(SlotStatus, raw)
            if isinstance(read, str):
                return Fault(read)
            return self._calls.slot_status(access, slot_id, read)

        return await self._serve(request, Verb.SLOT_STATUS, body, do)

    async def device_status(self, request: Request, body: Body) -> Response:
        """Say that the device is alive, once a day."""

        def do(access: Access, _versions: Versions, raw: bytes) -> dict[str, Any] | Fault:
            read = wire.read_body(DeviceStatus, raw)
            return Fault(read) if isinstance(read, str) else self._calls.device_status(access, read)

        return await self._serve(request, Verb.DEVICE_STATUS, body, do)

    async def subscription_info(self, request: Request) -> Response:
        """Ask which slots have a product."""

        def do(access: Access, versions: Versions, _raw: bytes) -> dict[str, Any] | Fault:
            return self._calls.subscription_info(access, second=versions.is_second)

        return await self._serve(request, Verb.SUBSCRIPTION_INFO, b"", do)

    async def order_info(self, request: Request, event_id: str) -> Response:
        """Ask how an order stands."""

        def do(access: Access, _versions: Versions, _raw: bytes) -> dict[str, Any] | Fault:
            return self._calls.order_info(access, event_id)

        return await self._serve(request, Verb.ORDER_INFO, b"", do)

    async def deregister(self, request: Request) -> Response:
        """Let the device of the token go."""

        def do(access: Access, _versions: Versions, _raw: bytes) -> dict[str, Any] | Fault:
            return self._calls.deregister(access)

        return await self._serve(request, Verb.DEREGISTER, b"", do)

    async def deregister_named(self, request: Request, model: str, serial: str) -> Response:
        """Let the device of the token go, named once more."""

        def do(access: Access, _versions: Versions, _raw: bytes) -> dict[str, Any] | Fault:
            return self._calls.deregister(access, (model, serial))

        return await self._serve(request, Verb.DEREGISTER_NAMED, b"", do)

    async def cancel_tests(self, request: Request) -> Response:
        """End all test orders of the device, or that of one slot."""
        named = request.path_params.get("slot_id")

        def do(access: Access, _versions: Versions, _raw: bytes) -> dict[str, Any] | Fault:
            return self._calls.cancel_tests(access, named)

        return await self._serve(request, Verb.CANCEL_TEST_ORDERS, b"", do)

    async def _serve(self, request: Request, verb: Verb, body: bytes | None, do: Do) -> Response:
        return await run_in_threadpool(self._answer, request, verb, body, do)

    def _answer(self, request: Request, verb: Verb, body: bytes | None, do: Do) -> Response:
        versions = wire.read_versions(verb, request.headers)
        if isinstance(versions, str):
            return _bad(verb, versions)
        access = self._calls.access(_token(request))
        if access is None:
            return _no_token(verb)
        if not self._limit(f"{access.household_id} {access.subject}", self._clock.monotonic()):
            return _slower(verb)
        if body is None:
            return _bad(verb, f"the body is over {BODY_BYTES_MAX} bytes")
        answer = do(access, versions, body)
        if isinstance(answer, Fault):
            return _bad(verb, answer.text)
        return JSONResponse(answer, headers={wire.TYPE_VERSION: versions.result})


def router(desk: Desk) -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/dash")
    for method, path, serve in (
        ("POST", "/replenish/{slot_id}", desk.replenish),
        ("POST", "/slotStatus/{slot_id}", desk.slot_status),
        ("POST", "/deviceStatus", desk.device_status),
        ("GET", "/subscriptionInfo", desk.subscription_info),
        ("GET", "/getOrderInfo/{event_id}", desk.order_info),
        ("DELETE", "/registration", desk.deregister),
        (
            "DELETE",
            "/deviceModels/{model}/devices/{serial}/registration",
            desk.deregister_named,
        ),
        ("DELETE", "/testOrders", desk.cancel_tests),
        ("DELETE", "/testOrders/slots/{slot_id}", desk.cancel_tests),
    ):
        routes.add_api_route(path, serve, methods=[method])
    return routes


def _token(request: Request) -> str:
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    return presented.strip().removeprefix(CLASSIC_PREFIX) if scheme.lower() == "bearer" else ""


def _bad(verb: Verb, text: str) -> Response:
    _log.info("dash_call_refused", verb=verb.name.lower(), reason="bad_request")
    return JSONResponse({"message": text}, 400)


def _no_token(verb: Verb) -> Response:
    _log.info("dash_call_refused", verb=verb.name.lower(), reason="invalid_token")
    # The classic service answered 400 here too, and firmware refreshes its token on it.
    return JSONResponse(
        {"message": "the access token is missing, invalid, expired or revoked"},
        400,
        {"www-authenticate": 'Bearer error="invalid_token"'},
    )


def _slower(verb: Verb) -> Response:
    _log.info("dash_call_refused", verb=verb.name.lower(), reason="too_many")
    return JSONResponse(
        {"message": "too many calls; wait and try again"},
        429,
        {"retry-after": str(RETRY_AFTER_S)},
    )
