"""The room's stored intentions: money that is owed after a withdrawal goes back."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock
from zodra_cloud.kit.money import Money
from zodra_cloud.law import declaring
from zodra_cloud.law.declaring import REFUND_JOB
from zodra_cloud.law.models import Withdrawal
from zodra_cloud.law.policy.withdrawing import WithdrawalEvent, WithdrawalState
from zodra_cloud.law.repository import withdrawals
from zodra_cloud.law.rules import RefundAnswer, Rules
from zodra_cloud.merchants.port import Refused, Shop, ShopFault, ShopRefund, Unknown
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import At, StoredOrder
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.jobs import Job
from zodra_cloud.store.runner import Handler
from zodra_contract.ids import derived_id

ASK_AGAIN_S: Final = 600.0
"""Of a shop that did not answer, and of money that is not taken yet."""


class Refunds:
    """The handler of `refund_withdrawal` jobs.

    Args:
        database: where everything is.
        clock: for instants and waits.
        changes: tells the open pages.
        shop: gives money back that no payment of ours took.
        rules: of the room.
    """

    def __init__(
        self, *, database: Database, clock: Clock, changes: Changes, shop: Shop, rules: Rules
    ) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._shop = shop
        self._rules = rules

    def handlers(self) -> dict[str, Handler]:
        """Give the handler by the kind of its job."""
        return {REFUND_JOB: self._refund}

    def _refund(self, job: Job) -> None:
        household_id, order_key = str(job.household_id), str(job.payload["order_key"])
        with self._database.write(household_id) as connection:
            known = withdrawals.of_order(connection, household_id, order_key)
            due = [each for each in known if each.number == job.payload["number"]]
            if not due or due[0].state is not WithdrawalState.REFUND_DUE:
                jobs.finish(connection, job, self._clock.now())
                return
            order = replenish.order(connection, household_id, order_key).order
            answer = self._ask_payments(connection, order, due[0])
            if answer is RefundAnswer.NOT_TAKEN_HERE and order.state is OrderState.CANCELLED:
                # The shop's own cancellation gives its money back.
                answer = RefundAnswer.NOTHING_TAKEN
            if answer is not RefundAnswer.NOT_TAKEN_HERE:
                self._hear(connection, job, due[0], answer)
                return
        self._ask_shop(job, order, due[0])

    def _ask_payments(
        self, connection: Connection, order: StoredOrder, due: Withdrawal
    ) -> RefundAnswer:
        if due.refund_minor == 0:
            return RefundAnswer.NOTHING_TAKEN
        return self._rules.refund(
            connection,
            order,
            amount_minor=due.refund_minor,
            cause=f"withdrawal:{due.number}",
            now=self._clock.now(),
            changes=self._changes,
        )

    def _hear(
        self, connection: Connection, job: Job, due: Withdrawal, answer: RefundAnswer
    ) -> None:
        at = At(self._clock.now(), self._changes)
        if answer is RefundAnswer.NOT_YET:
            jobs.again(connection, job, at.now + timedelta(seconds=ASK_AGAIN_S))
            return
        if answer is RefundAnswer.NOTHING_TAKEN:
            event, reason = WithdrawalEvent.REFUNDED, RefundAnswer.NOTHING_TAKEN.value
            declaring.move(connection, due, event, self._rules, at, reason=reason)
        elif answer is RefundAnswer.NEEDS_PERSON:
            declaring.needs_person(connection, due, answer.value, at)
        jobs.finish(connection, job, at.now)

    def _ask_shop(self, job: Job, order: StoredOrder, due: Withdrawal) -> None:
        """Ask the shop, with no unit of work open, and write its answer with the job's end."""
        answer: ShopRefund | Refused | Unknown
        if order.shop_order_id is None:
            answer = Unknown(ShopFault.INCONSISTENT)
        else:
            key = derived_id("r", due.household_id, due.order_key, due.number)
            amount = Money(due.refund_minor, due.currency)
            answer = self._shop.refund(order.shop_order_id, key, amount)
        with self._database.write(due.household_id) as connection:
            at = At(self._clock.now(), self._changes)
            if isinstance(answer, Unknown):
                jobs.again(connection, job, at.now + timedelta(seconds=ASK_AGAIN_S))
                return
            if isinstance(answer, Refused):
                declaring.needs_person(connection, due, answer.reason.value, at)
            else:
                now_order = replenish.order(connection, due.household_id, due.order_key).order
                replenish.note_refund(
                    connection,
                    due.household_id,
                    due.order_key,
                    refunded_minor=now_order.refunded_minor + due.refund_minor,
                    now=at.now,
                    changes=at.changes,
                )
            jobs.finish(connection, job, at.now)
