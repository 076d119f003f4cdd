"""What is written down of a payment before the provider is asked, and of what it said.

Every function works inside the caller's unit of work, which names the household.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.payments import moves, policy, repository
from zodra_cloud.payments.asking.till import Heard, MovedOn, Work
from zodra_cloud.payments.models import Rules, StoredMandate, StoredPayment
from zodra_cloud.payments.policy import Step
from zodra_cloud.payments.port import Charge, Link, PaymentFault, Unknown
from zodra_cloud.payments.states import (
    MandateEvent,
    MandateState,
    PaymentEvent,
    PaymentState,
)
from zodra_cloud.replenish.models import At
from zodra_contract.ids import derived_id

INTERRUPTED: Final = "interrupted"
"""Reason of a payment that was found `asking`: whoever asked did not live to hear."""

_ASKED: Final = (PaymentState.ASKING, PaymentState.UNKNOWN)
_WORKED_ON: Final = (PaymentState.ACTION, PaymentState.CAPTURING, PaymentState.VOIDING)


def begin(
    connection: Connection, household_id: str, order_key: str, rules: Rules, at: At
) -> Work | datetime | None:
    """Note that the provider is about to be asked.

    Returns:
        The work; when to come back, if it is not due; None if there is nothing to ask any more.
    """
    payment = repository.payment(connection, household_id, order_key)
    if payment is None:
        return None
    if payment.state in (PaymentState.DUE, PaymentState.RETRYING):
        if payment.due_at is not None and at.now < payment.due_at:
            return payment.due_at
        return _begin_attempt(connection, payment, rules, at)
    if payment.state in _ASKED:
        return _resume(connection, payment, rules, at)
    return _work(connection, payment) if payment.state in _WORKED_ON else None


def _begin_attempt(connection: Connection, payment: StoredPayment, rules: Rules, at: At) -> Work:
    live = repository.live_mandate(connection, payment.household_id)
    by_link = payment.by_link or live is None
    moved = moves.move_payment(
        connection,
        payment,
        PaymentEvent.ASK,
        at,
        attempt=payment.attempt + 1,
        by_link=by_link,
        charge_id=None,
        link_id=None,
        link_url=None,
        link_expires_at=at.now + rules.link_lifetime if by_link else None,
        mandate_id=None if by_link or live is None else live.mandate_id,
    )
    return replace(_work(connection, moved), first=True)


def _resume(connection: Connection, payment: StoredPayment, rules: Rules, at: At) -> Work:
    if payment.state is PaymentState.ASKING:
        payment = moves.move_payment(
            connection,
            payment,
            PaymentEvent.UNCLEAR,
            at,
            reason=INTERRUPTED,
            unclear_since=payment.unclear_since or at.now,
        )
    if payment.by_link:
        # Whatever page was made was never shown to anybody, so another one is safe.
        payment = moves.note(
            connection,
            payment,
            attempt=payment.attempt + 1,
            link_expires_at=at.now + rules.link_lifetime,
        )
    return _work(connection, payment)


def _work(connection: Connection, payment: StoredPayment) -> Work:
    household_id = payment.household_id
    if payment.mandate_id is None or payment.by_link:
        mandate = repository.live_mandate(connection, household_id)
    else:
        mandate = repository.mandate(connection, household_id, payment.mandate_id)
    return Work(payment, repository.payer(connection, household_id), mandate, first=False)


def remember(
    connection: Connection, work: Work, payer_id: str | None, charge_id: str | None, now: datetime
) -> Work:
    """Store what a conversation must not forget before it goes on. Raises `MovedOn`."""
    payment = _same_attempt(connection, work.payment)
    if payment is None or payment.state not in _ASKED:
        raise MovedOn
    if charge_id is not None and payment.charge_id not in (None, charge_id):
        # A worker that was taken for dead made another; only the one that is stored may ever hold
        # money, and whoever comes next asks about that.
        raise MovedOn
    if payer_id is not None:
        repository.save_payer(connection, payment.household_id, payer_id, now)
    if charge_id is not None:
        payment = moves.note(connection, payment, charge_id=charge_id)
    known = repository.payer(connection, payment.household_id)
    return replace(work, payment=payment, payer_id=known)


def hear(connection: Connection, work: Work, heard: Heard, times: int, at: At) -> datetime | None:
    """Take in what came of a conversation; give when the payment's job comes back."""
    payment = _same_attempt(connection, work.payment)
    if payment is None:
        return come_back_at(connection, work.payment, at)
    if payment.state is not work.payment.state:
        # It was wished otherwise meanwhile, as cancelled; that is begun at once.
        return come_back_at(connection, payment, at)
    answer = heard.answer
    if isinstance(answer, Link):
        payment = _hear_link(connection, payment, answer, at)
    elif isinstance(answer, Step) and (answer.event is not None or answer.to_link):
        payment = _hear_step(connection, payment, answer, heard.charge, at)
    elif payment.state is not PaymentState.ACTION or isinstance(answer, Unknown):
        return _hear_nothing(connection, payment, answer, times, at)
    elif payment.unclear_since is not None:
        payment = moves.note(connection, payment, unclear_since=None, reason="")
    return come_back_at(connection, payment, at)


