"""Rows of orders and of the moves that they made."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    func,
    insert,
    or_,
    select,
    update,
)

from zodra_cloud.kit.money import Money
from zodra_cloud.replenish.models import OrderStep, StoredOrder, UnclearOrder
from zodra_cloud.replenish.repository.asking import Place
from zodra_cloud.replenish.repository.tables import order_events, orders, quotes
from zodra_cloud.replenish.states import NEVER_BOUGHT, ORDER_OPEN, OrderEvent, OrderState
from zodra_cloud.store.among import among
from zodra_cloud.store.paging import Before, older
from zodra_cloud.store.types import Instant

_COLUMNS: Final = tuple(column.name for column in orders.c)


def add_order(connection: Connection, order: StoredOrder) -> None:
    """Store a new order."""
    connection.execute(insert(orders).values(**_values(order)))


def save_order(connection: Connection, order: StoredOrder) -> None:
    """Write what of an order can change."""
    connection.execute(
        update(orders)
        .where(orders.c.household_id == order.household_id, orders.c.order_key == order.order_key)
        .values(**_values(order))
    )


def order(connection: Connection, household_id: str, order_key: str) -> StoredOrder | None:
    """Read one order."""
    row = connection.execute(
        select(*orders.c).where(
            orders.c.household_id == household_id, orders.c.order_key == order_key
        )
    ).first()
    return None if row is None else _order(row)


def household_of(connection: Connection, order_key: str) -> str | None:
    """Name the household of an order; for the shop's events, which name the order only."""
    return connection.execute(
        select(orders.c.household_id).where(orders.c.order_key == order_key)
    ).scalar()


def open_order(
    connection: Connection, household_id: str, device_id: str, slot_key: str
) -> StoredOrder | None:
    """Read the one order of a slot that has not ended."""
    row = connection.execute(
        select(*orders.c).where(
            orders.c.household_id == household_id,
            orders.c.device_id == device_id,
            orders.c.slot_key == slot_key,
            orders.c.state.in_(ORDER_OPEN),
        )
    ).first()
    return None if row is None else _order(row)


