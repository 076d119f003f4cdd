"""Keeps the agent within its memory budget: readings give way first, presses never.

The ladder: over the budget, what Python and the C library hold in vain goes back to the system, and
readings that wait in memory go to the disk. Still over it, new readings are refused and counted
until there is room again. A system that runs out of memory kills whoever is largest, and a press
that was not kept yet with it.
"""

import asyncio
import ctypes
import gc
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from zodra_edge.status import rss_bytes

LOOK_S: Final = 5.0
TRIM_LOOKS: Final = 12
"""While it stays over the budget, memory is asked back once a minute."""
STARTED_LOOKS: Final = frozenset({2, 12})
"""After ten seconds, and a minute, all parts are imported and connected; what that took in passing,
about 3 MB, is given back then."""
ROOM_PERCENT: Final = 90
"""Of the budget: below this readings are taken again, or they would come and go at each look."""

log = structlog.get_logger()


def is_short(was_short: bool, held_bytes: int, budget_bytes: int) -> bool:
    """Decide whether readings are refused.

    Args:
        was_short: whether they are refused now.
        held_bytes: what the process holds; 0 where the system does not tell.
        budget_bytes: what it may hold.
    """
    if held_bytes > budget_bytes:
        return True
    return was_short and held_bytes * 100 >= budget_bytes * ROOM_PERCENT


class Memory:
    """One of the supervised parts; `run` looks once and waits for the next look."""

    def __init__(
        self,
        budget_bytes: int,
        to_disk: Callable[[], Awaitable[None]],
        held: Callable[[], int] = rss_bytes,
    ) -> None:
        """Take the budget; `to_disk` writes what waits in memory, `held` says how much there is."""
        self.budget_bytes = budget_bytes
        self.short = False
        """Whether readings are refused."""
        self._to_disk = to_disk
        self._held = held
        self._looks_over = 0
        self._looks = 0

    async def run(self) -> None:
        """Look, give way if need be, and wait."""
        await self.look()
        self._looks += 1
        if self._looks in STARTED_LOOKS:
            await asyncio.to_thread(_give_back)
        await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Compare what is held with the budget, and do what the ladder says."""
        if self._held() > self.budget_bytes:
            if self._looks_over % TRIM_LOOKS == 0:
                await self._to_disk()
                await asyncio.to_thread(_give_back)
            self._looks_over += 1
        else:
            self._looks_over = 0
        held = self._held()
        short = is_short(self.short, held, self.budget_bytes)
        if short is not self.short:
            self.short = short
            log.warning("memory", short=short, held_bytes=held, budget_bytes=self.budget_bytes)


def _give_back() -> None:
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        # Another C library than glibc; it gives memory back by itself, or not at all.
        return
