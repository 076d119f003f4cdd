"""All SQL of the subscriptions room: the ledger, what is folded from it, and ladders of sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    Table,
    Text,
    UniqueConstraint,
    column,
    insert,
    select,
    text,
    update,
)

from zodra_cloud.store.engine import metadata
from zodra_cloud.store.erasing import erasure
from zodra_cloud.store.inserting import insert_into
from zodra_cloud.store.types import Instant, Json
from zodra_cloud.subscriptions.policy.ledger.states import LIVE, Kind, Status

_LIVE_TEXT: Final = text("status IN ('active', 'paused', 'leaving')")
_LIVE_NAMES: Final = sorted(each.value for each in LIVE)
_CONTRACT: Final = [
    Kind.OFFERED, Kind.JOINED, Kind.PRICE_ACCEPTED, Kind.CANCELLED, Kind.WITHDRAWN, Kind.ENDED
]  # fmt: skip
"""What proves a contract and its end; the ledger also holds what a household told of itself."""

subscriptions: Final = Table(
    "subscriptions",
    metadata,
    Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True),
    Column("subscription_id", Text, primary_key=True),
    Column("device_id", Text, nullable=False),
    Column("slot_key", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("events", Integer, nullable=False),
    Column("state", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
    # Two contracts for one slot would each order; the database says so, not only code.
    Index(
        "uq_subscriptions_live",
        "household_id",
        "device_id",
        "slot_key",
        unique=True,
        sqlite_where=_LIVE_TEXT,
        postgresql_where=_LIVE_TEXT,
    ),
    info=erasure(
        open=lambda _now: column("status").in_(_LIVE_NAMES),
        what="subscriptions that run; `zodra-cloud subscription cancel` ends one",
    ),
    sqlite_strict=True,
)

subscription_events: Final = Table(
    "subscription_events",
    metadata,
    Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True),
    Column("subscription_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("by_person", Text, nullable=True),
    Column("channel", Text, nullable=False),
    Column("command_key", Text, nullable=True),
    Column("command_hash", Text, nullable=True),
    Column("at", Instant, nullable=False),
    UniqueConstraint("household_id", "subscription_id", "command_key"),
    info=erasure(kept=column("kind").in_(_CONTRACT)),
    sqlite_strict=True,
)

size_ladders: Final = Table(
    "size_ladders",
    metadata,
    Column("ladder_id", Text, primary_key=True),
    Column("sizes", Json, nullable=False),
    Column("changed_at", Instant, nullable=False),
    sqlite_strict=True,
)


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """The row of one subscription: what was folded from its ledger."""

    household_id: str
    subscription_id: str
    device_id: str
    slot_key: str
    status: Status
    events: int
    """How many events it is folded from; the number of the last one."""
    state: Any
    created_at: datetime
    state_at: datetime


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One row of the ledger."""

    household_id: str
    subscription_id: str
    number: int
    kind: Kind
    facts: dict[str, Any]
    by_person: str | None
    channel: str
    command_key: str | None
    command_hash: str | None
    at: datetime


def _subscription(row: Row[Any]) -> StoredSubscription:
    values = row._asdict()
    return StoredSubscription(**{**values, "status": Status(values["status"])})


def _event(row: Row[Any]) -> StoredEvent:
    values = row._asdict()
    return StoredEvent(**{**values, "kind": Kind(values["kind"])})


def subscription(
    connection: Connection, household_id: str, subscription_id: str
) -> StoredSubscription | None:
    """Read one; None if the household has no such subscription."""
    row = connection.execute(
        select(subscriptions).where(
            subscriptions.c.household_id == household_id,
            subscriptions.c.subscription_id == subscription_id,
        )
    ).first()
    return None if row is None else _subscription(row)


def subscriptions_of(
    connection: Connection, household_id: str, limit: int
) -> list[StoredSubscription]:
    """Read a household's, the newest first."""
    rows = connection.execute(
        select(subscriptions)
        .where(subscriptions.c.household_id == household_id)
        .order_by(subscriptions.c.created_at.desc(), subscriptions.c.subscription_id)
        .limit(limit)
    )
    return [_subscription(row) for row in rows]


