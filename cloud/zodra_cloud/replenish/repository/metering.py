"""Rows of what slots said, of what was counted, and of the newest forecast."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, select

from zodra_cloud.replenish.metering.stock import Point
from zodra_cloud.replenish.repository.asking import Place
from zodra_cloud.replenish.repository.tables import (
    follow_ups,
    orders,
    slot_counts,
    slot_forecasts,
    slot_readings,
)
from zodra_cloud.replenish.states import NEVER_BOUGHT, Answer, OrderState
from zodra_cloud.store.inserting import insert_into
from zodra_cloud.store.types import to_ms

HOUR_MS: Final = 3_600_000
KEPT: Final = timedelta(days=400)
"""Readings of a year and a month: what was seen a year ago may come again."""
DELIVERIES_MAX: Final = 200

_PLACE: Final = ("household_id", "device_id", "slot_key")


@dataclass(frozen=True, slots=True)
class KeptForecast:
    """The newest forecast of a slot, and the need that it led to."""

    made_at: datetime
    cycle: int
    """Counts the needs that were opened for the slot."""
    signal_id: str | None
    forecast: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One order of a slot that counts."""

    confirmed_at: datetime
    delivered_at: datetime | None
    answer: Answer | None
    quote_id: str


def keep_readings(
    connection: Connection, rows: Iterable[tuple[Place, str, float, datetime]]
) -> None:
    """Keep the newest reading of each hour; a repeat or an older one changes nothing.

    Args:
        connection: of the caller's unit of work.
        rows: place, kind, value and instant of each.
    """
    newest: dict[tuple[Place, str, int], tuple[float, datetime]] = {}
    for place, kind, value, at in rows:
        key = (place, kind, to_ms(at) // HOUR_MS)
        if key not in newest or newest[key][1] <= at:
            newest[key] = (value, at)
    if not newest:
        return
    statement = insert_into(connection, slot_readings)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[*_PLACE, "kind", "hour"],
            set_={
                "value": statement.excluded.value,
                "observed_at": statement.excluded.observed_at,
            },
            where=statement.excluded.observed_at >= slot_readings.c.observed_at,
        ),
        [
            {
                **dict(zip(_PLACE, place, strict=True)),
                "kind": kind,
                "hour": hour,
                "value": value,
                "observed_at": at,
            }
            for (place, kind, hour), (value, at) in newest.items()
        ],
    )


def readings(connection: Connection, place: Place, kind: str, since: datetime) -> list[Point]:
    """Read what a slot said since an instant, oldest first."""
    rows = connection.execute(
        select(slot_readings.c.observed_at, slot_readings.c.value)
        .where(*_at(slot_readings, place), slot_readings.c.kind == kind)
        .where(slot_readings.c.observed_at >= since)
        .order_by(slot_readings.c.hour)
    )
    return [Point(*row) for row in rows]


def forget_readings_before(connection: Connection, place: Place, before: datetime) -> None:
    """Forget what a slot said long ago."""
    connection.execute(
        delete(slot_readings).where(
            *_at(slot_readings, place), slot_readings.c.observed_at < before
        )
    )


def add_count(
    connection: Connection, place: Place, units: float, source: str, at: datetime
) -> None:
    """Keep what somebody counted."""
    values = {"units": units, "source": source}
    connection.execute(
        insert_into(connection, slot_counts)
        .values(**dict(zip(_PLACE, place, strict=True)), counted_at=at, **values)
        .on_conflict_do_update(index_elements=[*_PLACE, "counted_at"], set_=values)
    )


def counts(connection: Connection, place: Place) -> list[Point]:
    """Read what was counted, oldest first."""
    rows = connection.execute(
        select(slot_counts.c.counted_at, slot_counts.c.units)
        .where(*_at(slot_counts, place))
        .order_by(slot_counts.c.counted_at)
    )
    return [Point(*row) for row in rows]


def deliveries(connection: Connection, place: Place) -> list[Delivery]:
    """Read the slot's newest orders that were bought, oldest first, with what was said of each."""
    rows = connection.execute(
        select(
            orders.c.confirmed_at,
            orders.c.delivered_at,
            follow_ups.c.answer,
            orders.c.quote_id,
        )
        .join_from(
            orders,
            follow_ups,
            (orders.c.household_id == follow_ups.c.household_id)
            & (orders.c.order_key == follow_ups.c.order_key),
            isouter=True,
        )
        .where(*_at(orders, place), orders.c.state.not_in(NEVER_BOUGHT))
        .where(orders.c.state != OrderState.CONFIRMED)
        .order_by(orders.c.confirmed_at.desc(), orders.c.order_key)
        .limit(DELIVERIES_MAX)
    )
    found = [
        Delivery(
            row.confirmed_at,
            row.delivered_at,
            None if row.answer is None else Answer(row.answer),
            row.quote_id,
        )
        for row in rows
    ]
    return found[::-1]


def kept_forecast(connection: Connection, place: Place) -> KeptForecast | None:
    """Read the newest forecast of a slot."""
    row = connection.execute(
        select(
            slot_forecasts.c.made_at,
            slot_forecasts.c.cycle,
            slot_forecasts.c.signal_id,
            slot_forecasts.c.forecast,
        ).where(*_at(slot_forecasts, place))
    ).first()
    return None if row is None else KeptForecast(*row)


def keep_forecast(connection: Connection, place: Place, kept: KeptForecast) -> None:
    """Keep the newest forecast of a slot in place of the one before."""
    values = {
        "made_at": kept.made_at,
        "cycle": kept.cycle,
        "signal_id": kept.signal_id,
        "forecast": kept.forecast,
    }
    connection.execute(
        insert_into(connection, slot_forecasts)
        .values(**dict(zip(_PLACE, place, strict=True)), **values)
        .on_conflict_do_update(index_elements=_PLACE, set_=values)
    )


def forget_metering(connection: Connection, household_id: str) -> None:
    """Forget readings, counts and forecasts of a household."""
    for table in (slot_readings, slot_counts, slot_forecasts):
        connection.execute(delete(table).where(table.c.household_id == household_id))


def forget_device_metering(connection: Connection, household_id: str, device_id: str) -> None:
    """Forget readings, counts and forecasts of one device."""
    for table in (slot_readings, slot_counts, slot_forecasts):
        connection.execute(
            delete(table).where(
                table.c.household_id == household_id, table.c.device_id == device_id
            )
        )


def _at(table: Any, place: Place) -> tuple[Any, ...]:
    return (
        table.c.household_id == place[0],
        table.c.device_id == place[1],
        table.c.slot_key == place[2],
    )
