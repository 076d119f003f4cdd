"""Does the stored jobs: claims what is due, calls its handler, and comes back for what failed.

Most kinds wait for somebody outside, so each such job is leased and done by one of several threads.
Kinds that only read and write the database are done in batches: taken, done and ended in one unit
of work, by one thread, thousands a second. A batch that cannot commit is done one by one, so that
a job that nobody can do holds up nothing but itself. Kinds that wait for somebody outside and come
by the hundred a second have threads of their own, and share their units of work (`errands`).
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Final

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from zodra_cloud.errors import LeaseLost
from zodra_cloud.kit.clock import Clock
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database, lock_households
from zodra_cloud.store.errands import ErrandRunner, Errands
from zodra_cloud.store.jobs import Job, Lane
from zodra_cloud.store.supervising import (
    FAULT_S_MAX,
    LEASE_S,
    Pace,
    fail,
    fail_unleased,
    judge,
    look_s,
    supervised,
)

Handler = Callable[[Job], None]
"""Does one job, in a worker thread. Call `jobs.finish` or `jobs.again` inside the unit of work that
changes state, so that both are one commit; a handler that calls neither is finished on return.
Raise `RetryLater` to be called again. A handler may be called twice for one job: after a crash."""

BatchHandler = Callable[[Connection, Sequence[Job]], Mapping[int, datetime]]
"""Does many jobs of one kind in the given unit of work, which has the lock of their households and
also ends them. Gives those that are not done, by job id, with the instant at which they come back.
It must not wait for anybody outside."""

WORKERS: Final = 4
BATCH_MAX: Final = 200
"""Jobs of one unit of work: above it the statements grow faster than the commits save."""
_ANY: Final = ""
"""Names the lane of every kind that has none of its own."""
KEEP_DONE: Final = timedelta(days=30)
PRUNE_EVERY_S: Final = 3_600.0

_log = structlog.get_logger("zodra_cloud.jobs")


class JobRunner:
    """Two claiming threads and a few working ones; `start` and `stop` once each.

    Args:
        database: where the jobs are.
        clock: for due instants and waits.
        handlers: by kind, for jobs that are done one by one.
        owner: under which name they are leased.
        workers: how many are done at the same time.
        batches: by kind, for jobs that are done many at a time; each of these has a handler too,
            for those that spoiled their batch.
        errands: by kind, for jobs that wait for somebody outside, many at a time.
        others: whether this runner also takes up kinds that it does not know, so that they fail
            in the operator's sight; a runner beside others leaves them alone.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        handlers: Mapping[str, Handler],
        owner: str,
        workers: int = WORKERS,
        *,
        batches: Mapping[str, BatchHandler] | None = None,
        errands: Mapping[str, Errands] | None = None,
        others: bool = True,
    ) -> None:
        self._database = database
        self._clock = clock
        self._look_s = look_s(database)
        self._handlers = handlers
        self._owner = owner
        self._batches = dict(batches or {})
        self._errands = {
            kind: ErrandRunner(database, clock, kind, each, owner)
            for kind, each in (errands or {}).items()
        }
        batched = frozenset(self._batches) | frozenset(self._errands)
        self._lane = Lane(None if others else frozenset(handlers) - batched, batched)
        self._claimed: SimpleQueue[Job | None] = SimpleQueue()
        # Daemons, since a handler that waits for a shop must not hold up the end of the process.
        self._workers = [
            threading.Thread(target=self._work, name=f"job-{number}", daemon=True)
            for number in range(workers)
        ]
        self._free = threading.Semaphore(workers)
        self._wakes = {_ANY: threading.Event()}
        self._stopping = False
        self._claimers = [
            threading.Thread(
                target=self._run,
                args=(self._claim_and_submit, self._wakes[_ANY]),
                name="jobs",
                daemon=True,
            )
        ]
        for kind in self._batches:
            wake = threading.Event()
            self._wakes[kind] = wake
            batch = _Batch(kind, Pace(clock))
            self._claimers.append(
                threading.Thread(
                    target=self._run,
                    args=(lambda batch=batch: self._do_batch(batch), wake),
                    name=f"jobs-{kind}",
                    daemon=True,
                )
            )
        self._pruned_at_s = clock.monotonic()

    def start(self) -> None:
        """Give back what a killed process of this owner held, then begin."""
        with self._database.write() as connection:
            released = jobs.release(connection, self._owner)
        if released:
            _log.info("jobs_taken_back", count=released)
        self._database.on_new_jobs(self.notify)
        for thread in (*self._claimers, *self._workers):
            thread.start()
        for errand in self._errands.values():
            errand.start()

    def notify(self, kinds: frozenset[str] | None = None) -> None:
        """Look for due jobs of these kinds now, or of all; safe from any thread."""
        own = self._wakes.keys() | self._errands.keys()
        wanted = own if kinds is None else kinds & own
        if kinds is None or kinds - own:
            self._wakes[_ANY].set()
        for kind in wanted:
            if kind in self._errands:
                self._errands[kind].notify()
            else:
                self._wakes[kind].set()

    def stop(self, timeout_s: float) -> None:
        """Claim nothing more, and wait for what is being done, this long at most.

        What is still being done after that keeps its lease and comes back after a restart.
        """
        self._stopping = True
        self.notify()
        self._free.release()
        deadline_s = self._clock.monotonic() + timeout_s
        for _ in self._workers:
            self._claimed.put(None)
        for errand in self._errands.values():
            errand.stop(deadline_s)
        for thread in (*self._claimers, *self._workers):
            thread.join(max(0.0, deadline_s - self._clock.monotonic()))

    def _run(self, look: Callable[[], float], wake: threading.Event) -> None:
        failures = 0
        while not self._stopping:
            wake.clear()
            try:
                wait_s = look()
                failures = 0
            except DBAPIError as fault:
                failures += 1
                wait_s = min(FAULT_S_MAX, jobs.backoff_s(failures))
                _log.warning("jobs_database_fault", fault=type(fault.orig).__name__)
            if wait_s > 0 and not self._stopping:
                wake.wait(wait_s)

    def _wait_s(self, lane: Lane, now: datetime) -> float:
        """Give the seconds until a job of a lane may be due; 0 if one is."""
        with self._database.read() as connection:
            due_at = jobs.next_due_at(connection, lane)
        if due_at is not None and due_at <= now:
            return 0.0
        until_s = self._look_s if due_at is None else (due_at - now).total_seconds()
        return min(self._look_s, max(0.001, until_s))

    def _claim_and_submit(self) -> float:
        """Hand due jobs to free workers; give the seconds until there may be more."""
        self._free.acquire()
        self._free.release()
        if self._stopping:
            return 0.0
        now = self._clock.now()
        taken = 0
        while self._free.acquire(blocking=False):
            taken += 1
        claimed: list[Job] = []
        try:
            with self._database.write() as connection:
                claimed = jobs.claim(
                    connection,
                    owner=self._owner,
                    now=now,
                    limit=taken,
                    lease_s=LEASE_S,
                    lane=self._lane,
                )
        finally:
            for _ in range(taken - len(claimed)):
                self._free.release()
        for job in claimed:
            self._claimed.put(job)
        if claimed:
            return 0.0
        self._prune_sometimes()
        return self._wait_s(self._lane, now)

    def _work(self) -> None:
        while (job := self._claimed.get()) is not None:
            if not self._stopping:
                self._do(job)

    def _do(self, job: Job) -> None:
        try:
            self._call(job)
        except LeaseLost:
            _log.warning("job_lease_lost", kind=job.kind, job_id=job.job_id)
        except DBAPIError as fault:
            # The end of the job could not be written: its lease runs out and it comes again.
            _log.warning("job_database_fault", kind=job.kind, fault=type(fault.orig).__name__)
        finally:
            self._free.release()
            self._wakes[_ANY].set()

    def _call(self, job: Job) -> None:
        handler = self._handlers.get(job.kind)
        if handler is None:
            self._fail(job, f"no handler for kind {job.kind!r} in this build", None)
            return
        fault = supervised(job.kind, lambda: handler(job))
        if fault is not None:
            self._fail(job, *judge(fault))
        elif not job.ended.is_set():
            with self._database.write() as connection:
                if jobs.still_leased(connection, job):
                    jobs.finish(connection, job, self._clock.now())

    def _fail(self, job: Job, reason: str, after_s: float | None) -> None:
        fail(self._database, self._clock, job, reason, after_s)

    def _do_batch(self, batch: "_Batch") -> float:
        """Do the due jobs of one kind together; give the seconds until there may be more."""
        wait_s = batch.pace.wait_s() or self._wait_s(batch.lane, self._clock.now())
        if wait_s > 0:
            return wait_s
        batch.taken = []
        fault = supervised(batch.kind, lambda: self._commit_batch(batch))
        if fault is None:
            batch.one_by_one = max(0, batch.one_by_one - len(batch.taken))
            if len(batch.taken) == BATCH_MAX:
                batch.pace.hurry()
        elif len(batch.taken) == 1:
            fail_unleased(self._database, self._clock, self._owner, batch.taken[0], fault)
            batch.one_by_one = max(0, batch.one_by_one - 1)
        elif isinstance(fault, DBAPIError) and not batch.taken:
            raise fault
        else:
            batch.one_by_one = len(batch.taken)
        return 0.0

    def _commit_batch(self, batch: "_Batch") -> None:
        now = self._clock.now()
        limit = 1 if batch.one_by_one else BATCH_MAX
        with self._database.write() as connection:
            batch.taken = jobs.take(connection, now=now, limit=limit, lane=batch.lane)
            ids = {job.household_id for job in batch.taken if job.household_id is not None}
            lock_households(connection, ids)
            later = self._batches[batch.kind](connection, batch.taken)
            jobs.end_taken(connection, batch.taken, later, now)

    def _prune_sometimes(self) -> None:
        if self._clock.monotonic() - self._pruned_at_s < PRUNE_EVERY_S:
            return
        self._pruned_at_s = self._clock.monotonic()
        with self._database.write() as connection:
            jobs.prune(connection, self._clock.now() - KEEP_DONE)


class _Batch:
    """What the thread of one batched kind remembers."""

    def __init__(self, kind: str, pace: Pace) -> None:
        self.kind = kind
        self.pace = pace
        self.lane = Lane(frozenset({kind}))
        self.taken: list[Job] = []
        """By the unit of work under way, or the last one."""
        self.one_by_one = 0
        """How many are still done alone, after a batch did not commit."""
