"""What both files share: their counters, and the place for rows that are not sent as they are."""

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

from pydantic import ValidationError

from zodra_contract.envelope import Rejection
from zodra_contract.signal import NeedSignal, TimeQuality
from zodra_edge.heard import UNKNOWN_ERROR_MS
from zodra_edge.outbox import schema
from zodra_edge.outbox.records import ReadingRow, need_checksum, reading_checksum

DAMAGED: Final = "damaged_on_disk"
UNREADABLE: Final = "unreadable"


@dataclass(slots=True)
class Meta:
    """The counters of one file, held in memory and written with each transaction."""

    buffer_id: str = ""
    next_sequence: int = 1
    """Sequences are never reused, also when the newest rows are gone."""
    dropped: int = 0
    expired: int = 0
    restarts: int = 0
    memory_lost: bool = False
    _saved: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, connection: sqlite3.Connection) -> Self:
        """Read them.

        Raises:
            DamagedFile: they were changed on disk.
        """
        held = schema.counters(connection)
        meta = cls(
            str(held["buffer_id"]),
            int(held["next_sequence"]),
            int(held["dropped"]),
            int(held["expired"]),
            int(held["restarts"]),
            bool(held["memory_lost"]),
        )
        meta._saved = meta._counted()
        return meta

    def take_sequence(self, count: int = 1) -> int:
        """Give out so many sequences in a row; returns the first."""
        self.next_sequence += count
        return self.next_sequence - count

    def save(self, connection: sqlite3.Connection) -> None:
        """Write them, if they changed."""
        counted = self._counted()
        for name, count in counted.items():
            if self._saved[name] != count:
                schema.set_counter(connection, name, count)
        self._saved = counted

    def _counted(self) -> dict[str, int]:
        return {
            "next_sequence": self.next_sequence,
            "dropped": self.dropped,
            "expired": self.expired,
            "memory_lost": int(self.memory_lost),
        }


class PutBack(NamedTuple):
    """What became of one row that was to be sent again."""

    lane: str
    row: int
    """Its number within the lane's quarantine."""
    sequence: int | None
    """Its new place in the lane; None if it stayed where it was."""
    kept_aside: str = ""
    """Why it stayed."""


Wanted = Callable[[str, int, str], bool]
"""Lane, row and reason to whether it is meant."""


def wanted_rows(connection: sqlite3.Connection, lane: str, wanted: Wanted) -> list[int]:
    """Name the rows that are meant, the oldest first."""
    held = connection.execute("SELECT place, reason FROM quarantine ORDER BY place")
    return [place for place, reason in held if wanted(lane, place, reason)]


def put_back(
    connection: sqlite3.Connection,
    lane: str,
    wanted: Wanted,
    room: int,
    take_sequence: Callable[[], int],
) -> list[PutBack]:
    """Give rows a new place in their lane, within the transaction.

    Args:
        connection: of the lane's file.
        lane: `need` or `telemetry`.
        wanted: which rows.
        room: how many more the lane takes.
        take_sequence: gives out the next one.
    """
    done: list[PutBack] = []
    for place in wanted_rows(connection, lane, wanted):
        if room <= 0:
            done.append(PutBack(lane, place, None, "the lane is full"))
            continue
        result = _put_one(connection, lane, place, take_sequence)
        room -= result.sequence is not None
        done.append(result)
    return done


def _put_one(
    connection: sqlite3.Connection, lane: str, place: int, take_sequence: Callable[[], int]
) -> PutBack:
    reason, body, set_aside_ms = connection.execute(
        "SELECT reason, body, set_aside_ms FROM quarantine WHERE place = ?", (place,)
    ).fetchone()
    if reason in (DAMAGED, UNREADABLE):
        return PutBack(lane, place, None, "it was changed on disk; nobody knows what it said")
    try:
        if lane == "need":
            table, row = "need", _need_row(body, set_aside_ms, take_sequence)
        else:
            table, row = "reading", _reading_row(body, take_sequence)
    except (ValidationError, ValueError, TypeError):
        return PutBack(lane, place, None, "it cannot be read")
    columns = schema.COLUMNS[f"zodra_{lane}"][table]
    connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks(row)})", row)  # noqa: S608
    connection.execute("DELETE FROM quarantine WHERE place = ?", (place,))
    return PutBack(lane, place, row[0])


def _need_row(body: str, kept_ms: int, take_sequence: Callable[[], int]) -> tuple[Any, ...]:
    signal = NeedSignal.model_validate_json(body)
    sequence = take_sequence()
    return sequence, signal.signal_id, body, kept_ms, need_checksum(sequence, kept_ms, body)


def _reading_row(body: str, take_sequence: Callable[[], int]) -> tuple[Any, ...]:
    device_id, kind, value, observed_ms = json.loads(body)
    # How far its time could be trusted was not set aside with it.
    quality, error_ms = TimeQuality.UNSYNCED.value, UNKNOWN_ERROR_MS
    made = float(value), int(observed_ms)
    row = ReadingRow(take_sequence(), str(device_id), str(kind), *made)
    return (*row, quality, error_ms, reading_checksum(row, quality, error_ms))


def depth(connection: sqlite3.Connection) -> int:
    """Count the rows set aside."""
    (count,) = connection.execute("SELECT count(*) FROM quarantine").fetchone()
    return int(count)


def trim(connection: sqlite3.Connection, rows_max: int) -> None:
    """Forget the oldest rows above the maximum; each was counted when it was set aside."""
    connection.execute(
        "DELETE FROM quarantine WHERE place <= (SELECT max(place) FROM quarantine) - ?",
        (rows_max,),
    )


def sort_rejections(
    upto: int, rejected: Sequence[Rejection]
) -> tuple[list[tuple[int, str]], list[int]]:
    """Split a receipt's rejections into rows to set aside, and rows to keep for later.

    A final rejection above the watermark is not acted upon: only the watermark lets a row go.
    """
    final = [(row.sequence, row.reason) for row in rejected if not row.reason.retry]
    kept = [row.sequence for row in rejected if row.reason.retry and row.sequence <= upto]
    return [row for row in final if row[0] <= upto], kept


def marks(values: Collection[object]) -> str:
    """Write one placeholder a value."""
    return ", ".join("?" * len(values))


def used_bytes(connection: sqlite3.Connection) -> int:
    """Say how much of the file is in use; free pages inside it do not count."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(pages - free) * schema.page_bytes(connection)
