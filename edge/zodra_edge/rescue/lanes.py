"""The rows of both lanes as objects of JSON lines. Pure."""

import json
from datetime import UTC, datetime
from typing import Any

from zodra_edge.outbox.salvage.tables import NEED, LaneTable, Row


def as_object(lane: LaneTable, buffer_id: str, row: Row) -> dict[str, Any]:
    """Make a row readable: instants in words, a need-moment's text unpacked."""
    head: dict[str, Any] = {
        "lane": lane.lane,
        "buffer_id": buffer_id,
        "sequence": row[0],
        "sound": lane.is_sound(row),
    }
    if lane is NEED:
        return {**head, "kept_at": instant(row[3]), "signal_id": row[1], "signal": _json(row[2])}
    _, device_id, kind, value, observed_ms, quality, error_ms = row[:7]
    return {
        **head,
        "device_id": device_id,
        "kind": kind,
        "value": value,
        "observed_at": instant(observed_ms),
        "quality": quality,
        "error_ms": error_ms,
    }


def aside_object(lane: str, row: Row) -> dict[str, Any]:
    """Do the same for a row that was set aside."""
    place, buffer_id, sequence, reason, body, set_aside_ms = row[:6]
    return {
        "lane": lane,
        "buffer_id": buffer_id,
        "sequence": sequence,
        "quarantine_row": place,
        "reason": reason,
        "set_aside_at": instant(set_aside_ms),
        "body": _json(body),
    }


def instant(milliseconds: int) -> str | None:
    """Write milliseconds since 1970 as RFC 3339; None where they are no such instant."""
    try:
        at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
