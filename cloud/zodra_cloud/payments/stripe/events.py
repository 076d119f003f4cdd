"""Is this event from Stripe, and recent? Its signature scheme, with time as an argument.

An event is a hint, never a fact: it names a charge or a page that is then asked about. So events
that come twice, late or in any order change nothing that the provider itself does not confirm.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

WINDOW: Final = timedelta(minutes=5)
"""How far the sender's clock may be from ours, either way; an older event is a replay."""
EVENT_BYTES_MAX: Final = 64 * 1024
HEADER_CHARS_MAX: Final = 1_024
SIGNATURES_MAX: Final = 5
ID_CHARS_MAX: Final = 255

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,255}$")]


class EventRefusal(StrEnum):
    """Why an event is not taken in, in order of precedence. A name is never reused."""

    UNSIGNED = "unsigned"
    OUTSIDE_WINDOW = "outside_window"
    FORGED = "forged"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Signed:
    """An event of the provider's."""

    event_id: str
    kind: str
    about: tuple[str, ...]
    """Ids that it names, most particular first."""


class _Thing(BaseModel):
    model_config = ConfigDict(extra="ignore")

    # Of kinds that nobody reads here, some have no id and some have other things under the name.
    id: object = None
    payment_intent: object = None


class _Data(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    object: _Thing


class _Event(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    id: Name
    type: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.]{1,100}$")]
    data: _Data


def check(
    secrets: Sequence[str], header: str | None, body: bytes, now: datetime
) -> Signed | EventRefusal:
    """Check who sent an event, and when, and read what it is about.

    Args:
        secrets: `whsec_...`; more than one while a secret is being replaced.
        header: `Stripe-Signature`.
        body: exactly as received.
        now: the service's instant.
    """
    stamped = _stamp(header)
    if stamped is None:
        return EventRefusal.UNSIGNED
    sent, given = stamped
    sent_at = datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(sent))
    if abs(now - sent_at) > WINDOW:
        return EventRefusal.OUTSIDE_WINDOW
    signed = sent.encode() + b"." + body
    for secret in secrets:
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
        # Every one is compared, in a time that says nothing about which differs where.
        if sum(hmac.compare_digest(expected, each) for each in given):
            return _read(body)
    return EventRefusal.FORGED


def _stamp(header: str | None) -> tuple[str, list[bytes]] | None:
    if not header or len(header) > HEADER_CHARS_MAX:
        return None
    pairs = [each.strip().partition("=") for each in header.split(",")]
    sent = [value for name, _, value in pairs if name == "t"]
    given = [value.encode() for name, _, value in pairs if name == "v1"]
    if len(sent) != 1 or not given:
        return None
    if not (sent[0].isascii() and sent[0].isdigit() and len(sent[0]) <= 12):
        return None
    return sent[0], given[:SIGNATURES_MAX]


def _read(body: bytes) -> Signed | EventRefusal:
    try:
        event = _Event.model_validate(json.loads(body))
    except (ValidationError, ValueError, RecursionError):
        return EventRefusal.MALFORMED
    thing = event.data.object
    named = (thing.id, thing.payment_intent)
    about = tuple(each for each in named if isinstance(each, str) and len(each) <= ID_CHARS_MAX)
    return Signed(event.id, event.type, about)
