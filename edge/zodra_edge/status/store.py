"""The status file, and whether its writer still lives.

A file, not a socket: the path of a socket may be no longer than 107 bytes, and data folders are.
It is in the data folder, or in memory where there is a folder for that; then the lock file in the
data folder says where, since an onlooker's environment need not be the agent's.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
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
PATH_BYTES_MAX: Final = 4096
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - its owner is checked
"""Where the status goes while the disk takes none."""
AGE_S_MAX: Final = 10.0
"""A running agent writes each second; above this its word no longer counts."""


def status_file(data_dir: Path, runtime_dir: Path | None) -> Path:
    """Name the file of the status.

    Args:
        data_dir: whose status it is.
        runtime_dir: a folder in memory that several agents may share, if there is one.
    """
    if runtime_dir is None:
        return data_dir / FILE
    return runtime_dir / f"status-{name_of(data_dir)}.json"


@contextlib.contextmanager
def sole_owner(data_dir: Path, file: Path | None = None) -> Iterator[None]:
    """Hold the data folder; the kernel lets go of it when the process ends, however it ends.

    Args:
        data_dir: what is held.
        file: where the status will be, for onlookers; in the data folder if None.

    Raises:
        AlreadyRunning: another agent holds it.
    """
    held = _open_lock(data_dir, os.O_WRONLY | os.O_CREAT)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise AlreadyRunning(str(data_dir)) from fault
        if file is not None and file.parent != data_dir and told(data_dir) != file:
            # On a disk that takes no writes the status goes to where everybody looks anyway.
            with contextlib.suppress(OSError):
                os.ftruncate(held, 0)
                os.pwrite(held, os.fsencode(file), 0)
        yield
    finally:
        os.close(held)


def _open_lock(data_dir: Path, flags: int) -> int:
    try:
        return os.open(data_dir / LOCK_FILE, flags | os.O_CLOEXEC, 0o644)
    except OSError as fault:
        if fault.errno not in (errno.EROFS, errno.ENOSPC, errno.ENOENT):
            raise
    # On a disk that takes no writes the file may be locked as it is; or else the folder.
    existing = data_dir / LOCK_FILE
    return os.open(existing if existing.exists() else data_dir, os.O_RDONLY | os.O_CLOEXEC)


def write(data_dir: Path, status: Status, file: Path | None = None) -> None:
    """Replace the status file in one step; a reader never sees half of one.

    On a disk that takes no writes it goes to memory instead: that is when somebody will look.

    Args:
        data_dir: whose status it is.
        status: what to write.
        file: where to, as was told to `sole_owner`.

    Raises:
        OSError: it could be written nowhere.
    """
    text = status.model_dump_json(indent=1)
    try:
        replace_file(file if file is not None and told(data_dir) == file else data_dir / FILE, text)
    except OSError:
        folder = in_memory(data_dir)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if not is_ours(folder, data_dir):
            raise
        replace_file(folder / FILE, text)


def replace_file(path: Path, text: str) -> None:
    """Replace a file in one step."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def in_memory(data_dir: Path) -> Path:
    """Name the folder in memory where the status goes while the disk takes none."""
    return MEMORY / f"zodra-edge-{name_of(data_dir)}"


def name_of(data_dir: Path) -> str:
    """Name an agent in a folder that several share."""
    return hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]


def told(data_dir: Path) -> Path | None:
    """Read where the agent says that its status is; None if it is in the data folder."""
    try:
        said = (data_dir / LOCK_FILE).read_bytes()[:PATH_BYTES_MAX]
        return Path(os.fsdecode(said)) if said and b"\0" not in said else None
    except OSError:
        return None


def is_ours(folder: Path, data_dir: Path) -> bool:
    """Whether a folder in memory belongs to the account of the data folder."""
    # Everybody may write to /dev/shm: what another account put there is nobody's status.
    try:
        found = folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == data_dir.stat().st_uid
    except OSError:
        return False


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
    files = [data_dir / FILE]
    if (said := told(data_dir)) is not None:
        files.append(said)
    if is_ours(in_memory(data_dir), data_dir):
        files.append(in_memory(data_dir) / FILE)
    found = [status for status in map(_read, files) if status is not None]
    if not found:
        return Look(None, False, 0.0)
    this_boot = boot_id()
    status = max(found, key=lambda s: (s.boot_id == this_boot, s.written_monotonic_s))
    if status.boot_id == this_boot:
        age_s = monotonic_s() - status.written_monotonic_s
    else:
        age_s = (wall() - status.written_at).total_seconds()
    age_s = max(0.0, age_s)
    return Look(status, is_held(data_dir) and age_s <= AGE_S_MAX, age_s)


def _read(file: Path) -> Status | None:
    try:
        return Status.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None


def is_held(data_dir: Path) -> bool:
    """Whether an agent holds the data folder."""
    try:
        held = _open_lock(data_dir, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(held)
    return False


def rss_bytes() -> int:
    """Say how much memory the process holds; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
