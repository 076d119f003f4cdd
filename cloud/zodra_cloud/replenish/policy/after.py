"""What follows an order: whether it comes later than promised, and when its end is asked about."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

LATE_SLACK: Final = timedelta(hours=2)
"""A shop says that it was delivered up to an hour after the door, and we ask it once an hour."""
MOVED_MIN: Final = timedelta(hours=1)
"""A window that moved by less is the same promise."""
FOLLOW_UP_AFTER: Final = timedelta(days=1)
"""Until the parcel has been opened."""
FOLLOW_UP_LIFETIME: Final = timedelta(days=14)


class Late(StrEnum):
    """How it is known that an order comes late. A name is never reused."""

    MOVED = "moved"
    """The shop has moved the window."""
    PASSED = "passed"
    """The promised window is over."""


def judge_late(
    promised_to_at: datetime | None, expected_to_at: datetime | None, now: datetime
) -> Late | None:
    """Say whether an order that is under way comes later than was promised.

    Args:
        promised_to_at: the end of the window as it was confirmed.
        expected_to_at: the end of the window as the shop says now.
        now: the instant.
    """
    if promised_to_at is None:
        return None
    if expected_to_at is not None and expected_to_at - promised_to_at >= MOVED_MIN:
        return Late.MOVED
    return Late.PASSED if now >= promised_to_at + LATE_SLACK else None
