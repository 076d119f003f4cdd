"""The outbox with its newest readings in memory: sent at once, and written when that takes longer.

A commit costs a card 8 kB and more, however small the row. A reading whose receipt comes within the
linger is never written; one whose receipt does not, is. Its sequence is reserved on the disk before
it is used, so that no sequence means two readings, whatever is lost with the memory. Need-moments
are not concerned: they are on the disk before anything else happens.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from zodra_contract.envelope import Receipt
from zodra_edge.errors import OutboxFault, StorageFault
from zodra_edge.link import Lane
from zodra_edge.outbox import quarantine
from zodra_edge.outbox.records import Applied, KeptReading, Level, ReadingRows
from zodra_edge.outbox.storage import Trouble
from zodra_edge.outbox.store import StoredOutbox
from zodra_edge.outbox.telemetry import HeldReading

RESERVED: Final = 10_000
"""Sequences reserved in one go; what is left of them is skipped after a crash."""


class Outbox(StoredOutbox):
    """Both lanes, with readings that may leave before they are written."""

    def __init__(self, *parts: Any, **more: Any) -> None:
        """Take what `StoredOutbox` takes."""
        super().__init__(*parts, **more)
        held = super().level(Lane.TELEMETRY)
        self._live: deque[HeldReading] = deque()
        self._buffer_id = held.buffer_id
        """Of the file in which the sequences are reserved."""
        self._next = held.next_sequence
        self._end = held.next_sequence
        """Reserved up to here, not included."""
        self._shown = held.next_sequence
        """Everything below is in memory or committed."""
        self.given_up = 0
        """Readings that were in memory, and that the disk did not take."""
        self._ordering = asyncio.Lock()
        self._writing = asyncio.Lock()

    async def __aexit__(self, *told: object) -> None:
        """Write what is in memory, give back what was reserved in vain, and close."""
        with contextlib.suppress(OutboxFault):
            await self.write_live()
            after, end = self._next, self._end
            await self._telemetry.run(lambda _, file: file.give_back(after, end))
        await super().__aexit__(*told)

    @property
    def live(self) -> int:
        """Count the readings that are in memory alone."""
        return len(self._live)

    @property
    def live_below(self) -> int:
        """Name the sequence above all that are in memory by now; for `write_live` later."""
        return self._shown

    def level(self, lane: Lane) -> Level:
        """Say how full a lane is, with what is in memory."""
        held = super().level(lane)
        if lane is Lane.NEED or held.buffer_id != self._buffer_id:
            return held
        if not self._live:
            return replace(held, next_sequence=self._shown)
        first = self._live[0].row
        # What is on the disk is older, and goes first: only then are the others there to be sent.
        return replace(
            held,
            depth=held.depth + len(self._live),
            oldest_ms=held.oldest_ms if held.depth else first.observed_ms,
            next_sequence=first.sequence if held.depth else self._shown,
        )

    async def hold_readings(self, readings: Sequence[KeptReading]) -> None:
        """Take readings into memory, from where they can be sent; see `write_live`.

        Raises:
            OutboxFault: no sequences could be reserved.
        """
        async with self._ordering:
            self._live.extend(await self._numbered(readings))
            self._shown = self._next

    async def keep_readings(self, readings: Sequence[KeptReading]) -> int:
        """Keep readings; synced on return, and not sent before.

        Returns:
            How many of the oldest readings were dropped to make room.

        Raises:
            StorageFault: the disk is full and what room is left belongs to the need-moments, or it
                refused.
        """
        async with self._ordering:
            await self.write_live()
            rows = await self._numbered(readings)
            dropped = await self._write(rows)
            self._shown = self._next
            return dropped

    async def write_live(self, below: int | None = None) -> int:
        """Write what is in memory; synced on return. Receipts may take some of it off meanwhile.

        Args:
            below: only what has a lower sequence; all if None.

        Returns:
            How many of the oldest readings were dropped to make room.

        Raises:
            StorageFault: as for `keep_readings`; what was to be written is given up.
        """
        async with self._writing:
            rows = [each for each in self._live if below is None or each.row.sequence < below]
            if not rows:
                return 0
            try:
                dropped = await self._write(rows)
            except OutboxFault:
                self.given_up += self._let_go(rows[-1].row.sequence)
                raise
            self._let_go(rows[-1].row.sequence)
            return dropped

    async def reading_batch(self, after: int, rows_max: int, now: datetime) -> ReadingRows | None:
        """Read readings above a sequence, in sequence and of one time quality."""
        held = super().level(Lane.TELEMETRY)
        if not self._live or held.depth or held.buffer_id != self._buffer_id:
            return await super().reading_batch(after, rows_max, now)
        rows: list[HeldReading] = []
        for each in self._live:
            if each.row.sequence <= after:
                continue
            if len(rows) == rows_max or (rows and each.quality is not rows[0].quality):
                break
            rows.append(each)
        if not rows:
            return None
        return ReadingRows(
            self._buffer_id,
            self._live[0].row.sequence,
            tuple(each.row for each in rows),
            rows[0].quality,
            max(each.error_ms for each in rows),
        )

    async def apply_receipt(
        self, receipt: Receipt, sent_upto: Mapping[Lane, int], now: datetime
    ) -> Applied | None:
        """Let go of what the cloud committed; see `StoredOutbox`."""
        if receipt.buffer_id != self._buffer_id:
            return await super().apply_receipt(receipt, sent_upto, now)
        if receipt.rejected:
            # What is refused goes aside, which is a place on the disk.
            await self.write_live()
            return await super().apply_receipt(receipt, sent_upto, now)
        gone = self._let_go(min(receipt.upto, sent_upto[Lane.TELEMETRY]))
        if not super().level(Lane.TELEMETRY).depth and not self._writing.locked():
            return Applied(Lane.TELEMETRY, gone, 0)
        # Queued behind the rows that are being written, so that these go too.
        applied = await super().apply_receipt(receipt, sent_upto, now)
        return applied and replace(applied, deleted=applied.deleted + gone)

    async def set_aside(
        self, lane: Lane, buffer_id: str, sequence: int, reason: str, now: datetime
    ) -> None:
        """Move one row that can never be sent to the quarantine."""
        if lane is Lane.TELEMETRY:
            await self.write_live()
        await super().set_aside(lane, buffer_id, sequence, reason, now)

    async def put_back(self, wanted: quarantine.Wanted) -> list[quarantine.PutBack]:
        """Give rows of the quarantine a new place in their lane, to be sent again."""
        needs = await self._need.run(lambda connection, file: file.put_back(connection, wanted))
        async with self._ordering:
            # In the order of all readings: a receipt for one stands for those numbered below it.
            await self.write_live()
            rows = len(
                await self._telemetry.run(
                    lambda connection, _: quarantine.wanted_rows(connection, "telemetry", wanted)
                )
            )
            await self._make_sure_of(rows)
            first, self._next = self._next, self._next + rows
            buffer_id = self._buffer_id
            readings = await self._telemetry.run(
                lambda connection, file: file.put_back(
                    connection,
                    wanted,
                    iter(range(first, first + rows)) if file.buffer_id == buffer_id else None,
                )
            )
            self._shown = self._next
        return needs + readings

    def _let_go(self, upto: int) -> int:
        gone = 0
        while self._live and self._live[0].row.sequence <= upto:
            self._live.popleft()
            gone += 1
        return gone

    async def _numbered(self, readings: Sequence[KeptReading]) -> list[HeldReading]:
        await self._make_sure_of(len(readings))
        first, self._next = self._next, self._next + len(readings)
        return [HeldReading.of(first + place, each) for place, each in enumerate(readings)]

    async def _make_sure_of(self, rows: int) -> None:
        """Reserve sequences for so many rows, if there are not enough left."""
        buffer_id = super().level(Lane.TELEMETRY).buffer_id
        if buffer_id != self._buffer_id or self._end - self._next < rows:
            await self._reserve(rows)

    async def _reserve(self, rows: int) -> None:
        again = await self._begin_again()
        count = max(rows + len(again), RESERVED)
        first, buffer_id = await self._telemetry.run(
            lambda _, file: (file.reserve(count), file.buffer_id)
        )
        if buffer_id != self._buffer_id:
            self.given_up += len(again)
            raise OutboxFault("the file with the readings was replaced meanwhile")
        if first != self._end:
            self._next = first
        self._end = first + count
        for each in again:
            self._live.append(each._replace(row=each.row._replace(sequence=self._next)))
            self._next += 1

    async def _begin_again(self) -> list[HeldReading]:
        """Notice that another file took the place of a damaged one; take back what it lacks."""
        async with self._writing:
            held = super().level(Lane.TELEMETRY)
            if held.buffer_id == self._buffer_id:
                return []
            self._buffer_id = held.buffer_id
            self._next = self._end = self._shown = held.next_sequence
            again = list(self._live)
            self._live.clear()
            return again

    async def _write(self, rows: Sequence[HeldReading]) -> int:
        if not self._room.has_reserve:
            raise StorageFault("no reading is kept while the disk is full", Trouble.FULL)
        buffer_id = self._buffer_id
        return await self._telemetry.run(
            lambda connection, file: file.insert(
                connection, rows if file.buffer_id == buffer_id else file.number_again(rows)
            )
        )
