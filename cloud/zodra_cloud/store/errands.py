"""Jobs that wait for somebody outside, done many at a time without waiting for the slowest.

Three steps. Due jobs are leased and prepared in one unit of work, several threads ask, and what
was answered while the last unit of work was written goes into the next one, with the ends of its
jobs. No unit of work is open while anybody is asked.

Each keeps what one job alone has: its lease and fencing token, and one commit for what it changed
and its end. A unit of work that cannot commit is taken apart, so that a bad job fails alone.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from zodra_cloud.errors import LeaseLost
from zodra_cloud.kit.clock import Clock
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job, Lane, Later
from zodra_cloud.store.supervising import (
    FAULT_S_MAX,
    LEASE_S,
    Pace,
    fail_or_leave,
    fail_unleased,
    look_s,
    supervised,
)

ASKED_WITHIN_S: Final = LEASE_S - 20.0
"""A lease with less time left than a call takes (10 s) and its answer waits is not worth a call:
another worker would ask the same. It runs out, and the job comes back."""
HEARD_MAX: Final = 100
"""Answers in one unit of work."""

_log = structlog.get_logger("zodra_cloud.jobs")


@dataclass(frozen=True, slots=True)
class Errand:
    """One thing to ask outside, and the jobs that it serves."""

    jobs: tuple[Job, ...]
    asked: Any
    """For the room that made it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An errand with what came back."""

    errand: Errand
    answer: Any


class Errands(Protocol):
    """What a room does with the jobs of one kind."""

    @property
    def at_once(self) -> int:
        """How many errands are out at the same time."""
        ...

    @property
    def in_hand_max(self) -> int:
        """How many jobs are leased at the same time."""
        ...

    def prepare(self, connection: Connection, claimed: Sequence[Job]) -> Sequence[Errand]:
        """Read what is to be asked, and change nothing; a job that is in no errand is done.

        The unit of work leases the jobs. It has no household's lock, so that it waits for nobody:
        look again before writing.
        """
        ...

    def ask(self, errand: Errand) -> Any:
        """Ask, in a thread of its own; no unit of work is open. May raise `RetryLater`."""
        ...

    def hear(self, connection: Connection, heard: Sequence[Heard]) -> Mapping[int, Later]:
        """Write what was answered; gives the jobs that come back, by their id. The rest is done.

        The unit of work ends the jobs; let it lock the households whose things it changes. An
        errand may come with some of its jobs only: of others the lease was lost, or they are
        written apart.
        """
        ...


class ErrandRunner:
    """The threads of one kind; `start` and `stop` once each.

    Args:
        database: where the jobs are.
        clock: for due instants and waits.
        kind: of the jobs.
        errands: what is done with them.
        owner: under which name they are leased.
    """

    def __init__(
        self, database: Database, clock: Clock, kind: str, errands: Errands, owner: str
    ) -> None:
        self._database = database
        self._clock = clock
        self._look_s = look_s(database)
        self._kind = kind
        self._errands = errands
        self._owner = owner
        self._lane = Lane(frozenset({kind}))
        self._out: SimpleQueue[tuple[Errand, float] | None] = SimpleQueue()
        """With the instant of the monotonic clock by which each is to be asked."""
        self._back: SimpleQueue[Heard | None] = SimpleQueue()
        self._room = errands.in_hand_max
        self._changed = threading.Condition()
        """Of `_room`, which is how many more jobs may be leased; and of `_woken`."""
        self._woken = True
        self._alone = 0
        """How many are still prepared alone, after some could not be together."""
        self._taken: list[Job] = []
        self._stopping = False
        self._paces = Pace(clock), Pace(clock)
        self._claimer = threading.Thread(target=self._run, name=f"jobs-{kind}", daemon=True)
        self._askers = [
            threading.Thread(target=self._ask_all, name=f"{kind}-{number}", daemon=True)
            for number in range(errands.at_once)
        ]
        self._writer = threading.Thread(target=self._write_all, name=f"{kind}-back", daemon=True)

    def start(self) -> None:
        """Begin."""
        for thread in (self._claimer, *self._askers, self._writer):
            thread.start()

    def notify(self) -> None:
        """Look for due jobs now; safe from any thread."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def stop(self, deadline_s: float) -> None:
        """Claim nothing more; write what is answered until an instant of the monotonic clock.

        What is unanswered then keeps its lease and comes back after a restart.
        """
        self._stopping = True
        self.notify()
        for _ in self._askers:
            self._out.put(None)
        for thread in (self._claimer, *self._askers):
            thread.join(max(0.0, deadline_s - self._clock.monotonic()))
        self._back.put(None)
        self._writer.join(max(0.0, deadline_s - self._clock.monotonic()))

    def _run(self) -> None:
        faults = 0
        while not self._stopping:
            pause_s = self._paces[0].wait_s()
            if pause_s > 0:
                self._rest(pause_s, woken_ends_it=False)
                continue
            try:
                wait_s = self._look()
                faults = 0
            except DBAPIError as fault:
                faults += 1
                wait_s = min(FAULT_S_MAX, jobs.backoff_s(faults))
                _log.warning("jobs_database_fault", fault=type(fault.orig).__name__)
            if wait_s > 0:
                self._rest(wait_s)

    def _rest(self, wait_s: float, *, woken_ends_it: bool = True) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopping or (woken_ends_it and self._woken), wait_s
            )

    def _look(self) -> float:
        """Lease and prepare what is due; give the seconds until there may be more."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._room > 0)
            limit = 1 if self._alone else self._room
            self._woken = False
        now = self._clock.now()
        with self._database.read() as connection:
            due_at = jobs.next_due_at(connection, self._lane)
        if self._stopping or due_at is None or due_at > now:
            until_s = self._look_s if due_at is None else (due_at - now).total_seconds()
            return min(self._look_s, max(0.001, until_s))
        self._taken = []
        fault = self._supervised(lambda: self._claim(limit))
        if fault is None:
            self._alone = max(0, self._alone - len(self._taken))
        elif len(self._taken) == 1:
            fail_unleased(self._database, self._clock, self._owner, self._taken[0], fault)
            self._alone = max(0, self._alone - 1)
        elif isinstance(fault, DBAPIError) and not self._taken:
            raise fault
        else:
            self._alone = len(self._taken)
        return 0.0

    def _claim(self, limit: int) -> None:
        now, until_s = self._clock.now(), self._clock.monotonic() + ASKED_WITHIN_S
        with self._database.write() as connection:
            self._taken = jobs.claim(
                connection,
                owner=self._owner,
                now=now,
                limit=limit,
                lease_s=LEASE_S,
                lane=self._lane,
            )
            errands = self._errands.prepare(connection, self._taken)
            served = {job.job_id for errand in errands for job in errand.jobs}
            idle = [job for job in self._taken if job.job_id not in served]
            jobs.end_taken(connection, idle, {}, now)
        with self._changed:
            self._room -= len(served)
        for errand in errands:
            self._out.put((errand, until_s))

    def _ask_all(self) -> None:
        while (waiting := self._out.get()) is not None:
            errand, until_s = waiting
            if self._stopping:
                continue
            if self._clock.monotonic() < until_s:
                self._ask(errand)
            else:
                self._give_back(errand)

    def _ask(self, errand: Errand) -> None:
        answers: list[Any] = []
        fault = self._supervised(lambda: answers.append(self._errands.ask(errand)))
        if fault is None:
            self._back.put(Heard(errand, answers[0]))
            return
        for job in errand.jobs:
            fail_or_leave(self._database, self._clock, job, fault)
        self._give_back(errand)

    def _write_all(self) -> None:
        while (first := self._back.get()) is not None:
            wait_s = self._paces[1].wait_s()
            if wait_s > 0:
                threading.Event().wait(wait_s)
                self._paces[1].wait_s()
            heard, ended = self._gather(first)
            if len(heard) == HEARD_MAX:
                self._paces[1].hurry()
            if self._supervised(partial(self._write, heard)) is not None:
                self._write_apart(heard)
            for each in heard:
                self._give_back(each.errand)
            if ended:
                return

    def _gather(self, first: Heard) -> tuple[list[Heard], bool]:
        """Give what came back by now, and whether that was the last."""
        heard = [first]
        while len(heard) < HEARD_MAX:
            try:
                another = self._back.get_nowait()
            except Empty:
                break
            if another is None:
                return heard, True
            heard.append(another)
        return heard, False

    def _write_apart(self, heard: Sequence[Heard]) -> None:
        """Write each alone, so that only the one that cannot be written fails."""
        for each in heard:
            for job in each.errand.jobs:
                alone = Heard(Errand((job,), each.errand.asked), each.answer)
                fault = self._supervised(partial(self._write, [alone]))
                if fault is not None:
                    fail_or_leave(self._database, self._clock, job, fault)

    def _write(self, heard: Sequence[Heard]) -> None:
        claimed = [job for each in heard for job in each.errand.jobs]
        with self._database.write() as connection:
            held = jobs.still_held(connection, claimed)
            kept = [_of_held(each, held) for each in heard]
            later = self._errands.hear(connection, [each for each in kept if each.errand.jobs])
            still = [job for job in claimed if job.job_id in held]
            jobs.end_taken(connection, still, later, self._clock.now())
        for job in claimed:
            if job.job_id not in held:
                _log.warning("job_lease_lost", kind=job.kind, job_id=job.job_id)

    def _supervised(self, do: Callable[[], None]) -> Exception | None:
        try:
            return supervised(self._kind, do)
        except LeaseLost as lost:
            return lost

    def _give_back(self, errand: Errand) -> None:
        with self._changed:
            self._room += len(errand.jobs)
            self._changed.notify_all()


def _of_held(heard: Heard, held: frozenset[int]) -> Heard:
    mine = tuple(job for job in heard.errand.jobs if job.job_id in held)
    return Heard(Errand(mine, heard.errand.asked), heard.answer)


def do_alone(database: Database, clock: Clock, errands: Errands) -> Callable[[Job], None]:
    """Give a handler that runs the errand of one job: a batch of one."""

    def handle(job: Job) -> None:
        with database.write(job.household_id) as connection:
            prepared = errands.prepare(connection, [job])
            if not prepared:
                jobs.finish(connection, job, clock.now())
        for errand in prepared:
            answer = errands.ask(errand)
            with database.write(job.household_id) as connection:
                later = errands.hear(connection, [Heard(errand, answer)]).get(job.job_id)
                if later is None:
                    jobs.finish(connection, job, clock.now())
                else:
                    jobs.again(connection, job, later.due_at, later.payload)

    return handle
