"""The callers who stand in line for one file's thread, and how they are told what came of it.

The loop hands over all who asked in one of its turns together, and hears of all of them together: a
lock, a wake-up and a word to the loop for each of a hundred callers cost more than the writing.
"""

import asyncio
import contextlib
import queue
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any, Final

from zodra_edge.errors import OutboxFault

GROUP_JOBS_MAX: Final = 1_000
QUEUED_JOBS_MAX: Final = 10_000
"""More callers than this are refused at once; the agent has a handful."""


class Errand(Enum):
    """What stands in line between the jobs, and is done outside their transaction."""

    MEND = auto()
    GIVE_WAY = auto()
    ANSWER = auto()
    """Nothing, but to show that the thread comes round to it."""


class Joint:
    """A job of which many are done in fewer statements together than one after the other."""

    __slots__ = ()

    def __call__(self, connection: sqlite3.Connection, file: Any, /) -> Any:
        """Do this one alone."""
        return self.do_all(connection, file, [self])[0]

    @classmethod
    def do_all(cls, connection: sqlite3.Connection, file: Any, jobs: Sequence[Any], /) -> list[Any]:
        """Do jobs of this class in their order; returns what each came to."""
        raise NotImplementedError


Doing = Callable[[sqlite3.Connection, Any], Any]
Waiter = asyncio.Future[Any] | None
"""None where nobody waits for it."""
Job = tuple[Doing, Waiter]
Place = tuple[Doing | Errand, Waiter]


class Line:
    """Who waits for one file. The loop asks, the file's thread takes; each by its own methods."""

    def __init__(self, name: str) -> None:
        """Begin empty; `name` is the file's, for what callers are told."""
        self._name = name
        self._gathered: list[Place] = []
        """Who asked in this turn of the loop."""
        self._handed: queue.SimpleQueue[list[Place] | None] = queue.SimpleQueue()
        """Nothing comes behind a None."""
        self._left: deque[Place] = deque()
        """Handed over, and not taken yet."""
        self._asked = 0
        """Counted by the loop alone, as `_taken` is by the thread; the difference waits."""
        self._taken = 0
        self._closing = False
        self.ended = False
        """Whether the thread is gone."""

    def ask(self, job: Doing | Errand) -> asyncio.Future[Any]:
        """Stand in line with a job.

        Raises:
            OutboxFault: the file is closed, or too many wait already.
        """
        if self.ended:
            raise self._closed()
        if self._asked - self._taken >= QUEUED_JOBS_MAX:
            raise OutboxFault(f"{QUEUED_JOBS_MAX} callers already wait for {self._name}")
        loop = asyncio.get_running_loop()
        if not self._gathered:
            # Whoever asks in the same turn goes along. A thread that is woken by the first of them
            # would fight with the others for the interpreter, statement by statement.
            loop.call_soon(self._hand_over)
        waiter = loop.create_future()
        self._gathered.append((job, waiter))
        self._asked += 1
        return waiter

    def leave(self, errand: Errand) -> None:
        """Have something done from any thread, and wait for nothing."""
        self._handed.put([(errand, None)])

    def close(self) -> None:
        """Let nobody in any more; who is in line is still served."""
        self._hand_over()
        self._handed.put(None)

    def _hand_over(self) -> None:
        if self._gathered:
            self._handed.put(self._gathered)
            self._gathered = []
        if self.ended:
            # In this very turn of the loop.
            self.fail([])

    @property
    def is_over(self) -> bool:
        """Whether it is closed, and all have been taken."""
        return self._closing and not self._left

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits just now."""
        return not self._left and self._handed.empty()

    def take(self) -> list[Place]:
        """Wait for somebody, and take all who are there; without those who went away meanwhile."""
        with contextlib.suppress(queue.Empty):
            while not self._closing and len(self._left) < GROUP_JOBS_MAX:
                batch = self._handed.get_nowait() if self._left else self._handed.get()
                self._closing = batch is None
                self._left.extend(batch or ())
        left = self._left
        if len(left) <= GROUP_JOBS_MAX:
            taken = list(left)
            left.clear()
        else:
            taken = [left.popleft() for _ in range(GROUP_JOBS_MAX)]
        errands = sum([waiter is None for _, waiter in taken])
        self._taken += len(taken) - errands
        return [place for place in taken if place[1] is None or not place[1].cancelled()]

    def fail(self, group: Sequence[Place]) -> None:
        """Tell a group, and all behind it, that the file is closed."""
        group = [*group, *self._left]
        self._left.clear()
        with contextlib.suppress(queue.Empty):
            while True:
                group += self._handed.get_nowait() or ()
        tell(group, [self._closed()] * len(group))

    def _closed(self) -> OutboxFault:
        return OutboxFault(f"{self._name} is closed")


def tell(group: Sequence[Place], results: Sequence[Any]) -> None:
    """Tell all who wait what came of it, from any thread; a fault is raised where they wait."""
    loop = next((waiter.get_loop() for _, waiter in group if waiter is not None), None)
    if loop is not None:
        # In a loop that is closed there is nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, group, results)


def _settle(group: Sequence[Place], results: Sequence[Any]) -> None:
    for (_, waiter), result in zip(group, results, strict=True):
        if waiter is None or waiter.done():
            continue
        if isinstance(result, OutboxFault):
            waiter.set_exception(result)
        else:
            waiter.set_result(result)
