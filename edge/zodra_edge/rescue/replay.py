"""The quarantine: what is in it, and back into the lane with it."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from zodra_contract.signal import NeedSignal, TimeQuality
from zodra_edge.errors import OutboxFault
from zodra_edge.heard import UNKNOWN_ERROR_MS
from zodra_edge.outbox import quarantine, schema
from zodra_edge.outbox.records import ReadingRow, need_checksum, reading_checksum
from zodra_edge.outbox.salvage.tables import LANES, QUARANTINE
from zodra_edge.rescue.export import chunks, look
from zodra_edge.rescue.lanes import aside_object
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import sole_owner


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


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one row that was to be sent again."""

    lane: str
    row: int
    sequence: int | None
    """Its new place in the lane; None if it stayed where it was."""
    kept_aside: str = ""
    """Why it stayed."""


Wanted = Callable[[str, int, str], bool]
"""Lane, row and reason to whether it is meant."""


def held(data_dir: Path) -> Iterator[Held]:
    """List the quarantine of both lanes. Reads only; safe while the gateway runs.

    Raises:
        OutboxFault: a file cannot be read.
    """
    for lane in LANES:
        path = data_dir / f"{lane}.db"
        if not path.exists():
            continue
        try:
            with closing(look(path)) as connection:
                for row in chunks(connection, QUARANTINE):
                    shown = aside_object(lane, row)
                    device_id, what = _about(shown["body"])
                    yield Held(
                        lane,
                        row[0],
                        shown["sequence"],
                        shown["reason"],
                        shown["set_aside_at"],
                        device_id,
                        what,
                    )
        except sqlite3.Error as fault:
            raise OutboxFault(f"cannot read {path}: {fault}") from fault


def _about(body: Any) -> tuple[str, str]:
    if isinstance(body, dict):
        return str(body.get("device_id", "")), str(body.get("kind", ""))
    if isinstance(body, list) and len(body) == 4:
        return str(body[0]), str(body[1])
    return "", ""


def replay(data_dir: Path, limits: OutboxLimits, wanted: Wanted) -> list[Replayed]:
    """Put rows of the quarantine back into their lanes as new rows.

    Args:
        data_dir: of a gateway that does not run.
        limits: how much a lane may hold.
        wanted: which rows.

    Raises:
        AlreadyRunning: the agent runs; only one may write.
        OutboxFault: a file cannot be written; then nothing of its lane was changed.
    """
    if not data_dir.is_dir():
        raise OutboxFault(f"there is no outbox in {data_dir}")
    done: list[Replayed] = []
    with sole_owner(data_dir):
        for lane, rows_max in (
            ("need", limits.need_rows_max),
            ("telemetry", limits.telemetry_rows_max),
        ):
            path = data_dir / f"{lane}.db"
            if path.exists():
                done += _replay_lane(lane, path, rows_max, wanted)
    return done


def _replay_lane(lane: str, path: Path, rows_max: int, wanted: Wanted) -> list[Replayed]:
    try:
        with closing(schema.connect(path)) as connection:
            _must_be_of_this_build(connection, lane, path)
            connection.execute("BEGIN IMMEDIATE")
            rows = [row for row in chunks(connection, QUARANTINE) if wanted(lane, row[0], row[3])]
            meta = quarantine.Meta.load(connection)
            table = LANES[lane].table
            (depth,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
            done = []
            for row in rows:
                full = depth >= rows_max
                result = (
                    Replayed(lane, row[0], None, "the lane is full")
                    if full
                    else (_put_back(connection, lane, meta, row))
                )
                depth += result.sequence is not None
                done.append(result)
            meta.save(connection)
            connection.execute("COMMIT")
            return done
    except sqlite3.Error as fault:
        raise OutboxFault(f"cannot change {path}: {fault}") from fault


def _must_be_of_this_build(connection: sqlite3.Connection, lane: str, path: Path) -> None:
    migrations = schema.NEED if lane == "need" else schema.TELEMETRY
    applied, known = migrations.taken(connection), migrations.steps.keys()
    if applied - known:
        raise OutboxFault(f"{path} was written by a newer zodra-edge; use that one")
    if known - applied:
        raise OutboxFault(f"{path} is of an older zodra-edge; start this one once, then stop it")


_DAMAGED: Final[Collection[str]] = (quarantine.DAMAGED, quarantine.UNREADABLE)


def _put_back(
    connection: sqlite3.Connection, lane: str, meta: quarantine.Meta, row: tuple[Any, ...]
) -> Replayed:
    place, _, _, reason, body, set_aside_ms = row
    if reason in _DAMAGED:
        return Replayed(lane, place, None, "it was changed on disk; nobody knows what it said")
    put = _put_need if lane == "need" else _put_reading
    try:
        sequence = put(connection, meta, body, set_aside_ms)
    except (ValidationError, ValueError, TypeError):
        return Replayed(lane, place, None, "it cannot be read")
    connection.execute("DELETE FROM quarantine WHERE place = ?", (place,))
    return Replayed(lane, place, sequence)


def _put_need(
    connection: sqlite3.Connection, meta: quarantine.Meta, body: str, kept_ms: int
) -> int:
    signal = NeedSignal.model_validate_json(body)
    sequence = meta.take_sequence()
    connection.execute(
        "INSERT INTO need (sequence, signal_id, body, kept_ms, checksum) VALUES (?, ?, ?, ?, ?)",
        (sequence, signal.signal_id, body, kept_ms, need_checksum(sequence, kept_ms, body)),
    )
    return sequence


def _put_reading(connection: sqlite3.Connection, meta: quarantine.Meta, body: str, _: int) -> int:
    device_id, kind, value, observed_ms = json.loads(body)
    # How far its time could be trusted was not set aside with it.
    quality, error_ms = TimeQuality.UNSYNCED.value, UNKNOWN_ERROR_MS
    row = ReadingRow(meta.take_sequence(), device_id, kind, float(value), int(observed_ms))
    connection.execute(
        "INSERT INTO reading "
        "(sequence, device_id, kind, value, observed_ms, quality, error_ms, checksum) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, quality, error_ms, reading_checksum(row, quality, error_ms)),
    )
    return row.sequence
