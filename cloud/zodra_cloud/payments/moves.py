"""Every move of a payment, a refund or a mandate: one look-up, its rows and jobs, one commit.

All functions work inside the caller's unit of work, which must name the household.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.payments import hooks, repository
from zodra_cloud.payments.models import PaymentNews, StoredMandate, StoredPayment, StoredRefund
from zodra_cloud.payments.policy import CAPTURE_BY, refundable
from zodra_cloud.payments.states import (
    PAYMENT_BUSY,
    MandateEvent,
    MandateState,
    PaymentEvent,
    PaymentState,
    RefundEvent,
    RefundState,
    next_mandate_state,
    next_payment_state,
    next_refund_state,
)
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import At
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import after_commit
from zodra_contract.ids import derived_id

PAY_JOB: Final = "pay"
CAPTURE_BY_JOB: Final = "capture_by"
REFUND_JOB: Final = "refund"
MANDATE_JOB: Final = "mandate"

ORDER_ENDED: Final = "order_ended"
"""Cause of the refund of an order that will not be, after its money was taken."""

_NEWS: Final = {
    PaymentState.ACTION: PaymentNews.LINK,
    PaymentState.RETRYING: PaymentNews.NOT_NOW,
    PaymentState.AUTHORIZED: PaymentNews.AUTHORIZED,
    PaymentState.CAPTURED: PaymentNews.CAPTURED,
    PaymentState.VOIDED: PaymentNews.VOIDED,
    PaymentState.DECLINED: PaymentNews.DECLINED,
    PaymentState.EXPIRED: PaymentNews.EXPIRED,
    PaymentState.UNPAID: PaymentNews.UNPAID,
}

_log = structlog.get_logger("zodra_cloud.payments")


def attempt_key(payment: StoredPayment) -> str:
    """Derive the key of a payment's attempt: the order names it, on any machine."""
    return derived_id("pa", payment.household_id, payment.order_key, payment.attempt)


def payer_key(household_id: str) -> str:
    """Derive the key of the provider's record of a household, which says nothing about it."""
    return derived_id("py", household_id)


def refund_key(household_id: str, order_key: str, cause: str) -> str:
    """Derive the key of a refund: one for each cause."""
    return derived_id("rf", household_id, order_key, cause)


def job_key(kind: str, household_id: str, name: str) -> str:
    """Name the job of one kind about one thing."""
    return f"{kind}:{household_id}:{name}"


def wake(connection: Connection, kind: str, household_id: str, name: str, due_at: datetime) -> None:
    """Make sure that the job about one thing runs at an instant or before."""
    jobs.rearm(
        connection,
        kind=kind,
        key=job_key(kind, household_id, name),
        household_id=household_id,
        payload={"id": name},
        due_at=due_at,
    )


def hasten(connection: Connection, kind: str, household_id: str, name: str, now: datetime) -> None:
    """Run the job about one thing now, if it waits for later."""
    jobs.hasten(connection, job_key(kind, household_id, name), now)


def add_payment(connection: Connection, payment: StoredPayment) -> None:
    """Store the payment of a new order with the job that arranges it."""
    if repository.add_payment(connection, payment):
        due_at = payment.due_at or payment.created_at
        wake(connection, PAY_JOB, payment.household_id, payment.order_key, due_at)


def note(connection: Connection, payment: StoredPayment, **facts: Any) -> StoredPayment:
    """Write facts that are no move of its table."""
    noted = replace(payment, **facts)
    repository.save_payment(connection, noted)
    return noted


def move_payment(
    connection: Connection,
    payment: StoredPayment,
    event: PaymentEvent,
    at: At,
    *,
    reason: str = "",
    **facts: Any,
) -> StoredPayment:
    """Make one move of a payment, with its jobs, its record, and what its order waits for.

    Args:
        connection: of a unit of work that names the household.
        payment: as read in this unit of work.
        event: what happened.
        at: instant and pages.
        reason: a `PaymentRefusal`, a `PaymentFault`, or empty.
        facts: what is known beside the state; written with the move only.

    Returns:
        The payment as it is now; unchanged if its table has no such move.
    """
    state = next_payment_state(payment.state, event)
    if state is None:
        return payment
    clear: dict[str, Any] = {"due_at": None}
    if state is not PaymentState.UNKNOWN:
        clear["unclear_since"] = None
    known = {"state": state, "state_at": at.now, "reason": reason}
    moved = replace(payment, **{**clear, **known, **facts})
    repository.save_payment(connection, moved)
    repository.add_step(connection, moved, event.value, reason)
    name = (moved.household_id, moved.order_key)
    if state in PAYMENT_BUSY:
        wake(connection, PAY_JOB, *name, moved.due_at or at.now)
    if state is PaymentState.AUTHORIZED:
        wake(connection, CAPTURE_BY_JOB, *name, at.now + CAPTURE_BY)
    replenish.resume(connection, *name, now=at.now)
    after_commit(connection, lambda: _say(moved, at))
    if state in _NEWS:
        hooks.tell_payment(connection, moved, _NEWS[state], at)
    return _follow_wish(connection, moved, at)


