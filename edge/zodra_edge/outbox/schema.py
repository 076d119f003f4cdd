"""The two files, how they are opened, and the migrations that lead to their present schema.

The schema is public: `sqlite-utils` and any SQLite tool may read it while the agent runs, if they
open it with `mode=ro`. Only the agent writes.
"""

import sqlite3
from pathlib import Path
from typing import Any, Final

import sqlite_utils

from zodra_edge.errors import OutboxFault

APPLICATION_ID: Final = 0x5A4F4452
"""`ZODR`; shown by file(1). A file with another one is not ours and is never touched."""

WAL_PAGES_MAX: Final = 256
"""Checkpoint every MiB: a WAL that grows can fill a card, and then even DELETE fails."""

PRAGMAS: Final = f"""
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = {WAL_PAGES_MAX};
    PRAGMA journal_size_limit = {WAL_PAGES_MAX * 4096};
    PRAGMA busy_timeout = 2000;
    PRAGMA trusted_schema = OFF;
"""
"""Of the writing connection. The power cuts in tests/faults run under these."""

_META = """
    CREATE TABLE meta (
        name TEXT PRIMARY KEY,
        value ANY NOT NULL
    ) STRICT, WITHOUT ROWID
"""
_QUARANTINE = """
    CREATE TABLE quarantine (
        place INTEGER PRIMARY KEY,
        buffer_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        reason TEXT NOT NULL,
        body TEXT NOT NULL,
        set_aside_ms INTEGER NOT NULL
    ) STRICT
"""
_NEED_TABLES: Final = (
    _META,
    """
    CREATE TABLE need (
        sequence INTEGER PRIMARY KEY,
        signal_id TEXT NOT NULL,
        body TEXT NOT NULL,
        kept_ms INTEGER NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE memory (
        device_id TEXT PRIMARY KEY,
        memory TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE light (
        place INTEGER PRIMARY KEY,
        signal_id TEXT NOT NULL UNIQUE,
        device_id TEXT NOT NULL,
        slot_key TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        at_ms INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX light_slot ON light (device_id, slot_key, place)",
    """
    CREATE TABLE refusal (
        reason TEXT PRIMARY KEY,
        count INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    _QUARANTINE,
)
_TELEMETRY_TABLES: Final = (
    _META,
    """
    CREATE TABLE reading (
        sequence INTEGER PRIMARY KEY,
        device_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        value REAL NOT NULL,
        observed_ms INTEGER NOT NULL,
        quality TEXT NOT NULL,
        error_ms INTEGER NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT
    """,
    _QUARANTINE,
)

NEED: Final = sqlite_utils.Migrations("zodra_need")
TELEMETRY: Final = sqlite_utils.Migrations("zodra_telemetry")


@NEED(name="0001_first")
def _need_first(db: Any) -> None:
    for statement in _NEED_TABLES:
        db.execute(statement)


@NEED(name="0002_round")
def _need_round(db: Any) -> None:
    db.execute("ALTER TABLE light ADD COLUMN round INTEGER NOT NULL DEFAULT 1")


@TELEMETRY(name="0001_first")
def _telemetry_first(db: Any) -> None:
    for statement in _TELEMETRY_TABLES:
        db.execute(statement)


def prepare(path: Path, migrations: sqlite_utils.Migrations, buffer_id: str) -> None:
    """Make the file, or bring an older one up to date.

    Args:
        path: the file.
        migrations: `NEED` or `TELEMETRY`.
        buffer_id: written into a new file; an existing file keeps its own.

    Raises:
        OutboxFault: the file belongs to another program, to a newer build, or is damaged.
    """
    try:
        db = sqlite_utils.Database(str(path))
        try:
            _refuse_strangers(path, db.conn)
            # Before WAL and the first table, or auto_vacuum silently stays off.
            db.conn.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.conn.execute("PRAGMA journal_mode = WAL")
            db.conn.execute("PRAGMA synchronous = FULL")
            migrations.apply(db)
            with db.conn:
                db.conn.execute(
                    "INSERT OR IGNORE INTO meta (name, value) VALUES "
                    "('buffer_id', ?), ('next_sequence', 1), ('dropped', 0), ('restarts', -1)",
                    (buffer_id,),
                )
                db.conn.execute("UPDATE meta SET value = value + 1 WHERE name = 'restarts'")
        finally:
            db.close()
    except sqlite3.Error as fault:
        raise OutboxFault(f"cannot open {path}: {fault}") from fault


def _refuse_strangers(path: Path, connection: sqlite3.Connection) -> None:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application_id != APPLICATION_ID:
        raise OutboxFault(
            f"{path} is a database of another program; choose another data_dir, or move it away"
        )


def connect(path: Path) -> sqlite3.Connection:
    """Open the one connection that writes and checkpoints the file.

    SQLite before 3.51.3 can corrupt a WAL that two connections reset at once.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.text_factory = _text
    connection.executescript(PRAGMAS)
    return connection


def _text(raw: bytes) -> str:
    # A flipped bit can leave bytes that are no UTF-8. By default the whole SELECT fails on such a
    # row, and every row behind it waits for ever; like this its checksum finds it.
    return raw.decode(errors="surrogateescape")


def connect_to_look(path: Path) -> sqlite3.Connection:
    """Open a file for reading only, as any tool may while the agent runs."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
