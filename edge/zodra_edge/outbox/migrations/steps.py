"""The steps that lead each file to its present schema."""

from collections.abc import Mapping
from typing import Any, Final

from zodra_edge.outbox.migrations import Migrations
from zodra_edge.outbox.records import meta_checksum

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

NEED: Final = Migrations("zodra_need")
TELEMETRY: Final = Migrations("zodra_telemetry")


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


@NEED(name="0003_memory_checksum")
def _need_memory_checksum(db: Any) -> None:
    # NULL in rows of a build that did not write it: those are believed, as they were before.
    db.execute("ALTER TABLE memory ADD COLUMN checksum INTEGER")


def _sum_meta(db: Any) -> None:
    db.execute("ALTER TABLE meta ADD COLUMN checksum INTEGER")
    held = dict(db.execute("SELECT name, value FROM meta ORDER BY name").fetchall())
    if held:
        # Not all of these were there from the first build on.
        write_meta(db, {"dropped": 0, "expired": 0, "restarts": 0, "memory_lost": 0} | held)


NEED(name="0004_meta_checksum")(_sum_meta)
TELEMETRY(name="0002_meta_checksum")(_sum_meta)


_ONE_PAGE_EACH: Final = (
    """
    CREATE TABLE lean_light (
        place INTEGER PRIMARY KEY,
        signal_id TEXT NOT NULL,
        device_id TEXT NOT NULL,
        slot_key TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        round INTEGER NOT NULL DEFAULT 1
    ) STRICT
    """,
    "INSERT INTO lean_light (place, signal_id, device_id, slot_key, state, reason, at_ms, round) "
    "SELECT place, signal_id, device_id, slot_key, state, reason, at_ms, round FROM light "
    "ORDER BY place",
    "DROP TABLE light",
    "ALTER TABLE lean_light RENAME TO light",
    """
    CREATE TABLE lean_memory (
        place INTEGER PRIMARY KEY,
        device_id TEXT NOT NULL UNIQUE,
        memory TEXT NOT NULL,
        checksum INTEGER
    ) STRICT
    """,
    "INSERT INTO lean_memory (device_id, memory, checksum) "
    "SELECT device_id, memory, checksum FROM memory ORDER BY device_id",
    "DROP TABLE memory",
    "ALTER TABLE lean_memory RENAME TO memory",
)


@NEED(name="0005_one_page_each")
def _need_one_page_each(db: Any) -> None:
    # An index is one more page that each need-moment changes, and a long memory did not fit into a
    # page of a table without row numbers.
    for statement in _ONE_PAGE_EACH:
        db.execute(statement)


def write_meta(connection: Any, held: Mapping[str, Any]) -> None:
    """Write counters that are not there yet, and the checksum of each."""
    for name, value in held.items():
        connection.execute(
            "INSERT INTO meta (name, value, checksum) VALUES (?, ?, ?) ON CONFLICT (name) "
            "DO UPDATE SET checksum = excluded.checksum",
            (name, value, meta_checksum(name, value)),
        )
