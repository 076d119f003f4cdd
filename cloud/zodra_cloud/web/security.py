"""What stands between the pages and the world: headers, the origin check, form tokens, a limit.

A page may load from its own address only; nothing inline runs, so markup that slips through cannot
act. An unsafe request must come from our own pages: browsers say so in `Sec-Fetch-Site`, older ones
in `Origin`. A request with neither is no browser's, and carries no cookie that we did not give it;
the form token covers the rest.
"""

import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES_MAX: Final = 64 * 1024
"""The largest form is under 1 KiB and a shop's event under 16 KiB; more is answered 413."""

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})
"""`none` is a person who typed the address or opened a bookmark."""


def from_own_pages(headers: Headers, public_origin: str) -> bool:
    """Tell whether an unsafe request came from one of our own pages, or from no browser at all."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in _OWN_SITES
    origin = headers.get("origin")
    if origin is None:
        return True
    return origin == public_origin or urlsplit(origin).netloc == headers.get("host")


def form_token(session_id: str) -> str:
    """Derive the token that every form of a session carries; without the cookie it is unknown."""
    return hmac.new(session_id.encode(), b"zodra form token", hashlib.sha256).hexdigest()


def is_form_token(given: str, session_id: str) -> bool:
    """Compare a token in constant time."""
    return hmac.compare_digest(given.encode(), form_token(session_id).encode())


class Guard:
    """Puts the headers on every answer, and turns away what other sites send."""

    def __init__(
        self, app: ASGIApp, public_origin: str, refuse: Callable[[Request, int], Response]
    ) -> None:
        self._app = app
        self._public_origin = public_origin
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:20]) > BODY_BYTES_MAX:
            await self._refuse(Request(scope), 413)(scope, receive, send_guarded)
        elif scope["method"] in _SAFE_METHODS or from_own_pages(headers, self._public_origin):
            await self._app(scope, receive, send_guarded)
        else:
            await self._refuse(Request(scope), 403)(scope, receive, send_guarded)


class AttemptLimit:
    """At most so many attempts a minute from one address; in memory, and bounded."""

    def __init__(self, per_minute: int = 20, addresses_max: int = 10_000) -> None:
        self._per_minute = per_minute
        self._addresses_max = addresses_max
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allow(self, address: str, now_s: float) -> bool:
        """Take one attempt; False if the address has none left. `now_s` is monotonic."""
        most = float(self._per_minute)
        with self._lock:
            left, since_s = self._left.pop(address, (most, now_s))
            left = min(most, left + (now_s - since_s) * most / 60.0)
            allowed = left >= 1.0
            self._left[address] = (left - 1.0 if allowed else left, now_s)
            while len(self._left) > self._addresses_max:
                self._left.popitem(last=False)
        return allowed


class StreamLimit:
    """At most so many live streams for one session; a page beyond that polls."""

    def __init__(self, per_session: int = 4) -> None:
        self._per_session = per_session
        self._open: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, session: str) -> bool:
        """Open one; False if the session has as many as it may."""
        with self._lock:
            count = self._open.get(session, 0)
            if count < self._per_session:
                self._open[session] = count + 1
        return count < self._per_session

    def give_back(self, session: str) -> None:
        """Close one."""
        with self._lock:
            left = self._open.pop(session, 0) - 1
            if left > 0:
                self._open[session] = left
