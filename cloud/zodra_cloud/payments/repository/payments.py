"""Rows of payments, their moves, and refunds."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from zodra_cloud.payments.models import OpenItem, PaymentStep, StoredPayment, StoredRefund
from zodra_cloud.payments.repository.tables import (
    mandates,
    payment_steps,
    payments,
    provider_events,
    refunds,
)
from zodra_cloud.payments.states import PaymentState, RefundState
from zodra_cloud.store.inserting import insert_new

ITEMS_MAX: Final = 1_000


def add_payment(connection: Connection, payment: StoredPayment) -> bool:
    """Store a new payment; False if the order has one."""
    return insert_new(connection, payments, asdict(payment))


def save_payment(connection: Connection, payment: StoredPayment) -> None:
    """Write a payment as it is now."""
    connection.execute(
        update(payments)
        .where(
            payments.c.household_id == payment.household_id,
            payments.c.order_key == payment.order_key,
        )
        .values(**asdict(payment))
    )


def payment(connection: Connection, household_id: str, order_key: str) -> StoredPayment | None:
    """Read the payment of an order; None if it is not paid through us."""
    row = connection.execute(
        select(*payments.c).where(
            payments.c.household_id == household_id, payments.c.order_key == order_key
        )
    ).first()
    return None if row is None else _payment(row)


def payment_named(connection: Connection, name: str) -> StoredPayment | None:
    """Read the payment of a provider's charge or link; its events name nothing else."""
    row = connection.execute(
        select(*payments.c).where(or_(payments.c.charge_id == name, payments.c.link_id == name))
    ).first()
    return None if row is None else _payment(row)


def payments_in(
    connection: Connection, household_id: str, states: Sequence[PaymentState], limit: int
) -> list[StoredPayment]:
    """Read a household's payments in some states, oldest first."""
    rows = connection.execute(
        select(*payments.c)
        .where(payments.c.household_id == household_id, payments.c.state.in_(states))
        .order_by(payments.c.created_at, payments.c.order_key)
        .limit(limit)
    )
    return [_payment(row) for row in rows]


def add_step(connection: Connection, payment: StoredPayment, event: str, detail: str) -> None:
    """Append one move, with the state and instant that the payment has now."""
    last = connection.execute(
        select(func.max(payment_steps.c.number)).where(
            payment_steps.c.household_id == payment.household_id,
            payment_steps.c.order_key == payment.order_key,
        )
    ).scalar()
    connection.execute(
        insert(payment_steps).values(
            household_id=payment.household_id,
            order_key=payment.order_key,
            number=(last or 0) + 1,
            event=event,
            state=payment.state,
            attempt=payment.attempt,
            detail=detail,
            at=payment.state_at,
        )
    )


def steps(connection: Connection, household_id: str, order_key: str) -> list[PaymentStep]:
    """Read the moves of a payment, in order."""
    rows = connection.execute(
        select(*payment_steps.c)
        .where(payment_steps.c.household_id == household_id, payment_steps.c.order_key == order_key)
        .order_by(payment_steps.c.number)
    )
    return [
        PaymentStep(row.number, row.event, PaymentState(row.state), row.attempt, row.detail, row.at)
        for row in rows
    ]


def add_refund(connection: Connection, refund: StoredRefund) -> bool:
    """Store a new refund; False if its key is there."""
    return insert_new(connection, refunds, asdict(refund))


def save_refund(connection: Connection, refund: StoredRefund) -> None:
    """Write a refund as it is now."""
    connection.execute(
        update(refunds)
        .where(
            refunds.c.household_id == refund.household_id,
            refunds.c.order_key == refund.order_key,
            refunds.c.refund_key == refund.refund_key,
        )
        .values(**asdict(refund))
    )


def refund(
    connection: Connection, household_id: str, order_key: str, refund_key: str
) -> StoredRefund | None:
    """Read one refund."""
    rows = refunds_of(connection, household_id, order_key)
    return next((each for each in rows if each.refund_key == refund_key), None)


def refunds_of(connection: Connection, household_id: str, order_key: str) -> list[StoredRefund]:
    """Read the refunds of an order, oldest first."""
    rows = connection.execute(
        select(*refunds.c)
        .where(refunds.c.household_id == household_id, refunds.c.order_key == order_key)
        .order_by(refunds.c.created_at, refunds.c.refund_key)
    )
    return [StoredRefund(**{**row._mapping, "state": RefundState(row.state)}) for row in rows]


def open_items(connection: Connection, before: datetime) -> list[OpenItem]:
    """Read what a person may have to look into, longest first; an operator's read.

    Args:
        connection: of a snapshot.
        before: what is unclear only since then is left alone; it mostly clears by itself.
    """
    found = [
        OpenItem(kind, *row)
        for kind, table, name, provider_id, needs_person in (
            (
                "payment",
                payments,
                payments.c.order_key,
                func.coalesce(payments.c.charge_id, payments.c.link_id),
                payments.c.state == PaymentState.UNPAID,
            ),
            (
                "refund",
                refunds,
                refunds.c.refund_key,
                refunds.c.refund_id,
                refunds.c.state == RefundState.FAILED,
            ),
            (
                "mandate",
                mandates,
                mandates.c.mandate_id,
                func.coalesce(mandates.c.method_id, mandates.c.link_id),
                None,
            ),
        )
        for row in _open_rows(connection, table, name, provider_id, needs_person, before)
    ]
    return sorted(found, key=lambda item: (item.since, item.name))


def _open_rows(
    connection: Connection,
    table: Any,
    name: Any,
    provider_id: Any,
    needs_person: ColumnElement[bool] | None,
    before: datetime,
) -> list[Any]:
    unclear = table.c.unclear_since <= before
    since = func.coalesce(table.c.unclear_since, table.c.state_at, type_=table.c.state_at.type)
    rows = connection.execute(
        select(table.c.household_id, name, table.c.state, table.c.reason, provider_id, since)
        .where(unclear if needs_person is None else or_(unclear, needs_person))
        .order_by(since, name)
        .limit(ITEMS_MAX)
    )
    return [tuple(row) for row in rows]


def take_event(connection: Connection, event_id: str, now: datetime) -> bool:
    """Remember an event; False if it is remembered already."""
    return insert_new(connection, provider_events, {"event_id": event_id, "taken_at": now})


def forget_events(connection: Connection, before: datetime) -> None:
    """Forget events that are too old to be accepted again."""
    connection.execute(delete(provider_events).where(provider_events.c.taken_at < before))


def _payment(row: Any) -> StoredPayment:
    return StoredPayment(**{**row._mapping, "state": PaymentState(row.state)})
