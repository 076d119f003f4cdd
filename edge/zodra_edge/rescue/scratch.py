"""Rows of a damaged file while they are sorted: on disk, since a million of them fill a gateway.

The file is SQLite's own temporary one: it has no name, is kept in memory while it is small, and is
gone when it is closed or the process dies.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Final

from zodra_edge.outbox.salvage.tables import Row

CACHE_KIB: Final = 8 * 1024
"""Of rows held in memory; those above it are on disk."""
CHUNK_ROWS: Final = 1_000


class Scratch:
    """One temporary file for all shelves of one salvage."""

    def __init__(self) -> None:
        """Make it; SQLite creates the file once there is too much for memory."""
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.executescript(
            f"PRAGMA cache_size = -{CACHE_KIB}; PRAGMA journal_mode = OFF;"
            "PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"
            "CREATE TABLE shelf (name TEXT, number INTEGER, row TEXT, PRIMARY KEY (name, number)) "
            "WITHOUT ROWID; BEGIN;"
        )

    def shelf(self, name: str) -> "Shelf":
        """Name a place for rows."""
        return Shelf(self._file, name)

    def close(self) -> None:
        """Let go of all rows."""
        self._file.close()


class Shelf(Mapping[int, Row]):
    """Rows by their number, in order."""

    def __init__(self, file: sqlite3.Connection, name: str) -> None:
        """Take a part of the file by its name."""
        self._file = file
        self._name = name

    def put(self, number: int, row: Row) -> None:
        """Keep a row, in the place of one that has its number."""
        # As JSON in ASCII: damaged text has code points that SQLite would refuse.
        self._file.execute(
            "INSERT OR REPLACE INTO shelf (name, number, row) VALUES (?, ?, ?)",
            (self._name, number, json.dumps(row)),
        )

    def drop(self, number: int) -> None:
        """Forget a row, if it is there."""
        self._file.execute("DELETE FROM shelf WHERE name = ? AND number = ?", (self._name, number))

    def __getitem__(self, number: int) -> Row:
        found = self._file.execute(
            "SELECT row FROM shelf WHERE name = ? AND number = ?", (self._name, number)
        ).fetchone()
        if found is None:
            raise KeyError(number)
        return tuple(json.loads(found[0]))

    def __contains__(self, number: object) -> bool:
        query = "SELECT 1 FROM shelf WHERE name = ? AND number = ?"
        return self._file.execute(query, (self._name, number)).fetchone() is not None

    def __iter__(self) -> Iterator[int]:
        return (number for number, _ in self.in_order())

    def __len__(self) -> int:
        query = "SELECT count(*) FROM shelf WHERE name = ?"
        return int(self._file.execute(query, (self._name,)).fetchone()[0])

    def in_order(self) -> Iterator[tuple[int, Row]]:
        """Give all rows by rising number, a chunk of them in memory."""
        beyond = -(2**63)
        first = ">="
        while True:
            rows = self._file.execute(
                f"SELECT number, row FROM shelf WHERE name = ? AND number {first} ? "  # noqa: S608
                "ORDER BY number LIMIT ?",
                (self._name, beyond, CHUNK_ROWS),
            ).fetchall()
            if not rows:
                return
            for number, row in rows:
                yield number, tuple(json.loads(row))
            beyond, first = rows[-1][0], ">"

    def bounds(self) -> tuple[int, int] | None:
        """Say the lowest and the highest number; None if there is no row."""
        query = "SELECT min(number), max(number) FROM shelf WHERE name = ?"
        low, high = self._file.execute(query, (self._name,)).fetchone()
        return None if low is None else (low, high)

    def count_from(self, number: int) -> int:
        """Count the rows from a number on."""
        query = "SELECT count(*) FROM shelf WHERE name = ? AND number >= ?"
        return int(self._file.execute(query, (self._name, number)).fetchone()[0])
