"""SQL of devices, their slots and their latest readings."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any, Final

from sqlalchemy import Connection, func, select

from zodra_cloud.households.models import Device, LatestReading, MayPress, Metering, Slot
from zodra_cloud.households.repository.tables import devices, latest_readings, slots
from zodra_cloud.store.among import among
from zodra_cloud.store.inserting import insert_into, insert_new

_SLOT: Final = (
    slots.c.household_id,
    slots.c.device_id,
    slots.c.slot_key,
    slots.c.metering,
    slots.c.sku,
    slots.c.quantity,
    slots.c.price_ceiling_minor,
    slots.c.currency,
    slots.c.staleness_limit_s,
    slots.c.title,
    slots.c.unit,
    slots.c.capacity_units,
    slots.c.reorder_units,
    slots.c.units_per_item,
    slots.c.cooldown_s,
    slots.c.spend_cap_minor,
    slots.c.quiet_from,
    slots.c.quiet_to,
    slots.c.may_press,
    slots.c.press_devices,
    slots.c.confirmers,
    slots.c.call_off,
)
_SLOT_KEY: Final = ("household_id", "device_id", "slot_key")


def add_device(
    connection: Connection,
    *,
    household_id: str,
    device_id: str,
    family: str,
    label: str,
    now: datetime,
) -> bool:
    """Add a device; False if the household has one of that id."""
    return insert_new(
        connection,
        devices,
        {
            "household_id": household_id,
            "device_id": device_id,
            "family": family,
            "label": label,
            "created_at": now,
        },
    )


def put_slot(connection: Connection, slot: Slot, now: datetime) -> None:
    """Add a slot or change what is bound to it."""
    given = asdict(slot)
    key = {name: given.pop(name) for name in _SLOT_KEY}
    values = {
        **given,
        "quiet_from": _written(slot.quiet_from),
        "quiet_to": _written(slot.quiet_to),
        "updated_at": now,
    }
    statement = insert_into(connection, slots).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=_SLOT_KEY, set_=values))


def slots_at(
    connection: Connection, places: Collection[tuple[str, str, str]]
) -> dict[tuple[str, str, str], Slot]:
    """Read the slots at several places: household, device and key of each."""
    rows = connection.execute(
        select(*_SLOT).where(
            among(connection, (slots.c.household_id, slots.c.device_id, slots.c.slot_key), places)
        )
    )
    return {(row.household_id, row.device_id, row.slot_key): _slot(row) for row in rows}


def device_slots(connection: Connection, household_id: str, device_id: str) -> list[Slot]:
    """Read the slots of one device."""
    rows = connection.execute(
        select(*_SLOT)
        .where(slots.c.household_id == household_id, slots.c.device_id == device_id)
        .order_by(slots.c.slot_key)
    )
    return [_slot(row) for row in rows]


def slot(connection: Connection, household_id: str, device_id: str, slot_key: str) -> Slot | None:
    """Read one slot."""
    row = connection.execute(
        select(*_SLOT).where(
            slots.c.household_id == household_id,
            slots.c.device_id == device_id,
            slots.c.slot_key == slot_key,
        )
    ).first()
    return None if row is None else _slot(row)


def metered_slots(connection: Connection, wanted: Collection[tuple[str, str]]) -> list[Slot]:
    """Read the slots of several devices that have a threshold of their own here."""
    rows = connection.execute(
        select(*_SLOT).where(
            among(connection, (slots.c.household_id, slots.c.device_id), wanted),
            slots.c.metering != Metering.PRESS,
            slots.c.reorder_units.is_not(None),
        )
    )
    return [_slot(row) for row in rows]


def bound_in_common(
    connection: Connection, at_least: int, limit: int
) -> list[tuple[Metering, str, str]]:
    """Read metering, unit and SKU of what is bound in many households, most first."""
    homes = func.count(slots.c.household_id.distinct())
    rows = connection.execute(
        select(slots.c.metering, slots.c.unit, slots.c.sku)
        .where(slots.c.sku.is_not(None))
        .group_by(slots.c.metering, slots.c.unit, slots.c.sku)
        .having(homes >= at_least)
        .order_by(homes.desc(), slots.c.metering, slots.c.unit, slots.c.sku)
        .limit(limit)
    )
    return [(Metering(row.metering), row.unit, row.sku) for row in rows]


def slots_bound(connection: Connection, to: tuple[Metering, str, str], limit: int) -> list[Slot]:
    """Read the slots of all households that are bound alike, by place."""
    metering, unit, sku = to
    rows = connection.execute(
        select(*_SLOT)
        .where(slots.c.sku == sku, slots.c.metering == metering, slots.c.unit == unit)
        .order_by(slots.c.household_id, slots.c.device_id, slots.c.slot_key)
        .limit(limit)
    )
    return [_slot(row) for row in rows]


def household_devices(connection: Connection, household_id: str) -> list[Device]:
    """Read the devices of a household with their slots and latest readings."""
    by_device: dict[str, list[Slot]] = defaultdict(list)
    for row in connection.execute(
        select(*_SLOT).where(slots.c.household_id == household_id).order_by(slots.c.slot_key)
    ):
        by_device[row.device_id].append(_slot(row))
    readings: dict[str, list[LatestReading]] = defaultdict(list)
    for reading in connection.execute(
        select(
            latest_readings.c.device_id,
            latest_readings.c.kind,
            latest_readings.c.value,
            latest_readings.c.observed_at,
        )
        .where(latest_readings.c.household_id == household_id)
        .order_by(latest_readings.c.kind)
    ):
        readings[reading.device_id].append(LatestReading(*reading[1:]))
    found = connection.execute(
        select(
            devices.c.household_id,
            devices.c.device_id,
            devices.c.family,
            devices.c.label,
            devices.c.last_heard_at,
        )
        .where(devices.c.household_id == household_id)
        .order_by(devices.c.device_id)
    )
    return [
        Device(*each, tuple(by_device[each.device_id]), tuple(readings[each.device_id]))
        for each in found
    ]


def device_ids(connection: Connection, household_ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """Read which devices these households have; for the ingest, which serves all of them."""
    wanted = list(household_ids)
    found: dict[str, set[str]] = {household_id: set() for household_id in wanted}
    for household_id, device_id in connection.execute(
        select(devices.c.household_id, devices.c.device_id).where(
            devices.c.household_id.in_(wanted)
        )
    ):
        found[household_id].add(device_id)
    return {household_id: frozenset(ids) for household_id, ids in found.items()}


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest value of one kind from one device, as a batch brought it."""

    household_id: str
    device_id: str
    kind: str
    value: float
    observed_ms: int


