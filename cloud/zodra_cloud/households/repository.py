"""All SQL of the households room."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    Table,
    Text,
    insert,
    select,
    update,
)

from zodra_cloud.households.models import (
    Device,
    Household,
    LatestReading,
    Metering,
    Role,
    Session,
    Slot,
)
from zodra_cloud.store.engine import metadata
from zodra_cloud.store.inserting import insert_into, insert_new
from zodra_cloud.store.types import BigInt, Instant, Real

households: Final = Table(
    "households",
    metadata,
    Column("household_id", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    sqlite_strict=True,
)

people: Final = Table(
    "people",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("household_id", Text, ForeignKey("households.household_id"), nullable=True),
    Column("role", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    sqlite_strict=True,
)

sign_in_links: Final = Table(
    "sign_in_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.person_id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("redeemed_at", Instant, nullable=True),
    sqlite_strict=True,
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("session_hash", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.person_id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=True),
    sqlite_strict=True,
)

devices: Final = Table(
    "devices",
    metadata,
    Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True),
    Column("device_id", Text, primary_key=True),
    Column("family", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_heard_at", Instant, nullable=True),
    sqlite_strict=True,
)

slots: Final = Table(
    "slots",
    metadata,
    Column("household_id", Text, primary_key=True),
    Column("device_id", Text, primary_key=True),
    Column("slot_key", Text, primary_key=True),
    Column("metering", Text, nullable=False),
    Column("sku", Text, nullable=True),
    Column("quantity", Integer, nullable=False),
    Column("price_ceiling_minor", BigInt, nullable=True),
    Column("currency", Text, nullable=False),
    Column("staleness_limit_s", Integer, nullable=False),
    Column("updated_at", Instant, nullable=False),
    ForeignKeyConstraint(
        ["household_id", "device_id"], ["devices.household_id", "devices.device_id"]
    ),
    sqlite_strict=True,
)

latest_readings: Final = Table(
    "latest_readings",
    metadata,
    Column("household_id", Text, primary_key=True),
    Column("device_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("value", Real, nullable=False),
    Column("observed_at", Instant, nullable=False),
    ForeignKeyConstraint(
        ["household_id", "device_id"], ["devices.household_id", "devices.device_id"]
    ),
    sqlite_strict=True,
)

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
)


def add_household(connection: Connection, household: Household, now: datetime) -> bool:
    """Add one; False if its id is taken."""
    return insert_new(
        connection,
        households,
        {
            "household_id": household.household_id,
            "language": household.language,
            "time_zone": household.time_zone,
            "created_at": now,
        },
    )


def household(connection: Connection, household_id: str) -> Household | None:
    """Read one."""
    row = connection.execute(
        select(households.c.household_id, households.c.language, households.c.time_zone).where(
            households.c.household_id == household_id
        )
    ).first()
    return None if row is None else Household(*row)


def all_households(connection: Connection, limit: int) -> list[Household]:
    """Read every household, by id; an operator's read."""
    rows = connection.execute(
        select(households.c.household_id, households.c.language, households.c.time_zone)
        .order_by(households.c.household_id)
        .limit(limit)
    )
    return [Household(*row) for row in rows]


def add_person(
    connection: Connection,
    *,
    person_id: str,
    household_id: str | None,
    role: Role,
    language: str,
    now: datetime,
) -> bool:
    """Add a person; False if the id is taken: one derived from its household is there already."""
    return insert_new(
        connection,
        people,
        {
            "person_id": person_id,
            "household_id": household_id,
            "role": role,
            "language": language,
            "created_at": now,
        },
    )


def set_language(connection: Connection, person_id: str, language: str) -> None:
    """Store the language a person reads."""
    connection.execute(
        update(people).where(people.c.person_id == person_id).values(language=language)
    )


def add_link(
    connection: Connection, token_hash: str, person_id: str, now: datetime, expires_at: datetime
) -> None:
    """Store a one-time link by the hash of its token."""
    connection.execute(
        insert(sign_in_links).values(
            token_hash=token_hash, person_id=person_id, created_at=now, expires_at=expires_at
        )
    )


def take_link(connection: Connection, token_hash: str, now: datetime) -> str | None:
    """Use a link up, in one statement, so that of two clicks one wins; give whose it was."""
    taken: str | None = connection.execute(
        update(sign_in_links)
        .where(
            sign_in_links.c.token_hash == token_hash,
            sign_in_links.c.redeemed_at.is_(None),
            sign_in_links.c.expires_at > now,
        )
        .values(redeemed_at=now)
        .returning(sign_in_links.c.person_id)
    ).scalar()
    return taken


def add_session(
    connection: Connection, session_hash: str, person_id: str, now: datetime, expires_at: datetime
) -> None:
    """Store a session by the hash of its id."""
    connection.execute(
        insert(sessions).values(
            session_hash=session_hash, person_id=person_id, created_at=now, expires_at=expires_at
        )
    )


def session(connection: Connection, session_hash: str, now: datetime) -> Session | None:
    """Read a session that has neither ended nor expired."""
    row = connection.execute(
        select(
            sessions.c.session_hash,
            people.c.person_id,
            people.c.household_id,
            people.c.role,
            people.c.language,
            households.c.time_zone,
            sessions.c.expires_at,
        )
        .select_from(sessions.join(people).outerjoin(households))
        .where(
            sessions.c.session_hash == session_hash,
            sessions.c.ended_at.is_(None),
            sessions.c.expires_at > now,
        )
    ).first()
    if row is None:
        return None
    return Session(
        session_hash=row.session_hash,
        person_id=row.person_id,
        household_id=row.household_id,
        role=Role(row.role),
        language=row.language,
        time_zone=row.time_zone or "UTC",
        expires_at=row.expires_at,
    )


def end_session(connection: Connection, session_hash: str, now: datetime) -> None:
    """End a session; it stays in the table for the audit."""
    connection.execute(
        update(sessions)
        .where(sessions.c.session_hash == session_hash, sessions.c.ended_at.is_(None))
        .values(ended_at=now)
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
    )
