"""What orders, pages and other rooms can do with payments; the provider is asked by jobs.

Every function works inside the caller's unit of work, opened as `Database.write(household_id)`.
`app` registers `on_order` and `gate` with `replenish.hooks` where payments are on. Money is held
before a shop is asked, and taken when it has sent the order (docs/payments.md says why).
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.kit.changes import Changes
from zodra_cloud.payments import moves, repository
from zodra_cloud.payments.hooks import on_mandate, on_payment
from zodra_cloud.payments.models import (
    OpenItem,
    PaymentNews,
    PaymentStep,
    RefundAnswer,
    StoredMandate,
    StoredPayment,
    StoredRefund,
)
from zodra_cloud.payments.policy import lets_place
from zodra_cloud.payments.states import (
    MandateEvent,
    MandateState,
    PaymentEvent,
    PaymentState,
    RefundState,
)
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.hooks import Go, Stop, Wait, WaitReason
from zodra_cloud.replenish.models import At, StoredOrder
from zodra_cloud.replenish.states import AT_SHOP, Ending, OrderNews
from zodra_contract.ids import derived_id

__all__ = [
    "OpenItem",
    "PaymentNews",
    "PaymentState",
    "RefundAnswer",
    "StoredMandate",
    "StoredPayment",
    "capture_before_it_lapses",
    "gate",
    "household_named",
    "links",
    "look_at",
    "mandates",
    "on_mandate",
    "on_order",
    "on_payment",
    "open_items",
    "pay_otherwise",
    "payer",
    "payment",
    "payments",
    "refund",
    "refunds",
    "request_mandate",
    "revoke_mandate",
    "settle",
    "steps",
]

SHOWN_MAX: Final = 100
OPEN_AFTER: Final = timedelta(minutes=15)
"""Unclear for less than that is no person's business yet."""

_log = structlog.get_logger("zodra_cloud.payments")


def on_order(connection: Connection, order: StoredOrder, news: OrderNews, at: At) -> None:
    """Take part in the moves of an order; see `replenish.hooks.OrderListener`."""
    if news is OrderNews.CONFIRMED:
        if order.total_minor > 0:
            moves.add_payment(connection, _new_payment(order, at))
        return
    found = repository.payment(connection, order.household_id, order.order_key)
    if found is None:
        # For nothing, or from before payments were switched on: the shop charges its own account.
        return
    if news is OrderNews.SHIPPED:
        _want_capture(connection, found, at)
    elif news in (OrderNews.FAILED, OrderNews.CANCELLED):
        _let_go(connection, found, at)


def gate(connection: Connection, order: StoredOrder, _at: At, /) -> Go | Wait | Stop:
    """Say whether a shop may be asked; see `replenish.hooks.Gate`."""
    found = repository.payment(connection, order.household_id, order.order_key)
    if found is None or lets_place(found.state):
        return Go()
    if found.state is PaymentState.EXPIRED:
        return Stop(Ending.PAYMENT_NOT_COMPLETED)
    if found.state in (PaymentState.DECLINED, PaymentState.VOIDED, PaymentState.UNPAID):
        return Stop(Ending.PAYMENT_DECLINED)
    waits_for_household = found.state is PaymentState.ACTION
    return Wait(WaitReason.PAYMENT_ACTION if waits_for_household else WaitReason.PAYMENT_PENDING)


def _new_payment(order: StoredOrder, at: At) -> StoredPayment:
    return StoredPayment(
        household_id=order.household_id,
        order_key=order.order_key,
        state=PaymentState.DUE,
        reason="",
        amount_minor=order.total_minor,
        currency=order.currency,
        language=order.language,
        attempt=0,
        by_link=False,
        charge_id=None,
        link_id=None,
        link_url=None,
        link_expires_at=None,
        mandate_id=None,
        failures=0,
        first_failed_at=None,
        # While the household can still take it back with one word, no bank is asked.
        due_at=order.place_at,
        capture_wanted_at=None,
        authorized_at=None,
        captured_at=None,
        unclear_since=None,
        created_at=at.now,
        state_at=at.now,
    )


