"""The table of jobs, what a job is, and which of them a worker looks for."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import Event
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    and_,
    column,
)

from zodra_cloud.store.engine import metadata
from zodra_cloud.store.erasing import erasure
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
    # With the id, a worker reads the next due jobs in order without sorting a backlog.
    Index("ix_jobs_due", "state", "due_at", "job_id"),
    info=erasure(
        open=lambda now: and_(
            column("state").in_(["ready", "leased"]), column("due_at", Instant) <= now
        ),
        what="jobs that are due; a running service, or `zodra-cloud work`, does them",
    ),
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
    ended: Event = field(default_factory=Event, compare=False, repr=False)
    """Set once a unit of work that ended it has committed, so that nobody needs to look."""


@dataclass(frozen=True, slots=True)
class Later:
    """When a job that is not done comes back."""

    due_at: datetime
    payload: Any = None
    """Replaces the stored one, if given."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Which kinds of jobs a worker looks for."""

    only: frozenset[str] | None = None
    """None for every kind."""
    but_not: frozenset[str] = frozenset()

    def clause(self) -> tuple[ColumnElement[bool], ...]:
        """Give the conditions on the kind."""
        wanted = () if self.only is None else (jobs.c.kind.in_(sorted(self.only)),)
        left_out = (jobs.c.kind.not_in(sorted(self.but_not)),) if self.but_not else ()
        return (*wanted, *left_out)


EVERY_KIND: Final = Lane()

COLUMNS: Final = (
    jobs.c.job_id,
    jobs.c.kind,
    jobs.c.key,
    jobs.c.household_id,
    jobs.c.payload,
    jobs.c.failures,
    jobs.c.lease_token,
)
