"""Looking into the outbox from outside, without disturbing the one that writes."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from zodra_edge.clock import wall
from zodra_edge.outbox import schema
from zodra_edge.rescue.still import still, unreadable

ASIDE_SHOWN_MAX: Final = 20
_FILES: Final = (
    ("need", "SELECT count(*), min(sequence), max(sequence), min(kept_ms) FROM need"),
    ("telemetry", "SELECT count(*), min(sequence), max(sequence), min(observed_ms) FROM reading"),
)


@dataclass(frozen=True, slots=True)
class Aside:
    """One row that will never be sent."""

    buffer_id: str
    sequence: int
    reason: str
    set_aside_ms: int


@dataclass(frozen=True, slots=True)
class LaneContents:
    """One lane."""

    lane: str
    file: str
    buffer_id: str
    depth: int
    first: int | None
    last: int | None
    oldest_age_s: float | None
    dropped: int
    set_aside: int
    newest_aside: tuple[Aside, ...]


def read(data_dir: Path) -> list[LaneContents]:
    """Read both lanes; a file that is not there is left out.

    Raises:
        OutboxFault: a file cannot be read.
    """
    with still(data_dir) as folder:
        return [
            _read_lane(lane, data_dir / f"{lane}.db", folder / f"{lane}.db", query)
            for lane, query in _FILES
            if (folder / f"{lane}.db").exists()
        ]


def _read_lane(lane: str, path: Path, readable: Path, query: str) -> LaneContents:
    try:
        connection = schema.connect_to_look(readable)
        try:
            meta = dict(connection.execute("SELECT name, value FROM meta ORDER BY name").fetchall())
            depth, first, last, oldest_ms = connection.execute(query).fetchone()
            (set_aside,) = connection.execute("SELECT count(*) FROM quarantine").fetchone()
            rows = connection.execute(
                "SELECT buffer_id, sequence, reason, set_aside_ms FROM quarantine "
                "ORDER BY place DESC LIMIT ?",
                (ASIDE_SHOWN_MAX,),
            ).fetchall()
        finally:
            connection.close()
    except sqlite3.Error as fault:
        raise unreadable(path, fault) from fault
    age_s = None if oldest_ms is None else max(0.0, wall().timestamp() - oldest_ms / 1000)
    return LaneContents(
        lane,
        str(path),
        meta["buffer_id"],
        depth,
        first,
        last,
        age_s,
        meta["dropped"],
        set_aside,
        tuple(Aside(*row) for row in rows),
    )


def render_lanes(lanes: Sequence[LaneContents]) -> str:
    """Write both lanes as text."""
    return "\n".join(line for lane in lanes for line in _lines(lane)) + "\n"


def _lines(lane: LaneContents) -> Iterator[str]:
    yield f"{lane.lane}  {lane.file} (buffer {lane.buffer_id})"
    if lane.depth:
        yield f"  {lane.depth} rows, sequences {lane.first} to {lane.last}"
        yield f"  the oldest is {lane.oldest_age_s:.0f} s old"
        if lane.lane == "need":
            yield (
                "  the cloud may have confirmed some: those go with the next write; "
                "zodra-edge status counts what waits"
            )
    else:
        yield "  empty: the cloud has confirmed everything"
    if lane.dropped:
        yield f"  {lane.dropped} dropped, oldest first, because the lane was full"
    if lane.set_aside:
        yield f"  {lane.set_aside} set aside, which will never be sent; the newest:"
        for row in lane.newest_aside:
            yield f"    {row.sequence}  {row.reason}"
