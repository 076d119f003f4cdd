"""What a token may be, and which repeat is which. Pure."""

import hashlib
import json
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from zodra_cloud.api.models import Scope, Token

TOKEN_PREFIX: Final = "zpt_"  # noqa: S105 - the prefix by which a leaked one is recognised
TOKEN_BYTES: Final = 32
TOKEN_DAYS_MAX: Final = 366
TOKENS_MAX: Final = 20
"""Live ones of a household; who has more has lost sight of them."""
NAME_CHARS_MAX: Final = 60
USED_TO: Final = timedelta(hours=1)
"""How exactly the last use is kept: a write for each read would cost more than it tells."""

ANSWERS_KEPT: Final = timedelta(hours=24)
KEY_CHARS_MAX: Final = 255
EVENTS_KEPT: Final = 1_000
"""Of a household; months, for a household that buys what it uses."""

_TOKEN: Final = re.compile(rf"{TOKEN_PREFIX}[A-Za-z0-9_-]{{43}}")
_QUOTED: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BARE: Final = re.compile(r"[!#-\[\]-~]+")


def may_be_token(presented: str) -> bool:
    """Tell whether it looks like one of ours; what does not is not looked up."""
    return _TOKEN.fullmatch(presented) is not None


def hashed(secret: str) -> str:
    """Give the hash under which a token is stored; 256 random bits need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def token_fault(name: str, scopes: Collection[Scope], days: int, live: int) -> str | None:
    """Name what is wrong with a token that somebody wants, and the rule; None if nothing is."""
    if not name.strip() or len(name) > NAME_CHARS_MAX or not name.isprintable():
        return f"name: people tell tokens apart by it; use 1 to {NAME_CHARS_MAX} characters"
    if Scope.READ not in scopes:
        return "scopes: every token has read; add act if it shall also answer and change"
    if not 1 <= days <= TOKEN_DAYS_MAX:
        return f"days: {days} is not from 1 to {TOKEN_DAYS_MAX}"
    if live >= TOKENS_MAX:
        return f"tokens: the household has {live}, and {TOKENS_MAX} is the most; revoke one first"
    return None


def is_live(token: Token, now: datetime) -> bool:
    """Tell whether a token opens anything at `now`."""
    return token.revoked_at is None and now < token.expires_at


def read_key(header: str) -> str | None:
    """Read an Idempotency-Key, quoted as the draft says or bare as many send it; None if neither.

    Source: draft-ietf-httpapi-idempotency-key-header-07, section 2.1.
    """
    text = header.strip()
    found = _QUOTED.fullmatch(text)
    key = found[1].replace('\\"', '"').replace("\\\\", "\\") if found else text
    if not found and _BARE.fullmatch(text) is None:
        return None
    return key if 1 <= len(key) <= KEY_CHARS_MAX else None


def request_hash(method: str, path: str, if_match: str, given: Any) -> str:
    """Name what a call asks for, whatever the spaces in its body; `given` is its JSON value."""
    text = json.dumps([method, path, if_match, given], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
