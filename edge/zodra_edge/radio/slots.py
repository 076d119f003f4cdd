"""The connections that one adapter can hold, and whose turn it is."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from zodra_edge.clock import monotonic_s


@dataclass(slots=True)
class Turn:
    """One device's hold of a connection."""

    address: str
    since_s: float
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it should leave, because others wait and it had its time."""


class Slots:
    """Hands out connections in the order in which they were asked for."""

    def __init__(self, most: int, turn_s: float) -> None:
        """Take how many there are, and how long each turn lasts at least."""
        self.most = most
        self._turn_s = turn_s
        self._held: list[Turn] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._promised = 0
        """Handed on, and not taken yet: who it was handed to has still to run."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def used(self) -> int:
        """How many are held."""
        return len(self._held)

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return len(self._waiting)

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[Turn]:
        """Wait for a connection, and hold it."""
        if self.used + self._promised >= self.most or self._waiting:
            await self._wait()
            self._promised -= 1
        held = Turn(address, monotonic_s())
        self._held.append(held)
        try:
            yield held
        finally:
            self._held.remove(held)
            self._hand_on()

    async def _wait(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._ask()
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                # It was handed a connection, and will not use it.
                self._promised -= 1
                self._hand_on()
            raise
        finally:
            if future in self._waiting:
                self._waiting.remove(future)

    def _hand_on(self) -> None:
        while self._waiting and self.used + self._promised < self.most:
            future = self._waiting.popleft()
            if not future.done():
                self._promised += 1
                future.set_result(None)
        self._ask()

    def _ask(self) -> None:
        """Tell who had the longest turn to leave, as soon as that was long enough."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        staying = [turn for turn in self._held if not turn.over.is_set()]
        if len(self._held) - len(staying) >= self.waiting or not staying:
            return
        left_s = staying[0].since_s + self._turn_s - monotonic_s()
        if left_s <= 0:
            staying[0].over.set()
            self._ask()
        else:
            self._timer = asyncio.get_running_loop().call_later(left_s, self._ask)
