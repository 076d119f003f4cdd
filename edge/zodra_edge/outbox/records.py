"""What the outbox holds, what it answers, and the checksum that every row carries."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from zodra_contract.reading import Reading
from zodra_contract.signal import NeedSignal, TimeQuality
from zodra_edge.link import Lane


class MemoryRow(NamedTuple):
    """What the pure rooms remember about one device, as text."""

    device_id: str
    memory: str


class Kept(NamedTuple):
    """The need-moment is on disk, synced."""

    sequence: int


class NotKeptReason(StrEnum):
    """Why a need-moment could not be kept, in order of precedence."""

    FULL = "outbox_full"
    """As many wait as are allowed to."""
    DISK_FULL = "disk_full"
    READ_ONLY = "disk_read_only"
    STORAGE = "storage_fault"


@dataclass(frozen=True, slots=True)
class NotKept:
    """The need-moment is not on disk, nor is the memory that came with it."""

    reason: NotKeptReason


class KeptReading(NamedTuple):
    """A reading, and how far the clock was trusted when it was made."""

    reading: Reading
    quality: TimeQuality
    error_ms: int


@dataclass(frozen=True, slots=True)
class NeedRows:
    """Need-moments in sequence."""

    buffer_id: str
    """Of the file they were read from; another may take its place before they are sent."""
    kept_from: int
    rows: tuple[tuple[int, NeedSignal], ...]


class ReadingRow(NamedTuple):
    """One reading in its place in the buffer."""

    sequence: int
    device_id: str
    kind: str
    value: float
    observed_ms: int


@dataclass(frozen=True, slots=True)
class ReadingRows:
    """Readings in sequence, all of one time quality."""

    buffer_id: str
    """See `NeedRows`."""
    kept_from: int
    rows: tuple[ReadingRow, ...]
    quality: TimeQuality
    error_ms: int
    """The largest among them."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a receipt did."""

    lane: Lane
    deleted: int
    quarantined: int


class LightRow(NamedTuple):
    """What the light of one slot last said about one need."""

    device_id: str
    slot_key: str
    signal_id: str
    state: str
    reason: str
    at_ms: int
    round: int = 1
    """How often the cloud has asked about the need anew."""


@dataclass(frozen=True, slots=True)
class Level:
    """How full one lane is, after the newest commit."""

    buffer_id: str
    depth: int
    oldest_ms: int | None
    """Wall clock of the oldest row, when it was kept."""
    next_sequence: int
    dropped: int
    """Readings given up because the lane or the disk was full, since the file was made."""
    quarantined: int
    restarts: int
    counts: Mapping[str, int]
    """Refusals by reason since the file was made, as last saved."""
    expired: int = 0
    """Readings that grew too old to be worth sending."""
    memory_lost: bool = False
    """Whether devices may have lost their memory to damage, and this was not dealt with yet."""
    settled: int = 0
    """Need-moments that the cloud has and that are deleted with whatever is written next."""


EMPTY: Final = Level("", 0, None, 1, 0, 0, 0, {})
"""Of a file that cannot be opened."""


def need_checksum(sequence: int, kept_ms: int, body: str) -> int:
    """Sum a need-moment's row. `integrity_check` misses 199 of 200 flipped bits; this does not."""
    return zlib.crc32(f"{sequence}|{kept_ms}|{body}".encode(errors="surrogateescape"))


def signal_checksum(sequence: int, kept_ms: int, body: bytes) -> int:
    """Sum the row of a signal that was just written as JSON: `need_checksum`, in less time."""
    return zlib.crc32(body, zlib.crc32(b"%d|%d|" % (sequence, kept_ms)))


def reading_checksum(row: ReadingRow, quality: str, error_ms: int) -> int:
    """Sum a reading's row; see `need_checksum`."""
    return zlib.crc32(
        f"{row.sequence}|{row.device_id}|{row.kind}|{row.value!r}|{row.observed_ms}"
        f"|{quality}|{error_ms}".encode(errors="surrogateescape")
    )


def memory_checksum(device_id: str, memory: str) -> int:
    """Sum what is remembered about a device; see `need_checksum`."""
    return zlib.crc32(f"{device_id}|{memory}".encode(errors="surrogateescape"))


def meta_checksum(name: str, value: object) -> int:
    """Sum a counter of a file: a flipped bit in one would give out sequences a second time."""
    return zlib.crc32(f"{name}|{value!r}".encode(errors="surrogateescape"))
