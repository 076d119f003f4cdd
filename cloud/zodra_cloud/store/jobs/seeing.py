"""Looking at jobs: when the next is due, which are dead, and forgetting those long done."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Select, delete, func, select, update

from zodra_cloud.store.engine import wake_jobs_after_commit
from zodra_cloud.store.jobs.table import EVERY_KIND, JobState, Lane, jobs
from zodra_cloud.store.types import Instant


def next_due_at(connection: Connection, lane: Lane = EVERY_KIND) -> datetime | None:
    """Give the instant at which the next job can be claimed; None if there is none."""
    found = connection.execute(_next_due(lane)).one()
    return min((instant for instant in found if instant is not None), default=None)


@cache
def _next_due(lane: Lane) -> Select[tuple[datetime | None, datetime | None]]:
    """Write the statement once: building it costs more than running it."""
    ready = (
        select(jobs.c.due_at)
        .where(jobs.c.state == JobState.READY, *lane.clause())
        .order_by(jobs.c.due_at)
        .limit(1)
    )
    leased = select(func.min(jobs.c.lease_until, type_=Instant)).where(
        jobs.c.state == JobState.LEASED, *lane.clause()
    )
    return select(ready.scalar_subquery(), leased.scalar_subquery())


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
