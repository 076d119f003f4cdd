"""Looks into the outbox for damage, read-only; of a running agent it reads a copy."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from zodra_edge.clock import monotonic_s
from zodra_edge.doctor import judge
from zodra_edge.doctor.aside import aside
from zodra_edge.doctor.finding import Finding, fail, skipped, warn
from zodra_edge.errors import OutboxFault
from zodra_edge.outbox import schema
from zodra_edge.outbox.records import ReadingRow, need_checksum, reading_checksum
from zodra_edge.outbox.room import ASIDE
from zodra_edge.rescue.still import still
from zodra_edge.settings import Settings

SAMPLE_ROWS: Final = 2_000
"""At each end of a lane: a card wears out where it was written last, and rots where it lay long."""
CHECK_S_MAX: Final = 5.0
"""A reader keeps the agent's write-ahead log from being emptied; not for longer than this."""
_STEPS_BETWEEN_LOOKS: Final = 10_000
_COMPLAINTS_MAX: Final = 5
_TAILS: Final = ("-wal", "-shm")


async def files(settings: Settings) -> list[Finding]:
    """Check both lanes."""
    return await aside(lambda: _files(settings.data_dir))


def _files(data_dir: Path) -> list[Finding]:
    try:
        with still(data_dir) as folder:
            found = _lanes(folder)
    except OutboxFault as fault:
        found = [warn("outbox need", str(fault), "Then: zodra-edge doctor")]
    damaged = sorted(
        str(path) for path in data_dir.glob(f"*{ASIDE}*") if not path.name.endswith(_TAILS)
    )
    return [*found, judge.set_aside(damaged)] if damaged else found


def _lanes(folder: Path) -> list[Finding]:
    found: list[Finding] = []
    set_aside: dict[str, int] = {}
    for lane, reader in (("need", _needs), ("telemetry", _readings)):
        path = folder / f"{lane}.db"
        if not path.exists():
            found.append(skipped(f"outbox {lane}", "not there yet; the agent makes it"))
            continue
        finding, aside_rows = _lane(lane, path, reader)
        found.append(finding)
        if aside_rows is not None:
            set_aside[lane] = aside_rows
    if set_aside:
        found.append(judge.quarantine(set_aside))
    return found


def _lane(
    lane: str, path: Path, reader: Callable[[sqlite3.Connection], tuple[int, int]]
) -> tuple[Finding, int | None]:
    name = f"outbox {lane}"
    try:
        with closing(schema.connect_to_look(path)) as connection:
            (application_id,) = connection.execute("PRAGMA application_id").fetchone()
            if application_id != schema.APPLICATION_ID:
                return _stranger(name, path), None
            migrations = schema.NEED if lane == "need" else schema.TELEMETRY
            if migrations.taken(connection) - migrations.steps.keys():
                return _newer(name, path), None
            meta = _counters(connection)
            table = "need" if lane == "need" else "reading"
            (depth,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
            (aside_rows,) = connection.execute("SELECT count(*) FROM quarantine").fetchone()
            connection.text_factory = lambda raw: raw.decode(errors="surrogateescape")
            sampled, damaged = reader(connection)
            complaints, finished = _structure(connection)
    except (sqlite3.Error, TypeError) as fault:
        return (
            fail(
                name,
                f"{path.name} cannot be read: {fault}",
                judge.DAMAGED_STEP,
            ),
            None,
        )
    buffer_id = str(meta.get("buffer_id", "unknown"))
    return (
        judge.outbox(lane, depth, buffer_id, complaints, sampled, damaged, finished),
        int(aside_rows),
    )


def _newer(name: str, path: Path) -> Finding:
    return fail(
        name,
        f"{path.name} was written by a newer zodra-edge",
        "Use that one again. This one would set the file aside when it starts, and go on with the "
        "rows that it can read.",
    )


def _counters(connection: sqlite3.Connection) -> dict[str, Any]:
    columns = {row[1] for row in connection.execute("PRAGMA table_info(meta)")}
    if "checksum" in columns:
        return schema.counters(connection)
    # Of an earlier build; the agent brings it up to date when it starts.
    return dict(connection.execute("SELECT name, value FROM meta ORDER BY name").fetchall())


def _stranger(name: str, path: Path) -> Finding:
    return fail(
        name,
        f"{path.name} is a database of another program",
        "Choose another data_dir, or move that file away.",
    )


def _structure(connection: sqlite3.Connection) -> tuple[list[str], bool]:
    ends_s = monotonic_s() + CHECK_S_MAX
    connection.set_progress_handler(lambda: monotonic_s() > ends_s, _STEPS_BETWEEN_LOOKS)
    try:
        said = [str(row[0]) for row in connection.execute(f"PRAGMA quick_check({_COMPLAINTS_MAX})")]
    except sqlite3.OperationalError as fault:
        if fault.sqlite_errorname == "SQLITE_INTERRUPT":
            return [], False
        raise
    finally:
        connection.set_progress_handler(None, 0)
    return [line for line in said if line != "ok"], True


def _needs(connection: sqlite3.Connection) -> tuple[int, int]:
    rows = _ends(
        connection,
        "SELECT sequence, kept_ms, body, checksum FROM need ORDER BY sequence {} LIMIT ?",
    )
    bad = sum(need_checksum(row[0], row[1], row[2]) != row[3] for row in rows)
    return len(rows), bad


def _readings(connection: sqlite3.Connection) -> tuple[int, int]:
    rows = _ends(
        connection,
        "SELECT sequence, device_id, kind, value, observed_ms, quality, error_ms, checksum "
        "FROM reading ORDER BY sequence {} LIMIT ?",
    )
    bad = sum(reading_checksum(ReadingRow(*row[:5]), row[5], row[6]) != row[7] for row in rows)
    return len(rows), bad


def _ends(connection: sqlite3.Connection, query: str) -> list[tuple[Any, ...]]:
    rows: dict[int, tuple[Any, ...]] = {}
    for order in ("ASC", "DESC"):
        for row in connection.execute(query.format(order), (SAMPLE_ROWS,)):
            rows[row[0]] = row
    return list(rows.values())
