"""A withdrawal from its declaration to the money: each move with its letter and its job."""

from dataclasses import replace
from typing import Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.channels import service as channels
from zodra_cloud.channels.service import Draft, LetterKind
from zodra_cloud.errors import UnknownThing
from zodra_cloud.law import letters, reading
from zodra_cloud.law.labels import Channel, Control, accepts
from zodra_cloud.law.models import Choice, Declared, NotDeclared, Withdrawal
from zodra_cloud.law.policy import withdrawing
from zodra_cloud.law.policy.withdrawing import (
    WITHDRAWAL_OPEN,
    NotPossible,
    Refusal,
    WithdrawalEvent,
    WithdrawalState,
)
from zodra_cloud.law.repository import withdrawals
from zodra_cloud.law.rules import Rules
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import At, CancelAnswer, StoredOrder
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import after_commit
from zodra_contract.ids import derived_id

REFUND_JOB: Final = "refund_withdrawal"

_BEFORE_SHIPPING: Final = frozenset(
    {
        OrderState.CONFIRMED,
        OrderState.SUBMITTING,
        OrderState.UNKNOWN,
        OrderState.NEEDS_PERSON,
        OrderState.PLACED,
        OrderState.CANCELLING,
    }
)

_log = structlog.get_logger("zodra_cloud.law")


def declare(
    connection: Connection,
    household_id: str,
    order_key: str,
    *,
    quantity: int,
    withdrawn_shown: int,
    label: str,
    language: str,
    person_id: str,
    rules: Rules,
    at: At,
    channel: Channel = Channel.WEB,
) -> Declared | NotDeclared:
    """Take the second step; see `law.service.withdraw`."""
    try:
        view = replenish.order(connection, household_id, order_key)
    except UnknownThing:
        return NotDeclared(NotPossible.UNKNOWN_ORDER)
    found = reading.choice(connection, view, rules, at.now)
    repeated = _repeated(found, quantity, withdrawn_shown)
    if repeated is not None:
        return Declared(repeated, letter_id(repeated))
    refusal = found.not_possible or withdrawing.judge_quantity(
        reading.standing_of(found), quantity, withdrawn_shown
    )
    if refusal is None and not accepts(Control.CONFIRM_WITHDRAWAL, language, label, channel):
        refusal = NotPossible.WRONG_LABEL
    if refusal is not None:
        return NotDeclared(refusal)
    statement = {
        "order_key": order_key,
        "sku": found.snapshot.sku,
        "title": found.snapshot.title(language),
        "quantity": quantity,
        "of_quantity": found.snapshot.quantity,
        "withdrawn_before": found.withdrawn,
        "label": label,
        "language": language,
        "channel": channel.value,
        "merchant": found.snapshot.merchant_name,
        "contact": found.email or "",
    }
    declared = _store(connection, found, statement, quantity, person_id, rules, at)
    return Declared(declared, letter_id(declared))


def _store(
    connection: Connection,
    found: Choice,
    statement: dict[str, object],
    quantity: int,
    person_id: str,
    rules: Rules,
    at: At,
) -> Withdrawal:
    order = found.order
    refund = withdrawing.refund_minor(
        total_minor=order.total_minor,
        goods_minor=found.snapshot.goods_minor,
        quantity=found.snapshot.quantity,
        withdrawn_before=found.withdrawn,
        quantity_now=quantity,
    )
    promised = sum(each.refund_minor for each in found.withdrawals if each.state in WITHDRAWAL_OPEN)
    left = max(0, order.total_minor - order.refunded_minor - promised)
    declared = Withdrawal(
        household_id=order.household_id,
        order_key=order.order_key,
        number=len(found.withdrawals) + 1,
        quantity=quantity,
        state=WithdrawalState.DECLARED,
        reason="",
        statement=statement,
        declared_by=person_id,
        declared_at=at.now,
        refund_minor=min(refund, left),
        currency=order.currency,
        refund_by_at=withdrawing.refund_by(
            at.now, None, may_wait_for_goods=rules.may_wait_for_goods
        ),
        acknowledged_at=None,
        goods_back_at=None,
        refunded_at=None,
        state_at=at.now,
    )
    withdrawals.add(connection, declared)
    _log.info("withdrawal_declared", **_named(declared), quantity=quantity)
    stopped = quantity == found.left and _stop(connection, order, person_id, at)
    if stopped or not rules.may_wait_for_goods:
        declared = move(connection, declared, WithdrawalEvent.NOTHING_TO_RETURN, rules, at)
    _acknowledge(connection, declared, language=str(statement["language"]), rules=rules, at=at)
    after_commit(connection, lambda: at.changes.tell(order.household_id))
    return declared


