"""SQL of replenish calls."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from zodra_cloud.dash.models import DetailCode, Event
from zodra_cloud.dash.repository.tables import events


def add(connection: Connection, event: Event) -> None:
    """Store a call."""
    connection.execute(insert(events).values(**asdict(event)))


def save(connection: Connection, event: Event) -> None:
    """Write what of a call can change."""
    connection.execute(
        update(events)
        .where(events.c.household_id == event.household_id, events.c.event_id == event.event_id)
        .values(
            placed_at=event.placed_at,
            shipped_at=event.shipped_at,
            cancelled_at=event.cancelled_at,
            ended_at=event.ended_at,
            delivery_at=event.delivery_at,
        )
    )


def end_tests(
    connection: Connection, household_id: str, device_id: str, slot_id: str, now: datetime
) -> None:
    """End the test order of a slot without a word."""
    connection.execute(
        update(events)
        .where(
            *_slot(household_id, device_id, slot_id),
            events.c.is_test,
            events.c.ended_at.is_(None),
        )
        .values(ended_at=now)
    )


def event(connection: Connection, household_id: str, event_id: str) -> Event | None:
    """Read one call by its `eventInstanceId`."""
    return _first(connection, events.c.household_id == household_id, events.c.event_id == event_id)


def of_signal(connection: Connection, household_id: str, signal_id: str) -> Event | None:
    """Read the call that opened a need and has not ended."""
    return _first(
        connection,
        events.c.household_id == household_id,
        events.c.signal_id == signal_id,
        events.c.ended_at.is_(None),
    )


def named(
    connection: Connection, household_id: str, device_id: str, slot_id: str, client_event_id: str
) -> Event | None:
    """Read the call of a slot that the device gave this name."""
    return _first(
        connection,
        *_slot(household_id, device_id, slot_id),
        events.c.client_event_id == client_event_id,
    )


def open_on(
    connection: Connection, household_id: str, device_id: str, slot_id: str
) -> Event | None:
    """Read the one call of a slot that has not ended."""
    return _first(connection, *_slot(household_id, device_id, slot_id), events.c.ended_at.is_(None))


def last_on(
    connection: Connection, household_id: str, device_id: str, slot_id: str
) -> Event | None:
    """Read the newest call of a slot."""
    return _first(connection, *_slot(household_id, device_id, slot_id))


def _slot(household_id: str, device_id: str, slot_id: str) -> tuple[Any, ...]:
    return (
        events.c.household_id == household_id,
        events.c.device_id == device_id,
        events.c.slot_id == slot_id,
    )


def _first(connection: Connection, *conditions: Any) -> Event | None:
    row = connection.execute(
        select(*events.c)
        .where(*conditions)
        .order_by(events.c.made_at.desc(), events.c.event_id)
        .limit(1)
    ).first()
    if row is None:
        return None
    return Event(**{**row._mapping, "detail_code": DetailCode(row.detail_code)})
