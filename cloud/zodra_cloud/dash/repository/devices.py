"""SQL of makers, models, customers' pseudonyms, devices and their slots."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from zodra_cloud.dash.models import DashDevice, DashSlot, DeviceModel, Maker
from zodra_cloud.dash.repository.tables import customers, devices, makers, models, slots
from zodra_cloud.store.inserting import insert_into, insert_new


def add_maker(connection: Connection, maker: Maker, now: datetime) -> None:
    """Store where a maker hears what happened."""
    connection.execute(
        insert(makers).values(
            client_id=maker.client_id,
            event_url=maker.event_url,
            event_secret=maker.event_secret,
            created_at=now,
        )
    )


def set_event_url(connection: Connection, client_id: str, event_url: str | None) -> bool:
    """Change where a maker hears; False if there is no such maker."""
    changed = connection.execute(
        update(makers).where(makers.c.client_id == client_id).values(event_url=event_url)
    )
    return changed.rowcount == 1


def set_event_secret(connection: Connection, client_id: str, event_secret: str) -> bool:
    """Replace what signs a maker's notifications, as it is stored; False if there is no such."""
    changed = connection.execute(
        update(makers).where(makers.c.client_id == client_id).values(event_secret=event_secret)
    )
    return changed.rowcount == 1


def maker(connection: Connection, client_id: str) -> Maker | None:
    """Read one."""
    row = connection.execute(
        select(makers.c.client_id, makers.c.event_url, makers.c.event_secret).where(
            makers.c.client_id == client_id
        )
    ).first()
    return None if row is None else Maker(*row)


def put_model(connection: Connection, client_id: str, model: DeviceModel, now: datetime) -> None:
    """Add a device model or change what it is."""
    values = {
        "name": model.name,
        "slots": [slot.model_dump(mode="json") for slot in model.slots],
        "live": model.live,
        "updated_at": now,
    }
    statement = insert_into(connection, models).values(
        client_id=client_id, model=model.model, **values
    )
    connection.execute(
        statement.on_conflict_do_update(index_elements=["client_id", "model"], set_=values)
    )


def model(connection: Connection, client_id: str, name: str) -> DeviceModel | None:
    """Read one."""
    row = connection.execute(
        select(models.c.model, models.c.name, models.c.live, models.c.slots).where(
            models.c.client_id == client_id, models.c.model == name
        )
    ).first()
    return None if row is None else DeviceModel.model_validate(dict(row._mapping))


def customer_id(
    connection: Connection, household_id: str, client_id: str, drawn: str, now: datetime
) -> str:
    """Give the pseudonym under which a maker knows a household; `drawn` if it has none yet."""
    insert_new(
        connection,
        customers,
        {
            "household_id": household_id,
            "client_id": client_id,
            "customer_id": drawn,
            "created_at": now,
        },
    )
    found: str = connection.execute(
        select(customers.c.customer_id).where(
            customers.c.household_id == household_id, customers.c.client_id == client_id
        )
    ).scalar_one()
    return found


def put_device(connection: Connection, device: DashDevice) -> None:
    """Add a device, or register one anew that was there before."""
    values = {
        "is_test": device.is_test,
        "registered_at": device.registered_at,
        "deregistered_at": None,
    }
    statement = insert_into(connection, devices).values(
        household_id=device.household_id,
        device_id=device.device_id,
        client_id=device.client_id,
        model=device.model,
        serial=device.serial,
        **values,
    )
    connection.execute(
        statement.on_conflict_do_update(index_elements=["household_id", "device_id"], set_=values)
    )


def device(connection: Connection, household_id: str, device_id: str) -> DashDevice | None:
    """Read one, also if it was deregistered."""
    row = connection.execute(
        select(*devices.c).where(
            devices.c.household_id == household_id, devices.c.device_id == device_id
        )
    ).first()
    return None if row is None else DashDevice(**row._mapping)


def registered(connection: Connection, household_id: str) -> list[DashDevice]:
    """Read the registered devices of a household, oldest first."""
    rows = connection.execute(
        select(*devices.c)
        .where(devices.c.household_id == household_id, devices.c.deregistered_at.is_(None))
        .order_by(devices.c.registered_at, devices.c.device_id)
    )
    return [DashDevice(**row._mapping) for row in rows]


def deregister(connection: Connection, household_id: str, device_id: str, now: datetime) -> bool:
    """Note that a device is registered no more; False if it was not."""
    changed = connection.execute(
        update(devices)
        .where(
            devices.c.household_id == household_id,
            devices.c.device_id == device_id,
            devices.c.deregistered_at.is_(None),
        )
        .values(deregistered_at=now)
    )
    return changed.rowcount == 1


def note_active(
    connection: Connection, household_id: str, device_id: str, active_at: datetime
) -> None:
    """Write when a device was last in use."""
    connection.execute(
        update(devices)
        .where(devices.c.household_id == household_id, devices.c.device_id == device_id)
        .values(last_active_at=active_at)
    )


def put_slot(
    connection: Connection, household_id: str, device_id: str, slot_id: str, sku: str | None
) -> None:
    """Write what a household picked for a slot."""
    statement = insert_into(connection, slots).values(
        household_id=household_id, device_id=device_id, slot_id=slot_id, sku=sku
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["household_id", "device_id", "slot_id"], set_={"sku": sku}
        )
    )


def put_status(
    connection: Connection,
    household_id: str,
    device_id: str,
    slot_id: str,
    status: dict[str, Any],
    now: datetime,
) -> None:
    """Write what a device said about a slot."""
    values = {"status": status, "status_at": now}
    statement = insert_into(connection, slots).values(
        household_id=household_id, device_id=device_id, slot_id=slot_id, **values
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["household_id", "device_id", "slot_id"], set_=values
        )
    )


def slots_of(connection: Connection, household_id: str, device_id: str) -> dict[str, DashSlot]:
    """Read the slots of a device, by id."""
    rows = connection.execute(
        select(slots.c.slot_id, slots.c.sku, slots.c.status, slots.c.status_at)
        .where(slots.c.household_id == household_id, slots.c.device_id == device_id)
        .order_by(slots.c.slot_id)
    )
    return {row.slot_id: DashSlot(*row) for row in rows}
