"""What the threads that do jobs share: calling what a room wrote, counting failures, and pace."""

from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from zodra_cloud.errors import LeaseLost, RetryLater
from zodra_cloud.kit.clock import Clock
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job

LEASE_S: Final = 60.0
"""Longer than any handler may take: a shop call has its own time limit well below this."""
GATHER_S: Final = 0.06
"""From one unit of work of many jobs to the next of the same kind. A job that comes alone is done
at once; of two hundred a second, twelve then share the statements that one costs."""
FAULT_S_MAX: Final = 10.0
"""Between two looks into a database that cannot be reached."""
_LOOK_S: Final = {"postgresql": 0.1}
"""Where workers beside this process take jobs and store them: with a look a second, the one that
stored them did nearly all, and at 200 needs a second a price waited for it half a second longer."""
_LOOK_ALONE_S: Final = 1.0
"""Only a command stores jobs beside this process."""

_log = structlog.get_logger("zodra_cloud.jobs")


def supervised(kind: str, do: Callable[[], None]) -> Exception | None:
    """Call what a room wrote; give what it raised, so that its job is counted as failed."""
    try:
        do()
    except LeaseLost:
        raise
    except RetryLater as later:
        return later
    except Exception as fault:
        # The supervisor of every room's jobs: one that fails for a reason nobody foresaw is
        # counted, tried again, and dead in the operator's sight in the end.
        _log.exception("job_failed", kind=kind)
        return fault
    return None


def judge(fault: Exception) -> tuple[str, float | None]:
    """Give the reason that is stored for a fault, and the wait that it asks for."""
    if isinstance(fault, RetryLater):
        return fault.reason, fault.after_s
    return type(fault).__name__, None


def fail(database: Database, clock: Clock, job: Job, reason: str, after_s: float | None) -> None:
    """Count the failure of a leased job. Raises `LeaseLost`."""
    with database.write() as connection:
        alive = jobs.fail(connection, job, reason=reason, now=clock.now(), after_s=after_s)
    if not alive:
        _log.error("job_dead", kind=job.kind, job_id=job.job_id, reason=reason)


def fail_unleased(database: Database, clock: Clock, owner: str, job: Job, fault: Exception) -> None:
    """Count the failure of a job that nothing else can be blamed for and nobody holds."""
    with database.write() as connection:
        leased = jobs.claim_one(
            connection, job.job_id, owner=owner, now=clock.now(), lease_s=LEASE_S
        )
    for each in leased:
        fail_or_leave(database, clock, each, fault)


def fail_or_leave(database: Database, clock: Clock, job: Job, fault: Exception) -> None:
    """Count the failure of a leased job; where that cannot be written, its lease runs out."""
    try:
        fail(database, clock, job, *judge(fault))
    except LeaseLost:
        _log.warning("job_lease_lost", kind=job.kind, job_id=job.job_id)
    except DBAPIError as unwritten:
        _log.warning("job_database_fault", kind=job.kind, fault=type(unwritten.orig).__name__)


def look_s(database: Database) -> float:
    """Give how late jobs are seen, in seconds, that another process stored."""
    return _LOOK_S.get(database.dialect, _LOOK_ALONE_S)


class Pace:
    """Spaces the units of work of one thread, so that what comes close together shares one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_s = clock.monotonic()

    def wait_s(self) -> float:
        """Give the seconds until the next may begin; 0 if it may now, and then it has begun."""
        now_s = self._clock.monotonic()
        if now_s < self._next_s:
            return self._next_s - now_s
        self._next_s = now_s + GATHER_S
        return 0.0

    def hurry(self) -> None:
        """Let the next begin at once: the last was full, so that waiting gathers nothing more."""
        self._next_s = self._clock.monotonic()
