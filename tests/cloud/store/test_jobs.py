"""Jobs: stored with their cause, done by one worker at a time, and not by one that was too slow."""

from datetime import datetime, timedelta

import pytest

from cloud_builders import NOON
from zodra_cloud.errors import LeaseLost
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job


def _add(database: Database, key: str = "k-1", due_at: datetime = NOON) -> bool:
    with database.write() as connection:
        return jobs.enqueue(
            connection,
            kind="test",
            key=key,
            household_id=None,
            payload={"n": 1},
            due_at=due_at,
        )


def _claim(database: Database, now: datetime = NOON, owner: str = "w-1") -> list[Job]:
    with database.write() as connection:
        return jobs.claim(connection, owner=owner, now=now, limit=10, lease_s=30)


def test_the_same_intention_is_stored_once_even_after_it_was_done(database: Database) -> None:
    assert _add(database)
    assert not _add(database)
    (job,) = _claim(database)
    with database.write() as connection:
        jobs.finish(connection, job, NOON)
    assert not _add(database)
    assert _claim(database, NOON + timedelta(days=1)) == []


def test_many_intentions_are_stored_in_one_go_and_repeats_left_out(database: Database) -> None:
    _add(database, "k-1")
    with database.write() as connection:
        jobs.enqueue_many(
            connection,
            kind="test",
            intentions=[("k-1", None, {}), ("k-2", None, {}), ("k-3", "hh-1", {"a": 1})],
            due_at=NOON,
        )
    assert [job.key for job in _claim(database)] == ["k-1", "k-2", "k-3"]


def test_a_leased_job_is_nobody_elses_until_the_lease_runs_out(database: Database) -> None:
    _add(database)
    (mine,) = _claim(database)
    assert _claim(database, owner="w-2") == []
    (theirs,) = _claim(database, NOON + timedelta(seconds=31), owner="w-2")
    assert theirs.lease_token == mine.lease_token + 1
    with pytest.raises(LeaseLost), database.write() as connection:
        jobs.finish(connection, mine, NOON)
    with database.write() as connection:
        jobs.finish(connection, theirs, NOON)


def test_a_job_left_lying_has_its_turn_also_behind_a_backlog(database: Database) -> None:
    _add(database, "left")
    _claim(database)
    for number in range(12):
        _add(database, f"backlog-{number}", NOON - timedelta(hours=1))
    claimed = _claim(database, NOON + timedelta(seconds=31), owner="w-2")
    assert len(claimed) == 10
    assert "left" in {job.key for job in claimed}


def test_a_job_is_not_claimed_before_it_is_due(database: Database) -> None:
    _add(database, due_at=NOON + timedelta(seconds=10))
    assert _claim(database) == []
    with database.read() as connection:
        assert jobs.next_due_at(connection) == NOON + timedelta(seconds=10)


def test_a_timer_comes_again_with_what_it_was_given(database: Database) -> None:
    _add(database)
    (job,) = _claim(database)
    later = NOON + timedelta(seconds=5)
    with database.write() as connection:
        jobs.again(connection, job, later, {"n": 2})
    (again,) = _claim(database, later)
    assert (again.payload, again.failures) == ({"n": 2}, 0)


def test_a_job_that_keeps_failing_dies_in_the_operators_sight_and_can_be_revived(
    database: Database,
) -> None:
    _add(database)
    now, waits = NOON, []
    for _ in range(jobs.FAILURES_MAX):
        (job,) = _claim(database, now)
        with database.write() as connection:
            jobs.fail(connection, job, reason="no answer", now=now, after_s=None)
            due_at = jobs.next_due_at(connection)
        waits.append(0.0 if due_at is None else (due_at - now).total_seconds())
        now += timedelta(seconds=jobs.WAIT_S_MAX)
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert _claim(database, now + timedelta(days=1)) == []
    with database.write() as connection:
        (found,) = jobs.dead(connection)
        assert (found.key, found.last_error) == ("k-1", "no answer")
        assert jobs.revive(connection, found.job_id, now)
    assert [job.key for job in _claim(database, now)] == ["k-1"]


def test_a_restarted_worker_takes_its_own_leases_back_at_once(database: Database) -> None:
    _add(database)
    _claim(database, owner="w-1")
    with database.write() as connection:
        assert jobs.release(connection, "w-2") == 0
        assert jobs.release(connection, "w-1") == 1
    assert len(_claim(database)) == 1


def test_done_jobs_are_forgotten_after_a_while(database: Database) -> None:
    _add(database)
    (job,) = _claim(database)
    with database.write() as connection:
        jobs.finish(connection, job, NOON)
        assert jobs.prune(connection, NOON) == 0
        assert jobs.prune(connection, NOON + timedelta(seconds=1)) == 1
