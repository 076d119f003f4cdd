"""The outbox as the agent sees it: awaitable, durable on return, refusals as values."""

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from zodra_contract.envelope import Receipt
from zodra_contract.signal import NeedSignal
from zodra_edge.errors import OutboxFault
from zodra_edge.link import Lane
from zodra_edge.outbox import schema
from zodra_edge.outbox.need import NeedFile
from zodra_edge.outbox.records import (
    Applied,
    Kept,
    KeptReading,
    Level,
    LightRow,
    MemoryRow,
    NeedRows,
    NotKept,
    NotKeptReason,
    ReadingRows,
)
from zodra_edge.outbox.telemetry import TelemetryFile
from zodra_edge.outbox.writer import Writer
from zodra_edge.settings import OutboxLimits

NEED_FILE: Final = "need.db"
TELEMETRY_FILE: Final = "telemetry.db"
BUFFER_ID_BYTES: Final = 6
"""48 bits: among the handful of files one gateway ever makes, two alike are out of the question."""


def milliseconds(at: datetime) -> int:
    """Count an instant in milliseconds since 1970, as the files do."""
    return int(at.timestamp() * 1000)


class Outbox:
    """Both lanes. Use it as an asynchronous context manager."""

    def __init__(
        self, data_dir: Path, limits: OutboxLimits, writer: type[Writer[Any]] = Writer
    ) -> None:
        """Open both files, and make or migrate them where needed.

        Args:
            data_dir: where the files are.
            limits: how much is kept.
            writer: who serves a file; the simulator brings one without a thread.

        Raises:
            OutboxFault: a file is damaged, or not ours.
        """
        need, telemetry = data_dir / NEED_FILE, data_dir / TELEMETRY_FILE
        schema.prepare(need, schema.NEED, secrets.token_hex(BUFFER_ID_BYTES))
        schema.prepare(telemetry, schema.TELEMETRY, secrets.token_hex(BUFFER_ID_BYTES))
        aside_max = limits.quarantine_rows_max
        self._need: Writer[NeedFile] = writer(need, NeedFile(limits.need_rows_max, aside_max))
        self._telemetry: Writer[TelemetryFile] = writer(
            telemetry, TelemetryFile(limits.telemetry_rows_max, aside_max)
        )

    async def __aenter__(self) -> Self:
        """Start the threads."""
        self._need.start()
        self._telemetry.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what is queued and close."""
        await self._need.close()
        await self._telemetry.close()

    @property
    def ended(self) -> bool:
        """Whether a thread is gone: nothing can be kept any more, and the agent must start anew."""
        return self._need.ended or self._telemetry.ended

    def level(self, lane: Lane) -> Level:
        """Say how full a lane is, after its newest commit."""
        return self._need.level if lane is Lane.NEED else self._telemetry.level

    async def keep(
        self, signal: NeedSignal, memory: Sequence[MemoryRow], light: LightRow, kept_at: datetime
    ) -> Kept | NotKept:
        """Keep a need-moment together with its light and the memory behind it; synced on return."""
        kept_ms = milliseconds(kept_at)
        try:
            return await self._need.run(
                lambda connection, file: file.keep(connection, signal, memory, light, kept_ms)
            )
        except OutboxFault:
            return NotKept(NotKeptReason.STORAGE)

    async def keep_readings(self, readings: Sequence[KeptReading]) -> int:
        """Keep readings; synced on return.

        Returns:
            How many of the oldest readings were dropped to make room.
        """
        return await self._telemetry.run(lambda connection, file: file.keep(connection, readings))

    async def remember(
        self, memory: Sequence[MemoryRow], refusals: Mapping[str, int] | None = None
    ) -> None:
        """Keep what the pure rooms remember, and add to the refusals by reason."""

        def job(connection: sqlite3.Connection, file: NeedFile) -> None:
            file.remember(connection, memory)
            file.count(connection, refusals or {})

        await self._need.run(job)

    async def memories(self) -> dict[str, str]:
        """Read what is remembered, by device."""
        return await self._need.run(lambda connection, file: file.memories(connection))

    async def shine(self, light: LightRow) -> None:
        """Keep what a light says."""
        await self._need.run(lambda connection, file: file.shine(connection, light))

    async def lights(self) -> list[LightRow]:
        """Read all lights, the oldest need first."""
        return await self._need.run(lambda connection, file: file.lights(connection))

    async def need_batch(self, after: int, rows_max: int, now: datetime) -> NeedRows | None:
        """Read need-moments above a sequence, in sequence; None if there are none."""
        now_ms = milliseconds(now)
        return await self._need.run(
            lambda connection, file: file.batch(connection, after, rows_max, now_ms)
        )

    async def reading_batch(self, after: int, rows_max: int, now: datetime) -> ReadingRows | None:
        """Read readings above a sequence, in sequence and of one time quality."""
        now_ms = milliseconds(now)
        return await self._telemetry.run(
            lambda connection, file: file.batch(connection, after, rows_max, now_ms)
        )

    async def apply_receipt(
        self, receipt: Receipt, sent_upto: Mapping[Lane, int], now: datetime
    ) -> Applied | None:
        """Let go of what the cloud committed; the only way a row leaves.

        Args:
            receipt: for one of the two buffers.
            sent_upto: the highest sequence sent since the start, by lane. A receipt cannot let go
                of what was never sent, whatever it says.
            now: for the rows that are set aside.

        Returns:
            What it did, or None if the buffer is not ours (a file from before a reset).
        """
        now_ms = milliseconds(now)
        if receipt.buffer_id == self._need.level.buffer_id:
            upto = min(receipt.upto, sent_upto[Lane.NEED])
            return await self._need.run(
                lambda connection, file: file.apply(connection, upto, receipt.rejected, now_ms)
            )
        if receipt.buffer_id == self._telemetry.level.buffer_id:
            upto = min(receipt.upto, sent_upto[Lane.TELEMETRY])
            return await self._telemetry.run(
                lambda connection, file: file.apply(connection, upto, receipt.rejected, now_ms)
            )
        return None

    async def set_aside(self, lane: Lane, sequence: int, reason: str, now: datetime) -> None:
        """Move one row that can never be sent to the quarantine."""
        now_ms = milliseconds(now)
        if lane is Lane.NEED:
            await self._need.run(
                lambda connection, file: file.set_aside(connection, sequence, reason, now_ms)
            )
        else:
            await self._telemetry.run(
                lambda connection, file: file.set_aside(connection, sequence, reason, now_ms)
            )
