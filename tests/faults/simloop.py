"""An asyncio loop in which time is a number and the order of things is drawn from a seed.

Nothing waits: when nothing is ready, time jumps to the next timer. What is ready at once runs in a
drawn order, which is more than a real loop would do and therefore finds more. There are no threads
and no sockets. The same seed gives the same run.

It leans on three private names of CPython's loop (`_ready`, `_scheduled`, `_run_once`); the
self-test in `test_simloop` fails on a Python where they mean something else.
"""

import asyncio
import collections
import heapq
import itertools
import random
import selectors
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

Result = TypeVar("Result")


_STEP_S = 1e-6


class Deadlock(RuntimeError):
    """Everybody waits, and no timer will ever come."""


class _Deaf(selectors.SelectSelector):
    def select(self, timeout: float | None = None) -> list[Any]:
        return []


class _Task(asyncio.Task[Result]):
    # Sets of tasks are walked in the order of their hashes: numbers are the same in each run,
    # addresses are not.
    _numbers = itertools.count()

    def __init__(self, *args: Any, **options: Any) -> None:
        self._number = next(self._numbers)
        super().__init__(*args, **options)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class SimLoop(asyncio.SelectorEventLoop):
    """Runs coroutines in virtual time."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.steps = 0
        self._now_s = 0.0
        super().__init__(_Deaf())
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]

    @staticmethod
    def _make_task(
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Result],
        context: Context | None = None,
    ) -> _Task[Result]:
        return _Task(coroutine, loop=loop, context=context)

    def time(self) -> float:
        return self._now_s

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""

    def _run_once(self) -> None:
        ready: collections.deque[asyncio.Handle] = self._ready  # type: ignore[attr-defined]
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        if ready:
            shuffled = list(ready)
            self.draw.shuffle(shuffled)
            ready.clear()
            ready.extend(shuffled)
        else:
            while timers and timers[0].cancelled():
                heapq.heappop(timers)._scheduled = False  # type: ignore[attr-defined]
            if not timers:
                raise Deadlock("everybody waits, and no timer will ever come")
            self._now_s = max(self._now_s, timers[0].when())
        # Time passes a little with each step, as everywhere else: a wait too short for a float to
        # add would otherwise never end.
        self._now_s += _STEP_S
        self.steps += 1
        super()._run_once()  # type: ignore[misc]


def run(draw: random.Random, main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end in virtual time."""
    _Task._numbers = itertools.count()
    with asyncio.Runner(loop_factory=lambda: SimLoop(draw)) as runner:
        return runner.run(main)