def _stop(connection: Connection, order: StoredOrder, person_id: str, at: At) -> bool:
    """Try to keep it from being sent at all; True if it is certain that it will not be."""
    if order.state not in _BEFORE_SHIPPING:
        return False
    answer = replenish.cancel(
        connection,
        order.household_id,
        order.order_key,
        person_id=person_id,
        now=at.now,
        changes=at.changes,
    )
    return answer is CancelAnswer.CANCELLED


def _acknowledge(
    connection: Connection, withdrawal: Withdrawal, *, language: str, rules: Rules, at: At
) -> None:
    view = replenish.order(connection, withdrawal.household_id, withdrawal.order_key)
    about = reading.subject(connection, view.order, rules, view.snapshot, language)
    channels.post(
        connection,
        Draft(
            household_id=withdrawal.household_id,
            kind=LetterKind.WITHDRAWAL,
            content=letters.acknowledgement(about, withdrawal),
            caused_at=withdrawal.declared_at,
            order_key=withdrawal.order_key,
            name=str(withdrawal.number),
        ),
        now=at.now,
        mail_on=rules.mail_on,
    )


def letter_id(withdrawal: Withdrawal) -> str:
    """Name the acknowledgement of a withdrawal."""
    return derived_id(
        "l",
        withdrawal.household_id,
        LetterKind.WITHDRAWAL,
        withdrawal.order_key,
        str(withdrawal.number),
    )


def move(
    connection: Connection,
    withdrawal: Withdrawal,
    event: WithdrawalEvent,
    rules: Rules,
    at: At,
    *,
    reason: str = "",
) -> Withdrawal:
    """Make one move of a withdrawal with its job; one that its table does not have does nothing."""
    state = withdrawing.next_state(withdrawal.state, event)
    if state is None:
        return withdrawal
    moved = replace(withdrawal, state=state, state_at=at.now, reason=reason)
    if state is WithdrawalState.REFUND_DUE:
        waited = event is not WithdrawalEvent.NOTHING_TO_RETURN
        free_at = at.now if waited else None
        moved = replace(
            moved,
            goods_back_at=free_at,
            refund_by_at=withdrawing.refund_by(
                moved.declared_at, free_at, may_wait_for_goods=rules.may_wait_for_goods
            ),
        )
        _enqueue(connection, moved, at)
    elif state is WithdrawalState.REFUNDED:
        moved = replace(moved, refunded_at=at.now)
    elif state is WithdrawalState.ACKNOWLEDGED:
        moved = replace(moved, acknowledged_at=at.now)
    withdrawals.save(connection, moved)
    _log.info("withdrawal_moved", **_named(moved), state=state.value, reason=reason)
    after_commit(connection, lambda: at.changes.tell(moved.household_id))
    return moved


def note_acknowledged(
    connection: Connection, household_id: str, order_key: str, letter: str, rules: Rules, at: At
) -> None:
    """Note that an acknowledgement is in the household's hands."""
    for each in withdrawals.of_order(connection, household_id, order_key):
        if letter_id(each) != letter or each.acknowledged_at is not None:
            continue
        moved = move(connection, each, WithdrawalEvent.ACKNOWLEDGED, rules, at)
        if moved == each:
            withdrawals.save(connection, replace(each, acknowledged_at=at.now))


def note_refunded(connection: Connection, order: StoredOrder, rules: Rules, at: At) -> None:
    """Note which withdrawals are paid out by what went back of an order so far."""
    covered = order.refunded_minor
    for each in withdrawals.of_order(connection, order.household_id, order.order_key):
        if each.state is WithdrawalState.REFUSED:
            continue
        covered -= each.refund_minor
        if covered >= 0 and each.state in WITHDRAWAL_OPEN:
            move(connection, each, WithdrawalEvent.REFUNDED, rules, at)


