"""The runner does what is stored, wakes at once, and comes back for what failed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cloud_builders import NOON
from zodra_cloud.errors import RetryLater
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job
from zodra_cloud.store.runner import JobRunner
from zodra_cloud.store.types import EPOCH

PATIENCE_S = 20.0


class Seen:
    """What a handler was called with."""

    def __init__(self, act: Callable[[Job, int], None] = lambda job, times: None) -> None:
        self.jobs: list[Job] = []
        self.changed = threading.Condition()
        self.act = act

    def __call__(self, job: Job) -> None:
        with self.changed:
            self.jobs.append(job)
            self.changed.notify_all()
        self.act(job, len(self.jobs))

    def wait(self, times: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.jobs) >= times, PATIENCE_S)


@contextmanager
def running(database: Database, seen: Seen, owner: str = "w-1") -> Iterator[JobRunner]:
    runner = JobRunner(database, SystemClock(), {"test": seen}, owner=owner, workers=2)
    runner.start()
    try:
        yield runner
    finally:
        runner.stop(5.0)


def _add(database: Database, key: str, kind: str = "test") -> None:
    with database.write() as connection:
        jobs.enqueue(connection, kind=kind, key=key, household_id="hh-1", payload={}, due_at=EPOCH)


def _states(database: Database) -> dict[str, str]:
    with database.read() as connection:
        rows = connection.execute(jobs.jobs.select())
        return {row.key: row.state for row in rows}


def _wait_for(database: Database, expected: dict[str, str]) -> None:
    for _ in range(400):
        if _states(database) == expected:
            return
        threading.Event().wait(0.05)
    assert _states(database) == expected


def test_jobs_are_done_and_finished(database: Database) -> None:
    seen = Seen()
    with running(database, seen):
        for number in range(5):
            _add(database, f"k-{number}")
        seen.wait(5)
        _wait_for(database, {f"k-{number}": "done" for number in range(5)})


def test_a_handler_may_end_its_job_in_its_own_commit(database: Database) -> None:
    def act(job: Job, times: int) -> None:
        with database.write() as connection:
            jobs.finish(connection, job, NOON)

    with running(database, Seen(act)):
        _add(database, "k-1")
        _wait_for(database, {"k-1": "done"})


@pytest.mark.parametrize("fault", [RetryLater("shop busy", after_s=0.0), ValueError("a bug")])
def test_what_fails_is_tried_again(database: Database, fault: Exception) -> None:
    def act(job: Job, times: int) -> None:
        if times == 1:
            raise fault

    seen = Seen(act)
    with running(database, seen):
        _add(database, "k-1")
        seen.wait(2)
        _wait_for(database, {"k-1": "done"})
    assert [job.failures for job in seen.jobs] == [0, 1]


def test_a_job_of_an_unknown_kind_waits_for_a_build_that_knows_it(database: Database) -> None:
    seen = Seen()
    with running(database, seen):
        _add(database, "k-1", kind="of_tomorrow")
        _add(database, "k-2")
        seen.wait(1)
        _wait_for(database, {"k-1": "ready", "k-2": "done"})


def test_what_a_killed_process_held_is_done_at_its_next_start(database: Database) -> None:
    _add(database, "k-1")
    with database.write() as connection:
        jobs.claim(connection, owner="w-1", now=SystemClock().now(), limit=1, lease_s=3_600)
    seen = Seen()
    with running(database, seen):
        seen.wait(1)
