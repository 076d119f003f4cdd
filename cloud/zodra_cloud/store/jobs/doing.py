"""Claiming jobs, and ending them in the unit of work that did them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, update

from zodra_cloud.errors import LeaseLost
from zodra_cloud.store.among import among_ids
from zodra_cloud.store.engine import after_commit, wake_jobs_after_commit
from zodra_cloud.store.jobs.table import (
    COLUMNS,
    ERROR_CHARS_MAX,
    EVERY_KIND,
    FAILURES_MAX,
    WAIT_S_MAX,
    Job,
    JobState,
    Lane,
    Later,
    jobs,
)


def claim(
    connection: Connection,
    *,
    owner: str,
    now: datetime,
    limit: int,
    lease_s: float,
    lane: Lane = EVERY_KIND,
) -> list[Job]:
    """Take the lease of due jobs, and of jobs whose worker let its lease run out.

    On PostgreSQL, other workers' claims are skipped rather than waited for.
    """
    due = [job.job_id for job in _due(connection, now, limit, lane)]
    return _lease(connection, due, owner, now, lease_s)


def claim_one(
    connection: Connection, job_id: int, *, owner: str, now: datetime, lease_s: float
) -> list[Job]:
    """Take the lease of one job that nobody holds; empty if somebody does, or it ended."""
    free = connection.execute(
        select(jobs.c.job_id)
        .where(jobs.c.job_id == job_id, jobs.c.state == JobState.READY)
        .with_for_update(skip_locked=True)
    ).scalars()
    return _lease(connection, list(free), owner, now, lease_s)


def _lease(
    connection: Connection, job_ids: Sequence[int], owner: str, now: datetime, lease_s: float
) -> list[Job]:
    if not job_ids:
        return []
    statement = (
        update(jobs)
        .where(jobs.c.job_id.in_(job_ids))
        .values(
            state=JobState.LEASED,
            lease_until=now + timedelta(seconds=lease_s),
            lease_owner=owner,
            lease_token=jobs.c.lease_token + 1,
        )
        .returning(*COLUMNS)
    )
    claimed = [Job(*row) for row in connection.execute(statement)]
    return sorted(claimed, key=lambda job: job.job_id)


def _due(connection: Connection, now: datetime, limit: int, lane: Lane) -> list[Job]:
    """Read and lock due jobs.

    Two queries rather than one with OR, which reads a whole backlog to sort it. What a worker left
    lying comes first: behind a backlog that never ends, its turn would never come.
    """
    found: list[Job] = []
    for state in (JobState.LEASED, JobState.READY):
        if len(found) < limit:
            rows = connection.execute(
                _select_due(state, lane), {"now": now, "free": limit - len(found)}
            )
            found += [Job(*row) for row in rows]
    return found


@cache
def _select_due(state: JobState, lane: Lane) -> Select[Any]:
    """Write the statement once: building it costs more than running it."""
    first = jobs.c.due_at if state is JobState.READY else jobs.c.lease_until
    return (
        select(*COLUMNS)
        .where(jobs.c.state == state, first <= bindparam("now"), *lane.clause())
        .order_by(first, jobs.c.job_id)
        .limit(bindparam("free"))
        .with_for_update(skip_locked=True)
    )


def take(connection: Connection, *, now: datetime, limit: int, lane: Lane) -> list[Job]:
    """Take due jobs for this very unit of work, which also ends them: no lease, nothing to fence.

    What it does and their end are one commit; if it does not commit, they are as they were.
    """
    return _due(connection, now, limit, lane)


def end_taken(
    connection: Connection,
    taken: Sequence[Job],
    later: Mapping[int, datetime] | Mapping[int, Later],
    now: datetime,
) -> None:
    """End the jobs that `take` or `still_held` gave, in the same unit of work.

    Args:
        connection: of that unit of work.
        taken: all of them.
        later: by job id, when those come back that are not done.
        now: the instant.
    """
    free = {"lease_until": None, "lease_owner": None, "last_error": None}
    done = [job.job_id for job in taken if job.job_id not in later]
    if done:
        connection.execute(
            update(jobs)
            .where(among_ids(connection, jobs.c.job_id, done))
            .values(state=JobState.DONE, ended_at=now, **free)
        )
    kinds = {job.job_id: job.kind for job in taken}
    for job_id, when in later.items():
        back = when if isinstance(when, Later) else Later(when)
        changed = {} if back.payload is None else {"payload": back.payload}
        connection.execute(
            update(jobs)
            .where(jobs.c.job_id == job_id)
            .values(state=JobState.READY, due_at=back.due_at, failures=0, **changed, **free)
        )
        wake_jobs_after_commit(connection, kinds[job_id])


def finish(connection: Connection, job: Job, now: datetime) -> None:
    """End a job in the same unit of work as the state it changed.

    Raises:
        LeaseLost: another worker has it; let it roll the unit of work back.
    """
    _move(connection, job, state=JobState.DONE, ended_at=now, last_error=None)


def again(connection: Connection, job: Job, due_at: datetime, payload: Any = None) -> None:
    """Put a job back for later, as a timer does; not a failure.

    Args:
        connection: of the caller's unit of work.
        job: as claimed.
        due_at: not before this instant.
        payload: replaces the stored one, if given.

    Raises:
        LeaseLost: another worker has it; let it roll the unit of work back.
    """
    _move(
        connection,
        job,
        state=JobState.READY,
        due_at=due_at,
        failures=0,
        last_error=None,
        payload=job.payload if payload is None else payload,
    )


def fail(
    connection: Connection, job: Job, *, reason: str, now: datetime, after_s: float | None
) -> bool:
    """Count a failed attempt and set the next one.

    Returns:
        False if that was the last attempt and the job is dead now.

    Raises:
        LeaseLost: another worker has it.
    """
    failures = job.failures + 1
    dead = failures >= FAILURES_MAX
    wait_s = backoff_s(failures) if after_s is None else min(after_s, WAIT_S_MAX)
    _move(
        connection,
        job,
        state=JobState.DEAD if dead else JobState.READY,
        due_at=now + timedelta(seconds=wait_s),
        failures=failures,
        last_error=reason[:ERROR_CHARS_MAX],
        ended_at=now if dead else None,
    )
    return not dead


def bury(connection: Connection, job: Job, *, reason: str, now: datetime) -> None:
    """Give a job up at once, in the unit of work that writes why; an operator sees and revives it.

    Raises:
        LeaseLost: another worker has it.
    """
    _move(connection, job, state=JobState.DEAD, last_error=reason[:ERROR_CHARS_MAX], ended_at=now)


def backoff_s(failures: int) -> float:
    """Give the wait after this many failures in a row: 0.5 s, doubling, at most `WAIT_S_MAX`."""
    return float(min(WAIT_S_MAX, 0.5 * 2 ** min(failures - 1, 20)))


def _move(connection: Connection, job: Job, **values: Any) -> None:
    moved = connection.execute(
        update(jobs)
        .where(
            jobs.c.job_id == job.job_id,
            jobs.c.state == JobState.LEASED,
            jobs.c.lease_token == job.lease_token,
        )
        .values(lease_until=None, lease_owner=None, **values)
    )
    if moved.rowcount != 1:
        raise LeaseLost(job.kind, job.key)
    after_commit(connection, job.ended.set)
    if values["state"] is JobState.READY:
        wake_jobs_after_commit(connection, job.kind)


def still_leased(connection: Connection, job: Job) -> bool:
    """Tell whether the handler left the job's end to the runner."""
    found = connection.execute(
        select(jobs.c.job_id).where(
            jobs.c.job_id == job.job_id,
            jobs.c.state == JobState.LEASED,
            jobs.c.lease_token == job.lease_token,
        )
    )
    return found.first() is not None


def still_held(connection: Connection, claimed: Sequence[Job]) -> frozenset[int]:
    """Say which leases nobody took over; until this unit of work ends nobody can.

    For a unit of work that then ends them by `end_taken`.
    """
    rows = connection.execute(
        select(jobs.c.job_id, jobs.c.lease_token)
        .where(
            among_ids(connection, jobs.c.job_id, [job.job_id for job in claimed]),
            jobs.c.state == JobState.LEASED,
        )
        .order_by(jobs.c.job_id)
        # Who has the lock of such a row is about to take its lease over.
        .with_for_update(skip_locked=True)
    )
    ours = {(job.job_id, job.lease_token) for job in claimed}
    return frozenset(job_id for job_id, token in rows if (job_id, token) in ours)


def release(connection: Connection, owner: str) -> int:
    """Give back what this worker held when its process was killed; call before it claims."""
    released = connection.execute(
        update(jobs)
        .where(jobs.c.state == JobState.LEASED, jobs.c.lease_owner == owner)
        .values(state=JobState.READY, lease_until=None, lease_owner=None)
    )
    return released.rowcount
