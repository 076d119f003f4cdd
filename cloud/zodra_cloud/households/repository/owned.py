"""SQL of devices, their slots and their latest readings."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from zodra_cloud.households.models import Device, LatestReading, Metering, Slot
from zodra_cloud.households.repository.tables import devices, latest_readings, slots
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
)


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
    values = {
        "metering": slot.metering,
        "sku": slot.sku,
        "quantity": slot.quantity,
        "price_ceiling_minor": slot.price_ceiling_minor,
        "currency": slot.currency,
        "staleness_limit_s": slot.staleness_limit_s,
        "title": slot.title,
        "updated_at": now,
    }
    statement = insert_into(connection, slots).values(
        household_id=slot.household_id,
        device_id=slot.device_id,
        slot_key=slot.slot_key,
        **values,
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["household_id", "device_id", "slot_key"], set_=values
        )
    )


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
        household_id=row.household_id,
        device_id=row.device_id,
        slot_key=row.slot_key,
        metering=Metering(row.metering),
        sku=row.sku,
        quantity=row.quantity,
        price_ceiling_minor=row.price_ceiling_minor,
        currency=row.currency,
        staleness_limit_s=row.staleness_limit_s,
        title=row.title,
    )
