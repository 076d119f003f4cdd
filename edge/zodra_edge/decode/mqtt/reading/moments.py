"""When something happened, if the device or its bridge says so and can be believed."""

from datetime import UTC, datetime, timedelta
from typing import Final

from zodra_contract.signal import TimeQuality
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.heard import Heard

AHEAD_MAX: Final = timedelta(seconds=2)
"""How far another machine's clock may run ahead before its word is not taken."""
AGE_MAX: Final = timedelta(days=366)
"""An event from before that is from a machine without a clock."""


def moment(said: object, heard: Heard) -> datetime | None:
    """Read an instant: RFC 3339 text, or seconds or milliseconds since 1970.

    Returns:
        None if it is none, lies in the future, or has no offset: then it is of a time zone that is
        not known here.
    """
    try:
        if isinstance(said, str):
            at = datetime.fromisoformat(said)
        elif isinstance(said, int | float) and not isinstance(said, bool):
            # Seconds are ten digits until the year 2286, and milliseconds thirteen since 2001.
            at = datetime.fromtimestamp(said / 1000 if said >= 1e11 else said, UTC)
        else:
            return None
        if at.tzinfo is None or at > heard.at + AHEAD_MAX:
            return None
        return min(at.astimezone(UTC), heard.at)
    except (ValueError, OverflowError, OSError):
        return None


def observed_at(said_at: datetime | None, frame: MqttMessage) -> datetime:
    """Date a state: one that was kept for us somewhere is as old as its device says."""
    waited = frame.retained or frame.waited_ms_max > 0
    return said_at if waited and said_at is not None else frame.heard.at


def happened(
    said_at: datetime | None, frame: MqttMessage, *, told_again: bool = False
) -> Heard | None:
    """Date a live action: a press that waited somewhere must not look fresh.

    Without a time of its own, one that may have waited in the broker's session is that unsure.

    Args:
        said_at: when its device or bridge says that it was.
        frame: the message.
        told_again: it is known by a count that its device tells again and again, so it may have
            been while nobody listened.

    Returns:
        None for one that happened as it was heard.
    """
    heard = frame.heard
    # Two clocks are only worth comparing when this one is right.
    if said_at is not None and heard.quality is TimeQuality.SYNCED:
        age = heard.at - said_at
        if age <= AGE_MAX:
            return heard.earlier(age)
    waited_ms = frame.waited_ms_max
    if told_again:
        waited_ms = max(waited_ms, frame.unheard_ms_max)
    return heard.waited(waited_ms) if waited_ms else None