def note_stopped(connection: Connection, order: StoredOrder, rules: Rules, at: At) -> None:
    """Note that an order that was withdrawn from was never sent: there is nothing to return."""
    for each in withdrawals.of_order(connection, order.household_id, order.order_key):
        move(connection, each, WithdrawalEvent.NOTHING_TO_RETURN, rules, at)


def hear_of_goods(
    connection: Connection,
    household_id: str,
    order_key: str,
    event: WithdrawalEvent,
    rules: Rules,
    at: At,
    *,
    number: int | None = None,
    refusal: Refusal | None = None,
) -> bool:
    """Take the word that goods were sent, came back, or did not come back right.

    Args:
        connection: of a unit of work that names the household.
        household_id: whose order it is.
        order_key: of the order.
        event: what happened.
        rules: of the room.
        at: the instant, and whom to tell.
        number: of the withdrawal; all that are open if not given.
        refusal: why it is turned down, if it is.

    Returns:
        False if nothing changed.
    """
    changed = False
    for each in withdrawals.of_order(connection, household_id, order_key):
        if number is not None and each.number != number:
            continue
        reason = "" if refusal is None else refusal.value
        changed |= move(connection, each, event, rules, at, reason=reason) != each
    return changed


def paid_by_hand(
    connection: Connection, household_id: str, order_key: str, number: int, rules: Rules, at: At
) -> bool:
    """Take the operator's word that a refund was paid by another way, and write it down."""
    for each in withdrawals.of_order(connection, household_id, order_key):
        if each.number != number or each.state not in WITHDRAWAL_OPEN:
            continue
        order = replenish.order(connection, household_id, order_key).order
        replenish.note_refund(
            connection,
            household_id,
            order_key,
            refunded_minor=min(order.total_minor, order.refunded_minor + each.refund_minor),
            now=at.now,
            changes=at.changes,
        )
        # Where the room listens, that has moved it already, and this does nothing.
        move(connection, each, WithdrawalEvent.REFUNDED, rules, at, reason="by_hand")
        order = replenish.order(connection, household_id, order_key).order
        tell_refunded(connection, order, rules, at)
        return True
    return False


def tell_refunded(connection: Connection, order: StoredOrder, rules: Rules, at: At) -> None:
    """Write how much went back; more may come later, so each sum is a letter of its own."""
    content = letters.refunded(reading.subject(connection, order, rules))
    name = str(order.refunded_minor)
    kind = LetterKind.REFUNDED
    draft = Draft(order.household_id, kind, content, at.now, order.order_key, name)
    channels.post(connection, draft, now=at.now, mail_on=rules.mail_on)


def needs_person(connection: Connection, withdrawal: Withdrawal, reason: str, at: At) -> None:
    """Note why a refund does not go by itself; the operator sees it with its deadline."""
    withdrawals.save(connection, replace(withdrawal, reason=reason))
    _log.warning("refund_needs_person", **_named(withdrawal), reason=reason)
    after_commit(connection, lambda: at.changes.tell(withdrawal.household_id))


def _enqueue(connection: Connection, withdrawal: Withdrawal, at: At) -> None:
    name = f"{withdrawal.household_id}:{withdrawal.order_key}:{withdrawal.number}"
    jobs.enqueue(
        connection,
        kind=REFUND_JOB,
        key=f"{REFUND_JOB}:{name}",
        household_id=withdrawal.household_id,
        payload={"order_key": withdrawal.order_key, "number": withdrawal.number},
        due_at=at.now,
    )


def _repeated(found: Choice, quantity: int, withdrawn_shown: int) -> Withdrawal | None:
    """Find the withdrawal that the same form made before."""
    for each in found.withdrawals:
        same = (each.statement["withdrawn_before"], each.quantity) == (withdrawn_shown, quantity)
        if same and each.state is not WithdrawalState.REFUSED:
            return each
    return None


def _named(withdrawal: Withdrawal) -> dict[str, object]:
    return {
        "household_id": withdrawal.household_id,
        "order_key": withdrawal.order_key,
        "number": withdrawal.number,
    }
