"""The SQL of `telemetry.db`: readings, and the quarantine."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Self

from zodra_contract.envelope import Rejection
from zodra_contract.signal import TimeQuality
from zodra_edge.link import Lane
from zodra_edge.outbox import quarantine
from zodra_edge.outbox.records import (
    Applied,
    KeptReading,
    Level,
    ReadingRow,
    ReadingRows,
    reading_checksum,
)

READINGS_PERCENT: Final = 90
"""Of the file's soft limit; SQLite itself stops at the limit, and a batch has to fit below it."""
EXPIRE_ROWS_MAX: Final = 5_000
"""Looked at in one go."""
GIVE_WAY_ROWS: Final = 5_000
"""At once on a full disk: some 400 kB, and no more in the WAL."""
DROP_ROWS: Final = 500
"""When full, this many of the oldest go at once, so that a full lane does not delete row by row."""


class HeldReading(NamedTuple):
    """A reading with its sequence, as it will be stored."""

    row: ReadingRow
    quality: TimeQuality
    error_ms: int

    @classmethod
    def of(cls, sequence: int, kept: KeptReading) -> Self:
        """Number a reading."""
        reading, quality, error_ms = kept
        row = ReadingRow(
            sequence,
            reading.device_id,
            reading.kind.value,
            float(reading.value),
            int(reading.observed_at.timestamp() * 1000),
        )
        return cls(row, quality, error_ms)


