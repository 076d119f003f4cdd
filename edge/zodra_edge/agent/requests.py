"""Carries out what a person asks of the running agent; see `zodra_edge.spool`."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from zodra_edge import spool
from zodra_edge.agent.consumer import Consumer
from zodra_edge.clock import Clock
from zodra_edge.errors import OutboxFault
from zodra_edge.outbox import Outbox
from zodra_edge.spool import (
    Answer,
    BuyingRequest,
    DevicesRequest,
    RelearnRequest,
    ReplayedRow,
    ReplayRequest,
    Request,
)
from zodra_edge.words import Said, say

LOOK_S: Final = 0.5
"""A person waits for it."""

log = structlog.get_logger()


class Requests:
    """One of the supervised parts; `run` does one round and waits for the next."""

    def __init__(
        self,
        data_dir: Path,
        outbox: Outbox,
        consumer: Consumer,
        clock: Clock,
        wake: Callable[[], None],
        pause: Callable[[bool], None],
        take_up: Callable[[], Awaitable[Said | None]],
    ) -> None:
        """Take the parts.

        Args:
            data_dir: where the requests are.
            outbox: what the agent keeps.
            consumer: what it remembers of devices.
            clock: dates what is done.
            wake: says that there is something to send.
            pause: pauses buying, or goes on with it; raises `OSError` if it cannot be kept.
            take_up: takes up the devices of the settings; returns why not, or nothing.
        """
        self._data_dir = data_dir
        self._outbox = outbox
        self._consumer = consumer
        self._clock = clock
        self._wake = wake
        self._pause = pause
        self._take_up = take_up
        spool.sweep(data_dir)

    async def run(self) -> None:
        """Answer all that is asked, and wait."""
        for name, request in spool.take(self._data_dir):
            said = await self._do(request)
            try:
                spool.answer(self._data_dir, name, said)
            except OSError:
                log.warning("request_not_answered", request=name)
        await asyncio.sleep(LOOK_S)

    async def _do(self, request: Request | None) -> Answer:
        try:
            match request:
                case ReplayRequest():
                    return await self._replay(request)
                case RelearnRequest():
                    return await self._relearn(request)
                case BuyingRequest(paused=paused):
                    return self._buying(paused)
                case DevicesRequest():
                    why = await self._take_up()
                    return Answer() if why is None else Answer.no(why)
                case None:
                    return Answer.no(say("request_strange"))
        except OutboxFault as fault:
            return Answer(refused=str(fault))

    def _buying(self, paused: bool) -> Answer:
        try:
            self._pause(paused)
        except OSError as fault:
            return Answer.no(say("disk_cannot_remember", why=fault.strerror))
        return Answer()

    async def _replay(self, request: ReplayRequest) -> Answer:
        done = await self._outbox.put_back(request.wants)
        gone = sum(row.sequence is not None for row in done)
        log.info("quarantine_replayed", put_back=gone, stayed=len(done) - gone)
        self._wake()
        rows = (ReplayedRow(**row._asdict()) for row in done)
        return Answer(replayed=tuple(rows))

    async def _relearn(self, request: RelearnRequest) -> Answer:
        now = self._clock.now()
        why = await self._consumer.relearn(request.device_id, now, request.within_s)
        if why is not None:
            return Answer.no(why)
        log.warning("relearn_opened", device_id=request.device_id, within_s=request.within_s)
        return Answer(until=now.at + timedelta(seconds=request.within_s))