def _want_capture(connection: Connection, found: StoredPayment, at: At) -> None:
    if found.capture_wanted_at is None:
        found = moves.note(connection, found, capture_wanted_at=at.now)
    moves.move_payment(connection, found, PaymentEvent.WANT_CAPTURE, at)


def _let_go(connection: Connection, found: StoredPayment, at: At) -> None:
    if found.state is PaymentState.CAPTURED:
        left = found.amount_minor - _going_back(connection, found)
        if left > 0:
            moves.want_refund(connection, found, left, moves.ORDER_ENDED, at)
        return
    # Also while it is being captured: then all of it goes back as soon as it is there.
    found = moves.note(connection, found, capture_wanted_at=None)
    moves.move_payment(connection, found, PaymentEvent.WANT_VOID, at)


def _going_back(connection: Connection, found: StoredPayment) -> int:
    known = repository.refunds_of(connection, found.household_id, found.order_key)
    return sum(each.amount_minor for each in known if each.state is not RefundState.FAILED)


def capture_before_it_lapses(
    connection: Connection, household_id: str, order_key: str, at: At
) -> bool:
    """Take what is held for an order that a shop has; True if it has to be looked at again."""
    found = repository.payment(connection, household_id, order_key)
    if found is None or found.state is not PaymentState.AUTHORIZED:
        return False
    if replenish.order(connection, household_id, order_key).order.state not in AT_SHOP:
        return True
    _want_capture(connection, found, at)
    return False


def refund(
    connection: Connection,
    household_id: str,
    order_key: str,
    *,
    amount_minor: int,
    cause: str,
    now: datetime,
    changes: Changes,
) -> RefundAnswer:
    """Give money back, once for each cause, as for a withdrawal; a repeat changes nothing.

    Args:
        connection: of the caller's unit of work.
        household_id: whose order it is.
        order_key: of the order.
        amount_minor: how much; at most what was taken and has not gone back.
        cause: names the reason, the same for every attempt, for example `withdrawal:1`.
        now: the instant.
        changes: tells the open pages.
    """
    found = repository.payment(connection, household_id, order_key)
    if found is None or found.state is not PaymentState.CAPTURED:
        return RefundAnswer.NO_PAYMENT
    key = moves.refund_key(household_id, order_key, cause)
    known = repository.refund(connection, household_id, order_key, key)
    if known is not None:
        same = known.amount_minor == amount_minor
        return RefundAnswer.WANTED if same else RefundAnswer.KEY_CONFLICT
    wanted = moves.want_refund(connection, found, amount_minor, cause, At(now, changes))
    return RefundAnswer.WANTED if wanted else RefundAnswer.TOO_MUCH


def pay_otherwise(
    connection: Connection, household_id: str, order_key: str, *, now: datetime, changes: Changes
) -> bool:
    """Let the household pay on the provider's page what its bank does not let us take.

    Returns:
        False if the payment is not one that a bank said no to.
    """
    found = repository.payment(connection, household_id, order_key)
    if found is None or found.state not in (PaymentState.RETRYING, PaymentState.UNPAID):
        return False
    at = At(now, changes)
    owed = found.capture_wanted_at or (now if found.state is PaymentState.UNPAID else None)
    moves.move_payment(
        connection, found, PaymentEvent.WANT_LINK, at, by_link=True, capture_wanted_at=owed
    )
    return True


