"""Reads what is left of a damaged file, and writes the new file that takes its place.

First through SQLite, as far as that goes; then from the pages themselves, for the rows that SQLite
cannot reach any more. A row is believed if its checksum matches, however it was found.
"""

import contextlib
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from zodra_edge.outbox import quarantine, schema
from zodra_edge.outbox.migrations import Migrations
from zodra_edge.outbox.records import memory_checksum, meta_checksum
from zodra_edge.outbox.salvage import pages
from zodra_edge.outbox.salvage.tables import (
    NEED,
    QUARANTINE,
    REFUSAL,
    TELEMETRY,
    LaneTable,
    Ranges,
    Row,
    is_text,
    mended_light,
    renumbered,
)

GRAFT: Final = ".graft"
TAILS: Final = ("-wal", "-shm")
_PATIENT_MISSES: Final = 200
"""Unreadable rows stepped over one by one; a page holds some forty. After that by leaps."""
_MISSES_MAX: Final = 2_000
"""Then the rest of the table is left to its pages: each miss costs a search from its root."""
_ROWS_A_TRANSACTION: Final = 5_000

Late = Callable[[], bool]


class Filling:
    """One salvage: reads the old, writes the new, and counts."""

    def __init__(self, late: Late) -> None:
        """Start with nothing saved; `late` ends the reading when it says so."""
        self._late = late
        self._buffer_id = ""
        self._misses = 0
        self.saved = 0
        self.damaged = 0
        self.complete = True
        self.memory_lost = False

    def fill(self, fresh: Path, aside: Path, migrations: Migrations) -> None:
        """Make the new file.

        Raises:
            OSError: the disk refuses.
            sqlite3.Error: likewise.
        """
        graft = beside(fresh, GRAFT)
        _remove(fresh)
        _remove(graft)
        schema.prepare(fresh, migrations, secrets.token_hex(schema.BUFFER_ID_BYTES))
        source = aside
        if not _has_tables(aside, migrations):
            # The first page says where the tables are. A file of the same migrations has them in
            # the same places, so its first page stands in for one that is lost.
            self.complete = False
            self.memory_lost = migrations is schema.NEED
            with contextlib.suppress(OSError):
                source = _graft(aside, fresh, graft)
        old, new = _open_old(source), schema.connect(fresh)
        try:
            self._meta(old, new)
            self._lane(old, new, NEED if migrations is schema.NEED else TELEMETRY, aside)
            if migrations is schema.NEED:
                self._memory(old, new)
                self._lights(old, new)
            self._quarantined(old, new)
        finally:
            old.close()
            new.close()
            _remove(graft)

    def _meta(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        counts = {
            name: value
            for name, value, checksum in self._named(old, "meta", _columns(old, "meta", "NULL"))
            if checksum in (None, meta_checksum(name, value))
        }
        self._buffer_id = str(counts.get("buffer_id", ""))
        for name in ("dropped", "expired", "restarts"):
            if isinstance(counts.get(name), int):
                schema.set_counter(new, name, counts[name])

    def _lane(
        self, old: sqlite3.Connection, new: sqlite3.Connection, table: LaneTable, aside: Path
    ) -> None:
        seen = Ranges()
        lowest: int | None = None
        misses = self._misses
        for row in self._numbered(old, table.table, ", ".join(table.columns), new):
            if row[0] in seen:
                continue
            if not len(seen) and misses == self._misses:
                # Receipts delete from the front: what is below was delivered, wherever it lies.
                lowest = row[0]
            seen.add(row[0])
            if not self._take(new, table, row):
                self._set_aside(new, row[0], str(row[2] if table is NEED else row[:5]))
        if misses != self._misses or not len(seen):
            self._unreached(new, table, aside, seen, lowest)
        schema.set_counter(new, "next_sequence", self.saved + 1)

    def _take(self, new: sqlite3.Connection, table: LaneTable, row: Row) -> bool:
        """Give a row its place in the new file; False if it is not what was kept."""
        texts = [value for value in row if isinstance(value, str)]
        if not table.fits(row) or not is_text(*texts) or not table.is_sound(row):
            return False
        self.saved += 1
        new.execute(
            f"INSERT INTO {table.table} ({', '.join(table.columns)}) "  # noqa: S608 - names of ours
            f"VALUES ({quarantine.marks(table.columns)})",
            renumbered(table, self.saved, row),
        )
        return True

    def _unreached(
        self,
        new: sqlite3.Connection,
        table: LaneTable,
        aside: Path,
        seen: Ranges,
        lowest: int | None,
    ) -> None:
        """Take rows that lie in pages to which no way leads any more.

        Without a matching checksum a row from a page is only noise. One that was deleted already
        may be among them if the front of the lane is damaged; the cloud knows a need-moment again.
        """
        with contextlib.suppress(OSError), pages.opened(aside) as file:
            new.execute("BEGIN")
            for count, row in enumerate(pages.rows(file)):
                number = row[0]
                is_new = number not in seen and (lowest is None or number > lowest)
                if is_new and self._take(new, table, row):
                    seen.add(number)
                if count % _ROWS_A_TRANSACTION == 0:
                    new.execute("COMMIT")
                    new.execute("BEGIN")
                    if self._late():
                        break
            new.execute("COMMIT")

    def _memory(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        misses = self._misses
        columns = _columns(old, "memory", "NULL")
        if _has_column(old, "memory", "place"):
            # By its number: then a damaged index of the names costs nothing.
            columns = f"place, {columns}"
        for *_, device_id, memory, checksum in self._named(old, "memory", columns):
            sound = is_text(device_id, memory) and (
                checksum is None or memory_checksum(device_id, memory) == checksum
            )
            if sound:
                new.execute(
                    "INSERT OR IGNORE INTO memory (device_id, memory, checksum) VALUES (?, ?, ?)",
                    (device_id, memory, memory_checksum(device_id, memory)),
                )
            else:
                self.memory_lost = True
        # Unreadable needs alone are no sign that a device is missing here.
        self.memory_lost |= misses != self._misses
        schema.set_counter(new, "memory_lost", int(self.memory_lost))

    def _lights(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        columns = schema.COLUMNS["zodra_need"]["light"]
        for row in self._numbered(old, "light", _columns(old, "light", "1"), new):
            if (light := mended_light(row)) is not None:
                new.execute(
                    f"INSERT OR IGNORE INTO light ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                    light,
                )
        for row in self._named(old, "refusal", "reason, count"):
            if REFUSAL.fits(row) and is_text(row[0]):
                new.execute("INSERT OR IGNORE INTO refusal VALUES (?, ?)", row)

    def _quarantined(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        for row in self._numbered(old, "quarantine", ", ".join(QUARANTINE.columns), new):
            if QUARANTINE.fits(row) and is_text(row[1], row[3], row[4]):
                self._quarantine(new, *row[1:])

    def _set_aside(self, new: sqlite3.Connection, sequence: int, body: str) -> None:
        self.damaged += 1
        text = body.encode(errors="replace").decode(errors="replace")
        self._quarantine(new, self._buffer_id, sequence, quarantine.DAMAGED, text, 0)

    def _quarantine(self, new: sqlite3.Connection, *row: Any) -> None:
        new.execute(
            "INSERT INTO quarantine (buffer_id, sequence, reason, body, set_aside_ms) "
            "VALUES (?, ?, ?, ?, ?)",
            row,
        )

    def _numbered(
        self, old: sqlite3.Connection, table: str, columns: str, new: sqlite3.Connection
    ) -> Iterator[Any]:
        """Read rows by their number, stepping over those that cannot be read."""
        key = columns.partition(",")[0]
        query = f"SELECT {columns} FROM {table} WHERE {key} > ? ORDER BY {key}"  # noqa: S608
        place = misses = 0
        new.execute("BEGIN")
        while misses < _MISSES_MAX and not self._late():
            try:
                for count, row in enumerate(old.execute(query, (place,))):
                    place, misses = row[0], 0
                    yield row
                    if count % _ROWS_A_TRANSACTION == 0:
                        new.execute("COMMIT")
                        new.execute("BEGIN")
                        if self._late():
                            break
                else:
                    break
            except sqlite3.DatabaseError:
                self._miss()
                misses += 1
                place += 1 if misses < _PATIENT_MISSES else 50
        else:
            self.complete = False
        new.execute("COMMIT")

    def _named(self, old: sqlite3.Connection, table: str, columns: str) -> Iterator[Any]:
        """Read rows by name, from both ends towards what cannot be read."""
        key = columns.partition(",")[0]
        for order in ("ASC", "DESC"):
            query = f"SELECT {columns} FROM {table} ORDER BY {key} {order}"  # noqa: S608
            try:
                yield from old.execute(query)
                return
            except sqlite3.DatabaseError:
                self._miss()

    def _miss(self) -> None:
        self.complete = False
        self._misses += 1


def _columns(old: sqlite3.Connection, table: str, instead: str) -> str:
    """Name the columns to read; the newest is not there in a file of an earlier build."""
    columns = (schema.SHARED_COLUMNS | schema.COLUMNS["zodra_need"])[table]
    before, _, newest = columns.rpartition(", ")
    return columns if _has_column(old, table, newest) else f"{before}, {instead}"


def _has_column(old: sqlite3.Connection, table: str, column: str) -> bool:
    with contextlib.suppress(sqlite3.DatabaseError):
        old.execute(f"SELECT {column} FROM {table} LIMIT 0")  # noqa: S608
        return True
    return False


def _has_tables(path: Path, migrations: Migrations) -> bool:
    old = _open_old(path)
    try:
        for table in schema.COLUMNS[migrations.name]:
            old.execute(f"SELECT 1 FROM {table} LIMIT 0").fetchall()  # noqa: S608
    except sqlite3.DatabaseError:
        return False
    finally:
        old.close()
    return True


def _open_old(path: Path) -> sqlite3.Connection:
    connection = schema.connect_to_look(path)
    connection.text_factory = schema.text
    return connection


def _graft(aside: Path, fresh: Path, graft: Path) -> Path:
    shutil.copyfile(aside, graft)
    if beside(aside, "-wal").exists():
        shutil.copyfile(beside(aside, "-wal"), beside(graft, "-wal"))
    with fresh.open("rb") as new, graft.open("r+b") as old:
        page = bytearray(new.read(schema.PAGE_BYTES))
        # No free list, and as many pages as the file has (SQLite file format, section 1.3).
        count = max(1, graft.stat().st_size // schema.PAGE_BYTES)
        page[28:40] = count.to_bytes(4, "big") + bytes(8)
        page[92:96] = page[24:28]
        old.write(page)
    return graft


def beside(path: Path, tail: str) -> Path:
    """Name a file next to another one."""
    return path.with_name(path.name + tail)


def _remove(path: Path) -> None:
    for tail in ("", *TAILS):
        beside(path, tail).unlink(missing_ok=True)