class TelemetryFile:
    """What the writer's thread knows about `telemetry.db` between transactions."""

    def __init__(
        self, rows_max: int, quarantine_rows_max: int, bytes_max: int | None = None
    ) -> None:
        """Set the limits; the counters come with `load`."""
        self._rows_max = rows_max
        self._bytes_max = None if bytes_max is None else bytes_max * READINGS_PERCENT // 100
        self._quarantine_rows_max = quarantine_rows_max
        self._meta = quarantine.Meta()
        self._depth = 0
        self._quarantined = 0

    def load(self, connection: sqlite3.Connection) -> None:
        """Read the counters anew, at the start and after a rollback."""
        self._meta = quarantine.Meta.load(connection)
        (self._depth,) = connection.execute("SELECT count(*) FROM reading").fetchone()
        self._quarantined = quarantine.depth(connection)

    def finish(self, connection: sqlite3.Connection) -> None:
        """Write the counters, within the transaction."""
        self._meta.save(connection)

    def level(self, connection: sqlite3.Connection) -> Level:
        """Say how full the file is."""
        oldest = connection.execute(
            "SELECT observed_ms FROM reading ORDER BY sequence LIMIT 1"
        ).fetchone()
        return Level(
            buffer_id=self._meta.buffer_id,
            depth=self._depth,
            oldest_ms=oldest[0] if oldest else None,
            next_sequence=self._meta.next_sequence,
            dropped=self._meta.dropped,
            quarantined=self._quarantined,
            restarts=self._meta.restarts,
            counts={},
            expired=self._meta.expired,
        )

    @property
    def buffer_id(self) -> str:
        """Of the file that is open; it changes when a damaged one is replaced."""
        return self._meta.buffer_id

    def keep(self, connection: sqlite3.Connection, readings: Sequence[KeptReading]) -> int:
        """Number and store readings; returns how many of the oldest had to go for them."""
        rows = [HeldReading.of(self._meta.take_sequence(), each) for each in readings]
        return self.insert(connection, rows)

    def reserve(self, count: int) -> int:
        """Give out sequences in a row that nobody else gets; returns the first."""
        first = self._meta.next_sequence
        self._meta.next_sequence += count
        return first

    def give_back(self, after: int, end: int) -> None:
        """Take back the sequences from `after` on, if those up to `end` were given out last."""
        if self._meta.next_sequence == end:
            self._meta.next_sequence = after

    def number_again(self, rows: Sequence[HeldReading]) -> list[HeldReading]:
        """Number readings for this file that were numbered for another."""
        return [
            each._replace(row=each.row._replace(sequence=self._meta.take_sequence()))
            for each in rows
        ]

    def insert(self, connection: sqlite3.Connection, rows: Sequence[HeldReading]) -> int:
        """Store readings; returns how many of the oldest had to go for them."""
        connection.executemany(
            "INSERT INTO reading "
            "(sequence, device_id, kind, value, observed_ms, quality, error_ms, checksum) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (*row, quality.value, error_ms, reading_checksum(row, quality.value, error_ms))
                for row, quality, error_ms in rows
            ],
        )
        self._depth += len(rows)
        return self._drop_oldest(connection)

    def _drop_oldest(self, connection: sqlite3.Connection) -> int:
        above = self._depth - self._rows_max
        if above > 0:
            return self._drop(connection, max(above, min(DROP_ROWS, self._rows_max // 10)))
        if self._bytes_max is not None and quarantine.used_bytes(connection) > self._bytes_max:
            return self._drop(connection, max(DROP_ROWS, self._depth // 20))
        return 0

    def put_back(
        self,
        connection: sqlite3.Connection,
        wanted: quarantine.Wanted,
        sequences: Iterator[int] | None = None,
    ) -> list[quarantine.PutBack]:
        """Give rows of the quarantine a new place in the lane.

        Args:
            connection: of the file.
            wanted: which rows.
            sequences: to give out, if some were reserved for this; enough for all of them.
        """
        room = self._rows_max - self._depth
        take = self._meta.take_sequence if sequences is None else sequences.__next__
        done = quarantine.put_back(connection, "telemetry", wanted, room, take)
        self._depth += sum(row.sequence is not None for row in done)
        self._quarantined = quarantine.depth(connection)
        return done

    def give_way(self, connection: sqlite3.Connection) -> int:
        """Drop some of the oldest, because the disk is full and need-moments come first."""
        return self._drop(connection, GIVE_WAY_ROWS)

    def _drop(self, connection: sqlite3.Connection, rows: int) -> int:
        dropped = connection.execute(
            "DELETE FROM reading WHERE sequence IN "
            "(SELECT sequence FROM reading ORDER BY sequence LIMIT ?)",
            (rows,),
        ).rowcount
        self._depth -= dropped
        self._meta.dropped += dropped
        return dropped

    def expire(self, connection: sqlite3.Connection, before_ms: int) -> int:
        """Drop the oldest readings that were made before an instant.

        Only a reading of a trusted clock is believed about its age; what was kept before such a
        one is at least as old, whatever its own date says (1970, after a boot without time).

        Args:
            connection: of the file.
            before_ms: milliseconds since 1970, as `observed_ms`.
        """
        (upto,) = connection.execute(
            "SELECT max(sequence) FROM (SELECT sequence, observed_ms, quality FROM reading "
            "ORDER BY sequence LIMIT ?) WHERE observed_ms < ? AND quality = ?",
            (EXPIRE_ROWS_MAX, before_ms, TimeQuality.SYNCED.value),
        ).fetchone()
        if upto is None:
            return 0
        gone = connection.execute("DELETE FROM reading WHERE sequence <= ?", (upto,)).rowcount
        self._depth -= gone
        self._meta.expired += gone
        return gone

    def batch(
        self, connection: sqlite3.Connection, after: int, rows_max: int, now_ms: int
    ) -> ReadingRows | None:
        """Read readings of one time quality above a sequence; damaged rows go aside on the way."""
        rows: list[ReadingRow] = []
        damaged: list[tuple[int, str]] = []
        first_quality: str | None = None
        error_ms_max = 0
        for *columns, quality, error_ms, checksum in connection.execute(
            "SELECT sequence, device_id, kind, value, observed_ms, quality, error_ms, checksum "
            "FROM reading WHERE sequence > ? ORDER BY sequence LIMIT ?",
            (after, rows_max),
        ):
            row = ReadingRow(*columns)
            if reading_checksum(row, quality, error_ms) != checksum:
                damaged.append((row.sequence, quarantine.DAMAGED))
                continue
            if first_quality not in (None, quality):
                break
            first_quality = quality
            error_ms_max = max(error_ms_max, error_ms)
            rows.append(row)
        self._set_aside(connection, damaged, now_ms)
        if damaged and not rows:
            return self.batch(connection, after, rows_max, now_ms)
        if first_quality is None:
            return None
        (kept_from,) = connection.execute("SELECT min(sequence) FROM reading").fetchone()
        quality_of_all = TimeQuality(first_quality)
        return ReadingRows(
            self._meta.buffer_id, kept_from, tuple(rows), quality_of_all, error_ms_max
        )

    def apply(
        self,
        connection: sqlite3.Connection,
        upto: int,
        rejected: Sequence[Rejection],
        now_ms: int,
    ) -> Applied:
        """Delete what the cloud has, and set aside what it will never take."""
        final, kept = quarantine.sort_rejections(upto, rejected)
        quarantined = self._set_aside(connection, final, now_ms)
        deleted = connection.execute(
            f"DELETE FROM reading WHERE sequence <= ? AND sequence NOT IN ({quarantine.marks(kept)})",  # noqa: S608, E501
            (upto, *kept),
        ).rowcount
        self._depth -= deleted
        return Applied(Lane.TELEMETRY, deleted, quarantined)

    def _set_aside(
        self, connection: sqlite3.Connection, rows: Sequence[tuple[int, str]], now_ms: int
    ) -> int:
        moved = 0
        for sequence, reason in rows:
            row = connection.execute(
                "SELECT device_id, kind, value, observed_ms FROM reading WHERE sequence = ?",
                (sequence,),
            ).fetchone()
            if row is None:
                continue
            connection.execute(
                "INSERT INTO quarantine (buffer_id, sequence, reason, body, set_aside_ms) "
                "VALUES (?, ?, ?, ?, ?)",
                (self._meta.buffer_id, sequence, reason, json.dumps(row), now_ms),
            )
            connection.execute("DELETE FROM reading WHERE sequence = ?", (sequence,))
            moved += 1
        self._depth -= moved
        if moved:
            quarantine.trim(connection, self._quarantine_rows_max)
            self._quarantined = quarantine.depth(connection)
        return moved

    def set_aside(
        self, connection: sqlite3.Connection, sequence: int, reason: str, now_ms: int
    ) -> None:
        """Move one row to the quarantine."""
        self._set_aside(connection, [(sequence, reason)], now_ms)
