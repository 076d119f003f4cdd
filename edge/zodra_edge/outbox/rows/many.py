"""Many rows with few statements.

`executemany` runs a statement for each row, and lets the interpreter go and takes it back each
time: of the 5.6 us of processor that a need-moment's rows took in SQLite, one was that.
"""

import sqlite3
from typing import Any, Final

ROWS_A_STATEMENT: Final = 32
"""With 8, half of what there is to gain; with 128 no more. SQLite keeps what the pages of one such
statement were before in memory up to 64 KiB, which this many rows stay below."""


class Insert:
    """One INSERT, for any number of rows. Statements are prepared when they are first needed."""

    def __init__(self, into: str, columns: str, otherwise: str = "") -> None:
        """Write the statements.

        Args:
            into: the table.
            columns: their names, with commas.
            otherwise: what stands behind the values.
        """
        self._width = len(columns.split(","))
        row = f"({', '.join('?' * self._width)})"
        head = f"INSERT INTO {into} ({columns}) VALUES"
        self._one = f"{head} {row} {otherwise}"
        self._many = f"{head} {', '.join([row] * ROWS_A_STATEMENT)} {otherwise}"

    def run(self, connection: sqlite3.Connection, values: list[Any]) -> None:
        """Insert rows in their order.

        Args:
            connection: of the file.
            values: of all rows, one row behind the other; a tuple for each cost a tenth of it all.
        """
        width = self._width
        step = width * ROWS_A_STATEMENT
        done = len(values) - len(values) % step
        for start in range(0, done, step):
            connection.execute(self._many, values[start : start + step])
        if done < len(values):
            rows = [values[at : at + width] for at in range(done, len(values), width)]
            connection.executemany(self._one, rows)


def delete(connection: sqlite3.Connection, table: str, key: str, values: list[int]) -> None:
    """Delete rows by their whole-number key."""
    marks = ", ".join("?" * ROWS_A_STATEMENT)
    done = len(values) - len(values) % ROWS_A_STATEMENT
    for start in range(0, done, ROWS_A_STATEMENT):
        some = values[start : start + ROWS_A_STATEMENT]
        connection.execute(f"DELETE FROM {table} WHERE {key} IN ({marks})", some)  # noqa: S608
    if done < len(values):
        rows = [(value,) for value in values[done:]]
        connection.executemany(f"DELETE FROM {table} WHERE {key} = ?", rows)  # noqa: S608
