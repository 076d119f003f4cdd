"""The rows of both lanes as plain values, and as objects of JSON lines. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from zodra_edge.outbox.records import ReadingRow, need_checksum, reading_checksum

NEED_COLUMNS: Final = ("sequence", "signal_id", "body", "kept_ms", "checksum")
READING_COLUMNS: Final = (
    "sequence",
    "device_id",
    "kind",
    "value",
    "observed_ms",
    "quality",
    "error_ms",
    "checksum",
)
QUARANTINE_COLUMNS: Final = ("place", "buffer_id", "sequence", "reason", "body", "set_aside_ms")

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class LaneTable:
    """Where the rows of one lane are, and how they look."""

    lane: str
    table: str
    columns: tuple[str, ...]
    types: tuple[type | tuple[type, ...], ...]
    """Of all columns but the first, which is the row's number."""

    def select(self, order: str = "ASC") -> str:
        """Write the query for rows above a number, or below it in descending order."""
        beyond = ">" if order == "ASC" else "<"
        return (
            f"SELECT {', '.join(self.columns)} FROM {self.table} "  # noqa: S608 - names of ours
            f"WHERE {self.columns[0]} {beyond} ? ORDER BY {self.columns[0]} {order} LIMIT ?"
        )

    def fits(self, row: Sequence[Any]) -> bool:
        """Tell whether values read from a damaged file have this table's shape."""
        return len(row) >= len(self.columns) and all(
            isinstance(value, expected)
            for value, expected in zip(row[1:], self.types, strict=False)
        )

    def is_sound(self, row: Row) -> bool:
        """Compare a row with its checksum."""
        if self.lane == "need":
            sequence, _, body, kept_ms, checksum = row[:5]
            return bool(need_checksum(sequence, kept_ms, body) == checksum)
        sequence, device_id, kind, value, observed_ms, quality, error_ms, checksum = row[:8]
        reading = ReadingRow(sequence, device_id, kind, float(value), observed_ms)
        return bool(reading_checksum(reading, quality, error_ms) == checksum)


NEED: Final = LaneTable("need", "need", NEED_COLUMNS, (str, str, int, int))
TELEMETRY: Final = LaneTable(
    "telemetry", "reading", READING_COLUMNS, (str, str, (float, int), int, str, int, int)
)
LANES: Final[Mapping[str, LaneTable]] = {"need": NEED, "telemetry": TELEMETRY}
QUARANTINE: Final = LaneTable(
    "quarantine", "quarantine", QUARANTINE_COLUMNS, (str, int, str, str, int)
)


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
