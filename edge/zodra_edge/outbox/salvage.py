"""A damaged file is set aside whole, and its good rows move to a new file under a new buffer id.

The steps can be cut off anywhere and are taken up at the next start, by a marker that says where
the damaged file goes. Nothing is deleted: what could not be saved is still in the file set aside.
"""

import contextlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import sqlite_utils

from zodra_edge.outbox import quarantine, schema
from zodra_edge.outbox.records import (
    ReadingRow,
    memory_checksum,
    need_checksum,
    reading_checksum,
)
from zodra_edge.outbox.room import ASIDE
from zodra_edge.outbox.storage import Salvage

MARKER: Final = ".salvaging"
FRESH: Final = ".fresh"
GRAFT: Final = ".graft"
TAILS: Final = ("-wal", "-shm")
_PATIENT_MISSES: Final = 2_000
"""Unreadable rows stepped over one by one; a page holds some forty. After that by leaps."""
_MISSES_MAX: Final = 20_000
_ROWS_A_TRANSACTION: Final = 5_000

Late = Callable[[], bool]


def under_way(path: Path) -> bool:
    """Whether an earlier salvage of this file was cut off."""
    return _beside(path, MARKER).exists()


def salvage(path: Path, migrations: sqlite_utils.Migrations, why: str, late: Late) -> Salvage:
    """Set a damaged file aside, and make a new one with all of its rows that are whole.

    Args:
        path: the damaged file, or where it was if a salvage was cut off.
        migrations: of the lane.
        why: what was found, for the report.
        late: asked now and then; once it says so, what has been saved must do.

    Raises:
        OSError: the disk refuses; nothing is lost, and it can be tried again.
        sqlite3.Error: likewise.
    """
    marker = _beside(path, MARKER)
    if not marker.exists():
        # Unique and without a time: the clock of a gateway in trouble may say anything.
        _write(marker, path.name + ASIDE + secrets.token_hex(4))
    aside = path.with_name(marker.read_text(encoding="ascii").strip())
    if not aside.exists():
        for tail in TAILS:
            if _beside(path, tail).exists():
                _beside(path, tail).replace(_beside(aside, tail))
        path.replace(aside)
        _sync_folder(path)
    saved = _Saved(late)
    if not path.exists():
        fresh = _beside(path, FRESH)
        saved.fill(fresh, aside, migrations)
        fresh.replace(path)
        _sync_folder(path)
    # Looking in makes these; they hold nothing that is not in the file itself.
    _beside(aside, "-shm").unlink(missing_ok=True)
    if _beside(aside, "-wal").exists() and _beside(aside, "-wal").stat().st_size == 0:
        _beside(aside, "-wal").unlink()
    marker.unlink()
    return Salvage(
        path.name, aside.name, why, saved.saved, saved.damaged, saved.complete, saved.memory_lost
    )


