"""Who may look at the home and press things: the holder of the token, and whom they gave a link."""

import hashlib
import hmac
import secrets
from typing import Final

from fastapi import HTTPException, Request

from zodra_sim import clock
from zodra_sim.household.repository import Store

LINK_MS: Final = 15 * 60 * 1000
SESSION_MS: Final = 12 * 3600 * 1000
_SAFE_METHODS: Final = ("GET", "HEAD")

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Access:
    """Tokens, one-time links and the cookie they turn into."""

    def __init__(self, token: str, store: Store, time: clock.Clock) -> None:
        """Guard one home.

        Args:
            token: of the API; whoever holds it may do everything.
            store: keeps the hashes of links that were not used yet.
            time: for expiry.
        """
        self._token = token
        self._store = store
        self._clock = time

    def new_link(self) -> tuple[str, str]:
        """Make a one-time token for the page.

        Returns:
            The token, and when it expires, RFC 3339.
        """
        token = secrets.token_urlsafe(24)
        now_ms = self._clock.now_ms()
        self._store.add_link(_hash(token), now_ms, now_ms + LINK_MS)
        return token, clock.text(clock.instant(now_ms + LINK_MS))

    def session_for(self, token: str) -> str | None:
        """Turn a one-time token into the value of a cookie, or None if it is no good."""
        now_ms = self._clock.now_ms()
        if not self._store.use_link(_hash(token), now_ms):
            return None
        return self._signed(now_ms + SESSION_MS)

    def is_session(self, value: str | None) -> bool:
        """Say whether a cookie was given by us and has not expired. It outlives a restart."""
        expires, _, _signature = (value or "").partition(".")
        if not expires.isascii() or not expires.isdigit() or len(expires) > 16:
            return False
        good = hmac.compare_digest(self._signed(int(expires)).encode(), (value or "").encode())
        return good and int(expires) > self._clock.now_ms()

    def check(self, request: Request) -> None:
        """Let a request through that carries the token, or comes from our own signed-in page.

        Raises:
            HTTPException: 401 without either, 403 for another page's request in our visitor's name.
        """
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            if hmac.compare_digest(given.encode(), self._token.encode()):
                return
            raise HTTPException(401, "the token is not this home's")
        if not self.is_session(request.cookies.get(cookie_name(request))):
            raise HTTPException(401, "sign in with a link, or send the token as a bearer")
        if request.method not in _SAFE_METHODS and not _same_origin(request):
            raise HTTPException(403, "this request comes from another page")

    def _signed(self, expires_ms: int) -> str:
        text = str(expires_ms)
        signature = hmac.new(self._token.encode(), b"session:" + text.encode(), hashlib.sha256)
        return f"{text}.{signature.hexdigest()}"


def cookie_name(request: Request) -> str:
    """Name the cookie after the port: cookies know hosts only, and two homes may share one."""
    return f"zodra_home_{request.url.port or 0}"


def _same_origin(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("origin") == f"http://{request.headers.get('host')}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
