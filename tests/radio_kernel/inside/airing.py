"""An air in a thread of its own, and the guest's adapters on it."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from random import Random
from typing import Any, Final, TypeVar

from radio_kernel.inside.adapters import KernelController, Plug
from radio_kernel.inside.system import is_on
from radio_kernel.inside.waiting import until
from zodra_sim.radio.air import Air

T = TypeVar("T")
ADDRESSES: Final = {"hci0": "5C:F3:70:00:00:10", "hci1": "5C:F3:70:00:00:11"}


class StillAir:
    """An air on which nothing is said but by the test, and two adapters on it.

    hci0 knows the commands of Bluetooth 4 only; hci1 scans as those of Bluetooth 5 do.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.air = Air(Random(7))
        self._plugs = {
            name: Plug(self.air, address, extended=name == "hci1")
            for name, address in ADDRESSES.items()
        }

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def spawn(self, work: Coroutine[Any, Any, None]) -> "Future[None]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def plug(self, name: str) -> None:
        self.do(self._plugs[name].plug())
        until(lambda: is_on(name))

    def pull(self, name: str) -> None:
        self.do(self._plugs[name].pull())

    def controller(self, name: str) -> KernelController:
        found = self._plugs[name].controller
        assert found is not None
        return found

    def close(self) -> None:
        for name in ADDRESSES:
            self.pull(name)
        self.do(self.air.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
