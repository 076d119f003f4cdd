"""How the rows of both lanes look, and which sequences were seen. Pure."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
LIGHT_COLUMNS: Final = (
    "place",
    "signal_id",
    "device_id",
    "slot_key",
    "state",
    "reason",
    "at_ms",
    "round",
)

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
LIGHT: Final = LaneTable("light", "light", LIGHT_COLUMNS, (str, str, str, str, str, int, int))
REFUSAL: Final = LaneTable("refusal", "refusal", ("reason", "count"), (int,))


def renumbered(table: LaneTable, sequence: int, row: Row) -> Row:
    """Give a sound row another sequence, and the checksum that goes with it."""
    if table.lane == "need":
        _, signal_id, body, kept_ms = row[:4]
        return sequence, signal_id, body, kept_ms, need_checksum(sequence, kept_ms, body)
    _, device_id, kind, value, observed_ms, quality, error_ms = row[:7]
    reading = ReadingRow(sequence, device_id, kind, float(value), observed_ms)
    return (*reading, quality, error_ms, reading_checksum(reading, quality, error_ms))


def is_text(*values: object) -> bool:
    """Whether all of them can be written as text: damaged bytes cannot."""
    try:
        return all(isinstance(value, str) and value.encode() is not None for value in values)
    except UnicodeEncodeError:
        return False


def mended_light(row: Row) -> Row | None:
    """Make a light's row one that a strict table takes; None if it says nothing any more.

    The round has a value to begin with; a light without it shines all the same.
    """
    whole = (*row[:7], row[7] if isinstance(row[7], int) else 1)
    return whole if LIGHT.fits(whole) and is_text(*whole[1:6]) else None


@dataclass(slots=True)
class Ranges:
    """Which sequences were seen, as runs: a lane of a million rows has a handful of gaps."""

    _firsts: list[int] = field(default_factory=list)
    _lasts: list[int] = field(default_factory=list)

    def add(self, number: int) -> None:
        """Take one more."""
        place = bisect_right(self._firsts, number)
        if place and number <= self._lasts[place - 1]:
            return
        joins_before = bool(place) and self._lasts[place - 1] == number - 1
        joins_after = place < len(self._firsts) and self._firsts[place] == number + 1
        if joins_before and joins_after:
            self._lasts[place - 1] = self._lasts.pop(place)
            del self._firsts[place]
        elif joins_before:
            self._lasts[place - 1] = number
        elif joins_after:
            self._firsts[place] = number
        else:
            self._firsts.insert(place, number)
            self._lasts.insert(place, number)

    def __contains__(self, number: int) -> bool:
        """Whether it was seen."""
        place = bisect_right(self._firsts, number)
        return bool(place) and number <= self._lasts[place - 1]

    def __len__(self) -> int:
        """Count the runs."""
        return len(self._firsts)