def request_mandate(
    connection: Connection, household_id: str, *, language: str, now: datetime, changes: Changes
) -> StoredMandate:
    """Ask for a link on which the household lets us charge later; the open one if there is one."""
    waiting = (MandateState.REQUESTED, MandateState.OPEN)
    known = repository.mandates_of(connection, household_id, SHOWN_MAX)
    for each in known:
        if each.state in waiting:
            return each
    mandate = StoredMandate(
        household_id=household_id,
        mandate_id=derived_id("ma", household_id, len(known)),
        state=MandateState.REQUESTED,
        reason="",
        language=language,
        link_id=None,
        link_url=None,
        link_expires_at=None,
        method_id=None,
        unclear_since=None,
        created_at=now,
        state_at=now,
    )
    repository.add_mandate(connection, mandate)
    moves.tell_mandate(connection, mandate, At(now, changes))
    return mandate


def revoke_mandate(
    connection: Connection, household_id: str, *, now: datetime, changes: Changes
) -> int:
    """End every mandate of a household, also one it is just giving; gives how many."""
    at = At(now, changes)
    ended = 0
    for each in repository.mandates_of(connection, household_id, SHOWN_MAX):
        moved = moves.move_mandate(connection, each, MandateEvent.WANT_REVOKE, at)
        ended += moved.state is not each.state
    return ended


def settle(
    connection: Connection, household_id: str, order_key: str, *, now: datetime, changes: Changes
) -> bool:
    """Take an operator's word that nothing is held or taken for an order that will not be.

    Returns:
        False if the payment is not, or no longer, one that a person decides.
    """
    found = repository.payment(connection, household_id, order_key)
    if found is None:
        return False
    moved = moves.move_payment(connection, found, PaymentEvent.SETTLED, At(now, changes))
    return moved.state is not found.state


def household_named(connection: Connection, about: tuple[str, ...]) -> str | None:
    """Name the household of what a provider's event is about; None if it is none of ours."""
    for name in about:
        found = repository.payment_named(connection, name)
        if found is not None:
            return found.household_id
        mandate = repository.mandate_of_link(connection, name)
        if mandate is not None:
            return mandate.household_id
    return None


def look_at(connection: Connection, about: tuple[str, ...], now: datetime) -> None:
    """Ask the provider at once about what its event names."""
    for name in about:
        found = repository.payment_named(connection, name)
        if found is not None:
            moves.hasten(connection, moves.PAY_JOB, found.household_id, found.order_key, now)
        mandate = repository.mandate_of_link(connection, name)
        if mandate is not None:
            moves.hasten(
                connection, moves.MANDATE_JOB, mandate.household_id, mandate.mandate_id, now
            )


def payment(connection: Connection, household_id: str, order_key: str) -> StoredPayment | None:
    """Read how the payment of an order stands; None if it is not paid through us."""
    return repository.payment(connection, household_id, order_key)


def payments(
    connection: Connection,
    household_id: str,
    states: tuple[PaymentState, ...] = tuple(PaymentState),
) -> list[StoredPayment]:
    """Read a household's payments, oldest first."""
    return repository.payments_in(connection, household_id, states, SHOWN_MAX)


def links(connection: Connection, household_id: str) -> list[StoredPayment]:
    """Read the payments that wait for the household; each has its `link_url`."""
    return payments(connection, household_id, (PaymentState.ACTION,))


def steps(connection: Connection, household_id: str, order_key: str) -> list[PaymentStep]:
    """Read how a payment came to stand as it does."""
    return repository.steps(connection, household_id, order_key)


def refunds(connection: Connection, household_id: str, order_key: str) -> list[StoredRefund]:
    """Read what went back of an order, oldest first."""
    return repository.refunds_of(connection, household_id, order_key)


def payer(connection: Connection, household_id: str) -> str | None:
    """Give what the provider calls a household; None if it was never told of it."""
    return repository.payer(connection, household_id)


def mandates(connection: Connection, household_id: str) -> list[StoredMandate]:
    """Read a household's mandates, newest first."""
    return repository.mandates_of(connection, household_id, SHOWN_MAX)


def open_items(connection: Connection, now: datetime) -> list[OpenItem]:
    """Read what a person may have to look into; an operator's read."""
    return repository.open_items(connection, now - OPEN_AFTER)
