"""Everything the outbox holds, row by row; the agent may write meanwhile."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from zodra_edge.outbox import schema
from zodra_edge.outbox.salvage.tables import LANES, QUARANTINE, LaneTable, Row
from zodra_edge.rescue.lanes import as_object, aside_object
from zodra_edge.rescue.still import still, unreadable

CHUNK_ROWS: Final = 1_000
"""Each chunk is a short look of its own: a long one would keep the agent's log from emptying."""


def export(data_dir: Path) -> Iterator[dict[str, Any]]:
    """Give each row of both lanes, then what was set aside, as objects for JSON lines.

    Raises:
        OutboxFault: a file cannot be read; `salvage` reads what is left of it.
    """
    with still(data_dir) as folder:
        for lane in LANES.values():
            path = folder / f"{lane.lane}.db"
            if not path.exists():
                continue
            try:
                with closing(look(path)) as connection:
                    buffer_id = buffer_of(connection)
                    for row in chunks(connection, lane):
                        yield as_object(lane, buffer_id, row)
                    for row in chunks(connection, QUARANTINE):
                        yield aside_object(lane.lane, row)
            except sqlite3.Error as fault:
                raise unreadable(data_dir / path.name, fault) from fault


def look(path: Path) -> sqlite3.Connection:
    """Open a file for reading, such that bytes that are no text do not stop the reading."""
    connection = schema.connect_to_look(path)
    connection.text_factory = lambda raw: raw.decode(errors="surrogateescape")
    return connection


def buffer_of(connection: sqlite3.Connection) -> str:
    """Read the name of the buffer; empty if the file does not know it."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'buffer_id'").fetchone()
    return str(row[0]) if row else ""


def chunks(connection: sqlite3.Connection, lane: LaneTable, order: str = "ASC") -> Iterator[Row]:
    """Read a table from one end to the other."""
    beyond = -(2**63) if order == "ASC" else 2**63 - 1
    while True:
        rows = connection.execute(lane.select(order), (beyond, CHUNK_ROWS)).fetchall()
        if not rows:
            return
        yield from rows
        beyond = rows[-1][0]
