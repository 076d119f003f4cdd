"""Jobs and timers: an intention stored in the same transaction as the state that caused it.

A job is done at least once, by whoever holds its lease. Each claim raises its fencing token; a
worker whose lease was taken over cannot finish, and its transaction rolls back. Done jobs stay
for a while, so that their key keeps a repeat from being stored again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)

from zodra_cloud.errors import LeaseLost
from zodra_cloud.store.engine import metadata, wake_jobs_after_commit
from zodra_cloud.store.inserting import insert_into, insert_new
from zodra_cloud.store.types import BigInt, Instant, Json

ERROR_CHARS_MAX: Final = 300
FAILURES_MAX: Final = 12
"""With the waits below about 14 minutes; then the job is dead, and an operator sees it."""
WAIT_S_MAX: Final = 300.0


class JobState(StrEnum):
    """Where a job stands."""

    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"
    """Gave up after `FAILURES_MAX` failures; on the operator's page until revived."""


jobs: Final = Table(
    "jobs",
    metadata,
    Column("job_id", BigInt, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("household_id", Text, nullable=True),
    Column("payload", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("lease_until", Instant, nullable=True),
    Column("lease_owner", Text, nullable=True),
    Column("lease_token", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_error", Text, nullable=True),
    Column("ended_at", Instant, nullable=True),
    UniqueConstraint("key"),
    Index("ix_jobs_state_due_at", "state", "due_at"),
    sqlite_strict=True,
)


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed job, as its handler sees it."""

    job_id: int
    kind: str
    key: str
    household_id: str | None
    payload: Any
    failures: int
    """How often it failed before this attempt, since it last succeeded."""
    lease_token: int


def enqueue(
    connection: Connection,
    *,
    kind: str,
    key: str,
    household_id: str | None,
    payload: Any,
    due_at: datetime,
) -> bool:
    """Store an intention in the caller's unit of work; the runner wakes when it commits.

    Args:
        connection: of the caller's `Database.write()`.
        kind: names the handler.
        key: the same intention always has the same key.
        household_id: whose it is; None for the service's own.
        payload: small JSON: ids, never personal data.
        due_at: not before this instant.

    Returns:
        False if a job of this key is stored already (in whatever state), and nothing changed.
    """
    added = insert_new(
        connection,
        jobs,
        {
            "kind": kind,
            "key": key,
            "household_id": household_id,
            "payload": payload,
            "state": JobState.READY,
            "due_at": due_at,
            "lease_token": 0,
            "failures": 0,
        },
    )
    if added:
        wake_jobs_after_commit(connection)
    return added


def enqueue_many(
    connection: Connection,
    *,
    kind: str,
    intentions: Sequence[tuple[str, str | None, Any]],
    due_at: datetime,
) -> None:
    """Store many intentions of one kind in few statements.

    Args:
        connection: of the caller's unit of work.
        kind: names the handler.
        intentions: key, household and payload of each, as in `enqueue`.
        due_at: not before this instant.
    """
    if not intentions:
        return
    connection.execute(
        insert_into(connection, jobs).on_conflict_do_nothing(index_elements=["key"]),
        [
            {
                "kind": kind,
                "key": key,
                "household_id": household_id,
                "payload": payload,
                "state": JobState.READY,
                "due_at": due_at,
                "lease_token": 0,
                "failures": 0,
            }
            for key, household_id, payload in intentions
        ],
    )
    wake_jobs_after_commit(connection)


def claim(
    connection: Connection, *, owner: str, now: datetime, limit: int, lease_s: float
) -> list[Job]:
    """Take the lease of due jobs, and of jobs whose worker let its lease run out.

    On PostgreSQL, other workers' claims are skipped rather than waited for.
    """
    due = connection.execute(
        select(jobs.c.job_id)
        .where(
            jobs.c.due_at <= now,
            or_(
                jobs.c.state == JobState.READY,
                and_(jobs.c.state == JobState.LEASED, jobs.c.lease_until <= now),
            ),
        )
        .order_by(jobs.c.due_at, jobs.c.job_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).scalars()
    statement = (
        update(jobs)
        .where(jobs.c.job_id.in_(due.all()))
        .values(
            state=JobState.LEASED,
            lease_until=now + timedelta(seconds=lease_s),
            lease_owner=owner,
            lease_token=jobs.c.lease_token + 1,
        )
        .returning(
            jobs.c.job_id,
            jobs.c.kind,
            jobs.c.key,
            jobs.c.household_id,
            jobs.c.payload,
            jobs.c.failures,
            jobs.c.lease_token,
        )
    )
    claimed = [Job(*row) for row in connection.execute(statement)]
    return sorted(claimed, key=lambda job: job.job_id)


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


def hasten(connection: Connection, key: str, now: datetime) -> bool:
    """Make a stored job due now that waits for later; False if it does not wait."""
    hastened = connection.execute(
        update(jobs)
        .where(jobs.c.key == key, jobs.c.state == JobState.READY, jobs.c.due_at > now)
        .values(due_at=now)
    )
    wake_jobs_after_commit(connection)
    return hastened.rowcount == 1


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
    wake_jobs_after_commit(connection)


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


def release(connection: Connection, owner: str) -> int:
    """Give back what this worker held when its process was killed; call before it claims."""
    released = connection.execute(
        update(jobs)
        .where(jobs.c.state == JobState.LEASED, jobs.c.lease_owner == owner)
        .values(state=JobState.READY, lease_until=None, lease_owner=None)
    )
    return released.rowcount


def next_due_at(connection: Connection) -> datetime | None:
    """Give the instant at which the next job can be claimed; None if there is none."""
    due = connection.execute(
        select(
            func.min(jobs.c.due_at).filter(jobs.c.state == JobState.READY),
            func.min(jobs.c.lease_until).filter(jobs.c.state == JobState.LEASED),
        ).where(jobs.c.state.in_((JobState.READY, JobState.LEASED)))
    ).one()
    return min((instant for instant in due if instant is not None), default=None)


def prune(connection: Connection, before: datetime) -> int:
    """Forget jobs that were done before an instant. Dead ones stay for the operator."""
    gone = connection.execute(
        delete(jobs).where(jobs.c.state == JobState.DONE, jobs.c.ended_at < before)
    )
    return gone.rowcount


@dataclass(frozen=True, slots=True)
class DeadJob:
    """A job that nobody tries any more, for the operator's page."""

    job_id: int
    kind: str
    key: str
    household_id: str | None
    last_error: str | None
    ended_at: datetime | None


def dead(connection: Connection, limit: int = 100) -> list[DeadJob]:
    """List the newest dead jobs; an operator's read, over all households."""
    rows = connection.execute(
        select(
            jobs.c.job_id,
            jobs.c.kind,
            jobs.c.key,
            jobs.c.household_id,
            jobs.c.last_error,
            jobs.c.ended_at,
        )
        .where(jobs.c.state == JobState.DEAD)
        .order_by(jobs.c.job_id.desc())
        .limit(limit)
    )
    return [DeadJob(*row) for row in rows]


def revive_key(connection: Connection, key: str, now: datetime) -> bool:
    """Try the dead job of a key again; False if there is none."""
    job_id = connection.execute(select(jobs.c.job_id).where(jobs.c.key == key)).scalar()
    return job_id is not None and revive(connection, job_id, now)


def revive(connection: Connection, job_id: int, now: datetime) -> bool:
    """Try a dead job again, from the start of its attempts."""
    revived = connection.execute(
        update(jobs)
        .where(jobs.c.job_id == job_id, jobs.c.state == JobState.DEAD)
        .values(state=JobState.READY, due_at=now, failures=0, ended_at=None)
    )
    wake_jobs_after_commit(connection)
    return revived.rowcount == 1
