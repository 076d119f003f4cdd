"""What both files share: their counters, and the place for rows that will never be sent."""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from zodra_contract.envelope import Rejection
from zodra_edge.outbox import schema

DAMAGED: Final = "damaged_on_disk"
UNREADABLE: Final = "unreadable"


@dataclass(slots=True)
class Meta:
    """The counters of one file, held in memory and written with each transaction."""

    buffer_id: str = ""
    next_sequence: int = 1
    """Sequences are never reused, also when the newest rows are gone."""
    dropped: int = 0
    expired: int = 0
    restarts: int = 0
    memory_lost: bool = False
    _saved: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, connection: sqlite3.Connection) -> Self:
        """Read them.

        Raises:
            DamagedFile: they were changed on disk.
        """
        held = schema.counters(connection)
        meta = cls(
            str(held["buffer_id"]),
            int(held["next_sequence"]),
            int(held["dropped"]),
            int(held["expired"]),
            int(held["restarts"]),
            bool(held["memory_lost"]),
        )
        meta._saved = meta._counted()
        return meta

    def take_sequence(self) -> int:
        """Give out the next sequence."""
        self.next_sequence += 1
        return self.next_sequence - 1

    def save(self, connection: sqlite3.Connection) -> None:
        """Write them, if they changed."""
        counted = self._counted()
        for name, count in counted.items():
            if self._saved[name] != count:
                schema.set_counter(connection, name, count)
        self._saved = counted

    def _counted(self) -> dict[str, int]:
        return {
            "next_sequence": self.next_sequence,
            "dropped": self.dropped,
            "expired": self.expired,
            "memory_lost": int(self.memory_lost),
        }


def depth(connection: sqlite3.Connection) -> int:
    """Count the rows set aside."""
    (count,) = connection.execute("SELECT count(*) FROM quarantine").fetchone()
    return int(count)


def trim(connection: sqlite3.Connection, rows_max: int) -> None:
    """Forget the oldest rows above the maximum; each was counted when it was set aside."""
    connection.execute(
        "DELETE FROM quarantine WHERE place <= (SELECT max(place) FROM quarantine) - ?",
        (rows_max,),
    )


def sort_rejections(
    upto: int, rejected: Sequence[Rejection]
) -> tuple[list[tuple[int, str]], list[int]]:
    """Split a receipt's rejections into rows to set aside, and rows to keep for later.

    A final rejection above the watermark is not acted upon: only the watermark lets a row go.
    """
    final = [(row.sequence, row.reason) for row in rejected if not row.reason.retry]
    kept = [row.sequence for row in rejected if row.reason.retry and row.sequence <= upto]
    return [row for row in final if row[0] <= upto], kept


def marks(values: Collection[object]) -> str:
    """Write one placeholder a value."""
    return ", ".join("?" * len(values))


def used_bytes(connection: sqlite3.Connection) -> int:
    """Say how much of the file is in use; free pages inside it do not count."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(pages - free) * schema.PAGE_BYTES
