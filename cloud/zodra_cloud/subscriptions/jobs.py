"""The timer of each subscription, as a job; called again after a crash, it does what is left."""

from datetime import datetime

from sqlalchemy import Connection

from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock
from zodra_cloud.merchants.port import Shop
from zodra_cloud.replenish import hooks
from zodra_cloud.replenish.models import At
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job
from zodra_cloud.store.runner import Handler
from zodra_cloud.subscriptions import cycles, moves, work
from zodra_cloud.subscriptions.models import Room, furnish


class SubscriptionJobs:
    """The room's handlers; making it also lets the room take part in the life of orders.

    Args:
        database: where everything is.
        clock: for the instants of steps and waits.
        changes: tells the open pages.
        shop: who is asked what a subscription costs.
        room: rules, who tells households, and who foresees.
    """

    def __init__(
        self, *, database: Database, clock: Clock, changes: Changes, shop: Shop, room: Room
    ) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._shop = shop
        furnish(database, room)
        hooks.on_cover(database, cycles.cover)
        hooks.on_order(database, cycles.on_order)
        hooks.on_quote(database, cycles.on_quote)

    def handlers(self) -> dict[str, Handler]:
        """Give the handlers by the kind of their job."""
        return {moves.TIMER: self._look, moves.TELL: self._tell}

    def _look(self, job: Job) -> None:
        if job.household_id is None:
            raise ValueError(f"job {job.key!r} names no household")
        with self._database.write(job.household_id) as connection:
            found = work.advance(connection, job.household_id, job.payload["id"], self._at())
            if not isinstance(found, work.Ask):
                self._end(connection, job, found)
                return
        answer = self._shop.quote(found.request, self._clock.now())
        with self._database.write(job.household_id) as connection:
            again_at = work.hear(connection, found, answer, self._at())
            # The steps that follow are the next look's, so that each commit is small.
            self._end(connection, job, again_at or self._clock.now())

    def _tell(self, job: Job) -> None:
        if job.household_id is None:
            raise ValueError(f"job {job.key!r} names no household")
        payload = job.payload
        with self._database.write(job.household_id) as connection:
            moves.tell(connection, job.household_id, payload["id"], payload["number"])
            jobs.finish(connection, job, self._clock.now())

    def _end(self, connection: Connection, job: Job, again_at: datetime | None) -> None:
        if again_at is None:
            jobs.finish(connection, job, self._clock.now())
        else:
            jobs.again(connection, job, again_at)

    def _at(self) -> At:
        return At(self._clock.now(), self._changes)