def live_at(
    connection: Connection, household_id: str, device_id: str, slot_key: str
) -> StoredSubscription | None:
    """Read the contract that stands for a slot; None if there is none."""
    row = connection.execute(
        select(subscriptions).where(
            subscriptions.c.household_id == household_id,
            subscriptions.c.device_id == device_id,
            subscriptions.c.slot_key == slot_key,
            subscriptions.c.status.in_(_LIVE_NAMES),
        )
    ).first()
    return None if row is None else _subscription(row)


def add_subscription(connection: Connection, added: StoredSubscription) -> None:
    """Store a new one."""
    connection.execute(insert(subscriptions).values(**_values(added)))


def save_subscription(connection: Connection, changed: StoredSubscription) -> None:
    """Write what the ledger folds to now."""
    values = _values(changed)
    key = ("household_id", "subscription_id")
    connection.execute(
        update(subscriptions)
        .where(*(subscriptions.c[name] == values.pop(name) for name in key))
        .values(**values)
    )


def _values(row: StoredSubscription) -> dict[str, Any]:
    return {
        "household_id": row.household_id,
        "subscription_id": row.subscription_id,
        "device_id": row.device_id,
        "slot_key": row.slot_key,
        "status": row.status.value,
        "events": row.events,
        "state": row.state,
        "created_at": row.created_at,
        "state_at": row.state_at,
    }


def add_events(connection: Connection, events: Sequence[StoredEvent]) -> None:
    """Append to the ledger; a number or command key that is there already is a fault."""
    connection.execute(
        insert(subscription_events),
        [
            {
                "household_id": each.household_id,
                "subscription_id": each.subscription_id,
                "number": each.number,
                "kind": each.kind.value,
                "facts": each.facts,
                "by_person": each.by_person,
                "channel": each.channel,
                "command_key": each.command_key,
                "command_hash": each.command_hash,
                "at": each.at,
            }
            for each in events
        ],
    )


def events(connection: Connection, household_id: str, subscription_id: str) -> list[StoredEvent]:
    """Read the whole ledger of one subscription, oldest first."""
    rows = connection.execute(
        select(subscription_events)
        .where(
            subscription_events.c.household_id == household_id,
            subscription_events.c.subscription_id == subscription_id,
        )
        .order_by(subscription_events.c.number)
    )
    return [_event(row) for row in rows]


def recent_events(
    connection: Connection, household_id: str, subscription_id: str, limit: int
) -> list[StoredEvent]:
    """Read the newest events of one subscription, newest first."""
    rows = connection.execute(
        select(subscription_events)
        .where(
            subscription_events.c.household_id == household_id,
            subscription_events.c.subscription_id == subscription_id,
        )
        .order_by(subscription_events.c.number.desc())
        .limit(limit)
    )
    return [_event(row) for row in rows]


def event(
    connection: Connection, household_id: str, subscription_id: str, number: int
) -> StoredEvent | None:
    """Read one event; None if the ledger has none of this number."""
    row = connection.execute(
        select(subscription_events).where(
            subscription_events.c.household_id == household_id,
            subscription_events.c.subscription_id == subscription_id,
            subscription_events.c.number == number,
        )
    ).first()
    return None if row is None else _event(row)


def event_of_command(
    connection: Connection, household_id: str, subscription_id: str, command_key: str
) -> StoredEvent | None:
    """Read what a command did; None if it did nothing yet."""
    row = connection.execute(
        select(subscription_events).where(
            subscription_events.c.household_id == household_id,
            subscription_events.c.subscription_id == subscription_id,
            subscription_events.c.command_key == command_key,
        )
    ).first()
    return None if row is None else _event(row)


def put_ladder(connection: Connection, ladder_id: str, sizes: Any, now: datetime) -> None:
    """Store a ladder of sizes, or replace it."""
    statement = insert_into(connection, size_ladders).values(
        ladder_id=ladder_id, sizes=sizes, changed_at=now
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["ladder_id"], set_={"sizes": sizes, "changed_at": now}
        )
    )


def ladders(connection: Connection, limit: int) -> dict[str, Any]:
    """Read the ladders of sizes, by id."""
    rows = connection.execute(
        select(size_ladders.c.ladder_id, size_ladders.c.sizes)
        .order_by(size_ladders.c.ladder_id)
        .limit(limit)
    )
    return {ladder_id: sizes for ladder_id, sizes in rows}
