"""What both files share: their counters, and the place for rows that will never be sent."""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Self

from zodra_contract.envelope import Rejection

DAMAGED: Final = "damaged_on_disk"
UNREADABLE: Final = "unreadable"


@dataclass(slots=True)
class Meta:
    """The counters of one file, held in memory and written with each transaction."""

    buffer_id: str = ""
    next_sequence: int = 1
    """Sequences are never reused, also when the newest rows are gone."""
    dropped: int = 0
    restarts: int = 0
    _saved: tuple[int, int] = (1, 0)

    @classmethod
    def load(cls, connection: sqlite3.Connection) -> Self:
        """Read them."""
        held = dict(connection.execute("SELECT name, value FROM meta ORDER BY name").fetchall())
        counted = (int(held["next_sequence"]), int(held["dropped"]))
        return cls(str(held["buffer_id"]), *counted, int(held["restarts"]), counted)

    def take_sequence(self) -> int:
        """Give out the next sequence."""
        self.next_sequence += 1
        return self.next_sequence - 1

    def save(self, connection: sqlite3.Connection) -> None:
        """Write them, if they changed."""
        counted = (self.next_sequence, self.dropped)
        if counted == self._saved:
            return
        connection.execute(
            "UPDATE meta SET value = CASE name WHEN 'next_sequence' THEN ? ELSE ? END "
            "WHERE name IN ('next_sequence', 'dropped')",
            counted,
        )
        self._saved = counted


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


def marks(values: Collection[int]) -> str:
    """Write one placeholder a value."""
    return ", ".join("?" * len(values))