class _Saved:
    """One salvage: reads the old, writes the new, and counts."""

    def __init__(self, late: Late) -> None:
        self._late = late
        self._buffer_id = ""
        self.saved = 0
        self.damaged = 0
        self.complete = True
        self.memory_lost = False

    def fill(self, fresh: Path, aside: Path, migrations: sqlite_utils.Migrations) -> None:
        graft = _beside(fresh, GRAFT)
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
            if migrations is schema.NEED:
                self._needs(old, new)
                self._memory(old, new)
                self._lights(old, new)
            else:
                self._readings(old, new)
            self._quarantined(old, new)
        finally:
            old.close()
            new.close()
            _remove(graft)

    def _meta(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        counts = dict(self._named(old, "meta", "name, value"))
        self._buffer_id = str(counts.get("buffer_id", ""))
        for name in ("dropped", "expired", "restarts"):
            if isinstance(counts.get(name), int):
                new.execute("UPDATE meta SET value = ? WHERE name = ?", (counts[name], name))

    def _needs(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        for place, body, kept_ms, checksum, signal_id in self._numbered(
            old, "need", "sequence, body, kept_ms, checksum, signal_id", new
        ):
            if not _is_text(body, signal_id) or need_checksum(place, kept_ms, body) != checksum:
                self._set_aside(new, place, str(body))
                continue
            self.saved += 1
            new.execute(
                "INSERT INTO need (sequence, signal_id, body, kept_ms, checksum) "
                "VALUES (?, ?, ?, ?, ?)",
                (self.saved, signal_id, body, kept_ms, need_checksum(self.saved, kept_ms, body)),
            )
        self._next_sequence(new)

    def _readings(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        columns = schema.COLUMNS["zodra_telemetry"]["reading"]
        for *held, quality, error_ms, checksum in self._numbered(old, "reading", columns, new):
            row = ReadingRow(*held)
            whole = _is_text(row.device_id, row.kind, quality)
            if not whole or reading_checksum(row, quality, error_ms) != checksum:
                self._set_aside(new, row.sequence, str(tuple(row)))
                continue
            self.saved += 1
            row = row._replace(sequence=self.saved)
            new.execute(
                f"INSERT INTO reading ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (*row, quality, error_ms, reading_checksum(row, quality, error_ms)),
            )
        self._next_sequence(new)

    def _next_sequence(self, new: sqlite3.Connection) -> None:
        new.execute("UPDATE meta SET value = ? WHERE name = 'next_sequence'", (self.saved + 1,))

    def _memory(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        whole = self.complete
        columns = _columns(old, "memory", "NULL")
        for device_id, memory, checksum in self._named(old, "memory", columns):
            sound = _is_text(device_id, memory) and (
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
        self.memory_lost |= whole and not self.complete
        new.execute(
            "UPDATE meta SET value = ? WHERE name = 'memory_lost'", (int(self.memory_lost),)
        )

    def _lights(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        columns = schema.COLUMNS["zodra_need"]["light"]
        for row in self._numbered(old, "light", _columns(old, "light", "1"), new):
            if _is_text(*row[1:6]):
                new.execute(
                    f"INSERT OR IGNORE INTO light ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                    row,
                )
        for reason, count in self._named(old, "refusal", "reason, count"):
            if _is_text(reason):
                new.execute("INSERT OR IGNORE INTO refusal VALUES (?, ?)", (reason, count))

    def _quarantined(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        columns = "place, buffer_id, sequence, reason, body, set_aside_ms"
        for _, *row in self._numbered(old, "quarantine", columns, new):
            if _is_text(row[0], row[2], row[3]):
                self._quarantine(new, *row)

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
                self.complete = False
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
                self.complete = False


def _columns(old: sqlite3.Connection, table: str, instead: str) -> str:
    """Name the columns to read; the newest is not there in a file of an earlier build."""
    columns = schema.COLUMNS["zodra_need"][table]
    before, _, newest = columns.rpartition(", ")
    with contextlib.suppress(sqlite3.DatabaseError):
        old.execute(f"SELECT {newest} FROM {table} LIMIT 0")  # noqa: S608
        return columns
    return f"{before}, {instead}"


def _is_text(*values: object) -> bool:
    try:
        return all(isinstance(value, str) and value.encode() is not None for value in values)
    except UnicodeEncodeError:
        return False


def _has_tables(path: Path, migrations: sqlite_utils.Migrations) -> bool:
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
    if _beside(aside, "-wal").exists():
        shutil.copyfile(_beside(aside, "-wal"), _beside(graft, "-wal"))
    with fresh.open("rb") as new, graft.open("r+b") as old:
        page = bytearray(new.read(schema.PAGE_BYTES))
        # No free list, and as many pages as the file has (SQLite file format, section 1.3).
        pages = max(1, graft.stat().st_size // schema.PAGE_BYTES)
        page[28:40] = pages.to_bytes(4, "big") + bytes(8)
        page[92:96] = page[24:28]
        old.write(page)
    return graft


def _beside(path: Path, tail: str) -> Path:
    return path.with_name(path.name + tail)


def _remove(path: Path) -> None:
    for tail in ("", *TAILS):
        _beside(path, tail).unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    fresh = _beside(path, FRESH)
    with fresh.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync_folder(path)


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
