"""How a file is opened, whatever state it is in: as it is, after a salvage, or not yet."""

import errno
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Final

from zodra_edge.clock import monotonic_s
from zodra_edge.outbox import salvage, schema
from zodra_edge.outbox.migrations import Migrations
from zodra_edge.outbox.room import Room
from zodra_edge.outbox.storage import DamagedFile, Salvage, Trouble, classify

CHECK_S_MAX: Final = 5.0
"""For looking through one file at the start; what was not looked at by then is found when read."""
SALVAGE_S_MAX: Final = 8.0
"""For saving the rows of one file. With both files damaged the agent still starts within 30 s; what
is not saved by then stays in the file that was set aside."""
_ATTEMPTS: Final = 4


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """What one file is to be."""

    migrations: Migrations
    bytes_max: int
    """Soft limit of the file; the WAL beside it stays within some MiB."""
    thorough: bool
    """Whether it is small enough to be checked in full at each start."""
    sibling: str | None = None
    """A file that is only made once this one is there."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that can be used."""

    connection: sqlite3.Connection
    salvage: Salvage | None
    """If it had to be made anew from a damaged one."""


def open_lane(path: Path, spec: LaneSpec, room: Room, is_start: bool, damage: str = "") -> Opened:
    """Open a file, and salvage it first if it is damaged.

    Args:
        path: the file; made if it is not there.
        spec: of the lane.
        room: whose reserve is given up if the disk is full.
        is_start: whether this is the first time since the start; then it is looked through.
        damage: what was found in it already while it was in use; it is salvaged without a check.

    Raises:
        OutboxFault: it is another program's.
        sqlite3.Error: the disk refuses; it may be tried again.
        OSError: likewise.
    """
    saved: Salvage | None = None
    for _ in range(_ATTEMPTS):
        try:
            if damage or salvage.under_way(path):
                late = _deadline(SALVAGE_S_MAX)
                saved = salvage.salvage(path, spec.migrations, damage or "cut off before", late)
                damage = ""
            return Opened(_open(path, spec, is_start), saved)
        except (sqlite3.Error, OSError) as fault:
            trouble = trouble_of(fault)
            if trouble is Trouble.DAMAGED and saved is None:
                damage = str(fault)
            elif not (trouble is Trouble.FULL and room.release()):
                raise
    raise sqlite3.OperationalError(f"cannot open {path} in {_ATTEMPTS} attempts")


def trouble_of(fault: sqlite3.Error | OSError) -> Trouble | None:
    """Say what a fault means; None if the storage is not at fault."""
    if isinstance(fault, sqlite3.Error):
        return classify(fault)
    if fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return Trouble.FULL
    return Trouble.READ_ONLY if fault.errno == errno.EROFS else Trouble.IO_ERROR


def _open(path: Path, spec: LaneSpec, is_start: bool) -> sqlite3.Connection:
    was_lost = is_start and _is_lost(path, spec)
    if was_lost and path.exists():
        raise DamagedFile("an empty file")
    schema.prepare(path, spec.migrations, token_hex(schema.BUFFER_ID_BYTES), is_start)
    if was_lost:
        schema.note_lost_memory(path)
    connection = schema.connect(path, spec.bytes_max)
    try:
        if is_start:
            schema.check(connection, spec.thorough, _deadline(CHECK_S_MAX))
    except BaseException:
        connection.close()
        raise
    return connection


def _is_lost(path: Path, spec: LaneSpec) -> bool:
    """Whether a file that must have been there is gone: its sibling is made after it."""
    if spec.sibling is None or not _has_content(path.with_name(spec.sibling)):
        return False
    return not _has_content(path)


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _deadline(after_s: float) -> Callable[[], bool]:
    at_s = monotonic_s() + after_s
    return lambda: monotonic_s() > at_s


def no_connection() -> sqlite3.Connection:
    """Make a connection to no file, for as long as there is none."""
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


def empty_wal(connection: sqlite3.Connection) -> None:
    """Move the WAL into the file and cut it to nothing.

    Raises:
        sqlite3.Error: it could not be.
    """
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        # Somebody looks into the file. What is in the WAL stays there, and is as durable.
        return
