"""The outbox as it is at one moment, for somebody who reads: in its place, or a copy of it.

A running agent has its files for itself, so that nobody else can open them as databases. They can
be copied all the same, and the agent need not be asked: a gateway that hangs is one that a person
looks into. SQLite changes the file itself only by what the log beside it holds, and begins the log
anew under another header. So the file first, then the log, and the same header before and after:
what the file lacks, or has in half, is in the log, and what the log has in half is past its last
commit, as after a power cut.
"""

import contextlib
import errno
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from zodra_edge.clock import monotonic_s, wall
from zodra_edge.errors import OutboxFault
from zodra_edge.outbox.salvage.tables import LANES
from zodra_edge.status import is_held

WAL_HEADER_BYTES: Final = 32
"""With two numbers that change whenever the log begins anew (SQLite file format, section 4.1)."""
COPY_S_MAX: Final = 5.0
"""For the copies that were overtaken by the agent; then it is left in peace."""
PAUSE_S: Final = 0.05
SPARE_BYTES: Final = 16 * 2**20
"""Left free beside a copy, where it is made."""
CHUNK_BYTES: Final = 2**20
_ELSEWHERE: Final = Path("/var/tmp")  # noqa: S108 - a folder of our own is made in it
_TICK_NS: Final = 20_000_000
"""Two changes within a tick of the kernel's clock leave a file with the same time."""


class _Mark(NamedTuple):
    """What is the same before and after, if a copy is good."""

    file: int
    log: bytes
    """Its header."""
    changed_ns: int
    """When the file was, if there is no log that would tell."""
    is_settled: bool


@contextlib.contextmanager
def still(data_dir: Path, within_s: float = COPY_S_MAX) -> Iterator[Path]:
    """Give a folder with the files of the outbox, into which nobody writes meanwhile.

    Args:
        data_dir: of a gateway. If none runs, this is the folder, unless it takes no writes: then
            SQLite cannot read a log that was left behind.
        within_s: how long to try again when the agent overtakes the copy.

    Raises:
        OutboxFault: it cannot be copied; the message says what to do.
    """
    if not is_held(data_dir) and os.access(data_dir, os.W_OK):
        yield data_dir
        return
    files = [path for path in (data_dir / f"{lane}.db" for lane in LANES) if path.exists()]
    with _folder(files) as folder:
        for path in files:
            _copy(path, folder, within_s)
        yield folder


@contextlib.contextmanager
def still_file(path: Path) -> Iterator[Path]:
    """Give one file to read: itself, or a copy if it is one that a running agent holds.

    Raises:
        OutboxFault: it cannot be copied.
    """
    if path.name not in {f"{lane}.db" for lane in LANES} or not is_held(path.parent):
        yield path
        return
    with _folder([path]) as folder:
        _copy(path, folder, COPY_S_MAX)
        yield folder / path.name


def unreadable(path: Path, fault: sqlite3.Error) -> OutboxFault:
    """Say that a file cannot be read, and what to do about it."""
    if getattr(fault, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
        return OutboxFault(f"an agent has just started on {path.parent}; ask again")
    return OutboxFault(
        f"cannot read {path}: {fault}; the agent saves what is whole in it when it starts, and "
        f"zodra-edge outbox salvage {path} shows what that is"
    )


@contextlib.contextmanager
def _folder(files: list[Path]) -> Iterator[Path]:
    """Make a folder that only this account may look into, where there is room for copies."""
    places = list(dict.fromkeys((Path(tempfile.gettempdir()), _ELSEWHERE)))
    try:
        needed = SPARE_BYTES + sum(_size(path) + _size(_beside(path, "-wal")) for path in files)
        place = next((one for one in places if _free(one) >= needed), None)
    except OSError as fault:
        raise OutboxFault(f"cannot look at the outbox: {fault}") from fault
    if place is None:
        raise OutboxFault(
            f"there is no room for a copy of the outbox, {needed >> 20} MB, in "
            f"{' or '.join(map(str, places))}; name a folder with room in TMPDIR, or stop the "
            "agent first"
        )
    with tempfile.TemporaryDirectory(prefix="zodra-outbox-", dir=place) as folder:
        yield Path(folder)


def _copy(path: Path, folder: Path, within_s: float) -> None:
    late_s = monotonic_s() + within_s
    try:
        while not _try_to_copy(path, folder):
            if monotonic_s() > late_s:
                raise OutboxFault(
                    f"the agent writes to {path} faster than it can be copied; ask again when it "
                    "has less to do, or stop it first"
                )
            time.sleep(PAUSE_S)
    except OSError as fault:
        said = (
            "; use the agent's own account, or root"
            if fault.errno in (errno.EACCES, errno.EPERM)
            else ""
        )
        raise OutboxFault(f"cannot copy {path}: {fault.strerror}{said}") from fault


def _try_to_copy(path: Path, folder: Path) -> bool:
    before = _mark(path)
    if not before.is_settled:
        return False
    for one in (path, _beside(path, "-wal")):
        into = folder / one.name
        into.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError), one.open("rb") as source:
            made = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(made, "wb") as target:
                shutil.copyfileobj(source, target, CHUNK_BYTES)
    return _mark(path) == before


def _mark(path: Path) -> _Mark:
    log = b""
    with contextlib.suppress(FileNotFoundError), _beside(path, "-wal").open("rb") as file:
        log = file.read(WAL_HEADER_BYTES)
    try:
        found = path.stat()
    except FileNotFoundError:
        # It is being set aside, and another takes its place.
        return _Mark(0, log, 0, is_settled=False)
    age_ns = wall().timestamp() * 1e9 - found.st_mtime_ns
    settled = bool(log) or not 0 <= age_ns < _TICK_NS
    # With one of these it is being rewritten, in another way than is described above.
    settled = settled and not _beside(path, "-journal").exists()
    return _Mark(found.st_ino, log, 0 if log else found.st_mtime_ns, settled)


def _beside(path: Path, tail: str) -> Path:
    return path.with_name(path.name + tail)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _free(folder: Path) -> int:
    try:
        found = os.statvfs(folder)
    except FileNotFoundError:
        return 0
    return found.f_bavail * found.f_frsize
