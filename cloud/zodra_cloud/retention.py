"""What is deleted after a time, daily: measurements, prices seen, letters that nobody owes.

Orders, their steps, proofs of what was shown, ledgers, confirmations and acknowledgements are not
touched: the law asks for them. A run deletes a bounded part, and goes on soon if there was more.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.channels import service as channels
from zodra_cloud.ingest import service as ingest
from zodra_cloud.kit.clock import Clock
from zodra_cloud.law import service as law
from zodra_cloud.settings import Retention
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job

JOB: Final = "retention"
EVERY: Final = timedelta(days=1)
GO_ON_AFTER: Final = timedelta(seconds=1)
"""Ten thousand readings a second go: more than a service on one machine can take in for ever."""
ROWS_MAX: Final = 10_000
"""Of one kind in one unit of work: a fraction of a second, so that no press waits for it."""

Forget = Callable[[Connection, datetime, int], int]

_log = structlog.get_logger("zodra_cloud.retention")


class Sweeper:
    """The handler of the daily job.

    Args:
        database: where everything is.
        clock: for the instants.
        kept: how many days of what are kept.
        rows_max: of one kind in one unit of work.
    """

    def __init__(
        self, database: Database, clock: Clock, kept: Retention, rows_max: int = ROWS_MAX
    ) -> None:
        self._database = database
        self._clock = clock
        self._rows_max = rows_max
        self._kinds: tuple[tuple[str, int, Forget], ...] = (
            ("telemetry", kept.telemetry_days, ingest.forget_telemetry),
            ("prices", kept.prices_days, law.forget_prices),
            ("letters", kept.letters_days, channels.forget_letters),
        )

    def begin(self) -> None:
        """Set the daily job, or leave the one that is set."""
        with self._database.write() as connection:
            jobs.rearm(
                connection,
                kind=JOB,
                key=JOB,
                household_id=None,
                payload={},
                due_at=self._clock.now() + EVERY,
            )

    def __call__(self, job: Job) -> None:
        """Delete what was kept long enough."""
        now, is_more = self._clock.now(), False
        for name, days, forget in self._kinds:
            with self._database.write() as connection:
                count = forget(connection, now - timedelta(days=days), self._rows_max)
            is_more = is_more or count == self._rows_max
            if count:
                _log.info("forgotten_by_age", kind=name, rows=count, days=days)
        with self._database.write() as connection:
            jobs.again(connection, job, now + (GO_ON_AFTER if is_more else EVERY))
