"""Tells the open pages of a household that something about it changed.

In this process only, and without content: a page that hears "changed" reads the database again.
A listener that is slow hears once for many changes, so nothing ever queues.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Final

HEARTBEAT_S: Final = 15.0
"""Below the 30 s after which common proxies close a silent stream."""


class _Listener:
    def __init__(self, household_id: str | None) -> None:
        self.household_id = household_id
        self.event = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def wake(self) -> None:
        try:
            self.loop.call_soon_threadsafe(self.event.set)
        except RuntimeError:  # its loop has been closed; the stream is gone with it
            return


class Changes:
    """Who is listening, by household. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[_Listener] = set()
        self._closed = False

    def tell(self, household_id: str) -> None:
        """Wake the listeners of this household, and those who listen to all."""
        with self._lock:
            heard = [each for each in self._listeners if each.household_id in (None, household_id)]
        for listener in heard:
            listener.wake()

    async def listen(
        self, household_id: str | None, heartbeat_s: float = HEARTBEAT_S
    ) -> AsyncIterator[bool]:
        """Yield True after one or more changes, False when `heartbeat_s` passed without one.

        Ends when the service stops. None as household listens to every household, which only an
        operator's page may do.
        """
        listener = _Listener(household_id)
        with self._lock:
            self._listeners.add(listener)
        try:
            while not self._closed:
                try:
                    async with asyncio.timeout(heartbeat_s):
                        await listener.event.wait()
                except TimeoutError:
                    yield False
                    continue
                listener.event.clear()
                if not self._closed:
                    yield True
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def close(self) -> None:
        """End every stream, so that the server can stop although pages are open."""
        self._closed = True
        with self._lock:
            heard = list(self._listeners)
        for listener in heard:
            listener.wake()
