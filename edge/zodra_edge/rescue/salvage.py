"""Reads what is left of a damaged file, and writes it anew.

First through SQLite from both ends, as far as it goes; then from the pages themselves. A row counts
as saved if its checksum matches, however it was found.
"""

import contextlib
import heapq
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

import sqlite_utils

from zodra_edge.errors import OutboxFault
from zodra_edge.outbox import schema
from zodra_edge.outbox.records import meta_checksum
from zodra_edge.outbox.salvage import pages
from zodra_edge.outbox.salvage.tables import (
    LANES,
    LIGHT,
    NEED,
    QUARANTINE,
    REFUSAL,
    LaneTable,
    Row,
    is_text,
    mended_light,
    renumbered,
)
from zodra_edge.rescue.export import chunks, look
from zodra_edge.rescue.lanes import as_object, aside_object
from zodra_edge.rescue.scratch import Scratch, Shelf
from zodra_edge.rescue.still import still_file

FILE_BYTES_MAX: Final = 1024 * 1024 * 1024
"""Larger files are not ours: the lanes are bounded far below."""
BUFFER_ID_BYTES: Final = 6
_KEPT_TOO: Final = ("memory", "light", "refusal")
"""Tables beside the lane that are copied where they can be read: without the counters in `memory`
old frames would pass for presses."""


class Salvaged:
    """What was left of one file. Use it as a context manager: its rows are on disk meanwhile."""

    def __init__(self, lane: LaneTable) -> None:
        """Start with nothing."""
        self._scratch = Scratch()
        self.lane = lane
        self.buffer_id = ""
        self.rows: Shelf = self._scratch.shelf("rows")
        """Sound rows by sequence."""
        self.uncertain: Shelf = self._scratch.shelf("uncertain")
        """Sequences that only the pages had: they may have been delivered and deleted before. The
        cloud knows such repeats."""
        self.damaged: Shelf = self._scratch.shelf("damaged")
        """Rows whose checksum does not match."""
        self.aside: Shelf = self._scratch.shelf("aside")
        """The quarantine, by place."""
        self.beside: dict[str, list[dict[str, Any]]] = {}
        """Other tables that could be read; a gateway has few devices."""
        self.next_sequence: int | None = None
        self.complaint = ""
        """What SQLite said when it gave up; empty if it read the whole file."""

    def __enter__(self) -> Self:
        """Hold the rows."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of them."""
        self._scratch.close()

    def missing(self) -> int:
        """Count the sequences of which nothing was found, from the first saved row on.

        Receipts delete from the lower end, so there should be none above it. Sequences of readings
        are given out in advance, so that behind the last row of that lane there may be some that
        no reading ever had.
        """
        bounds = self.rows.bounds()
        if bounds is None:
            return 0
        first, last = bounds
        if self.lane is NEED:
            last = max(last, (self.next_sequence or 1) - 1)
        aside = {
            row[2]
            for _, row in self.aside.in_order()
            if row[1] == self.buffer_id and first <= row[2] <= last
        }
        aside = {one for one in aside if one not in self.rows and one not in self.damaged}
        found = self.rows.count_from(first) + self.damaged.count_from(first) + len(aside)
        return max(0, last - first + 1 - found)

    def objects(self) -> Iterator[dict[str, Any]]:
        """Give all rows for JSON lines."""
        both = heapq.merge(self.damaged.in_order(), self.rows.in_order())
        for sequence, row in both:
            found = as_object(self.lane, self.buffer_id, row)
            if sequence in self.uncertain:
                found["maybe_delivered"] = True
            yield found
        for _, row in self.aside.in_order():
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
        with still_file(path) as readable, pages.opened(readable) as by_pages:
            found = Salvaged(_which_lane(path, by_pages))
            _through_sqlite(readable, found)
            if found.complaint:
                _through_pages(by_pages, found)
    except OSError as fault:
        raise OutboxFault(f"cannot read {path}: {fault.strerror}") from fault
    return found


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
            _read_beside(connection, found)
            for table, into in ((QUARANTINE, found.aside), (found.lane, None)):
                _read_table(connection, table, found, into)
    except sqlite3.Error as fault:
        found.complaint = str(fault)


