"""The stored intentions of the room: pay, take before the hold lapses, give back, and mandates.

Each handler is called again after a crash, possibly after it did its work: it looks at the state
first, and what the provider says is written with the end of the job in one commit.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock
from zodra_cloud.payments import repository, service
from zodra_cloud.payments.asking import mandating, paying, refunding
from zodra_cloud.payments.asking.till import Heard, MovedOn, Till, Work
from zodra_cloud.payments.models import Rules
from zodra_cloud.payments.moves import (
    CAPTURE_BY_JOB,
    MANDATE_JOB,
    PAY_JOB,
    REFUND_JOB,
)
from zodra_cloud.payments.port import Provider
from zodra_cloud.payments.states import PaymentState
from zodra_cloud.payments.stripe.events import WINDOW
from zodra_cloud.replenish.models import At
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job
from zodra_cloud.store.runner import Handler

LOOK_AGAIN: Final = timedelta(hours=6)
"""How often an order is looked at whose hold is about to lapse and that no shop has yet."""
EVENTS_KEPT: Final = 4 * WINDOW
"""An event older than twice the window cannot pass the signature's check again."""


class Cashier:
    """The handlers of the room's jobs, and the listener to the provider's events.

    Args:
        database: where everything is.
        clock: for the instants of moves and waits.
        changes: tells the open pages.
        provider: who moves the money.
        rules: how households pay.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        changes: Changes,
        provider: Provider,
        rules: Rules,
    ) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._provider = provider
        self._rules = rules
        self._till = Till(provider, rules, self._remember)

    def close(self) -> None:
        """Close the connections to the provider."""
        self._provider.close()

    def handlers(self) -> dict[str, Handler]:
        """Give the handlers by the kind of their job."""
        return {
            PAY_JOB: self._pay,
            CAPTURE_BY_JOB: self._capture_by,
            REFUND_JOB: self._refund,
            MANDATE_JOB: self._mandate,
        }

    def hear_event(self, event_id: str, about: tuple[str, ...]) -> bool:
        """Look at once at what a provider's event names; False if it names nothing of ours."""
        now = self._clock.now()
        with self._database.read() as connection:
            household_id = service.household_named(connection, about)
        if household_id is None:
            return False
        with self._database.write(household_id) as connection:
            repository.forget_events(connection, now - EVENTS_KEPT)
            if repository.take_event(connection, event_id, now):
                service.look_at(connection, about, now)
        return True

    def _pay(self, job: Job) -> None:
        household_id = _household(job)
        with self._database.write(household_id) as connection:
            work = paying.begin(
                connection, household_id, job.payload["id"], self._rules, self._at()
            )
            if not isinstance(work, Work):
                self._end(connection, job, work, "")
                return
        heard = self._converse(work)
        with self._database.write(household_id) as connection:
            payment = work.payment
            if heard is None:
                due_at = paying.come_back_at(connection, payment, self._at())
            else:
                times = _times(job, payment.state.value)
                due_at = paying.hear(connection, work, heard, times, self._at())
            self._end(connection, job, due_at, payment.state.value)

    def _converse(self, work: Work) -> Heard | None:
        try:
            if work.payment.state is PaymentState.ACTION:
                return self._till.look_at_link(work, self._clock.now())
            if work.payment.state is PaymentState.CAPTURING:
                return self._till.capture(work)
            if work.payment.state is PaymentState.VOIDING:
                return self._till.void(work)
            return self._till.ask(work, self._clock.now())
        except MovedOn:
            return None

    def _remember(self, work: Work, payer_id: str | None, charge_id: str | None) -> Work:
        with self._database.write(work.payment.household_id) as connection:
            return paying.remember(connection, work, payer_id, charge_id, self._clock.now())

    def _capture_by(self, job: Job) -> None:
        household_id = _household(job)
        at = self._at()
        with self._database.write(household_id) as connection:
            waits = service.capture_before_it_lapses(
                connection, household_id, job.payload["id"], at
            )
            self._end(connection, job, at.now + LOOK_AGAIN if waits else None, "")

    def _refund(self, job: Job) -> None:
        household_id = _household(job)
        with self._database.write(household_id) as connection:
            begun = refunding.begin(connection, household_id, job.payload["id"], self._at())
            if not isinstance(begun, tuple):
                self._end(connection, job, begun, "")
                return
        refund, payment, again = begun

        def mark() -> None:
            with self._database.write(household_id) as connection:
                refunding.mark_asked(connection, refund, self._at())

        answer = refunding.ask(self._provider, refund, payment, again, mark, self._clock.now())
        with self._database.write(household_id) as connection:
            state = refund.state.value
            due_at = refunding.hear(connection, refund, answer, _times(job, state), self._at())
            self._end(connection, job, due_at, state)

    def _mandate(self, job: Job) -> None:
        household_id = _household(job)
        with self._database.write(household_id) as connection:
            work = mandating.begin(connection, household_id, job.payload["id"])
            if work is None:
                jobs.finish(connection, job, self._clock.now())
                return

        def remember(payer_id: str) -> str:
            with self._database.write(household_id) as connection:
                repository.save_payer(connection, household_id, payer_id, self._clock.now())
                return repository.payer(connection, household_id) or payer_id

        answer = mandating.ask(self._provider, work, self._rules, remember, self._clock.now())
        with self._database.write(household_id) as connection:
            state = work.mandate.state.value
            due_at = mandating.hear(
                connection, work.mandate, answer, _times(job, state), self._rules, self._at()
            )
            self._end(connection, job, due_at, state)

    def _end(self, connection: Connection, job: Job, due_at: datetime | None, asked: str) -> None:
        """End a job, or set when it comes back.

        Args:
            connection: of the unit of work that wrote what was heard.
            job: as claimed.
            due_at: when it comes back; None if it is done.
            asked: in which state the provider was asked; waits grow while it stays the same.
        """
        if due_at is None:
            jobs.finish(connection, job, self._clock.now())
            return
        payload: dict[str, Any] = {
            "id": job.payload["id"],
            "asked": asked,
            "times": _times(job, asked) + 1,
        }
        jobs.again(connection, job, due_at, payload)

    def _at(self) -> At:
        return At(self._clock.now(), self._changes)


def _household(job: Job) -> str:
    if job.household_id is None:
        raise ValueError(f"job {job.key!r} names no household")
    return job.household_id


def _times(job: Job, asked: str) -> int:
    times = job.payload.get("times", 0) if job.payload.get("asked") == asked else 0
    return times if isinstance(times, int) else 0
