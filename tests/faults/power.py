"""A disk that loses power: SQLite writes to it through a VFS, and what was not synced is at risk.

The disk holds each file twice: as it would be found after a power cut, and as the running program
sees it, with the writes since the last sync on top. At a given operation the power goes. Then each
of those writes is lost, torn at a sector or kept, each by itself, since a card may have written
them in any order; a file that was made and never synced may be gone.
"""

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512


class PowerCut(Exception):
    """The disk is gone from now on."""


@dataclass
class Content:
    """One file."""

    durable: bytearray = field(default_factory=bytearray)
    seen: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Writes by place since the last sync; None as data cuts the file off there."""
    exists: bool = False
    """Whether the folder's entry would survive."""

    @classmethod
    def of(cls, raw: bytes) -> "Content":
        return cls(bytearray(raw), bytearray(raw), exists=True)

    def write(self, place: int, data: bytes) -> None:
        _put(self.seen, place, data)
        self.pending.append((place, data))

    def truncate(self, size: int) -> None:
        _cut(self.seen, size)
        self.pending.append((size, None))

    def sync(self) -> None:
        self.durable = bytearray(self.seen)
        self.pending.clear()
        self.exists = True

    def after(self, draw: random.Random) -> bytes | None:
        """Say what is found when the power is back; None if the file is not there."""
        if not self.exists and draw.random() < 0.5:
            return None
        left = bytearray(self.durable)
        for place, data in self.pending:
            fate = draw.random()
            if fate < 0.4:
                continue
            if data is None:
                _cut(left, place)
            elif fate < 0.6:
                sectors = -(-len(data) // SECTOR)
                for sector in range(sectors):
                    if draw.random() < 0.5:
                        start = sector * SECTOR
                        _put(left, place + start, data[start : start + SECTOR])
            else:
                _put(left, place, data)
        return bytes(left)


def _put(held: bytearray, place: int, data: bytes) -> None:
    if len(held) < place:
        held.extend(bytes(place - len(held)))
    held[place : place + len(data)] = data


def _cut(held: bytearray, size: int) -> None:
    if len(held) > size:
        del held[size:]


class Disk:
    """All files of one trial, by name without folder."""

    def __init__(self, cut_at: int | None = None) -> None:
        self.files: dict[str, Content] = {}
        self.operations = 0
        self.cut_at = cut_at
        self.off = False

    def operate(self) -> None:
        """Count one operation that changes the disk; at the given one the power goes."""
        if self.off:
            raise PowerCut
        self.operations += 1
        if self.cut_at is not None and self.operations >= self.cut_at:
            self.off = True
            raise PowerCut

    def leave(self, folder: Path, draw: random.Random) -> None:
        """Write what is found after the power cut to a folder of the real file system."""
        for name, content in self.files.items():
            left = content.after(draw)
            if left is not None:
                (folder / name).write_bytes(left)


class _File:
    def __init__(self, disk: Disk, name: str, content: Content) -> None:
        self._disk = disk
        self._name = name
        self._content = content

    def xRead(self, amount: int, offset: int) -> bytes:
        return bytes(self._content.seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.operate()
        self._content.write(offset, bytes(data))

    def xTruncate(self, size: int) -> None:
        self._disk.operate()
        self._content.truncate(size)

    def xSync(self, _flags: int) -> None:
        self._disk.operate()
        self._content.sync()

    def xFileSize(self) -> int:
        return len(self._content.seen)

    def xLock(self, _level: int) -> None:
        """One connection only."""

    def xUnlock(self, _level: int) -> None:
        """One connection only."""

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, _op: int, _pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return SECTOR

    def xDeviceCharacteristics(self) -> int:
        return 0

    def xClose(self) -> None:
        """Nothing is held."""


class CutVfs(apsw.VFS):
    """Opens files on a `Disk` instead of the real one."""

    def __init__(self, name: str, disk: Disk) -> None:
        self._disk = disk
        self.vfs_name = name
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        short = Path(path).name
        content = self._disk.files.setdefault(short, Content())
        flags[1] = flags[0]
        return _File(self._disk, short, content)

    def xDelete(self, filename: str, sync_dir: bool) -> None:
        self._disk.operate()
        short = Path(filename).name
        if short not in self._disk.files:
            raise apsw.IOError
        if sync_dir:
            del self._disk.files[short]
        else:
            self._disk.files[short].truncate(0)

    def xAccess(self, pathname: str, _flags: int) -> bool:
        return Path(pathname).name in self._disk.files

    def xFullPathname(self, name: str) -> str:
        return name


class Cursor:
    """What `sqlite3` answers with, on apsw."""

    def __init__(self, rows: list[tuple[Any, ...]], rowcount: int, lastrowid: int = 0) -> None:
        self._rows = iter(rows)
        self.rowcount = rowcount
        self.lastrowid = lastrowid

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)

    def __iter__(self) -> Any:
        return self._rows


class Connection:
    """As much of `sqlite3.Connection` as the outbox uses, on apsw."""

    def __init__(self, name: str, vfs: CutVfs) -> None:
        self._apsw = apsw.Connection(name, vfs=vfs.vfs_name)
        # Without shared memory, which the VFS has not: one connection alone holds the file.
        self._apsw.execute("PRAGMA locking_mode = EXCLUSIVE")

    def execute(self, statement: str, values: Any = ()) -> Cursor:
        before = self._apsw.total_changes()
        rows = self._apsw.execute(statement, values).fetchall()
        changed = self._apsw.total_changes() - before
        return Cursor(rows, changed, self._apsw.last_insert_rowid())

    @property
    def total_changes(self) -> int:
        return self._apsw.total_changes()

    def executemany(self, statement: str, values: Any) -> Cursor:
        before = self._apsw.total_changes()
        self._apsw.executemany(statement, values)
        return Cursor([], self._apsw.total_changes() - before)

    def drop(self) -> None:
        """Let go of it, as a program does whose machine has lost power."""
        with contextlib.suppress(PowerCut, apsw.Error):
            self._apsw.close()


def transact(connection: Connection, file: Any, *jobs: Callable[[Any, Any], Any]) -> list[Any]:
    """Do what the writer's thread does with a group of jobs."""
    connection.execute("BEGIN IMMEDIATE")
    results = [job(connection, file) for job in jobs]
    file.finish(connection)
    file.level(connection)
    connection.execute("COMMIT")
    return results
