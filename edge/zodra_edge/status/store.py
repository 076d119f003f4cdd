"""The status file in the data folder, and whether its writer still lives.

A file, not a socket: the path of a socket may be no longer than 107 bytes, and data folders are.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from zodra_edge.clock import boot_id, monotonic_s, wall
from zodra_edge.errors import AlreadyRunning
from zodra_edge.status.report import Status

FILE: Final = "status.json"
LOCK_FILE: Final = "agent.lock"
AGE_S_MAX: Final = 10.0
"""A running agent writes each second; above this its word no longer counts."""


@contextlib.contextmanager
def sole_owner(data_dir: Path) -> Iterator[None]:
    """Hold the data folder; the kernel lets go of it when the process ends, however it ends.

    Raises:
        AlreadyRunning: another agent holds it.
    """
    with (data_dir / LOCK_FILE).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise AlreadyRunning(str(data_dir)) from fault
        yield


def write(data_dir: Path, status: Status) -> None:
    """Replace the status file in one step; a reader never sees half of one."""
    fresh = data_dir / f"{FILE}.new"
    fresh.write_text(status.model_dump_json(indent=1), encoding="utf-8")
    fresh.replace(data_dir / FILE)


@dataclass(frozen=True, slots=True)
class Look:
    """What an onlooker finds."""

    status: Status | None
    """None if there never was one, or it cannot be read."""
    running: bool
    """An agent holds the data folder and has written lately."""
    age_s: float


def look(data_dir: Path) -> Look:
    """Read the status file and judge whether it is still true."""
    try:
        status = Status.model_validate_json((data_dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return Look(None, False, 0.0)
    if status.boot_id == boot_id():
        age_s = monotonic_s() - status.written_monotonic_s
    else:
        age_s = (wall() - status.written_at).total_seconds()
    age_s = max(0.0, age_s)
    return Look(status, _is_held(data_dir) and age_s <= AGE_S_MAX, age_s)


def _is_held(data_dir: Path) -> bool:
    try:
        with (data_dir / LOCK_FILE).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def rss_bytes() -> int:
    """Say how much memory the process holds; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