def _read_meta(connection: sqlite3.Connection, found: Salvaged) -> None:
    try:
        held = connection.execute("SELECT * FROM meta ORDER BY name").fetchall()
    except sqlite3.Error as fault:
        found.complaint = str(fault)
        return
    # A file of an earlier build has no checksum here.
    counters = {
        row[0]: row[1]
        for row in held
        if len(row) < 3 or row[2] is None or row[2] == meta_checksum(row[0], row[1])
    }
    if len(counters) < len(held):
        found.complaint = "its counters were changed on disk"
    found.buffer_id = str(counters.get("buffer_id", ""))
    next_sequence = counters.get("next_sequence")
    found.next_sequence = next_sequence if isinstance(next_sequence, int) else None


def _read_beside(connection: sqlite3.Connection, found: Salvaged) -> None:
    try:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
        connection.row_factory = sqlite3.Row
        for table in _KEPT_TOO:
            if table in names:
                rows = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - of ours
                mended = (_mended(table, dict(row)) for row in rows)
                found.beside[table] = [row for row in mended if row is not None]
    except sqlite3.Error as fault:
        found.complaint = str(fault)
    finally:
        connection.row_factory = None


def _mended(table: str, row: dict[str, Any]) -> dict[str, Any] | None:
    """Make a row of another table one that a strict table takes; None if it cannot be."""
    if table == "light":
        light = mended_light((*tuple(row.values())[:7], row.get("round", 1)))
        return None if light is None else dict(zip(LIGHT.columns, light, strict=True))
    if table == "refusal":
        whole = REFUSAL.fits(tuple(row.values())) and is_text(row["reason"])
        return row if whole else None
    whole = is_text(row["device_id"], row["memory"])
    return row if whole and isinstance(row.get("checksum"), int | None) else None


def _read_table(
    connection: sqlite3.Connection,
    table: LaneTable,
    found: Salvaged,
    into: Shelf | None,
) -> None:
    """Read from the front up to the damage, and then from the back down to it."""
    for order in ("ASC", "DESC"):
        try:
            for row in chunks(connection, table, order):
                if into is not None:
                    into.put(row[0], row)
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
        found.rows.put(row[0], row)
        found.damaged.drop(row[0])
    elif row[0] not in found.rows:
        found.damaged.put(row[0], row)


def _through_pages(by_pages: pages.PageFile, found: Salvaged) -> None:
    for row in pages.rows(by_pages):
        if found.lane.fits(row):
            # Without a matching checksum a row from a page is only noise.
            if found.lane.is_sound(row) and row[0] not in found.rows:
                found.rows.put(row[0], row[: len(found.lane.columns)])
                found.uncertain.put(row[0], ())
                found.damaged.drop(row[0])
        elif len(row) != len(QUARANTINE.columns) or row[0] in found.aside:
            continue
        elif QUARANTINE.fits(row):
            found.aside.put(row[0], row)


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
    try:
        schema.prepare(path, migrations, buffer_id)
        db = sqlite_utils.Database(str(path))
        try:
            with db.conn:
                db.table(found.lane.table).insert_all(_in_place(found))
                db.table("quarantine").insert_all(
                    dict(zip(QUARANTINE.columns, row, strict=False))
                    for _, row in found.aside.in_order()
                    if QUARANTINE.fits(row) and is_text(row[1], row[3], row[4])
                )
                for table, rows in found.beside.items():
                    db.table(table).insert_all(rows)
                schema.set_counter(db.conn, "next_sequence", len(found.rows) + 1)
        finally:
            db.close()
    except (sqlite3.Error, UnicodeEncodeError) as fault:
        raise OutboxFault(f"cannot write {path}: {fault}") from fault
    return buffer_id


def _in_place(found: Salvaged) -> Iterator[dict[str, Any]]:
    """Give the saved rows their places in the new file."""
    for sequence, (_, row) in enumerate(found.rows.in_order(), start=1):
        fresh = renumbered(found.lane, sequence, row)
        yield dict(zip(found.lane.columns, fresh, strict=True))
