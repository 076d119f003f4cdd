"""Money back, once: a refund is looked for under its key before it is asked for again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.payments import moves, policy, repository
from zodra_cloud.payments.models import StoredPayment, StoredRefund
from zodra_cloud.payments.port import (
    PaymentRefusal,
    Provider,
    Refund,
    Refused,
    Unknown,
)
from zodra_cloud.payments.states import PaymentState, RefundEvent, RefundState
from zodra_cloud.replenish.models import At

_NO: Final = frozenset(
    {PaymentRefusal.NOT_REFUNDABLE, PaymentRefusal.INVALID, PaymentRefusal.WRONG_STATE}
)
_NONE: Final = Refused(PaymentRefusal.NOT_FOUND)


def begin(
    connection: Connection, household_id: str, name: str, at: At
) -> tuple[StoredRefund, StoredPayment, bool] | datetime | None:
    """Note that the provider is about to be asked for a refund.

    Returns:
        The refund, its payment, and whether the provider has to be searched first; when to come
        back; None if there is nothing to ask any more.
    """
    order_key, _, refund_key = name.partition(":")
    refund = repository.refund(connection, household_id, order_key, refund_key)
    payment = repository.payment(connection, household_id, order_key)
    if refund is None or payment is None:
        return None
    if refund.state not in (RefundState.WANTED, RefundState.ASKING):
        return None
    if payment.state is not PaymentState.CAPTURED or payment.charge_id is None:
        return at.now + timedelta(seconds=policy.LOOK_AT_LINK_S)
    again = refund.state is RefundState.ASKING
    if not again:
        refund = moves.move_refund(connection, refund, RefundEvent.ASK, at, asked_at=at.now)
    return refund, payment, again


def ask(
    provider: Provider,
    refund: StoredRefund,
    payment: StoredPayment,
    again: bool,
    mark: Callable[[], None],
    now: datetime,
) -> Refund | Refused | Unknown | None:
    """Ask for a refund; None where an earlier request may still be on its way.

    Args:
        provider: whom.
        refund: what goes back.
        payment: of which charge.
        again: somebody may have asked before.
        mark: stores the instant of a repeated request before it is made.
        now: the instant.
    """
    charge_id, key = payment.charge_id or "", refund.refund_key
    if again:
        found = provider.find_refund(charge_id, key)
        if found != _NONE:
            return found
        if refund.asked_at is not None and now - refund.asked_at < policy.STILL_ON_ITS_WAY:
            return None
        mark()
    answer = provider.refund(charge_id, key, refund.amount)
    if isinstance(answer, Refused) and answer.reason in _NO:
        found = provider.find_refund(charge_id, key)
        return answer if found == _NONE else found
    return answer


def mark_asked(connection: Connection, asked: StoredRefund, at: At) -> None:
    """Store that the provider is asked once more."""
    refund = repository.refund(connection, asked.household_id, asked.order_key, asked.refund_key)
    if refund is not None:
        repository.save_refund(connection, replace(refund, asked_at=at.now))


def hear(
    connection: Connection,
    asked: StoredRefund,
    answer: Refund | Refused | Unknown | None,
    times: int,
    at: At,
) -> datetime | None:
    """Take in what the provider said; give when to ask again, None once it is certain."""
    refund = repository.refund(connection, asked.household_id, asked.order_key, asked.refund_key)
    if refund is None or refund.state is not RefundState.ASKING:
        return None
    if isinstance(answer, Refund):
        event = RefundEvent.REFUSED if answer.failed else RefundEvent.REFUNDED
        if answer.amount != refund.amount:
            # Under our key, and not what we asked for: a person has to see it.
            event = RefundEvent.REFUSED
        moves.move_refund(
            connection, refund, event, at, refund_id=answer.refund_id, unclear_since=None
        )
        return None
    if isinstance(answer, Refused) and answer.reason in _NO:
        moves.move_refund(
            connection,
            refund,
            RefundEvent.REFUSED,
            at,
            reason=answer.reason.value,
            unclear_since=None,
        )
        return None
    fault = answer.fault.value if isinstance(answer, Unknown) else refund.reason
    if isinstance(answer, Refused):
        fault = answer.reason.value
    since = refund.unclear_since or at.now
    repository.save_refund(connection, replace(refund, unclear_since=since, reason=fault))
    wait = timedelta(seconds=policy.wait_s(times))
    return at.now + (policy.STILL_ON_ITS_WAY if answer is None else wait)
