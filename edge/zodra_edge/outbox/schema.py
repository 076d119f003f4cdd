"""The two files and how they are opened; the steps that lead to their schema are in `migrations`.

The schema is public: `sqlite-utils` and any SQLite tool may read a file while no agent runs. A
running agent has its files for itself; `zodra-edge outbox` reads a copy of them, see
`zodra_edge.rescue.still`.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from zodra_edge.errors import OutboxFault
from zodra_edge.outbox.migrations import Migrations
from zodra_edge.outbox.migrations.steps import NEED as NEED
from zodra_edge.outbox.migrations.steps import TELEMETRY as TELEMETRY
from zodra_edge.outbox.migrations.steps import write_meta
from zodra_edge.outbox.records import meta_checksum
from zodra_edge.outbox.storage import DamagedFile

APPLICATION_ID: Final = 0x5A4F4452
"""`ZODR`; shown by file(1). A file with another one is not ours and is never touched."""

PAGE_BYTES: Final = 1024
"""A need-moment changes a few rows in a few pages, and each page is written whole. With 4,096 it
cost a card 49 kB. With 512 a need-moment no longer fits into a page, and costs more again."""
RESIZE_BYTES_MAX: Final = 32 * 2**20
"""A larger file of an earlier build keeps its pages: writing it anew would hold up the start."""

WAL_PAGES_MAX: Final = 1_000
"""Checkpoint every MiB: a WAL that grows can fill a card, and then even DELETE fails."""

BUFFER_ID_BYTES: Final = 6
"""48 bits: among the handful of files one gateway ever makes, two alike are out of the question."""

PRAGMAS: Final = f"""
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = {WAL_PAGES_MAX};
    PRAGMA journal_size_limit = {WAL_PAGES_MAX * PAGE_BYTES};
    PRAGMA busy_timeout = 2000;
    PRAGMA trusted_schema = OFF;
"""
"""Of the writing connection. The power cuts in tests/faults run under these."""

ALONE: Final = "PRAGMA locking_mode = EXCLUSIVE"
"""Before the first look into a file: SQLite then keeps its index of the log in memory. As a mapped
file beside the other two, the kernel wrote it back after each press: 19 of 28 kB."""
LOOKED_INTO_S: Final = 0.2
"""How long to wait for somebody who looks into the file."""

COLUMNS: Final = {
    "zodra_need": {
        "need": "sequence, signal_id, body, kept_ms, checksum",
        "memory": "device_id, memory, checksum",
        "light": "place, signal_id, device_id, slot_key, state, reason, at_ms, round",
        "refusal": "reason, count",
    },
    "zodra_telemetry": {
        "reading": "sequence, device_id, kind, value, observed_ms, quality, error_ms, checksum",
    },
}
"""What each file must have, by its migrations; beside `meta` and `quarantine`."""
SHARED_COLUMNS: Final = {
    "meta": "name, value, checksum",
    "quarantine": "place, buffer_id, sequence, reason, body, set_aside_ms",
}


def prepare(
    path: Path,
    migrations: Migrations,
    buffer_id: str,
    is_start: bool = True,
) -> None:
    """Make the file, or bring an older one up to date.

    Args:
        path: the file.
        migrations: `NEED` or `TELEMETRY`.
        buffer_id: written into a new file; an existing file keeps its own.
        is_start: whether it is opened by an agent that has just started, for the count of those.

    Raises:
        OutboxFault: the file belongs to another program.
        DamagedFile: it is ours, but has another schema, older or newer than can be brought up.
        sqlite3.Error: the disk refuses, or the file is damaged.
    """
    connection = sqlite3.connect(path, factory=Connection)
    connection.text_factory = text
    try:
        _hold(connection)
        _refuse_strangers(path, connection)
        # Before WAL and the first table, or both silently stay as they are.
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if is_start:
            _resize_pages(path, connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection, migrations)
        with connection:
            if _is_unused(connection, migrations):
                write_meta(connection, FIRST_COUNTERS | {"buffer_id": buffer_id})
            held = counters(connection)
            _compare_with_rows(connection, migrations, held["next_sequence"])
            if is_start:
                set_counter(connection, "restarts", held["restarts"] + 1)
    finally:
        connection.close()


def _hold(connection: sqlite3.Connection) -> None:
    """Have the file for this connection alone, unless somebody looks into it already.

    Raises:
        sqlite3.Error: the disk refuses, or the file is damaged.
    """
    connection.execute(f"PRAGMA busy_timeout = {round(LOOKED_INTO_S * 1000)}")
    connection.execute(ALONE)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError as fault:
        if fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        # A person with an SQLite tool. That may cost the card some bytes, but not a press.
        connection.execute("PRAGMA locking_mode = NORMAL")
    connection.execute("PRAGMA busy_timeout = 2000")


def _resize_pages(path: Path, connection: sqlite3.Connection) -> None:
    """Give a file of an earlier build pages of today's size; it works with its own as well."""
    if page_bytes(connection) == PAGE_BYTES or path.stat().st_size > RESIZE_BYTES_MAX:
        return
    # No room for the copy, no folder for it, or somebody looks into the file: at the next start,
    # then. Whatever is wrong with the file itself shows in the steps behind this one.
    with contextlib.suppress(sqlite3.OperationalError, OSError):
        # SQLite changes the size in this mode alone, and in one step: after a power cut the file is
        # what it was before, or what it is then.
        connection.execute("PRAGMA journal_mode = DELETE")
        # The log is deleted without a sync, and if it came back its pages would be of another size.
        sync_folder(path)
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("VACUUM")