def open_order_keys(connection: Connection, places: Collection[Place]) -> dict[Place, str]:
    """Read the keys of the orders of several places that have not ended."""
    place = (orders.c.household_id, orders.c.device_id, orders.c.slot_key)
    rows = connection.execute(
        select(
            orders.c.household_id, orders.c.device_id, orders.c.slot_key, orders.c.order_key
        ).where(among(connection, place, places), orders.c.state.in_(ORDER_OPEN))
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def last_order_at(connection: Connection, place: Place) -> datetime | None:
    """Read when the slot's newest order was confirmed that counts."""
    return connection.execute(
        select(func.max(orders.c.confirmed_at, type_=Instant)).where(*_counted(place))
    ).scalar()


def spent(connection: Connection, place: Place, since: datetime, currency: str) -> Money | None:
    """Add up what the slot's orders since an instant cost, less what came back; None for nothing.

    An order in another currency than the slot's cannot be added, so it stands for the whole cap.
    """
    rows = connection.execute(
        select(orders.c.currency, func.sum(orders.c.total_minor - orders.c.refunded_minor))
        .where(*_counted(place), orders.c.confirmed_at >= since)
        .group_by(orders.c.currency)
    )
    sums = {row[0]: int(row[1]) for row in rows}
    other = next((each for each in sorted(sums) if each != currency), None)
    if other is not None:
        return Money(sums[other], other)
    return Money(sums[currency], currency) if currency in sums else None


def _counted(place: Place) -> tuple[ColumnElement[bool], ...]:
    return (
        orders.c.household_id == place[0],
        orders.c.device_id == place[1],
        orders.c.slot_key == place[2],
        orders.c.state.not_in(NEVER_BOUGHT),
    )


def orders_of(
    connection: Connection, household_id: str, signal_ids: Collection[str]
) -> dict[str, StoredOrder]:
    """Read the newest order of several needs, by signal."""
    rows = connection.execute(
        select(*orders.c)
        .where(orders.c.household_id == household_id, orders.c.signal_id.in_(signal_ids))
        .order_by(orders.c.confirmed_at, orders.c.order_key)
    )
    return {row.signal_id: _order(row) for row in rows}


def recent_orders(
    connection: Connection, household_id: str, limit: int, before: Before | None = None
) -> list[StoredOrder]:
    """Read the newest orders of a household, or those that follow in the list."""
    rows = connection.execute(
        select(*orders.c)
        .where(orders.c.household_id == household_id)
        .where(older(orders.c.confirmed_at, orders.c.order_key, before))
        .order_by(orders.c.confirmed_at.desc(), orders.c.order_key)
        .limit(limit)
    )
    return [_order(row) for row in rows]


def tally(connection: Connection, household_id: str | None) -> dict[str, dict[OrderState, int]]:
    """Count orders by household and state; of one household, or of all for an operator."""
    query = select(orders.c.household_id, orders.c.state, func.count()).group_by(
        orders.c.household_id, orders.c.state
    )
    if household_id is not None:
        query = query.where(orders.c.household_id == household_id)
    counts: dict[str, dict[OrderState, int]] = {}
    for household, state, count in connection.execute(query):
        counts.setdefault(household, {})[OrderState(state)] = count
    return counts


def unclear_orders(connection: Connection, limit: int) -> list[UnclearOrder]:
    """Read the orders that a person may have to look into, longest first; an operator's read.

    Those that may or may not be at the shop, and those that failed here and are there after all.
    """
    unsure = orders.c.state.in_((OrderState.UNKNOWN, OrderState.NEEDS_PERSON))
    there_after_all = and_(orders.c.state == OrderState.FAILED, orders.c.shop_order_id.is_not(None))
    since = func.coalesce(orders.c.unclear_since, orders.c.state_at, type_=Instant)
    rows = connection.execute(
        select(
            orders.c.household_id,
            orders.c.order_key,
            orders.c.state,
            orders.c.reason,
            since.label("unclear_since"),
            quotes.c.snapshot,
        )
        .join_from(
            orders,
            quotes,
            (orders.c.household_id == quotes.c.household_id)
            & (orders.c.quote_id == quotes.c.quote_id),
        )
        .where(or_(unsure, there_after_all))
        .order_by(since, orders.c.order_key)
        .limit(limit)
    )
    return [
        UnclearOrder(
            household_id=row.household_id,
            order_key=row.order_key,
            state=OrderState(row.state),
            fault=row.reason,
            unclear_since=row.unclear_since,
            merchant_id=row.snapshot["merchant_id"],
        )
        for row in rows
    ]


def add_step(
    connection: Connection,
    order: StoredOrder,
    event: OrderEvent | None,
    source: str,
    detail: str,
) -> None:
    """Append one move, with the state and instant that the order has now."""
    last = (
        select(func.coalesce(func.max(order_events.c.number), 0))
        .where(
            order_events.c.household_id == order.household_id,
            order_events.c.order_key == order.order_key,
        )
        .scalar_subquery()
    )
    connection.execute(
        insert(order_events).values(
            household_id=order.household_id,
            order_key=order.order_key,
            number=last + 1,
            event=event,
            state=order.state,
            source=source,
            detail=detail,
            at=order.state_at,
        )
    )


def steps(connection: Connection, household_id: str, order_key: str) -> list[OrderStep]:
    """Read the moves of an order, in order."""
    rows = connection.execute(
        select(
            order_events.c.number,
            order_events.c.event,
            order_events.c.state,
            order_events.c.source,
            order_events.c.detail,
            order_events.c.at,
        )
        .where(order_events.c.household_id == household_id, order_events.c.order_key == order_key)
        .order_by(order_events.c.number)
    )
    return [
        OrderStep(
            number=row.number,
            event=None if row.event is None else OrderEvent(row.event),
            state=OrderState(row.state),
            source=row.source,
            detail=row.detail,
            at=row.at,
        )
        for row in rows
    ]


def _order(row: Any) -> StoredOrder:
    return StoredOrder(**{**row._mapping, "state": OrderState(row.state)})


def _values(order: StoredOrder) -> dict[str, Any]:
    return {name: getattr(order, name) for name in _COLUMNS}
