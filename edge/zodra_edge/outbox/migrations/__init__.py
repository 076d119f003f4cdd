"""Steps that lead a file to its present schema, written down where sqlite-utils writes them.

sqlite-utils takes the steps of a file that is behind, and is imported for that alone: it costs an
agent 3 MB for as long as it runs, and 23 MB where it finds numpy beside it. A new file, which is
what most agents start with, needs none of it.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, Final

from zodra_edge.clock import wall

Step = Callable[[Any], None]
"""Takes anything that can `execute`."""

_RECORD: Final = (
    """
    CREATE TABLE _sqlite_migrations (
        id INTEGER PRIMARY KEY,
        migration_set TEXT,
        name TEXT,
        applied_at TEXT
    )
    """,
    "CREATE UNIQUE INDEX idx__sqlite_migrations_migration_set_name "
    "ON _sqlite_migrations (migration_set, name)",
)
"""As sqlite-utils makes it."""


class Migrations:
    """The steps of one file, in order. Append-only."""

    def __init__(self, name: str) -> None:
        """Begin without a step."""
        self.name = name
        self.steps: dict[str, Step] = {}

    def __call__(self, *, name: str) -> Callable[[Step], Step]:
        """Add a step."""

        def add(step: Step) -> Step:
            self.steps[name] = step
            return step

        return add

    def taken(self, connection: sqlite3.Connection) -> set[str]:
        """Name the steps that a file has behind it."""
        if "_sqlite_migrations" not in _tables(connection):
            return set()
        rows = connection.execute(
            "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY name",
            (self.name,),
        )
        return {name for (name,) in rows}

    def apply(self, connection: sqlite3.Connection, stop_before: str | None = None) -> None:
        """Take the steps that are missing.

        Args:
            connection: of the file; not in a transaction.
            stop_before: a step that is not taken any more, nor those behind it; for tests.

        Raises:
            sqlite3.Error: the disk refuses, or the file is not what the steps expect.
        """
        if stop_before is None and not self.steps.keys() - self.taken(connection):
            return
        if stop_before is None and not _tables(connection):
            self._make(connection)
            return
        # Not at the top of the file: see above.
        import sqlite_utils

        behind = sqlite_utils.Migrations(self.name)
        for name, step in self.steps.items():
            behind(name=name)(step)
        behind.apply(sqlite_utils.Database(connection), stop_before=stop_before)

    def _make(self, connection: sqlite3.Connection) -> None:
        """Take all steps in a new file, in one transaction."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _RECORD:
                connection.execute(statement)
            for name, step in self.steps.items():
                step(connection)
                connection.execute(
                    "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
                    "VALUES (?, ?, ?)",
                    (self.name, name, str(wall())),
                )
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return {name for (name,) in rows}
