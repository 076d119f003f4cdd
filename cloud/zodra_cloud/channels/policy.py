"""Rules of outgoing mail, pure: addresses, what a server's answer means, when it is tried again."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

EMAIL_CHARS_MAX: Final = 254
LOCAL_CHARS_MAX: Final = 64

_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN_PART: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

RETRIES_S: Final = (2, 5, 10, 20, 30, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400)
"""Waits between attempts; after the last the letter needs a person. The first six fit into the two
minutes within which a confirmation is promised; all of them last three days, as mail servers do."""


def email_fault(text: str) -> str | None:
    """Say why a text is no address that mail can be sent to; None if it is one.

    Only the plain form of RFC 5321: nothing quoted, no comment, no name, no second address, so
    that nothing of it can become another header or another recipient.
    """
    if len(text) > EMAIL_CHARS_MAX:
        return f"is longer than {EMAIL_CHARS_MAX} characters"
    if not text.isascii():
        return "has characters outside of ASCII; write an international domain in its xn-- form"
    local, at, domain = text.rpartition("@")
    if not at:
        return "has no @"
    if len(local) > LOCAL_CHARS_MAX or _LOCAL.fullmatch(local) is None:
        return "is not of the plain form name@domain before its @"
    parts = domain.split(".")
    if len(parts) < 2 or any(_DOMAIN_PART.fullmatch(part) is None for part in parts):
        return "does not name a domain after its @"
    if parts[-1].isdigit():
        return "names a number, not a domain, after its @"
    return None


class Fault(StrEnum):
    """Why an attempt to send did not end with the server's yes. A name is never reused."""

    UNREACHABLE = "unreachable"
    """Nobody took the connection, or there is no such name."""
    TLS_FAILED = "tls_failed"
    STARTTLS_MISSING = "starttls_missing"
    """The server does not offer what the settings require; nothing was sent in the open."""
    LOGIN_REFUSED = "login_refused"
    TIMEOUT = "timeout"
    OVERSIZED = "oversized"
    """The server said more than anybody has to listen to."""
    GARBLED = "garbled"
    NOT_GREETED = "not_greeted"
    """The server turned the connection away before any letter."""
    LOST = "lost"
    """The connection broke before the letter was handed over."""
    UNSURE = "unsure"
    """It broke after the letter was handed over and before the answer: it may have been taken."""
    REFUSED_FOR_NOW = "refused_for_now"
    REFUSED = "refused"
    """For good, by an answer that begins with 5: about this letter or its address."""


OF_THE_SERVER: Final = frozenset(
    {
        Fault.UNREACHABLE,
        Fault.TLS_FAILED,
        Fault.STARTTLS_MISSING,
        Fault.LOGIN_REFUSED,
        Fault.TIMEOUT,
        Fault.OVERSIZED,
        Fault.GARBLED,
        Fault.NOT_GREETED,
        Fault.LOST,
        Fault.UNSURE,
    }
)
"""After these the connection is of no use for the letters that wait behind."""


def judge_code(code: int) -> Fault | None:
    """Say what a server's reply to a letter means; None for a yes."""
    if 200 <= code < 300:
        return None
    if 400 <= code < 500:
        return Fault.REFUSED_FOR_NOW
    return Fault.REFUSED if 500 <= code < 600 else Fault.GARBLED


def wait_s(fault: Fault, attempts: int) -> int | None:
    """Give the wait before the next attempt; None if there is none.

    Args:
        fault: of the attempt that just ended.
        attempts: how many there were before it.
    """
    if fault is Fault.REFUSED or attempts >= len(RETRIES_S):
        return None
    return RETRIES_S[attempts]


def percentile(values: Sequence[float], share: float) -> float | None:
    """Give the value that a share of all values does not exceed; None of none (nearest rank)."""
    if not values:
        return None
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * round(share * 1_000) // 1_000))
    return ordered[min(rank, len(ordered)) - 1]
