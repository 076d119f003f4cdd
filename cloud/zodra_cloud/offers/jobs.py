"""The stored intentions of the room: decide a waiting moment again, expire, take back."""

from datetime import datetime

from sqlalchemy import Connection

from zodra_cloud.consent.service import WITHDRAWN_JOBS, Purpose
from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock
from zodra_cloud.offers import service
from zodra_cloud.offers.policy import Rules
from zodra_cloud.offers.service import DECIDE_AGAIN_JOB, EXPIRE_JOB
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job
from zodra_cloud.store.runner import Handler
from zodra_contract.outcome import SignalState


class OfferJobs:
    """The handlers of the room's jobs.

    Args:
        database: where everything is.
        clock: for the instants of decisions.
        changes: tells the open pages.
        rules: daily cap and quiet hours.
    """

    def __init__(self, *, database: Database, clock: Clock, changes: Changes, rules: Rules) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._rules = rules

    def handlers(self) -> dict[str, Handler]:
        """Give the handlers by the kind of their job."""
        return {
            DECIDE_AGAIN_JOB: self._decide_again,
            EXPIRE_JOB: self._expire,
            WITHDRAWN_JOBS[Purpose.OFFERS]: self._withdrawn,
        }

    def consider(self, connection: Connection, signal: StoredSignal, now: datetime) -> bool:
        """Take over a need whose slot is bound to nothing, if a campaign knows such a moment."""
        return service.consider(
            connection, signal, rules=self._rules, now=now, changes=self._changes
        )

    def _decide_again(self, job: Job) -> None:
        household_id, now = _household(job), self._clock.now()
        with self._database.write(household_id) as connection:
            signal = needs.signal(connection, household_id, job.payload["signal_id"])
            if signal.state is SignalState.RECEIVED:
                self.consider(connection, signal, now)
            jobs.finish(connection, job, now)

    def _expire(self, job: Job) -> None:
        household_id, now = _household(job), self._clock.now()
        with self._database.write(household_id) as connection:
            service.expire(
                connection, household_id, job.payload["id"], now=now, changes=self._changes
            )
            jobs.finish(connection, job, now)

    def _withdrawn(self, job: Job) -> None:
        household_id, now = _household(job), self._clock.now()
        with self._database.write(household_id) as connection:
            service.take_back(connection, household_id, now=now, changes=self._changes)
            jobs.finish(connection, job, now)


def _household(job: Job) -> str:
    if job.household_id is None:
        raise ValueError(f"job {job.key!r} names no household")
    return job.household_id
