"""Is this event from the shop, and new? Standard Webhooks, with time as an argument.

The library makes the signatures; the window is checked here, against the service's own clock.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from standardwebhooks import Webhook

WINDOW: Final = timedelta(minutes=5)
"""How far the sender's clock may be from ours, either way; an older event is a replay."""
EVENT_BYTES_MAX: Final = 64 * 1024
EVENT_ID_CHARS_MAX: Final = 128
SIGNATURES_MAX: Final = 5
"""A sender that rotates its secret signs with two."""


class EventRefusal(StrEnum):
    """Why an event is not taken in, in order of precedence. A name is never reused."""

    UNSIGNED = "unsigned"
    OUTSIDE_WINDOW = "outside_window"
    FORGED = "forged"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Signed:
    """An event of the shop's, by its id."""

    event_id: str


def check(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime
) -> Signed | EventRefusal:
    """Check who sent an event, and when.

    Args:
        secrets: `whsec_...`; more than one while a secret is being replaced.
        headers: with lower-case names.
        body: exactly as received.
        now: the service's instant.
    """
    event_id = headers.get("webhook-id", "")
    sent, signatures = headers.get("webhook-timestamp", ""), headers.get("webhook-signature", "")
    if not event_id or len(event_id) > EVENT_ID_CHARS_MAX or not signatures:
        return EventRefusal.UNSIGNED
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 12):
        return EventRefusal.UNSIGNED
    sent_at = datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(sent))
    if abs(now - sent_at) > WINDOW:
        return EventRefusal.OUTSIDE_WINDOW
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return EventRefusal.MALFORMED
    given = [each.encode() for each in signatures.split(" ")[:SIGNATURES_MAX]]
    for secret in secrets:
        expected = Webhook(secret).sign(event_id, sent_at, text).encode()
        if any(hmac.compare_digest(expected, each) for each in given):
            return Signed(event_id)
    return EventRefusal.FORGED
