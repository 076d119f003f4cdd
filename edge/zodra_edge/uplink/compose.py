"""Rows of the outbox to messages of the contract, and messages to bytes."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import zstandard

from zodra_contract.envelope import (
    NeedBatch,
    NeedRow,
    TelemetryBatch,
    TelemetryRow,
    UpMessage,
    to_bytes,
)
from zodra_contract.signal import NeedSignal, TimeQuality
from zodra_edge.clock import DRIFT_PPM
from zodra_edge.heard import Heard
from zodra_edge.outbox import NeedRows, ReadingRows

ZSTD_BYTES_MIN: Final = 512
"""Compressing always pays in bytes, and costs less time than writing the JSON from ten needs or a
hundred readings on (`python -m bench.wire`; docs/decisions/0005-wire.md has the table). Below this
it saves 80 bytes of a lone reading's 330, and a person can read the wire instead."""
ZSTD_LEVEL: Final = 3


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends."""

    gateway_id: str
    boot_id: str


def need_batch(sender: Sender, batch: NeedRows, now: Heard) -> NeedBatch:
    """Write need-moments as a message."""
    return NeedBatch(
        gateway_id=sender.gateway_id,
        boot_id=sender.boot_id,
        sent_at=now.at,
        buffer_id=batch.buffer_id,
        kept_from=batch.kept_from,
        rows=tuple(NeedRow(sequence, date_again(signal, now)) for sequence, signal in batch.rows),
    )


def date_again(signal: NeedSignal, now: Heard) -> NeedSignal:
    """Date a need-moment from before the first time sync of this boot, if the time is known now.

    The monotonic clock counted on in between, so the instant follows from how long ago it was.
    """
    time = signal.time
    if (
        time.quality is TimeQuality.SYNCED
        or now.quality is not TimeQuality.SYNCED
        or time.boot_id != now.boot_id
    ):
        return signal
    ago_ms = max(0, now.monotonic_ms - time.monotonic_ms)
    error_ms = now.error_ms + math.ceil(ago_ms * DRIFT_PPM / 1_000_000)
    return signal.model_copy(
        update={
            "occurred_at": now.at - timedelta(milliseconds=ago_ms),
            "time": time.model_copy(update={"quality": now.quality, "error_ms": error_ms}),
        }
    )


def telemetry_batch(sender: Sender, batch: ReadingRows, now: Heard) -> TelemetryBatch:
    """Write readings as a message; their instants become offsets from the first."""
    base_ms = batch.rows[0].observed_ms
    return TelemetryBatch(
        gateway_id=sender.gateway_id,
        boot_id=sender.boot_id,
        sent_at=now.at,
        buffer_id=batch.buffer_id,
        kept_from=batch.kept_from,
        base_at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=base_ms),
        quality=batch.quality,
        error_ms=batch.error_ms,
        rows=tuple(
            TelemetryRow(
                row.sequence, row.device_id, row.kind, row.value, row.observed_ms - base_ms
            )
            for row in batch.rows
        ),
    )


class Packer:
    """Messages to bytes, in a zstd frame where that pays."""

    def __init__(self) -> None:
        """Keep one compressor; making one costs more than a small batch."""
        self._zstd = zstandard.ZstdCompressor(level=ZSTD_LEVEL)

    def pack(self, message: UpMessage) -> tuple[bytes, int]:
        """Write a message.

        Returns:
            What goes on the wire, and its size before compression.
        """
        raw = to_bytes(message)
        if len(raw) < ZSTD_BYTES_MIN:
            return raw, len(raw)
        return self._zstd.compress(raw), len(raw)
