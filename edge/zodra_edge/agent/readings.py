"""What was read, on its way into the outbox.

Of the millisecond of processor that an advertisement with something new cost, its own message to
the cloud was 0.7. So readings that were heard over the radio, from devices that speak once a
second, wait a moment for each other and go up together. One from the home's broker goes at once and
takes them along. Needs never come this way.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from zodra_contract.reading import Reading
from zodra_edge.errors import OutboxFault
from zodra_edge.heard import Heard
from zodra_edge.outbox import KeptReading, Outbox
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import Tally

PENDING_MAX: Final = 4_000
"""Readings in RAM; above this the consumer waits for the disk, and the queue before it fills."""

log = structlog.get_logger()


class Readings:
    """Readings that are not in the outbox yet."""

    def __init__(
        self,
        outbox: Outbox,
        limits: OutboxLimits,
        tally: Tally,
        wake: Callable[[], None],
        gather_s: float,
    ) -> None:
        """Take the parts.

        Args:
            outbox: where they go.
            limits: when there are many, and whether they may be sent before they are written.
            tally: counts those that could not be kept.
            wake: says that there is something to send.
            gather_s: how long one that can wait does.
        """
        self.many = asyncio.Event()
        """Set when there are so many in memory that they should be written."""
        self._outbox = outbox
        self._limits = limits
        self._tally = tally
        self._wake = wake
        self._gather_s = gather_s
        self._pending: list[KeptReading] = []
        self._hurry = False
        """Whether one of them does not wait."""
        self._waiting = asyncio.Event()
        """Set while all of them do."""

    @property
    def too_many(self) -> bool:
        """Whether no more should be read before some of them are written."""
        return len(self._pending) + self._outbox.live >= PENDING_MAX

    def add(self, readings: tuple[Reading, ...], heard: Heard, *, can_wait: bool) -> None:
        """Take some."""
        quality, error_ms = heard.quality, heard.error_ms
        self._pending.extend(KeptReading(reading, quality, error_ms) for reading in readings)
        if not can_wait or not self._gather_s:
            self._hurry = True
        else:
            self._waiting.set()
        if len(self._pending) >= self._limits.linger_rows_max:
            self._hurry = True
            self.many.set()

    async def send(self) -> None:
        """Let them be sent, unless all of them wait for company."""
        if self._hurry:
            await self._hold()

    async def run(self) -> None:
        """Let those be sent that have waited for long enough."""
        await self._waiting.wait()
        await asyncio.sleep(self._gather_s)
        self._waiting.clear()
        await self._hold()

    async def write(self, below: int | None) -> None:
        """Bring all of them to disk, or those that were sent with a sequence below one."""
        await self._hold()
        readings, self._pending = self._pending, []
        given_up = self._outbox.given_up
        try:
            if readings:
                await self._outbox.keep_readings(readings)
            elif self._outbox.live:
                await self._outbox.write_live(below)
            else:
                return
        except OutboxFault as fault:
            self._not_kept(len(readings) + self._outbox.given_up - given_up, fault)
        self._wake()

    async def _hold(self) -> None:
        """Let readings be sent at once, unless they are to be on the disk before."""
        self._hurry = False
        if not self._limits.linger_s or not self._pending:
            return
        readings, self._pending = self._pending, []
        try:
            await self._outbox.hold_readings(readings)
        except OutboxFault as fault:
            self._not_kept(len(readings), fault)
            return
        if self._outbox.live >= self._limits.linger_rows_max:
            self.many.set()
        self._wake()

    def _not_kept(self, readings: int, fault: OutboxFault) -> None:
        before = self._tally.counts().get("readings_not_kept", 0)
        count = self._tally.add("readings_not_kept", readings)
        if count.bit_length() > before.bit_length():
            # All are counted; the log hears of it as often as the count doubles.
            log.error("readings_not_kept", fault=str(fault), count=count)
