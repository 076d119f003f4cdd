"""Does the stored jobs: claims what is due, calls its handler, and comes back for what failed."""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from queue import SimpleQueue
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from zodra_cloud.errors import LeaseLost, RetryLater
from zodra_cloud.kit.clock import Clock
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job

Handler = Callable[[Job], None]
"""Does one job, in a worker thread. Call `jobs.finish` or `jobs.again` inside the unit of work that
changes state, so that both are one commit; a handler that calls neither is finished on return.
Raise `RetryLater` to be called again. A handler may be called twice for one job: after a crash."""

WORKERS: Final = 4
LEASE_S: Final = 60.0
"""Longer than any handler may take: a shop call has its own time limit well below this."""
POLL_S_MAX: Final = 1.0
"""Jobs stored by another process (a command, another worker) are seen this late at most."""
KEEP_DONE: Final = timedelta(days=30)
PRUNE_EVERY_S: Final = 3_600.0

_log = structlog.get_logger("zodra_cloud.jobs")


class JobRunner:
    """One claiming thread and a few working ones; `start` and `stop` once each."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        handlers: Mapping[str, Handler],
        owner: str,
        workers: int = WORKERS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._handlers = handlers
        self._owner = owner
        self._claimed: SimpleQueue[Job | None] = SimpleQueue()
        # Daemons, since a handler that waits for a shop must not hold up the end of the process.
        self._workers = [
            threading.Thread(target=self._work, name=f"job-{number}", daemon=True)
            for number in range(workers)
        ]
        self._free = threading.Semaphore(workers)
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._pruned_at_s = clock.monotonic()

    def start(self) -> None:
        """Give back what a killed process of this owner held, then begin."""
        with self._database.write() as connection:
            released = jobs.release(connection, self._owner)
        if released:
            _log.info("jobs_taken_back", count=released)
        self._database.on_new_jobs(self.notify)
        for thread in (self._thread, *self._workers):
            thread.start()

    def notify(self) -> None:
        """Look for due jobs now; safe from any thread."""
        self._wake.set()

    def stop(self, timeout_s: float) -> None:
        """Claim nothing more, and wait for what is being done, this long at most.

        What is still being done after that keeps its lease and comes back after a restart.
        """
        self._stopping = True
        self._wake.set()
        self._free.release()
        deadline_s = self._clock.monotonic() + timeout_s
        for _ in self._workers:
            self._claimed.put(None)
        for thread in (self._thread, *self._workers):
            thread.join(max(0.0, deadline_s - self._clock.monotonic()))

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            self._wake.clear()
            try:
                wait_s = self._claim_and_submit()
                failures = 0
            except DBAPIError as fault:
                failures += 1
                wait_s = min(POLL_S_MAX * 10, jobs.backoff_s(failures))
                _log.warning("jobs_database_fault", fault=type(fault.orig).__name__)
            if wait_s > 0 and not self._stopping:
                self._wake.wait(wait_s)

    def _claim_and_submit(self) -> float:
        """Hand due jobs to free workers; give the seconds until there may be more."""
        self._free.acquire()
        self._free.release()
        now = self._clock.now()
        with self._database.read() as connection:
            due_at = jobs.next_due_at(connection)
        if due_at is None or due_at > now:
            self._prune_sometimes()
            until_s = POLL_S_MAX if due_at is None else (due_at - now).total_seconds()
            return min(POLL_S_MAX, max(0.001, until_s))
        if self._stopping:
            return 0.0
        taken = 0
        while self._free.acquire(blocking=False):
            taken += 1
        claimed: list[Job] = []
        try:
            with self._database.write() as connection:
                claimed = jobs.claim(
                    connection, owner=self._owner, now=now, limit=taken, lease_s=LEASE_S
                )
        finally:
            for _ in range(taken - len(claimed)):
                self._free.release()
        for job in claimed:
            self._claimed.put(job)
        return 0.0

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
            self._wake.set()

    def _call(self, job: Job) -> None:
        handler = self._handlers.get(job.kind)
        if handler is None:
            self._fail(job, f"no handler for kind {job.kind!r} in this build", None)
            return
        try:
            handler(job)
        except LeaseLost:
            raise
        except RetryLater as later:
            self._fail(job, later.reason, later.after_s)
        except Exception as fault:
            # The supervisor of every room's jobs: one that fails for a reason nobody foresaw is
            # counted, tried again, and dead in the operator's sight in the end.
            _log.exception("job_failed", kind=job.kind, job_id=job.job_id)
            self._fail(job, type(fault).__name__, None)
        else:
            with self._database.write() as connection:
                if jobs.still_leased(connection, job):
                    jobs.finish(connection, job, self._clock.now())

    def _fail(self, job: Job, reason: str, after_s: float | None) -> None:
        with self._database.write() as connection:
            alive = jobs.fail(
                connection, job, reason=reason, now=self._clock.now(), after_s=after_s
            )
        if not alive:
            _log.error("job_dead", kind=job.kind, job_id=job.job_id, reason=reason)

    def _prune_sometimes(self) -> None:
        if self._clock.monotonic() - self._pruned_at_s < PRUNE_EVERY_S:
            return
        self._pruned_at_s = self._clock.monotonic()
        with self._database.write() as connection:
            jobs.prune(connection, self._clock.now() - KEEP_DONE)
