"""Looks after the storage every few seconds, and tells what changed about it."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from zodra_contract.signal import TimeQuality
from zodra_edge.clock import Clock
from zodra_edge.outbox import Outbox, Salvage, StorageState
from zodra_edge.status import Tally

CARE_S: Final = 5.0
"""A disk that went read-only is known, and one that recovered is used again, within this."""

log = structlog.get_logger()


class Keeper:
    """One of the supervised parts; `run` does one round and waits for the next."""

    def __init__(
        self, outbox: Outbox, clock: Clock, tally: Tally, changed: Callable[[], None]
    ) -> None:
        """Take the parts; `changed` says that the status is another one."""
        self._outbox = outbox
        self._clock = clock
        self._tally = tally
        self._changed = changed
        self._state = StorageState.OK
        self._told: set[str] = set()

    async def run(self) -> None:
        """Look after it once, say what is new, and wait."""
        now = self._clock.now()
        await self._outbox.care(now.at, now.quality is TimeQuality.SYNCED)
        self._tell()
        await asyncio.sleep(CARE_S)

    def _tell(self) -> None:
        storage = self._outbox.storage()
        for salvage in storage.salvages:
            if salvage.aside not in self._told:
                self._told.add(salvage.aside)
                self._tell_salvage(salvage)
        if storage.state is self._state:
            return
        self._state = storage.state
        log.warning(
            "storage",
            state=storage.state,
            disk=storage.level,
            used_percent=storage.disk.used_percent,
            free_bytes=storage.disk.free_bytes,
            reserve=storage.reserve,
        )
        if storage.state is not StorageState.OK:
            self._tally.add(f"storage_{storage.state}")
        self._changed()

    def _tell_salvage(self, salvage: Salvage) -> None:
        self._tally.add("files_salvaged")
        if salvage.damaged:
            self._tally.add("rows_damaged", salvage.damaged)
        log.error(
            "salvaged",
            file=salvage.file,
            aside=salvage.aside,
            why=salvage.why,
            saved=salvage.saved,
            damaged=salvage.damaged,
            complete=salvage.complete,
            memory_lost=salvage.memory_lost,
        )
