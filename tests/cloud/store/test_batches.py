"""Jobs done many at a time: one commit for all, and one that nobody can do holds up only itself."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from cloud_builders import NOON
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database, lock_households
from zodra_cloud.store.jobs import Job, Lane
from zodra_cloud.store.runner import JobRunner
from zodra_cloud.store.types import EPOCH

LANE = Lane(frozenset({"test"}))
PATIENCE_S = 20.0


def add(database: Database, *keys: str, kind: str = "test", due_at: datetime = EPOCH) -> None:
    with database.write() as connection:
        jobs.enqueue_many(
            connection,
            kind=kind,
            intentions=[(key, f"hh-{key}", {}) for key in keys],
            due_at=due_at,
        )


def states(database: Database) -> dict[str, str]:
    with database.read() as connection:
        return {row.key: row.state for row in connection.execute(jobs.jobs.select())}


def until(database: Database, expected: dict[str, str]) -> None:
    for _ in range(400):
        if states(database) == expected:
            return
        threading.Event().wait(0.05)
    assert states(database) == expected


@contextmanager
def running(
    database: Database, batch: Callable[..., Mapping[int, datetime]], others: bool = True
) -> Iterator[None]:
    runner = JobRunner(
        database,
        SystemClock(),
        {"test": lambda _job: None},
        owner="w-1",
        workers=1,
        batches={"test": batch},
        others=others,
    )
    runner.start()
    try:
        yield
    finally:
        runner.stop(5.0)


def test_what_is_due_is_done_together_and_ended_with_its_work(database: Database) -> None:
    seen: list[list[str]] = []

    def batch(_connection: Connection, taken: Sequence[Job]) -> Mapping[int, datetime]:
        seen.append([job.key for job in taken])
        return {}

    add(database, "a", "b", "c")
    add(database, "later", due_at=SystemClock().now() + timedelta(hours=1))
    with running(database, batch):
        until(database, {"a": "done", "b": "done", "c": "done", "later": "ready"})
    assert seen == [["a", "b", "c"]]


def test_what_comes_back_does_so_at_its_instant(database: Database) -> None:
    add(database, "a", "b")
    with database.write() as connection:
        taken = jobs.take(connection, now=NOON, limit=10, lane=LANE)
        later = {taken[0].job_id: NOON + timedelta(hours=8)}
        jobs.end_taken(connection, taken, later, NOON)
    assert states(database) == {"a": "ready", "b": "done"}
    with database.write() as connection:
        assert jobs.take(connection, now=NOON, limit=10, lane=LANE) == []
        again = jobs.take(connection, now=NOON + timedelta(hours=8), limit=10, lane=LANE)
        assert [job.key for job in again] == ["a"]


def test_work_that_does_not_commit_leaves_its_jobs_as_they_were(database: Database) -> None:
    add(database, "a")

    def do() -> None:
        with database.write() as connection:
            taken = jobs.take(connection, now=NOON, limit=10, lane=LANE)
            jobs.end_taken(connection, taken, {}, NOON)
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        do()
    assert states(database) == {"a": "ready"}


def test_one_that_nobody_can_do_holds_up_only_itself(database: Database) -> None:
    """The batch does not commit, so each is done alone; the bad one fails in sight."""
    committed: list[str] = []

    def batch(_connection: Connection, taken: Sequence[Job]) -> Mapping[int, datetime]:
        if any(job.key == "bad" for job in taken):
            raise ValueError("a bug")
        committed.extend(job.key for job in taken)
        return {}

    add(database, "a", "bad", "b")
    with running(database, batch):
        until(database, {"a": "done", "bad": "ready", "b": "done"})
    assert sorted(committed) == ["a", "b"]
    with database.read() as connection:
        row = connection.execute(jobs.jobs.select().where(jobs.jobs.c.key == "bad")).one()
    assert (row.failures, row.last_error) == (1, "ValueError")
    assert row.due_at > EPOCH


def test_a_worker_beside_others_leaves_what_it_does_not_know(database: Database) -> None:
    add(database, "tell", kind="of_the_broker")
    add(database, "a")
    with running(database, lambda _connection, _taken: {}, others=False):
        until(database, {"tell": "ready", "a": "done"})


def test_two_units_of_work_that_lock_many_households_do_not_wait_for_each_other_for_ever(
    database: Database,
) -> None:
    names = [f"hh-{number}" for number in range(50)]
    together, done = threading.Barrier(2), []

    def lock(order: list[str]) -> None:
        together.wait()
        for _again in range(20):
            with database.write() as connection:
                lock_households(connection, order)
        done.append(True)

    threads = [threading.Thread(target=lock, args=(each,)) for each in (names, names[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert done == [True, True]


def test_a_timer_that_ended_can_be_set_again_and_never_later(database: Database) -> None:
    def arm(due_at: datetime) -> None:
        with database.write() as connection:
            jobs.rearm(
                connection, kind="test", key="t", household_id=None, payload={}, due_at=due_at
            )

    def due() -> datetime | None:
        with database.read() as connection:
            return jobs.next_due_at(connection)

    arm(NOON + timedelta(hours=1))
    arm(NOON + timedelta(hours=2))
    assert due() == NOON + timedelta(hours=1)
    arm(NOON)
    assert due() == NOON
    with database.write() as connection:
        jobs.end_taken(connection, jobs.take(connection, now=NOON, limit=1, lane=LANE), {}, NOON)
    assert due() is None
    arm(NOON + timedelta(days=1))
    assert due() == NOON + timedelta(days=1)
