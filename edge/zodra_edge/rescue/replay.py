"""The quarantine: what is in it, and back into the lane with it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from zodra_edge import spool
from zodra_edge.errors import AlreadyRunning, OutboxFault, SpoolFault
from zodra_edge.outbox import quarantine, schema
from zodra_edge.outbox.quarantine import PutBack
from zodra_edge.outbox.salvage.tables import LANES, QUARANTINE, Row
from zodra_edge.rescue.export import chunks, look
from zodra_edge.rescue.lanes import aside_object
from zodra_edge.rescue.still import still, unreadable
from zodra_edge.settings import OutboxLimits
from zodra_edge.spool import ReplayRequest
from zodra_edge.status import is_held, sole_owner

ATTEMPTS: Final = 3
"""The agent may start or end at any moment between looking and asking."""


@dataclass(frozen=True, slots=True)
class Held:
    """One row that was set aside."""

    lane: str
    row: int
    """Its number within the lane's quarantine."""
    sequence: int
    reason: str
    set_aside_at: str | None
    device_id: str
    what: str
    """The kind of need-moment or reading; empty if the row cannot be read."""


def held(data_dir: Path) -> Iterator[Held]:
    """List the quarantine of both lanes. Reads only; safe while the gateway runs.

    Raises:
        OutboxFault: a file cannot be read.
    """
    with still(data_dir) as folder:
        for lane in LANES:
            path = folder / f"{lane}.db"
            if not path.exists():
                continue
            try:
                with closing(look(path)) as connection:
                    for row in chunks(connection, QUARANTINE):
                        yield _held(lane, row)
            except sqlite3.Error as fault:
                raise unreadable(data_dir / path.name, fault) from fault


def _held(lane: str, row: Row) -> Held:
    shown = aside_object(lane, row)
    device_id, what = _about(shown["body"])
    return Held(
        lane,
        row[0],
        shown["sequence"],
        shown["reason"],
        shown["set_aside_at"],
        device_id,
        what,
    )


def _about(body: Any) -> tuple[str, str]:
    if isinstance(body, dict):
        return str(body.get("device_id", "")), str(body.get("kind", ""))
    if isinstance(body, list) and len(body) == 4:
        return str(body[0]), str(body[1])
    return "", ""


def replay(data_dir: Path, limits: OutboxLimits, wanted: quarantine.Wanted) -> list[PutBack]:
    """Put rows of the quarantine back into their lanes as new rows.

    Args:
        data_dir: of a gateway that does not run; a running agent does it itself, when asked.
        limits: how much a lane may hold.
        wanted: which rows.

    Raises:
        AlreadyRunning: the agent runs; only one may write.
        OutboxFault: a file cannot be written; then nothing of its lane was changed.
    """
    if not data_dir.is_dir():
        raise OutboxFault(f"there is no outbox in {data_dir}")
    done: list[PutBack] = []
    try:
        with sole_owner(data_dir):
            for lane, rows_max in (
                ("need", limits.need_rows_max),
                ("telemetry", limits.telemetry_rows_max),
            ):
                path = data_dir / f"{lane}.db"
                if path.exists():
                    done += _replay_lane(lane, path, rows_max, wanted)
    except OSError as fault:
        raise OutboxFault(
            f"cannot use data_dir {data_dir}: {fault.strerror}; "
            "use the agent's own account, or root"
        ) from fault
    return done


def replay_or_ask(
    data_dir: Path, limits: OutboxLimits, request: ReplayRequest, timeout_s: float
) -> tuple[list[PutBack], bool]:
    """Have rows put back by the agent if it runs, and do it here if it does not.

    Returns:
        What became of them, and whether the agent did it.

    Raises:
        SpoolFault: the agent cannot be asked, or does not answer.
        OutboxFault: a file cannot be written.
    """
    for _ in range(ATTEMPTS):
        try:
            return replay(data_dir, limits, request.wants), False
        except AlreadyRunning:
            answer = spool.ask(data_dir, request, timeout_s, lambda: is_held(data_dir))
        # Without an answer it ended before it took the request up: then this may write.
        if answer is not None and answer.refused:
            raise OutboxFault(answer.refused)
        if answer is not None:
            return [PutBack(**row.model_dump()) for row in answer.replayed], True
    raise SpoolFault(f"the agent on {data_dir} starts and stops again; see: zodra-edge doctor")


def _replay_lane(lane: str, path: Path, rows_max: int, wanted: quarantine.Wanted) -> list[PutBack]:
    try:
        with closing(schema.connect(path)) as connection:
            _must_be_of_this_build(connection, lane, path)
            connection.execute("BEGIN IMMEDIATE")
            meta = quarantine.Meta.load(connection)
            table = LANES[lane].table
            (depth,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
            room = rows_max - depth
            done = quarantine.put_back(connection, lane, wanted, room, meta.take_sequence)
            meta.save(connection)
            connection.execute("COMMIT")
            return done
    except sqlite3.Error as fault:
        raise OutboxFault(
            f"cannot change {path}: {fault}; start the agent, which mends what can be mended, and "
            "ask again"
        ) from fault


def _must_be_of_this_build(connection: sqlite3.Connection, lane: str, path: Path) -> None:
    migrations = schema.NEED if lane == "need" else schema.TELEMETRY
    applied, known = migrations.taken(connection), migrations.steps.keys()
    if not applied:
        raise OutboxFault(f"{path} is no outbox of a gateway; see: zodra-edge doctor")
    if applied - known:
        raise OutboxFault(f"{path} was written by a newer zodra-edge; use that one")
    if known - applied:
        raise OutboxFault(f"{path} is of an older zodra-edge; start this one once, then stop it")
