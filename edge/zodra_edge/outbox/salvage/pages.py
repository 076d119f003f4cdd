"""Rows straight from the pages of a damaged SQLite file, where SQLite itself gives up.

The layout is that of sqlite.org/fileformat2.html: sections 1.6 (b-tree pages), 2.1 (records) and
4 (the write-ahead log). What comes out may be anything at all; the caller believes only rows whose
checksum matches.
"""

import contextlib
import mmap
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

PAGE_BYTES: Final = 1024
"""What our files have."""
EARLIER_PAGE_BYTES: Final = 4096
"""What those of earlier builds had."""
HEADER_BYTES: Final = 100
"""Before the b-tree part of the first page."""
WAL_HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24
RECORD_BYTES_MAX: Final = 1024 * 1024
"""A length above this is damage, not a row of ours."""
_MAGIC: Final = b"SQLite format 3\x00"
_LEAF: Final = 0x0D
_KINDS: Final = {0x02, 0x05, 0x0A, _LEAF}
"""The first byte of a page of a tree."""
GUESSED_FROM_MAX: Final = 1_000
_WAL_MAGIC: Final = (0x377F0682, 0x377F0683)
_INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


Bytes = bytes | mmap.mmap
"""What can be sliced into bytes."""


class _Damaged(Exception):
    """These bytes are no cell."""


@dataclass(slots=True)
class PageFile:
    """The pages of a database, with what its log has that the file has not yet."""

    main: Bytes
    page_bytes: int = PAGE_BYTES
    usable_bytes: int = PAGE_BYTES
    logged: Mapping[int, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, main: Bytes, wal: bytes = b"") -> "PageFile":
        """Take the bytes of both files."""
        size, reserved = _guessed_size(main, wal), 0
        if main[:16] == _MAGIC and len(main) >= HEADER_BYTES:
            told = int.from_bytes(main[16:18], "big")
            told = 65_536 if told == 1 else told
            if told >= 512 and told & (told - 1) == 0:
                size, reserved = told, main[20]
        return cls(main, size, size - reserved, _logged(wal, size))

    def numbers(self) -> range:
        """Number the pages there may be."""
        in_file = (len(self.main) + self.page_bytes - 1) // self.page_bytes
        return range(1, max(in_file, *self.logged, 0) + 1)

    def page(self, number: int) -> bytes:
        """Give a page as it was committed last; short or empty where the file ends."""
        if number in self.logged:
            return self.logged[number]
        return self.main[(number - 1) * self.page_bytes : number * self.page_bytes]


@contextlib.contextmanager
def opened(path: Path) -> Iterator[PageFile]:
    """Look at a file and its log; the file is not taken into memory.

    Raises:
        OSError: it cannot be read.
    """
    wal_path = path.with_name(f"{path.name}-wal")
    wal = wal_path.read_bytes() if wal_path.exists() else b""
    if not path.stat().st_size:
        yield PageFile.of(b"", wal)  # nothing can be mapped of an empty file
        return
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        yield PageFile.of(mapped, wal)


def _guessed_size(main: Bytes, wal: bytes) -> int:
    """Say how large the pages are of a file whose header is gone: as its log says, or as it looks.

    In a file of large pages hardly any quarter of a page begins as a page does.
    """
    if len(wal) >= WAL_HEADER_BYTES:
        magic, _, size = struct.unpack(">III", wal[:12])
        if magic in _WAL_MAGIC and size in (PAGE_BYTES, EARLIER_PAGE_BYTES):
            return int(size)
    starts = range(EARLIER_PAGE_BYTES, len(main), PAGE_BYTES)
    inner = [main[at] for at in starts if at % EARLIER_PAGE_BYTES][:GUESSED_FROM_MAX]
    if not inner or sum(first in _KINDS for first in inner) * 4 >= len(inner):
        return PAGE_BYTES
    return EARLIER_PAGE_BYTES


