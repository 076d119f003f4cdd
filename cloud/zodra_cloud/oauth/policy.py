"""What a redirect address may look like, and whether a refresh token still counts."""

import re
from base64 import b64decode
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

ACCESS_LIFETIME: Final = timedelta(hours=1)
CODE_LIFETIME: Final = timedelta(minutes=5)
"""RFC 6749 recommends ten at most; a companion app needs seconds."""
REFRESH_LIFETIME: Final = timedelta(days=400)
"""A coffee machine in a summer house wakes once a year."""
RETRY_SPAN: Final = timedelta(minutes=2)
"""For how long an exchange whose answer was lost may be repeated. Without it one lost packet
would cost the household a new login."""
REDIRECT_CHARS_MAX: Final = 500
REDIRECTS_MAX: Final = 10

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_APP_SCHEME: Final = re.compile(r"^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+$")
_CREDENTIALS: Final = re.compile(r"^[A-Za-z]+ [A-Za-z0-9+/=._~-]+\Z")
_PRINTABLE: Final = re.compile(r"^[\x21\x23-\x5b\x5d-\x7e]+$")
"""The characters that RFC 6749 allows in an error's description, which names the address."""


def redirect_fault(uri: str) -> str | None:
    """Say why an address cannot be registered for redirects; None if it can.

    https anywhere, http on the device's own loopback (RFC 8252, 7.3), or an app's own scheme in
    reverse domain form (RFC 8252, 7.1).
    """
    if len(uri) > REDIRECT_CHARS_MAX or not _PRINTABLE.match(uri):
        return f"use at most {REDIRECT_CHARS_MAX} printable ASCII characters without quotes"
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "this is no address"
    if parts.fragment or "#" in uri:
        return "leave the fragment (#...) out"
    if parts.username is not None or "*" in uri:
        return "no user name and no wildcard"
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return None
    if _APP_SCHEME.match(parts.scheme):
        return None
    return "use https, http on loopback, or an app's scheme such as com.example.app:/callback"


def may_be_described(value: str) -> bool:
    """Tell whether a value may stand in the description of an error."""
    return bool(_PRINTABLE.match(value))


def may_be_credentials(header: str) -> bool:
    """Tell whether an `Authorization` header can be taken apart; authlib stumbles over others."""
    if not header:
        return True
    if _CREDENTIALS.match(header) is None:
        return False
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return True
    try:
        b64decode(encoded, validate=True).decode()
    except ValueError:
        return False
    return True


class Refresh(StrEnum):
    """What an exchange of a refresh token is."""

    FIRST = "first"
    REPEATED = "repeated"
    """The answer to the first was lost: what that one gave is void, and a new pair is given."""
    DEAD = "dead"
    """Expired, or its grant was revoked."""
    REUSED = "reused"
    """Two parties hold it. Nobody can tell which is the thief, so all tokens are revoked."""


def judge_refresh(
    *,
    expires_at: datetime,
    revoked: bool,
    used_at: datetime | None,
    replaced: bool,
    successor_used: bool,
    now: datetime,
) -> Refresh:
    """Judge one exchange.

    Args:
        expires_at: of the token.
        revoked: whether its grant was.
        used_at: when it was exchanged before.
        replaced: whether it came from an exchange that was repeated.
        successor_used: whether anything that came from it was exchanged in its turn: then the
            answer did arrive, and nobody has a reason to repeat the exchange.
        now: the instant.
    """
    if revoked or now >= expires_at:
        return Refresh.DEAD
    if replaced:
        return Refresh.REUSED
    if used_at is None:
        return Refresh.FIRST
    if now - used_at <= RETRY_SPAN and not successor_used:
        return Refresh.REPEATED
    return Refresh.REUSED
