"""The outbox as the agent sees it: awaitable, durable on return, refusals as values."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from zodra_contract.envelope import Receipt
from zodra_contract.signal import NeedSignal
from zodra_edge.errors import OutboxFault, StorageFault
from zodra_edge.link import Lane
from zodra_edge.outbox import quarantine, schema
from zodra_edge.outbox.need import NeedFile, Press
from zodra_edge.outbox.opening import LaneSpec
from zodra_edge.outbox.records import (
    Applied,
    Kept,
    Level,
    LightRow,
    MemoryRow,
    NeedRows,
    NotKept,
    NotKeptReason,
    ReadingRows,
)
from zodra_edge.outbox.room import Room
from zodra_edge.outbox.storage import Storage, Trouble, disk_level, verdict
from zodra_edge.outbox.telemetry import TelemetryFile
from zodra_edge.outbox.writer import Writer
from zodra_edge.settings import OutboxLimits

NEED_FILE: Final = "need.db"
TELEMETRY_FILE: Final = "telemetry.db"
EXPIRE_SWEEPS_MAX: Final = 20
"""Of 5,000 readings each, in one round of `care`."""
SETTLED_CARES_MAX: Final = 120
"""Rounds of `care`, ten minutes: a need-moment that the cloud has is then deleted by itself, if
nothing was written that could take the deletion along."""

_REASONS: Final[Mapping[str, NotKeptReason]] = {
    Trouble.FULL: NotKeptReason.DISK_FULL,
    Trouble.READ_ONLY: NotKeptReason.READ_ONLY,
}


def milliseconds(at: datetime) -> int:
    """Count an instant in milliseconds since 1970, as the files do."""
    return int(at.timestamp() * 1000)


class StoredOutbox:
    """Both lanes as they are on the disk. Use it as an asynchronous context manager."""

    def __init__(
        self, data_dir: Path, limits: OutboxLimits, writer: type[Writer[Any]] = Writer
    ) -> None:
        """Open both files, and make, migrate or salvage them where needed.

        A disk that is full, read-only or broken is a state of `storage`, not an error: what cannot
        be kept is refused, and `care` tries again.

        Args:
            data_dir: where the files are.
            limits: how much is kept.
            writer: who serves a file; the simulator brings one without a thread.

        Raises:
            OutboxFault: a file is another program's.
        """
        aside_max = limits.quarantine_rows_max
        self._room = Room(data_dir, limits.reserve_bytes)
        self._need: Writer[NeedFile] = writer(
            data_dir / NEED_FILE,
            NeedFile(limits.need_rows_max, aside_max, limits.need_bytes_max),
            LaneSpec(schema.NEED, limits.need_bytes_max, thorough=True, sibling=TELEMETRY_FILE),
            self._room,
        )
        self._telemetry: Writer[TelemetryFile] = writer(
            data_dir / TELEMETRY_FILE,
            TelemetryFile(limits.telemetry_rows_max, aside_max, limits.telemetry_bytes_max),
            LaneSpec(schema.TELEMETRY, limits.telemetry_bytes_max, thorough=False),
            self._room,
        )
        self._need.on_full = self._telemetry.give_way_soon
        self._reading_age_ms_max = int(limits.telemetry_age_s_max * 1000)
        self._settled_cares = 0

    async def __aenter__(self) -> Self:
        """Start the threads."""
        self._need.start()
        self._telemetry.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what is queued and close."""
        with contextlib.suppress(OutboxFault):
            await self._delete_settled()
        await self._need.close()
        await self._telemetry.close()

    @property
    def ended(self) -> bool:
        """Whether a thread is gone: nothing can be kept any more, and the agent must start anew."""
        return self._need.ended or self._telemetry.ended

    async def answer(self) -> None:
        """Return once both threads have answered. A disk that refuses is an answer, too."""
        await self._need.answer()
        await self._telemetry.answer()

    def level(self, lane: Lane) -> Level:
        """Say how full a lane is, after its newest commit."""
        return self._need.level if lane is Lane.NEED else self._telemetry.level

    def storage(self) -> Storage:
        """Say how the place is where all of this is kept."""
        room = self._room
        troubles = (self._need.trouble, self._telemetry.trouble)
        return Storage(
            state=verdict(room.disk, room.has_reserve, troubles, room.aside),
            level=disk_level(room.disk.used_percent),
            disk=room.disk,
            reserve=room.has_reserve,
            need=troubles[0],
            telemetry=troubles[1],
            aside=room.aside,
            salvages=(*self._need.salvages, *self._telemetry.salvages),
        )

    async def care(self, now: datetime, is_trusted: bool) -> None:
        """Look after the storage; call it every few seconds.

        Tries again what failed, gives way and comes back on a full disk without a person, and lets
        go of readings that are too old.

        Args:
            now: by the wall clock.
            is_trusted: whether that clock can be trusted; nothing grows old by one that cannot.
        """
        await asyncio.to_thread(self._room.look)
        await self._need.mend()
        await self._telemetry.mend()
        if not self._room.has_reserve:
            if await asyncio.to_thread(self._room.lacks_room):
                await self._telemetry.give_way()
            await asyncio.to_thread(self._room.rebuild)
        self._settled_cares = self._settled_cares + 1 if self._need.level.settled else 0
        if self._settled_cares >= SETTLED_CARES_MAX:
            with contextlib.suppress(StorageFault):
                await self._delete_settled()
        if is_trusted and self._telemetry.trouble is None:
            await self._expire(milliseconds(now) - self._reading_age_ms_max)
        await asyncio.to_thread(self._room.look)

    async def _delete_settled(self) -> None:
        if self._need.level.settled:
            await self._need.run(lambda connection, file: file.let_go(connection))

    async def _expire(self, before_ms: int) -> None:
        for _ in range(EXPIRE_SWEEPS_MAX):
            oldest_ms = self._telemetry.level.oldest_ms
            if oldest_ms is None or oldest_ms >= before_ms:
                return
            try:
                gone = await self._telemetry.run(
                    lambda connection, file: file.expire(connection, before_ms)
                )
            except StorageFault:
                return
            if gone == 0:
                return

    async def keep(
        self, signal: NeedSignal, memory: Sequence[MemoryRow], light: LightRow, kept_at: datetime
    ) -> Kept | NotKept:
        """Keep a need-moment together with its light and the memory behind it; synced on return."""
        press = Press.of(signal, memory, light, milliseconds(kept_at))
        try:
            kept: Kept | NotKept = await self._need.queue(press)
            return kept
        except StorageFault as fault:
            return NotKept(_REASONS.get(fault.trouble, NotKeptReason.STORAGE))
        except OutboxFault:
            return NotKept(NotKeptReason.STORAGE)

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

    async def settle_memory(self, memory: Sequence[MemoryRow]) -> None:
        """Keep memory that takes the place of what was lost, which is then dealt with."""
        await self._need.run(lambda connection, file: file.settle_memory(connection, memory))

    async def shine(self, light: LightRow) -> None:
        """Keep what a light says."""
        await self._need.run(lambda connection, file: file.shine(connection, [light]))

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
        buffer_id, rejected = receipt.buffer_id, receipt.rejected
        # Compared again within the transaction: a file that was found damaged meanwhile has been
        # replaced by one in which the same sequences are other rows.
        if buffer_id == self._need.level.buffer_id:
            upto = min(receipt.upto, sent_upto[Lane.NEED])
            return await self._need.run(
                lambda connection, file: (
                    file.apply(connection, upto, rejected, now_ms)
                    if file.buffer_id == buffer_id
                    else None
                )
            )
        if buffer_id == self._telemetry.level.buffer_id:
            upto = min(receipt.upto, sent_upto[Lane.TELEMETRY])
            return await self._telemetry.run(
                lambda connection, file: (
                    file.apply(connection, upto, rejected, now_ms)
                    if file.buffer_id == buffer_id
                    else None
                )
            )
        return None

    async def put_back(self, wanted: quarantine.Wanted) -> list[quarantine.PutBack]:
        """Give rows of the quarantine a new place in their lane, to be sent again."""
        needs = await self._need.run(lambda connection, file: file.put_back(connection, wanted))
        readings = await self._telemetry.run(
            lambda connection, file: file.put_back(connection, wanted)
        )
        return needs + readings

    async def set_aside(
        self, lane: Lane, buffer_id: str, sequence: int, reason: str, now: datetime
    ) -> None:
        """Move one row that can never be sent to the quarantine."""
        now_ms = milliseconds(now)

        def job(connection: sqlite3.Connection, file: NeedFile | TelemetryFile) -> None:
            if file.buffer_id == buffer_id:
                file.set_aside(connection, sequence, reason, now_ms)

        if lane is Lane.NEED:
            await self._need.run(job)
        else:
            await self._telemetry.run(job)