def _logged(wal: bytes, page_bytes: int) -> dict[int, bytes]:
    """Read the pages of all transactions that the log holds to their end."""
    if len(wal) < WAL_HEADER_BYTES:
        return {}
    magic, _, size = struct.unpack(">III", wal[:12])
    if magic not in _WAL_MAGIC or (size != page_bytes and size != 1):
        return {}
    salt = wal[16:24]
    committed: dict[int, bytes] = {}
    under_way: dict[int, bytes] = {}
    step = FRAME_HEADER_BYTES + page_bytes
    for start in range(WAL_HEADER_BYTES, len(wal) - step + 1, step):
        number, ends_with = struct.unpack(">II", wal[start : start + 8])
        if wal[start + 8 : start + 16] != salt:
            break
        under_way[number] = wal[start + FRAME_HEADER_BYTES : start + step]
        if ends_with:
            committed |= under_way
            under_way = {}
    return committed


def rows(file: PageFile) -> Iterator[tuple[Any, ...]]:
    """Give whatever looks like a row of a table, in no order; its number comes first."""
    for number in file.numbers():
        page = file.page(number)
        start = HEADER_BYTES if number == 1 else 0
        if len(page) < start + 8 or page[start] != _LEAF:
            continue
        (count,) = struct.unpack(">H", page[start + 3 : start + 5])
        for index in range(count):
            place = page[start + 8 + 2 * index : start + 10 + 2 * index]
            try:
                yield _cell(file, page, int.from_bytes(place, "big"))
            except _Damaged:
                continue


def _cell(file: PageFile, page: bytes, at: int) -> tuple[Any, ...]:
    length, at = _varint(page, at)
    rowid, at = _varint(page, at)
    if length > RECORD_BYTES_MAX:
        raise _Damaged
    local = _local_bytes(file.usable_bytes, length)
    record = page[at : at + local]
    if local < length:
        following = int.from_bytes(page[at + local : at + local + 4], "big")
        record += _overflow(file, following, length - local)
    if len(record) < length:
        raise _Damaged
    if rowid >= 2**63:
        rowid -= 2**64
    values = _record(record)
    return (rowid, *values[1:])


def _local_bytes(usable: int, length: int) -> int:
    most = usable - 35
    if length <= most:
        return length
    least = (usable - 12) * 32 // 255 - 23
    fitting = least + (length - least) % (usable - 4)
    return fitting if fitting <= most else least


def _overflow(file: PageFile, number: int, missing: int) -> bytes:
    found = b""
    seen: set[int] = set()
    while missing > 0 and number and number not in seen:
        seen.add(number)
        page = file.page(number)
        part = page[4 : 4 + min(missing, file.usable_bytes - 4)]
        if not part:
            break
        found += part
        missing -= len(part)
        number = int.from_bytes(page[:4], "big")
    return found


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(9):
        if at >= len(raw):
            raise _Damaged
        byte = raw[at]
        at += 1
        if place == 8:
            return value << 8 | byte, at
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, at


def _record(raw: bytes) -> list[Any]:
    header_bytes, at = _varint(raw, 0)
    if not at <= header_bytes <= len(raw):
        raise _Damaged
    body = header_bytes
    values: list[Any] = []
    while at < header_bytes:
        kind, at = _varint(raw, at)
        value, body = _value(raw, kind, body)
        values.append(value)
    return values


def _value(raw: bytes, kind: int, at: int) -> tuple[Any, int]:
    if kind in (0, 8, 9):
        return {0: None, 8: 0, 9: 1}[kind], at
    if kind in (10, 11):
        raise _Damaged
    size = _INTEGERS.get(kind) or (8 if kind == 7 else (kind - 12) // 2)
    part = raw[at : at + size]
    if len(part) < size:
        raise _Damaged
    if kind in _INTEGERS:
        return int.from_bytes(part, "big", signed=True), at + size
    if kind == 7:
        return struct.unpack(">d", part)[0], at + size
    return (part.decode(errors="surrogateescape") if kind % 2 else part), at + size