def note_heard(
    connection: Connection, heard_at: dict[tuple[str, str], int], latest: Iterable[Heard]
) -> None:
    """Move devices' last-heard instants (ms) and latest readings forward, never back.

    Raw statements: they run once per ingest transaction with hundreds of rows, in which building
    SQL expressions costs more than executing them.
    """
    sqlite = connection.dialect.name == "sqlite"
    mark = "?" if sqlite else "%s"
    connection.exec_driver_sql(
        f"UPDATE devices SET last_heard_at = {mark} WHERE household_id = {mark}"  # noqa: S608
        f" AND device_id = {mark} AND (last_heard_at IS NULL OR last_heard_at < {mark})",
        [(ms, household_id, device_id, ms) for (household_id, device_id), ms in heard_at.items()],
    )
    rows = [
        (each.household_id, each.device_id, each.kind, each.value, each.observed_ms)
        for each in latest
    ]
    if not rows:
        return
    connection.exec_driver_sql(
        "INSERT INTO latest_readings (household_id, device_id, kind, value, observed_at)"  # noqa: S608
        f" VALUES ({', '.join([mark] * 5)}) ON CONFLICT (household_id, device_id, kind) DO UPDATE"
        " SET value = excluded.value, observed_at = excluded.observed_at"
        " WHERE excluded.observed_at >= latest_readings.observed_at",
        rows,
    )


def _slot(row: Any) -> Slot:
    return Slot(
        **{
            **row._mapping,
            "metering": Metering(row.metering),
            "may_press": MayPress(row.may_press),
            "quiet_from": _read(row.quiet_from),
            "quiet_to": _read(row.quiet_to),
            "press_devices": tuple(row.press_devices),
            "confirmers": tuple(row.confirmers),
        }
    )


def _written(hour: time | None) -> str | None:
    return None if hour is None else hour.isoformat("minutes")


def _read(hour: str | None) -> time | None:
    return None if hour is None else time.fromisoformat(hour)