def _follow_wish(connection: Connection, payment: StoredPayment, at: At) -> StoredPayment:
    """Do what was wished for while the provider was still being asked."""
    wanted = payment.capture_wanted_at is not None
    if payment.state is PaymentState.AUTHORIZED and wanted:
        return move_payment(connection, payment, PaymentEvent.WANT_CAPTURE, at)
    if payment.state is PaymentState.CAPTURED and payment.captured_at is not None and not wanted:
        want_refund(connection, payment, payment.amount_minor, ORDER_ENDED, at)
    return payment


def _say(payment: StoredPayment, at: At) -> None:
    _log.info(
        "payment_moved",
        state=payment.state.value,
        household_id=payment.household_id,
        order_key=payment.order_key,
        attempt=payment.attempt,
        reason=payment.reason,
    )
    at.changes.tell(payment.household_id)


def want_refund(
    connection: Connection, payment: StoredPayment, amount_minor: int, cause: str, at: At
) -> bool:
    """Store a refund with its job, once for each cause; False if that much cannot go back."""
    known = repository.refunds_of(connection, payment.household_id, payment.order_key)
    key = refund_key(payment.household_id, payment.order_key, cause)
    if any(each.refund_key == key for each in known):
        return True
    asked = sum(each.amount_minor for each in known if each.state is not RefundState.FAILED)
    if not refundable(payment.amount_minor, asked, amount_minor):
        return False
    repository.add_refund(
        connection,
        StoredRefund(
            household_id=payment.household_id,
            order_key=payment.order_key,
            refund_key=key,
            amount_minor=amount_minor,
            currency=payment.currency,
            state=RefundState.WANTED,
            reason=cause,
            refund_id=None,
            asked_at=None,
            unclear_since=None,
            created_at=at.now,
            state_at=at.now,
        ),
    )
    name = f"{payment.order_key}:{key}"
    wake(connection, REFUND_JOB, payment.household_id, name, at.now)
    return True


def move_refund(
    connection: Connection, refund: StoredRefund, event: RefundEvent, at: At, **facts: Any
) -> StoredRefund:
    """Make one move of a refund; money that went back is news of its order."""
    state = next_refund_state(refund.state, event)
    if state is None:
        return refund
    moved = replace(refund, state=state, state_at=at.now, **facts)
    repository.save_refund(connection, moved)
    _log.info(
        "refund_moved",
        state=state.value,
        household_id=refund.household_id,
        order_key=refund.order_key,
        reason=moved.reason,
    )
    if state is RefundState.REFUNDED:
        _tell_refunded(connection, moved, at)
    return moved


def _tell_refunded(connection: Connection, refund: StoredRefund, at: At) -> None:
    name = (refund.household_id, refund.order_key)
    total = sum(
        each.amount_minor
        for each in repository.refunds_of(connection, *name)
        if each.state is RefundState.REFUNDED
    )
    replenish.note_refund(connection, *name, refunded_minor=total, now=at.now, changes=at.changes)
    payment = repository.payment(connection, *name)
    if payment is not None:
        hooks.tell_payment(connection, payment, PaymentNews.REFUNDED, at)


def move_mandate(
    connection: Connection, mandate: StoredMandate, event: MandateEvent, at: At, **facts: Any
) -> StoredMandate:
    """Make one move of a mandate; a new one that is live takes the place of the old."""
    state = next_mandate_state(mandate.state, event)
    if state is None:
        return mandate
    if state is MandateState.LIVE:
        revoke_live(connection, mandate.household_id, at)
    moved = replace(mandate, **{"state": state, "state_at": at.now, "unclear_since": None, **facts})
    repository.save_mandate(connection, moved)
    tell_mandate(connection, moved, at)
    return moved


def revoke_live(connection: Connection, household_id: str, at: At) -> None:
    """End the mandate under which a household can be charged, if it has one."""
    live = repository.live_mandate(connection, household_id)
    if live is not None:
        move_mandate(connection, live, MandateEvent.WANT_REVOKE, at)


def tell_mandate(connection: Connection, mandate: StoredMandate, at: At) -> None:
    """Enqueue what a mandate needs next, and tell everybody who listens where it is."""
    if mandate.state in (MandateState.REQUESTED, MandateState.OPEN, MandateState.REVOKING):
        wake(connection, MANDATE_JOB, mandate.household_id, mandate.mandate_id, at.now)
    _log.info(
        "mandate_moved",
        state=mandate.state.value,
        household_id=mandate.household_id,
        mandate_id=mandate.mandate_id,
    )
    after_commit(connection, lambda: at.changes.tell(mandate.household_id))
    hooks.tell_mandate(connection, mandate, at)
