"""The stored intentions of the room: decide, quote, expire, place, follow, take back.

Each handler is called again after a crash, possibly after it did its work: it looks at the state
first, and every answer of a shop is written with the end of the job in one commit. No unit of work
is open while a shop is asked.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.consent.service import WITHDRAWN_JOBS, Purpose
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.ingest.service import DECIDE
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock
from zodra_cloud.merchants import service as merchants
from zodra_cloud.merchants.port import Shop, ShopOrder
from zodra_cloud.replenish import asking, deciding, hooks, moves, ordering, repository, service
from zodra_cloud.replenish.after import cancelling, following
from zodra_cloud.replenish.agreements.contracts import cover_finder
from zodra_cloud.replenish.asking import AskAgain
from zodra_cloud.replenish.deciding import Unbound
from zodra_cloud.replenish.metering import foreseeing
from zodra_cloud.replenish.metering.learning import Learner
from zodra_cloud.replenish.models import At, Rules
from zodra_cloud.replenish.moves import (
    CANCEL_JOB,
    EXPIRE_JOB,
    FOLLOW_JOB,
    FOLLOW_UP_JOB,
    LATE_JOB,
    PLACE_JOB,
    QUOTE_JOB,
)
from zodra_cloud.replenish.ordering import Attempt
from zodra_cloud.replenish.quoting import AT_ONCE, Quoting, household, later, times
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.errands import Errands, do_alone
from zodra_cloud.store.jobs import Job
from zodra_cloud.store.runner import BatchHandler, Handler

_log: Final = structlog.get_logger("zodra_cloud.replenish")


def nobody(_connection: Connection, _signal: StoredSignal, _now: datetime) -> bool:
    """Take over no need without a bound product: every one is refused."""
    return False


class Replenisher:
    """The handlers of the room's jobs, and the listener to the shops' events.

    Args:
        database: where everything is.
        clock: for the instants of moves and waits.
        changes: tells the open pages.
        shop: where to order.
        rules: the limits.
        unbound: takes over needs whose slot is bound to nothing.
        quotes_at_once: how many prices are asked at the same time.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        changes: Changes,
        shop: Shop,
        rules: Rules,
        unbound: Unbound = nobody,
        quotes_at_once: int = AT_ONCE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._shop = shop
        self._rules = rules
        self._unbound = unbound
        self._quoting = Quoting(shop, clock, rules, self._at, quotes_at_once)
        hooks.on_cover(database, cover_finder(call_off_allowed=rules.call_off_allowed))

    def handlers(self) -> dict[str, Handler]:
        """Give the handlers by the kind of their job."""
        return {
            DECIDE: self._decide,
            QUOTE_JOB: do_alone(self._database, self._clock, self._quoting),
            EXPIRE_JOB: self._expire,
            PLACE_JOB: self._place,
            FOLLOW_JOB: self._follow,
            CANCEL_JOB: self._cancel,
            LATE_JOB: self._look_late,
            FOLLOW_UP_JOB: self._follow_up,
            foreseeing.FORECAST_JOB: self._forecast,
            WITHDRAWN_JOBS[Purpose.REPLENISH]: self._withdrawn,
            **Learner(self._database, self._clock).handlers(),
        }

    def batches(self) -> dict[str, BatchHandler]:
        """Give the handlers of kinds that are done many at a time."""
        return {DECIDE: self._decide_many}

    def errands(self) -> dict[str, Errands]:
        """Give what is done with kinds that ask somebody outside, many at a time."""
        return {QUOTE_JOB: self._quoting}

    def hear_event(self, told: ShopOrder, event_id: str, now: datetime) -> bool:
        """Take in a shop's event; see `merchants.service.OrderListener`."""
        with self._database.read() as connection:
            household_id = repository.household_of(connection, told.reference)
        if household_id is None:
            return False
        with self._database.write(household_id) as connection:
            if not merchants.is_new(connection, event_id, now):
                return True
            order = repository.order(connection, household_id, told.reference)
            if order is None or not ordering.agrees(order, told):
                _log.warning("shop_event_disagrees", order_key=told.reference)
                return order is not None
            moves.hear_shop(connection, order, told, "shop", self._at())
        return True

    def _decide(self, job: Job) -> None:
        household_id = household(job)
        key = (household_id, job.payload["signal_id"])
        with self._database.write(household_id) as connection:
            held = deciding.decide_many(connection, [key], self._unbound, self._at())
            if key in held:
                jobs.again(connection, job, held[key])
            else:
                jobs.finish(connection, job, self._clock.now())

    def _decide_many(self, connection: Connection, taken: Sequence[Job]) -> dict[int, datetime]:
        by_key = {(household(job), job.payload["signal_id"]): job.job_id for job in taken}
        held = deciding.decide_many(connection, list(by_key), self._unbound, self._at())
        return {by_key[key]: again_at for key, again_at in held.items()}

    def _expire(self, job: Job) -> None:
        household_id = household(job)
        with self._database.write(household_id) as connection:
            asking.expire(connection, household_id, job.payload["id"], self._at())
            jobs.finish(connection, job, self._clock.now())

    def _place(self, job: Job) -> None:
        household_id = household(job)
        with self._database.write(household_id) as connection:
            attempt = ordering.begin(
                connection, household_id, job.payload["id"], self._rules, self._at()
            )
            if not isinstance(attempt, Attempt):
                self._end(connection, job, attempt)
                return
        answer = ordering.ask_shop(self._shop, attempt)
        with self._database.write(household_id) as connection:
            again = ordering.hear(
                connection, attempt.order, answer, times(job), self._rules, self._at()
            )
            self._end(connection, job, again)

    def _follow(self, job: Job) -> None:
        household_id = household(job)
        with self._database.read() as connection:
            order = ordering.to_follow(connection, household_id, job.payload["id"])
        if order is None or order.shop_order_id is None:
            return
        answer = self._shop.order(order.shop_order_id)
        with self._database.write(household_id) as connection:
            again = ordering.hear_follow(connection, order, answer, times(job), self._at())
            self._end(connection, job, again)

    def _cancel(self, job: Job) -> None:
        household_id = household(job)
        with self._database.read() as connection:
            order = cancelling.to_cancel(connection, household_id, job.payload["id"])
        if order is None or order.shop_order_id is None:
            return
        answer = self._shop.cancel(order.shop_order_id)
        with self._database.write(household_id) as connection:
            again = cancelling.hear(connection, order, answer, times(job), self._at())
            self._end(connection, job, again)

    def _look_late(self, job: Job) -> None:
        household_id = household(job)
        with self._database.write(household_id) as connection:
            following.look_late(connection, household_id, job.payload["id"], self._at())
            jobs.finish(connection, job, self._clock.now())

    def _follow_up(self, job: Job) -> None:
        household_id = household(job)
        with self._database.write(household_id) as connection:
            due_at = following.follow_up_due(
                connection, household_id, job.payload["id"], self._at()
            )
            if due_at is None:
                jobs.finish(connection, job, self._clock.now())
            else:
                jobs.again(connection, job, due_at)

    def _forecast(self, job: Job) -> None:
        household_id = household(job)
        place = (household_id, job.payload["device_id"], job.payload["slot_key"])
        with self._database.write(household_id) as connection:
            due_at = foreseeing.foresee(connection, place, self._at())
            if due_at is None:
                jobs.finish(connection, job, self._clock.now())
            else:
                jobs.again(connection, job, due_at)

    def _withdrawn(self, job: Job) -> None:
        household_id = household(job)
        with self._database.write(household_id) as connection:
            service.take_back(
                connection,
                household_id,
                Purpose.REPLENISH,
                now=self._clock.now(),
                changes=self._changes,
            )
            jobs.finish(connection, job, self._clock.now())

    def _end(self, connection: Connection, job: Job, again: AskAgain | None) -> None:
        now = self._clock.now()
        if again is None:
            jobs.finish(connection, job, now)
            return
        back = later(job, again, self._at())
        jobs.again(connection, job, back.due_at, back.payload)

    def _at(self) -> At:
        return At(self._clock.now(), self._changes)
