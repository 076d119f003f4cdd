"""Reads what is left of a damaged file, and writes it anew.

First through SQLite from both ends, as far as it goes; then from the pages themselves. A row counts
as saved if its checksum matches, however it was found.
"""

import contextlib
import mmap
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import sqlite_utils

from zodra_edge.errors import OutboxFault
from zodra_edge.outbox import schema
from zodra_edge.outbox.records import ReadingRow, need_checksum, reading_checksum
from zodra_edge.rescue import pages
from zodra_edge.rescue.export import buffer_of, chunks, look
from zodra_edge.rescue.lanes import (
    LANES,
    NEED,
    QUARANTINE,
    TELEMETRY,
    LaneTable,
    Row,
    as_object,
    aside_object,
)

FILE_BYTES_MAX: Final = 1024 * 1024 * 1024
"""Larger files are not ours: the lanes are bounded far below."""
BUFFER_ID_BYTES: Final = 6
_KEPT_TOO: Final = ("memory", "light", "refusal")
"""Tables beside the lane that are copied where they can be read: without the counters in `memory`
old frames would pass for presses."""


@dataclass(slots=True)
class Salvaged:
    """What was left of one file."""

    lane: LaneTable
    buffer_id: str = ""
    rows: dict[int, Row] = field(default_factory=dict)
    """Sound rows by sequence."""
    uncertain: set[int] = field(default_factory=set)
    """Those that only the pages had: they may have been delivered and deleted before. The cloud
    knows such repeats."""
    damaged: dict[int, Row] = field(default_factory=dict)
    """Rows whose checksum does not match."""
    aside: dict[int, Row] = field(default_factory=dict)
    """The quarantine, by place."""
    beside: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Other tables that could be read."""
    next_sequence: int | None = None
    complaint: str = ""
    """What SQLite said when it gave up; empty if it read the whole file."""

    def missing(self) -> int:
        """Count the sequences of which nothing was found, from the first saved row on.

        Receipts delete from the lower end, so there should be none above it.
        """
        if not self.rows:
            return 0
        first = min(self.rows)
        last = max(*self.rows, (self.next_sequence or 1) - 1)
        aside = {row[2] for row in self.aside.values() if row[1] == self.buffer_id}
        known = self.rows.keys() | self.damaged.keys() | aside
        return sum(sequence not in known for sequence in range(first, last + 1))

    def objects(self) -> Iterator[dict[str, Any]]:
        """Give all rows for JSON lines."""
        for sequence, row in sorted({**self.damaged, **self.rows}.items()):
            found = as_object(self.lane, self.buffer_id, row)
            if sequence in self.uncertain:
                found["maybe_delivered"] = True
            yield found
        for _, row in sorted(self.aside.items()):
            yield aside_object(self.lane.lane, row)

    def summary(self) -> dict[str, Any]:
        """Say what was saved and what was lost."""
        return {
            "lane": self.lane.lane,
            "buffer_id": self.buffer_id,
            "saved": len(self.rows),
            "maybe_delivered": len(self.uncertain),
            "damaged": len(self.damaged),
            "missing": self.missing(),
            "quarantine": len(self.aside),
            "complaint": self.complaint,
        }


def salvage(path: Path) -> Salvaged:
    """Read all that can be read. The file itself is never written to.

    Raises:
        OutboxFault: there is no such file, or nothing of it is a lane of an outbox.
    """
    try:
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            raise OutboxFault(f"{path} has {size} bytes, more than any outbox file grows to")
        wal_path = path.with_name(f"{path.name}-wal")
        wal = wal_path.read_bytes() if wal_path.exists() else b""
        with path.open("rb") as file, _mapped(file, size) as raw:
            by_pages = pages.PageFile.of(raw, wal)
            found = Salvaged(_which_lane(path, by_pages))
            _through_sqlite(path, found)
            if found.complaint:
                _through_pages(by_pages, found)
    except OSError as fault:
        raise OutboxFault(f"cannot read {path}: {fault.strerror}") from fault
    return found


@contextlib.contextmanager
def _mapped(file: BinaryIO, size: int) -> Iterator[pages.Bytes]:
    """Look at a file without taking it into memory; an empty one cannot be mapped."""
    if not size:
        yield b""
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        yield mapped


def _which_lane(path: Path, by_pages: pages.PageFile) -> LaneTable:
    """Tell by the file's name, else by what its rows look like."""
    for name, lane in LANES.items():
        if path.name.startswith(name):
            return lane
    for row in pages.rows(by_pages):
        for lane in LANES.values():
            if lane.fits(row) and lane.is_sound(row):
                return lane
    raise OutboxFault(f"{path} holds no row of an outbox, and is not named as one of its files")


