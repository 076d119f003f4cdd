"""One message from the broker, read as far as it can be without the database."""

import hashlib
import json
from dataclasses import dataclass
from typing import Final, NamedTuple

import zstandard
from pydantic import TypeAdapter, ValidationError

from zodra_contract.envelope import (
    MESSAGE_BYTES_MAX,
    MESSAGE_BYTES_UNPACKED_MAX,
    BatchName,
    HealthReport,
    ReadUp,
    is_compressed,
    read_up,
)
from zodra_contract.errors import MalformedMessage, MalformedTopic, NewerVersion
from zodra_contract.ids import BufferId
from zodra_contract.outcome import RejectReason
from zodra_contract.topics import Address, parse_up

WINDOW_BYTES_MAX: Final = 8 * 1024 * 1024
"""What every decoder should support (RFC 8878, section 3.1.1.1.2); a sender that streams asks for
more than its few bytes need."""
TOPIC_CHARS_MAX: Final = 160
DETAIL_CHARS_MAX: Final = 120
HEALTH_BYTES_MAX: Final = 16 * 1024
"""A report of eight radios and sixty-four counters takes a quarter of it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as the broker delivered it."""

    topic: str
    payload: bytes


class Named(NamedTuple):
    """Which batch of which buffer a message is; its gateway looks for the bad row by it."""

    buffer_id: BufferId
    batch: BatchName


_NAMED: Final = TypeAdapter(Named)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message of which nothing is stored but that it came, and why it was turned away."""

    topic: str
    size_bytes: int
    sha256: str
    """Its content is not kept: it may be intimate, or hostile."""
    reason: RejectReason
    detail: str
    address: Address | None
    """Where the topic says that it came from; None if the topic is none of ours."""
    registered: bool = False
    """Whether the address is a gateway of ours; only such a one is answered."""
    named: Named | None = None
    """None if it is no batch, or cannot be read that far."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message that could be read."""

    delivery: Delivery
    address: Address
    read: ReadUp
    row_count: int

    @property
    def named(self) -> Named | None:
        """Which batch it is; None for a message without rows."""
        if self.read.buffer is None:
            return None
        sequences = [row[0] for row in getattr(self.read.message, "rows", ())]
        sequences += [bad.sequence for bad in self.read.unreadable]
        return Named(self.read.buffer[0], BatchName(min(sequences), self.row_count))


def refuse(
    delivery: Delivery,
    reason: RejectReason,
    detail: str,
    address: Address | None,
    *,
    registered: bool = False,
    named: Named | None = None,
) -> Refusal:
    """Describe a message that is turned away, without its content."""
    return Refusal(
        topic=_plain(delivery.topic, TOPIC_CHARS_MAX),
        size_bytes=len(delivery.payload),
        sha256=hashlib.sha256(delivery.payload).hexdigest(),
        reason=reason,
        detail=_plain(detail, DETAIL_CHARS_MAX),
        address=address,
        registered=registered,
        named=named,
    )


class Reader:
    """Reads messages; one a thread, since the decompressor is not shared."""

    def __init__(self) -> None:
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)

    def read(self, delivery: Delivery) -> Received | Refusal:
        """Read one message; never raises on its bytes."""
        try:
            address = parse_up(delivery.topic)
        except MalformedTopic:
            return refuse(delivery, RejectReason.MALFORMED, "topic", None)
        if len(delivery.payload) > MESSAGE_BYTES_MAX:
            return refuse(delivery, RejectReason.OVERSIZED, "as sent", address)
        raw = delivery.payload
        if is_compressed(raw):
            try:
                raw = self._unpack(raw)
            except zstandard.ZstdError:
                return refuse(delivery, RejectReason.MALFORMED, "zstd frame", address)
            if len(raw) > MESSAGE_BYTES_UNPACKED_MAX:
                return refuse(delivery, RejectReason.OVERSIZED, "unpacked", address)
        return _read(delivery, address, raw)

    def _unpack(self, raw: bytes) -> bytes:
        """Unpack one frame, to at most one byte more than is allowed."""
        # A frame may claim any size, or none: read what comes and stop at the limit.
        with self._unpacker.stream_reader(raw, read_across_frames=False) as stream:
            unpacked: bytes = stream.read(MESSAGE_BYTES_UNPACKED_MAX + 1)
            return unpacked


def _read(delivery: Delivery, address: Address, raw: bytes) -> Received | Refusal:
    try:
        read = read_up(raw)
    except NewerVersion as newer:
        return refuse(delivery, RejectReason.NEWER_VERSION, f"version {newer.version}", address)
    except MalformedMessage as malformed:
        detail, named = _without_names(malformed.detail), _named(raw)
        return refuse(delivery, RejectReason.MALFORMED, detail, address, named=named)
    if isinstance(read.message, HealthReport) and len(raw) > HEALTH_BYTES_MAX:
        return refuse(delivery, RejectReason.OVERSIZED, "health report", address)
    rows = getattr(read.message, "rows", ())
    return Received(delivery, address, read, len(rows) + len(read.unreadable))


def _named(raw: bytes) -> Named | None:
    """Say which batch a message is that cannot be read as a whole."""
    try:
        body = json.loads(raw)
        rows = body["rows"]
        return _NAMED.validate_python((body["buffer_id"], (rows[0][0], len(rows))))
    except (ValueError, RecursionError, LookupError, TypeError, ValidationError):
        return None


def _without_names(detail: str) -> str:
    """Drop all but the first two steps of a field's path: deeper ones may be the sender's words."""
    where, colon, what = detail.partition(": ")
    return ".".join(where.split(".")[:2]) + colon + what if colon else detail


def _plain(text: str, chars_max: int) -> str:
    """Keep printable ASCII only: PostgreSQL refuses NUL, and a terminal obeys escapes."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:chars_max])
