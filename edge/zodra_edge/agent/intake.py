"""The one queue between all transports and the one consumer."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from zodra_edge.decode.frame import Frame

CHUNK_MAX: Final = 200
"""Frames handled before other parts get their turn: about 10 ms here."""


class Arrival(NamedTuple):
    """A frame, and how to tell its transport that it was dealt with."""

    frame: Frame
    done: Callable[[], None]


def nothing() -> None:
    """Tell nobody: a radio does not wait for an answer."""


class Intake:
    """Takes frames from any thread, in order, up to a maximum."""

    def __init__(self, frames_max: int) -> None:
        """Make it on the loop that will consume."""
        self._frames_max = frames_max
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Arrival] = deque()
        self._thread = threading.get_ident()
        self._awake = asyncio.Event()
        self._told = False
        self.busy = False
        """Whether the consumer has frames in hand, rather than waits for some."""
        self.turns = 0
        """Times that it took some."""

    def __len__(self) -> int:
        """Count what waits."""
        return len(self._waiting)

    def offer(self, frame: Frame, done: Callable[[], None] = nothing) -> bool:
        """Take a frame; False if the queue is full, and then it was not taken."""
        if len(self._waiting) >= self._frames_max:
            return False
        self._waiting.append(Arrival(frame, done))
        if not self._told:
            self._told = True
            if threading.get_ident() == self._thread:
                self._awake.set()
            else:
                # From another thread it costs three system calls: once a chunk is enough.
                self._loop.call_soon_threadsafe(self._awake.set)
        return True

    async def take(self) -> list[Arrival]:
        """Wait for frames, and take the next few."""
        self.busy = False
        while not self._waiting:
            self._told = False
            if self._waiting:
                break
            await self._awake.wait()
            self._awake.clear()
        self.busy = True
        self.turns += 1
        return [self._waiting.popleft() for _ in range(min(CHUNK_MAX, len(self._waiting)))]