def _through_sqlite(path: Path, found: Salvaged) -> None:
    try:
        with contextlib.closing(look(path)) as connection:
            _read_meta(connection, found)
            for table, into in ((QUARANTINE, found.aside), (found.lane, None)):
                _read_table(connection, table, found, into)
    except sqlite3.Error as fault:
        found.complaint = str(fault)


def _read_meta(connection: sqlite3.Connection, found: Salvaged) -> None:
    try:
        found.buffer_id = buffer_of(connection)
        held = connection.execute("SELECT value FROM meta WHERE name = 'next_sequence'").fetchone()
        found.next_sequence = int(held[0]) if held else None
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
        connection.row_factory = sqlite3.Row
        for table in _KEPT_TOO:
            if table in names:
                rows = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - of ours
                found.beside[table] = [dict(row) for row in rows]
    except (sqlite3.Error, ValueError) as fault:
        found.complaint = str(fault)
    finally:
        connection.row_factory = None


def _read_table(
    connection: sqlite3.Connection,
    table: LaneTable,
    found: Salvaged,
    into: dict[int, Row] | None,
) -> None:
    """Read from the front up to the damage, and then from the back down to it."""
    for order in ("ASC", "DESC"):
        try:
            for row in chunks(connection, table, order):
                if into is not None:
                    into[row[0]] = row
                else:
                    _sort_in(found, row)
        except sqlite3.Error as fault:
            found.complaint = str(fault)
            continue
        return


def _sort_in(found: Salvaged, row: Row) -> None:
    if not found.lane.fits(row):
        return
    if found.lane.is_sound(row):
        found.rows[row[0]] = row
        found.damaged.pop(row[0], None)
    elif row[0] not in found.rows:
        found.damaged[row[0]] = row


def _through_pages(by_pages: pages.PageFile, found: Salvaged) -> None:
    for row in pages.rows(by_pages):
        if found.lane.fits(row):
            # Without a matching checksum a row from a page is only noise.
            if found.lane.is_sound(row) and row[0] not in found.rows:
                found.rows[row[0]] = row[: len(found.lane.columns)]
                found.uncertain.add(row[0])
                found.damaged.pop(row[0], None)
        elif len(row) == len(QUARANTINE.columns) and QUARANTINE.fits(row):
            found.aside.setdefault(row[0], row)


def write_clean(found: Salvaged, path: Path) -> str:
    """Write what was saved as a new file that an agent can use.

    Rows keep their order and get sequences from 1 in a buffer of their own, since nobody can tell
    how far the cloud knows the old one.

    Returns:
        The id of the new buffer.

    Raises:
        OutboxFault: there is such a file already, or it cannot be written.
    """
    if path.exists():
        raise OutboxFault(f"{path} is there already; name a file that is not")
    buffer_id = secrets.token_hex(BUFFER_ID_BYTES)
    migrations = schema.NEED if found.lane is NEED else schema.TELEMETRY
    renumbered = [
        _renumbered(found.lane, sequence, row)
        for sequence, (_, row) in enumerate(sorted(found.rows.items()), start=1)
    ]
    try:
        schema.prepare(path, migrations, buffer_id)
        db = sqlite_utils.Database(str(path))
        try:
            with db.conn:
                db.table(found.lane.table).insert_all(renumbered)
                db.table("quarantine").insert_all(
                    dict(zip(QUARANTINE.columns, row, strict=False))
                    for _, row in sorted(found.aside.items())
                )
                for table, rows in found.beside.items():
                    db.table(table).insert_all(rows)
                db.table("meta").update("next_sequence", {"value": len(renumbered) + 1})
        finally:
            db.close()
    except (sqlite3.Error, UnicodeEncodeError) as fault:
        raise OutboxFault(f"cannot write {path}: {fault}") from fault
    return buffer_id


def _renumbered(lane: LaneTable, sequence: int, row: Row) -> dict[str, Any]:
    fresh = dict(zip(lane.columns, row, strict=False))
    fresh["sequence"] = sequence
    if lane is TELEMETRY:
        reading = ReadingRow(
            sequence,
            fresh["device_id"],
            fresh["kind"],
            float(fresh["value"]),
            fresh["observed_ms"],
        )
        fresh["checksum"] = reading_checksum(reading, fresh["quality"], fresh["error_ms"])
    else:
        fresh["checksum"] = need_checksum(sequence, fresh["kept_ms"], fresh["body"])
    return fresh