def come_back_at(connection: Connection, payment: StoredPayment, at: At) -> datetime | None:
    """Give when the next step of a payment is ours; None if none is."""
    now_it_is = repository.payment(connection, payment.household_id, payment.order_key)
    if now_it_is is None:
        return None
    state = now_it_is.state
    if state in (PaymentState.DUE, PaymentState.RETRYING):
        return now_it_is.due_at or at.now
    if state is PaymentState.ACTION:
        return policy.look_at_link_at(now_it_is.link_expires_at, at.now)
    at_once = (*_ASKED, PaymentState.CAPTURING, PaymentState.VOIDING)
    return at.now if state in at_once else None


def _same_attempt(connection: Connection, asked: StoredPayment) -> StoredPayment | None:
    payment = repository.payment(connection, asked.household_id, asked.order_key)
    return payment if payment is not None and payment.attempt == asked.attempt else None


def _hear_nothing(
    connection: Connection, payment: StoredPayment, answer: Step | Unknown, times: int, at: At
) -> datetime:
    fault = answer.fault if isinstance(answer, Unknown) else PaymentFault.PROCESSING
    since = payment.unclear_since or at.now
    if payment.state is PaymentState.ASKING:
        moves.move_payment(
            connection,
            payment,
            PaymentEvent.UNCLEAR,
            at,
            reason=fault.value,
            unclear_since=since,
        )
    else:
        moves.note(connection, payment, reason=fault.value, unclear_since=since)
    return at.now + timedelta(seconds=policy.wait_s(times))


def _hear_link(connection: Connection, payment: StoredPayment, link: Link, at: At) -> StoredPayment:
    return moves.move_payment(
        connection,
        payment,
        PaymentEvent.APPROVAL_NEEDED,
        at,
        link_id=link.link_id,
        link_url=link.url,
    )


def _hear_step(
    connection: Connection, payment: StoredPayment, step: Step, charge: Charge | None, at: At
) -> StoredPayment:
    if step.ends_mandate and payment.mandate_id is not None:
        _end_mandate(connection, payment, step.reason, at)
    if step.to_link:
        return moves.move_payment(
            connection,
            payment,
            PaymentEvent.WANT_LINK,
            at,
            reason=step.reason,
            by_link=True,
            charge_id=None,
            mandate_id=None,
        )
    assert step.event is not None  # noqa: S101 - the caller looked
    if charge is not None and payment.by_link and step.event is PaymentEvent.HELD:
        _keep_mandate(connection, payment, charge, at)
    known = _FACTS.get(step.event)
    facts = {} if known is None else known(payment, step, at)
    if charge is not None:
        facts["charge_id"] = charge.charge_id
    moved = moves.move_payment(connection, payment, step.event, at, reason=step.reason, **facts)
    if moved.state is PaymentState.DUE and moved.capture_wanted_at is None:
        # The hold lapsed by itself while the order was being given up: nothing is left to take.
        return moves.move_payment(connection, moved, PaymentEvent.WANT_VOID, at)
    return moved


def _held(_payment: StoredPayment, _step: Step, at: At) -> dict[str, object]:
    return {"authorized_at": at.now, "link_url": None}


def _captured(payment: StoredPayment, _step: Step, at: At) -> dict[str, object]:
    # Taken without a wish for it: the provider's account is set so. The order goes on, paid.
    asked = payment.state in (*_ASKED, PaymentState.ACTION)
    wanted = at.now if asked else payment.capture_wanted_at
    return {"captured_at": at.now, "link_url": None, "capture_wanted_at": wanted}


def _not_now(payment: StoredPayment, step: Step, at: At) -> dict[str, object]:
    return {
        "failures": payment.failures + 1,
        "first_failed_at": payment.first_failed_at or at.now,
        "due_at": step.retry_at,
    }


def _lapsed(_payment: StoredPayment, _step: Step, _at: At) -> dict[str, object]:
    nothing = {"charge_id": None, "link_id": None, "authorized_at": None}
    return {**nothing, "by_link": False, "failures": 0, "first_failed_at": None}


def _closed(_payment: StoredPayment, _step: Step, _at: At) -> dict[str, object]:
    return {"link_url": None}


_FACTS: Final = {
    PaymentEvent.HELD: _held,
    PaymentEvent.CAPTURED: _captured,
    PaymentEvent.NOT_NOW: _not_now,
    PaymentEvent.LAPSED: _lapsed,
    PaymentEvent.EXPIRED: _closed,
    PaymentEvent.GIVE_UP: _closed,
    PaymentEvent.DECLINED: _closed,
    PaymentEvent.VOIDED: _closed,
}


def _end_mandate(connection: Connection, payment: StoredPayment, reason: str, at: At) -> None:
    mandate = repository.mandate(connection, payment.household_id, payment.mandate_id or "")
    if mandate is not None:
        moves.move_mandate(connection, mandate, MandateEvent.REFUSED, at, reason=reason)


def _keep_mandate(connection: Connection, payment: StoredPayment, charge: Charge, at: At) -> None:
    """Note the mandate that the household gave with its payment, if it has none."""
    household_id = payment.household_id
    kept = charge.method_id is not None and charge.method_kept
    if not kept or repository.live_mandate(connection, household_id) is not None:
        return
    mandate = StoredMandate(
        household_id=household_id,
        mandate_id=derived_id("ma", household_id, payment.order_key, payment.attempt),
        state=MandateState.LIVE,
        reason="",
        language=payment.language,
        link_id=None,
        link_url=None,
        link_expires_at=None,
        method_id=charge.method_id,
        unclear_since=None,
        created_at=at.now,
        state_at=at.now,
    )
    repository.add_mandate(connection, mandate)
    moves.tell_mandate(connection, mandate, at)
