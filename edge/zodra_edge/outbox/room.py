"""The room that the outbox has on its file system, and the reserve held back for bad days.

A WAL database on a full disk is stuck for good: INSERT, DELETE and checkpoint all fail, so nothing
can even be evicted (measured on a small tmpfs). Hence a file of real blocks that is given up at the
first "disk full", which makes room for a checkpoint and for need-moments.
"""

import contextlib
import os
import threading
from pathlib import Path
from typing import Final

from zodra_edge.outbox.storage import Disk

RESERVE_FILE: Final = "reserve"
SPARE_BYTES: Final = 512 * 1024
"""Left free when the reserve is built again, or building it would fill the disk at once."""
ASIDE: Final = ".damaged-"
"""In the name of every file that was set aside."""


class Room:
    """The reserve, and what the file system says. Used from both threads and the loop."""

    def __init__(self, data_dir: Path, reserve_bytes: int) -> None:
        """Build the reserve, if there is room for it."""
        self._data_dir = data_dir
        self._path = data_dir / RESERVE_FILE
        self._reserve_bytes = reserve_bytes
        self._lock = threading.Lock()
        self.has_reserve = False
        """Without it telemetry takes nothing: what room there is belongs to the need-moments."""
        self.disk = Disk()
        """As last looked at."""
        self.aside: tuple[str, ...] = ()
        """Damaged files in the folder, as last looked at."""
        self.look()
        self.rebuild()

    def look(self) -> None:
        """Ask the file system."""
        try:
            found = os.statvfs(self._data_dir)
            names = os.listdir(self._data_dir)
        except OSError:
            # A card that was pulled out; the next write will say so.
            return
        usable = found.f_blocks - found.f_bfree + found.f_bavail
        used = (found.f_blocks - found.f_bfree) / usable if usable else 0.0
        read_only = bool(found.f_flag & os.ST_RDONLY)
        self.disk = Disk(round(100 * used, 1), found.f_bavail * found.f_frsize, read_only)
        tails = ("-wal", "-shm")
        self.aside = tuple(sorted(n for n in names if ASIDE in n and not n.endswith(tails)))

    def release(self) -> bool:
        """Give the reserve up; True if there was one."""
        with self._lock:
            had, self.has_reserve = self.has_reserve, False
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            return had

    def rebuild(self) -> bool:
        """Build the reserve, if it is missing and there is room; True if it is in place."""
        with self._lock:
            if self.has_reserve:
                return True
            try:
                held = self._path.stat().st_size if self._path.exists() else 0
                if held == self._reserve_bytes:
                    self.has_reserve = True
                    return True
                self._path.unlink(missing_ok=True)
                if not self._fits():
                    return False
                with self._path.open("wb") as file:
                    os.posix_fallocate(file.fileno(), 0, self._reserve_bytes)
                    os.fsync(file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    self._path.unlink(missing_ok=True)
                return False
            self.has_reserve = True
            return True

    def _fits(self) -> bool:
        found = os.statvfs(self._data_dir)
        return found.f_bavail * found.f_frsize >= self._reserve_bytes + SPARE_BYTES

    def lacks_room(self) -> bool:
        """Whether the reserve is missing for want of room, and not because of a broken disk."""
        if self.has_reserve or self.disk.read_only:
            return False
        try:
            return not self._fits()
        except OSError:
            return False
