"""Runs the parts of the agent, each on its own, and starts what failed again.

A failing radio never stops the home's broker, nor either of them the way to the cloud.
"""

import asyncio
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass
from typing import Final

import structlog

from zodra_edge import link
from zodra_edge.clock import monotonic_s
from zodra_edge.errors import EdgeError

STEADY_S: Final = 30.0
"""A part that ran for this long starts its waits from the shortest again."""
RESTART_S_MAX: Final = 30.0
STOP_S_MAX: Final = 3.0
"""Parts that have not ended by then are left behind; nothing that was confirmed hangs on them."""

log = structlog.get_logger()

Part = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Running:
    """How one part is doing."""

    name: str
    restarts: int = 0
    fault: str = ""


class Supervisor:
    """The only one that starts parts, and the only one that catches what nobody expected."""

    def __init__(self, draw: Callable[[], float]) -> None:
        """Take the source of randomness for the waits."""
        self._draw = draw
        self._tasks: set[asyncio.Task[None]] = set()
        """Each has the name of its part."""
        self.parts: list[Running] = []

    def start(self, name: str, part: Part) -> None:
        """Run a part until `stop`. One that returns has done its round, and begins the next."""
        running = Running(name)
        self.parts.append(running)
        self._tasks.add(asyncio.create_task(self._keep_up(running, part), name=name))

    async def end(self, names: Set[str]) -> None:
        """End some parts for good."""
        ending = {task for task in self._tasks if task.get_name() in names}
        self.parts = [part for part in self.parts if part.name not in names]
        self._tasks -= ending
        await _end(ending)

    async def stop(self) -> None:
        """End all parts."""
        await _end(self._tasks)

    async def _keep_up(self, running: Running, part: Part) -> None:
        attempt = 0
        while True:
            began_s = monotonic_s()
            running.fault = ""
            try:
                await part()
                attempt = 0
                continue
            except EdgeError as fault:
                running.fault = str(fault)
                log.warning("part_failed", part=running.name, fault=str(fault))
            except Exception as fault:
                running.fault = f"unexpected {type(fault).__name__}"
                log.exception("part_broke", part=running.name)
            running.restarts += 1
            attempt = 1 if monotonic_s() - began_s > STEADY_S else attempt + 1
            await asyncio.sleep(link.backoff_s(attempt, self._draw(), RESTART_S_MAX))


async def _end(tasks: Set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=STOP_S_MAX)
