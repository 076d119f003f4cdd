"""The door of the API: who calls, how often, and whether the call can be taken at all.

In front of every address, so that no route can forget it: whoever has no token learns nothing, an
unsafe call without the scope or without an Idempotency-Key does nothing, and no body is read
beyond its limit.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zodra_cloud.api import models as api
from zodra_cloud.api import policy, service
from zodra_cloud.api.models import Token
from zodra_cloud.api.problems import Code, Problem, answer_to
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock
from zodra_cloud.law.rules import Rules
from zodra_cloud.store.engine import Database

PREFIX: Final = "/api/"
GUARDED: Final = "/api/v1/"
BODY_BYTES_MAX: Final = 64 * 1024
"""The largest body of a call is under 2 KiB."""
HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
KEY: Final = "idempotency-key"

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})

_log = structlog.get_logger("zodra_cloud.api")


@dataclass(frozen=True, slots=True)
class Works:
    """What the API works with, handed in by the composition root."""

    database: Database
    clock: Clock
    changes: Changes
    public_url: str
    calls_per_minute: int
    allow_call: Callable[[str, float], bool]
    """Takes one call of a token at an instant of the monotonic clock; False if it has none."""
    take_stream: Callable[[str], bool]
    """Opens one stream of a token; False if it has as many as it may."""
    give_stream_back: Callable[[str], None]
    law: Rules = field(default_factory=Rules)
    """What of a withdrawal depends on the country and the operator."""
    call_off_allowed: bool = False
    """Whether the market lets a press order under a standing agreement."""


class ApiFirst:
    """Sends what is meant for the API to the API, before anything of the pages sees it."""

    def __init__(self, app: ASGIApp, api: ASGIApp) -> None:
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        mine = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (self._api if mine else self._app)(scope, receive, send)


class Door:
    """Lets calls in."""

    def __init__(self, app: ASGIApp, works: Works) -> None:
        self._app = app
        self._works = works

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope, receive)
        try:
            if scope["path"].startswith(GUARDED):
                await self._let_in(request)
            body = await _body(request)
        except Problem as problem:
            await answer_to(problem, request)(scope, receive, send_guarded)
            return
        await self._app(scope, _again(body, receive), send_guarded)

    async def _let_in(self, request: Request) -> None:
        headers = request.headers
        if headers.get("sec-fetch-site", "none") not in _OWN_SITES:
            raise Problem(Code.FOREIGN_SITE)
        token = await self._token(headers)
        if not self._works.allow_call(token.token_id, self._works.clock.monotonic()):
            wait_s = math.ceil(60 / self._works.calls_per_minute)
            _log.info("api_call_refused", household_id=token.household_id, reason="too_many_calls")
            raise Problem(Code.TOO_MANY_CALLS, headers={"retry-after": str(wait_s)})
        if request.method not in _SAFE:
            _check_unsafe(token, headers)
        request.scope.setdefault("state", {})["token"] = token

    async def _token(self, headers: Headers) -> Token:
        scheme, _, presented = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not presented.strip():
            challenge = {"www-authenticate": 'Bearer realm="zodra"'}
            raise Problem(Code.TOKEN_MISSING, headers=challenge)
        found = await run_in_threadpool(self._read_token, presented.strip())
        if found is None:
            _log.info("api_call_refused", reason="token_invalid")
            challenge = {"www-authenticate": 'Bearer realm="zodra", error="invalid_token"'}
            raise Problem(Code.TOKEN_INVALID, headers=challenge)
        return found

    def _read_token(self, presented: str) -> Token | None:
        now = self._works.clock.now()
        with self._works.database.read() as connection:
            found = service.access(connection, presented, now)
        if found is not None and _long_unused(found.last_used_at, now):
            with self._works.database.write(found.household_id) as connection:
                service.note_used(connection, found, now)
        return found


def _long_unused(used_at: datetime | None, now: datetime) -> bool:
    return used_at is None or now - used_at >= policy.USED_TO


def _check_unsafe(token: Token, headers: Headers) -> None:
    if api.Scope.ACT not in token.scopes:
        challenge = {"www-authenticate": 'Bearer error="insufficient_scope", scope="read act"'}
        raise Problem(Code.SCOPE_MISSING, headers=challenge)
    if KEY not in headers:
        raise Problem(Code.IDEMPOTENCY_KEY_MISSING)
    if policy.read_key(headers[KEY]) is None:
        raise Problem(Code.IDEMPOTENCY_KEY_INVALID)


async def _body(request: Request) -> bytes:
    """Read the body, at most as much as one can be, and only of a kind that we read."""
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:20]) > BODY_BYTES_MAX:
        raise Problem(Code.BODY_TOO_LARGE)
    if request.method in _SAFE:
        return b""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > BODY_BYTES_MAX:
            raise Problem(Code.BODY_TOO_LARGE)
    if (raw or "content-type" in request.headers) and not _is_json(request.headers):
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE)
    return bytes(raw)


def _is_json(headers: Headers) -> bool:
    kind, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    return kind.strip().lower() == "application/json" and charset in ("", "charset=utf-8")


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read to whoever reads it next; then only the end of the caller."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