def sync_folder(path: Path) -> None:
    """Bring to disk which files are beside a file.

    Raises:
        OSError: the disk refuses.
    """
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def page_bytes(connection: sqlite3.Connection) -> int:
    """Say how large the pages of a file are; there are those of earlier builds."""
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(size)


FIRST_COUNTERS: Final[dict[str, Any]] = {
    "buffer_id": "",
    "next_sequence": 1,
    "dropped": 0,
    "expired": 0,
    "restarts": -1,
    "memory_lost": 0,
}
"""Of a new file; all of them are in every file."""


def counters(connection: sqlite3.Connection) -> dict[str, Any]:
    """Read the counters of a file.

    Raises:
        DamagedFile: one was changed on disk, or is missing. Nobody can tell which sequences were
            given out, so the rows must go on in another buffer.
    """
    held: dict[str, Any] = {}
    for name, value, checksum in connection.execute(
        "SELECT name, value, checksum FROM meta ORDER BY name"
    ):
        if checksum != meta_checksum(name, value):
            raise DamagedFile("its counters were changed on disk")
        held[name] = value
    if held.keys() != FIRST_COUNTERS.keys():
        raise DamagedFile("its counters are not all there")
    return held


def set_counter(connection: sqlite3.Connection, name: str, value: int) -> None:
    """Write one counter with its checksum.

    Raises:
        DamagedFile: it is not where it was.
    """
    changed = connection.execute(
        "UPDATE meta SET value = ?, checksum = ? WHERE name = ?",
        (value, meta_checksum(name, value), name),
    ).rowcount
    if changed != 1:
        raise DamagedFile("its counters are not all there")


def _is_unused(connection: sqlite3.Connection, migrations: Migrations) -> bool:
    """Whether a file has its tables and nothing in them: made now, or cut off while it was."""
    tables = ("meta", "quarantine", *COLUMNS[migrations.name])
    return not any(
        connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608
        for table in tables
    )


def _compare_with_rows(
    connection: sqlite3.Connection, migrations: Migrations, next_sequence: int
) -> None:
    lane = "need" if migrations is NEED else "reading"
    newest = connection.execute(f"SELECT max(sequence) FROM {lane}").fetchone()[0]  # noqa: S608
    if newest is not None and newest >= next_sequence:
        raise DamagedFile(f"it has row {newest}, and the next was to be {next_sequence}")


