"""What can be wrong with the place where the outbox lives: names, and how a fault gets its name."""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class StorageState(StrEnum):
    """How the storage is, the worst first. Each is a state to be in, not an end of the agent."""

    IO_ERROR = "io_error"
    """Reading or writing fails: a dying card, or a file that cannot be opened."""
    READ_ONLY = "read_only"
    """The file system takes no writes; Linux does this to a card that it no longer trusts."""
    FULL = "full"
    """No room. Telemetry has given way; what can still be kept, is."""
    LOW = "low"
    """85 % of the disk is in use."""
    SALVAGED = "salvaged"
    """A damaged file was set aside and its good rows were saved; a person should look."""
    OK = "ok"


class DiskLevel(StrEnum):
    """How much of the file system is in use, by everybody."""

    OK = "ok"
    FILLING = "filling"
    LOW = "low"
    CRITICAL = "critical"


LEVELS: Final = ((95.0, DiskLevel.CRITICAL), (85.0, DiskLevel.LOW), (70.0, DiskLevel.FILLING))
"""Percent in use from which a level holds."""


def disk_level(used_percent: float) -> DiskLevel:
    """Name how full a disk is."""
    return next((level for bound, level in LEVELS if used_percent >= bound), DiskLevel.OK)


class Trouble(StrEnum):
    """Why a transaction failed, where the storage and not the statement was at fault."""

    FULL = "full"
    READ_ONLY = "read_only"
    IO_ERROR = "io_error"
    DAMAGED = "damaged"


class DamagedFile(sqlite3.DatabaseError):
    """The file opens, but is not what it should be."""


_TROUBLES: Final = {
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_IOERR: Trouble.IO_ERROR,
    sqlite3.SQLITE_CANTOPEN: Trouble.IO_ERROR,
    sqlite3.SQLITE_PERM: Trouble.IO_ERROR,
    sqlite3.SQLITE_PROTOCOL: Trouble.IO_ERROR,
    sqlite3.SQLITE_CORRUPT: Trouble.DAMAGED,
    sqlite3.SQLITE_NOTADB: Trouble.DAMAGED,
}


def classify(fault: sqlite3.Error) -> Trouble | None:
    """Say what a fault of SQLite means; None if the statement is to blame and not the storage."""
    if isinstance(fault, DamagedFile):
        return Trouble.DAMAGED
    code = getattr(fault, "sqlite_errorcode", None)
    return None if code is None else _TROUBLES.get(code & 0xFF)


@dataclass(frozen=True, slots=True)
class Salvage:
    """What came out of a damaged file."""

    file: str
    """Its name before."""
    aside: str
    """Its name now; nothing of it was deleted."""
    why: str
    saved: int
    """Rows with a right checksum, which are in the new file."""
    damaged: int
    """Rows with a wrong one, which are in the new file's quarantine."""
    complete: bool
    """Whether everything in it could be read. If not, rows may be missing."""
    memory_lost: bool
    """Whether devices may have lost what was remembered about them."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system under the outbox."""

    used_percent: float = 0.0
    free_bytes: int = 0
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Storage:
    """The storage as a whole, for the status and the cloud."""

    state: StorageState
    level: DiskLevel
    disk: Disk
    reserve: bool
    """Whether the reserve is in place; without it no reading is taken, so that presses can be."""
    need: Trouble | None
    telemetry: Trouble | None
    aside: tuple[str, ...]
    """Damaged files that wait for a person."""
    salvages: tuple[Salvage, ...]
    """Since the start."""


def verdict(
    disk: Disk, reserve: bool, troubles: tuple[Trouble | None, ...], aside: tuple[str, ...]
) -> StorageState:
    """Name the worst that is true."""
    if Trouble.IO_ERROR in troubles or Trouble.DAMAGED in troubles:
        # A card that went read-only shows as failed writes first.
        return StorageState.READ_ONLY if disk.read_only else StorageState.IO_ERROR
    if disk.read_only or Trouble.READ_ONLY in troubles:
        return StorageState.READ_ONLY
    if Trouble.FULL in troubles or not reserve:
        return StorageState.FULL
    if disk_level(disk.used_percent) in (DiskLevel.LOW, DiskLevel.CRITICAL):
        return StorageState.LOW
    return StorageState.SALVAGED if aside else StorageState.OK
