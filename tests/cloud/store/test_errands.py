"""Jobs that ask outside, many at a time: what one job alone has, each of them keeps."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.errands import Errand, Heard
from zodra_cloud.store.jobs import Job, Later
from zodra_cloud.store.runner import JobRunner
from zodra_cloud.store.types import EPOCH

PATIENCE_S = 20.0


def nothing(_name: str) -> None:
    return None


@dataclass
class Asking:
    """Asks somebody outside; the test says what happens for each job, by its key."""

    preparing: Callable[[str], None] = nothing
    asking: Callable[[str], None] = nothing
    hearing: Callable[[str], None] = nothing
    later: Mapping[str, Later] = field(default_factory=dict)
    prepared: list[list[str]] = field(default_factory=list)
    heard: list[list[str]] = field(default_factory=list)
    """What came in one unit of work."""
    at_once: int = 4
    in_hand_max: int = 50

    def prepare(self, _connection: Connection, claimed: Sequence[Job]) -> Sequence[Errand]:
        for job in claimed:
            self.preparing(job.key)
        self.prepared.append([job.key for job in claimed])
        return [Errand((job,), job.key) for job in claimed if job.key != "idle"]

    def ask(self, errand: Errand) -> Any:
        self.asking(errand.asked)
        return f"answer to {errand.asked}"

    def hear(self, connection: Connection, heard: Sequence[Heard]) -> Mapping[int, Later]:
        self.heard.append(sorted(each.errand.asked for each in heard))
        for each in heard:
            assert each.answer == f"answer to {each.errand.asked}"
            jobs.enqueue(
                connection,
                kind="mark",
                key=f"mark {each.errand.asked}",
                household_id=None,
                payload={},
                due_at=SystemClock().now() + timedelta(days=1),
            )
        for each in heard:
            self.hearing(each.errand.asked)
        return {
            job.job_id: self.later[job.key]
            for each in heard
            for job in each.errand.jobs
            if job.key in self.later
        }


def add(database: Database, *keys: str) -> None:
    with database.write() as connection:
        jobs.enqueue_many(
            connection,
            kind="test",
            intentions=[(key, f"hh-{key}", {"key": key}) for key in keys],
            due_at=EPOCH,
        )


def rows(database: Database) -> dict[str, Any]:
    with database.read() as connection:
        return {row.key: row for row in connection.execute(jobs.jobs.select())}


def states(database: Database) -> dict[str, str]:
    """Where the jobs stand; and `mark x` for each answer that was written."""
    return {key: row.state for key, row in rows(database).items()}


def until(database: Database, expected: dict[str, str]) -> None:
    for _ in range(400):
        if states(database) == expected:
            return
        threading.Event().wait(0.05)
    assert states(database) == expected


@contextmanager
def running(database: Database, asking: Asking) -> Iterator[JobRunner]:
    runner = JobRunner(
        database, SystemClock(), {}, owner="w-1", workers=1, errands={"test": asking}
    )
    runner.start()
    try:
        yield runner
    finally:
        runner.stop(5.0)


def done(*keys: str) -> dict[str, str]:
    return {key: "done" for key in keys} | {f"mark {key}": "ready" for key in keys}


def test_what_is_due_is_leased_together_and_ended_with_what_was_answered(
    database: Database,
) -> None:
    asking = Asking()
    add(database, "a", "b", "c")
    with running(database, asking):
        until(database, done("a", "b", "c"))
        add(database, "d")
        until(database, done("a", "b", "c", "d"))
    assert asking.prepared == [["a", "b", "c"], ["d"]]


def test_what_needs_no_answer_is_done(database: Database) -> None:
    add(database, "a", "idle")
    with running(database, Asking()):
        until(database, done("a") | {"idle": "done"})


def test_what_comes_back_does_so_at_its_instant_with_what_it_learned(database: Database) -> None:
    tomorrow = SystemClock().now() + timedelta(days=1)
    add(database, "a", "b")
    with running(database, Asking(later={"b": Later(tomorrow, {"times": 1})})):
        until(database, done("a", "b") | {"b": "ready"})
    row = rows(database)["b"]
    assert (row.payload, row.failures, row.lease_owner) == ({"times": 1}, 0, None)
    assert row.due_at > tomorrow - timedelta(seconds=1)


def fail_on(bad: str) -> Callable[[str], None]:
    def act(name: str) -> None:
        if name == bad:
            raise ValueError("a bug")

    return act


@pytest.mark.parametrize("step", ["preparing", "asking"])
def test_one_that_nobody_can_prepare_or_ask_fails_alone(database: Database, step: str) -> None:
    add(database, "a", "bad", "b")
    act: Any = {step: fail_on("bad")}
    with running(database, Asking(**act)):
        until_failed(database, "bad")
        wait_until(lambda: good(database) == done("a", "b"))


def test_one_whose_answer_cannot_be_written_is_taken_apart_and_fails_alone(
    database: Database,
) -> None:
    """All are answered while the first is written, so that they share one unit of work."""
    writing, answered = threading.Event(), threading.Semaphore(0)

    def ask(name: str) -> None:
        if name != "first":
            assert writing.wait(PATIENCE_S)
            answered.release()

    def hear(name: str) -> None:
        if name == "first":
            writing.set()
            for _other in range(3):
                assert answered.acquire(timeout=PATIENCE_S)
            threading.Event().wait(0.1)  # for their threads to hand them over
        fail_on("bad")(name)

    add(database, "first", "a", "bad", "b")
    asking = Asking(asking=ask, hearing=hear)
    with running(database, asking):
        until_failed(database, "bad")
        wait_until(lambda: good(database) == done("first", "a", "b"))
    assert asking.heard[:2] == [["first"], ["a", "b", "bad"]]


def good(database: Database) -> dict[str, str]:
    return {key: state for key, state in states(database).items() if key != "bad"}


def until_failed(database: Database, key: str) -> None:
    wait_until(lambda: key in rows(database) and rows(database)[key].failures > 0)
    assert rows(database)[key].last_error == "ValueError"


def wait_until(there: Callable[[], bool]) -> None:
    for _ in range(400):
        if there():
            return
        threading.Event().wait(0.05)
    assert there()


def test_one_whose_lease_is_lost_while_it_is_asked_changes_nothing(database: Database) -> None:
    def steal(name: str) -> None:
        if name == "stolen":
            late = SystemClock().now() + timedelta(minutes=2)
            with database.write() as connection:
                taken = jobs.claim(connection, owner="w-2", now=late, limit=99, lease_s=600)
                for job in taken:
                    if job.key != "stolen":
                        jobs.again(connection, job, EPOCH)

    add(database, "stolen")
    with running(database, Asking(asking=steal)):
        until(database, {"stolen": "leased"})
        add(database, "a", "b")
        until(database, done("a", "b") | {"stolen": "leased"})
    row = rows(database)["stolen"]
    assert (row.lease_owner, row.lease_token, row.failures) == ("w-2", 2, 0)


def test_one_that_is_slow_holds_up_nobody(database: Database) -> None:
    answer = threading.Event()

    def wait(name: str) -> None:
        if name == "slow":
            assert answer.wait(PATIENCE_S)

    add(database, "slow", "a", "b", "c", "d", "e")
    with running(database, Asking(asking=wait)):
        until(database, done("a", "b", "c", "d", "e") | {"slow": "leased"})
        answer.set()
        until(database, done("a", "b", "c", "d", "e", "slow"))


def test_what_is_unanswered_when_the_process_ends_is_asked_by_the_next(
    database: Database,
) -> None:
    never, asked = threading.Event(), threading.Event()

    def hang(_name: str) -> None:
        asked.set()
        never.wait(PATIENCE_S)

    add(database, "a")
    runner = JobRunner(
        database, SystemClock(), {}, owner="w-1", errands={"test": Asking(asking=hang)}
    )
    runner.start()
    assert asked.wait(PATIENCE_S)
    runner.stop(0.1)
    assert states(database) == {"a": "leased"}
    with running(database, Asking()):
        until(database, done("a"))
    never.set()
