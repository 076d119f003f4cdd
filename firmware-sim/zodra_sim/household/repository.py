"""The home's own file: what each device remembers, what really happened, and the lights.

SQLite with full sync, because a button that forgot its counter would use it twice. Everything that
belongs to one act is written in one transaction.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from zodra_sim.errors import StoreError

APPLICATION_ID: Final = 0x5A53_484D
VERSION: Final = 1
TRUTH_ROWS_MAX: Final = 1_000
"""What one look at the truth returns at most; the next look asks for what came after."""
LIGHTS_PER_DEVICE_MAX: Final = 10

_SCHEMA: Final = (
    "CREATE TABLE device (device_id TEXT PRIMARY KEY, memory TEXT NOT NULL) STRICT",
    """CREATE TABLE truth (
        n INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        device_id TEXT NOT NULL,
        what TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE light (
        signal_id TEXT PRIMARY KEY,
        device_id TEXT NOT NULL,
        slot_key TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TEXT NOT NULL,
        gateway_id TEXT NOT NULL,
        told INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX light_by_device ON light (device_id, told)",
    "CREATE TABLE link (token_hash TEXT PRIMARY KEY, expires_ms INTEGER NOT NULL) STRICT",
)


@dataclass(frozen=True, slots=True)
class Truth:
    """One thing that really happened at home."""

    at: str
    device_id: str
    what: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Light:
    """What a gateway last said about one need, as a device would show it."""

    signal_id: str
    device_id: str
    slot_key: str
    state: str
    reason: str
    at: str
    gateway_id: str


class Store:
    """One connection to the home's file, used from one thread."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it if it is not there.

        Raises:
            StoreError: it is no file of a simulated home, or one of a newer version.
        """
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._prepare(path)
        except sqlite3.Error as fault:
            raise StoreError(f"{path} cannot be used: {fault}") from fault

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def memory(self, device_id: str) -> str | None:
        """Give what a device remembers, as JSON, or None for a new device."""
        row = self._db.execute(
            "SELECT memory FROM device WHERE device_id = ?", (device_id,)
        ).fetchone()
        return None if row is None else str(row[0])

    def save(self, device_id: str, memory: str, truths: Iterable[Truth] = ()) -> None:
        """Keep what a device remembers, together with what happened."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO device (device_id, memory) VALUES (?, ?)"
                " ON CONFLICT (device_id) DO UPDATE SET memory = excluded.memory",
                (device_id, memory),
            )
            self._db.executemany(
                "INSERT INTO truth (at, device_id, what, detail) VALUES (?, ?, ?, ?)",
                [(one.at, one.device_id, one.what, json.dumps(one.detail)) for one in truths],
            )

    def truths(self, after: int) -> list[tuple[int, Truth]]:
        """List what happened after row `after`, oldest first, at most `TRUTH_ROWS_MAX`."""
        rows = self._db.execute(
            "SELECT n, at, device_id, what, detail FROM truth WHERE n > ? ORDER BY n LIMIT ?",
            (after, TRUTH_ROWS_MAX),
        )
        return [(n, Truth(at, who, what, json.loads(detail))) for n, at, who, what, detail in rows]

    def show(self, light: Light) -> None:
        """Keep the last word about one need, and only the newest needs of a device."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO light (signal_id, device_id, slot_key, state, reason, at, gateway_id,"
                " told)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(told), 0) + 1 FROM light))"
                " ON CONFLICT (signal_id) DO UPDATE SET state = excluded.state,"
                " reason = excluded.reason, at = excluded.at, gateway_id = excluded.gateway_id",
                (
                    light.signal_id,
                    light.device_id,
                    light.slot_key,
                    light.state,
                    light.reason,
                    light.at,
                    light.gateway_id,
                ),
            )
            self._db.execute(
                "DELETE FROM light WHERE device_id = ? AND signal_id NOT IN ("
                "SELECT signal_id FROM light WHERE device_id = ? ORDER BY told DESC LIMIT ?)",
                (light.device_id, light.device_id, LIGHTS_PER_DEVICE_MAX),
            )

    def lights(self, device_id: str) -> Sequence[Light]:
        """List what a device shows, newest need first."""
        rows = self._db.execute(
            "SELECT signal_id, device_id, slot_key, state, reason, at, gateway_id FROM light"
            " WHERE device_id = ? ORDER BY told DESC LIMIT ?",
            (device_id, LIGHTS_PER_DEVICE_MAX),
        )
        return [Light(*row) for row in rows]

    def add_link(self, token_hash: str, now_ms: int, expires_ms: int) -> None:
        """Remember a one-time link, and forget those that have expired."""
        with self._transaction():
            self._db.execute("DELETE FROM link WHERE expires_ms <= ?", (now_ms,))
            self._db.execute(
                "INSERT INTO link (token_hash, expires_ms) VALUES (?, ?)", (token_hash, expires_ms)
            )

    def use_link(self, token_hash: str, now_ms: int) -> bool:
        """Use a one-time link up; False if it is unknown, used or expired."""
        with self._transaction():
            used = self._db.execute(
                "DELETE FROM link WHERE token_hash = ? AND expires_ms > ?", (token_hash, now_ms)
            )
            return used.rowcount == 1

    def _prepare(self, path: Path) -> None:
        (application_id,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and (application_id, version) != (APPLICATION_ID, VERSION):
            raise StoreError(
                f"{path} is not a home's file of version {VERSION} (found {version}); "
                "move it away to start with new devices"
            )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if not tables:
            with self._transaction():
                for statement in _SCHEMA:
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._db.execute(f"PRAGMA user_version = {VERSION}")

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)


class _Transaction:
    """One unit of work: all of it, or none."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")