def _migrate(connection: sqlite3.Connection, migrations: Migrations) -> None:
    unknown = migrations.taken(connection) - migrations.steps.keys()
    if unknown:
        raise DamagedFile(f"written by a newer zodra-edge: {sorted(unknown)[0]}")
    try:
        migrations.apply(connection)
        for table, columns in (SHARED_COLUMNS | COLUMNS[migrations.name]).items():
            connection.execute(f"SELECT {columns} FROM {table} LIMIT 0").fetchall()  # noqa: S608
    except sqlite3.OperationalError as fault:
        if fault.sqlite_errorcode == sqlite3.SQLITE_ERROR:
            raise DamagedFile(f"another schema: {fault}") from fault
        raise


def _refuse_strangers(path: Path, connection: sqlite3.Connection) -> None:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    tables = {
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
        )
    }
    ours = {table for columns in COLUMNS.values() for table in columns} | SHARED_COLUMNS.keys()
    # With tables of ours it is our file whose header was hit: a damaged file, not a stranger's.
    if tables and application_id != APPLICATION_ID and not tables & ours:
        raise OutboxFault(
            f"{path} is a database of another program; choose another data_dir, or move it away"
        )


def connect(path: Path, bytes_max: int | None = None) -> sqlite3.Connection:
    """Open the one connection that writes and checkpoints the file.

    SQLite before 3.51.3 can corrupt a WAL that two connections reset at once.

    Args:
        path: the file; it must have been prepared.
        bytes_max: the file's soft limit; above it SQLite answers as if the disk were full.
    """
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, factory=Connection
    )
    connection.text_factory = text
    _hold(connection)
    for pragma in PRAGMAS.split(";"):
        connection.execute(pragma)
    if bytes_max is not None:
        pages_max = bytes_max // page_bytes(connection)
        connection.execute(f"PRAGMA max_page_count = {pages_max}")
    return connection


CHECK_STEPS: Final = 10_000
"""SQLite's own steps between two looks at the time; about a millisecond."""


def check(connection: sqlite3.Connection, thorough: bool, late: Callable[[], bool]) -> None:
    """Look for damage to the structure. Rows have their own checksums, which find the rest.

    Args:
        connection: of the file.
        thorough: compare indexes with tables too; for the small file.
        late: asked now and then; once it says so, the check ends without a verdict.

    Raises:
        DamagedFile: something was found.
    """
    connection.set_progress_handler(lambda: int(late()), CHECK_STEPS)
    try:
        pragma = "integrity_check" if thorough else "quick_check"
        (found,) = connection.execute(f"PRAGMA {pragma}(1)").fetchone()
    except sqlite3.OperationalError as fault:
        if fault.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        connection.set_progress_handler(None, 0)
    if found != "ok":
        raise DamagedFile(str(found).replace("\n", " ")[:200])


def text(raw: bytes) -> str:
    """Read text as it is on the disk, also where it is damaged."""
    # A flipped bit can leave bytes that are no UTF-8. By default the whole SELECT fails on such a
    # row, and every row behind it waits for ever; like this its checksum finds it.
    return raw.decode(errors="surrogateescape")


class Connection(sqlite3.Connection):
    """A connection to a file that may be damaged anywhere, in the names of its tables too."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Execute a statement.

        Raises:
            DamagedFile: the schema is no text.
        """
        try:
            return super().execute(sql, parameters)
        except UnicodeDecodeError as fault:
            # SQLite's message quotes the name that it cannot read, and Python cannot read that.
            raise DamagedFile("the names of its tables are damaged") from fault


def connect_to_look(path: Path) -> sqlite3.Connection:
    """Open a file for reading only; one that a running agent holds does not open."""
    place = f"{path.resolve().as_uri()}?mode=ro"
    return sqlite3.connect(place, uri=True, isolation_level=None, factory=Connection)


def note_lost_memory(path: Path) -> None:
    """Write down that devices had a memory which is gone."""
    connection = connect(path)
    set_counter(connection, "memory_lost", 1)
    connection.close()
