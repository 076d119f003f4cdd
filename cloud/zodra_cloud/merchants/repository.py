"""All SQL of the merchants room: which of the shops' events were taken in already."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, Connection, Index, Table, Text, delete
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from zodra_cloud.store.engine import metadata
from zodra_cloud.store.types import Instant

merchant_events: Final = Table(
    "merchant_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("taken_at", Instant, nullable=False),
    Index("ix_merchant_events_taken_at", "taken_at"),
    sqlite_strict=True,
)


def take(connection: Connection, event_id: str, now: datetime) -> bool:
    """Remember an event; False if it is remembered already."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    statement = (
        insert(merchant_events)
        .values(event_id=event_id, taken_at=now)
        .on_conflict_do_nothing()
        .returning(merchant_events.c.event_id)
    )
    return connection.execute(statement).first() is not None


def forget(connection: Connection, before: datetime) -> int:
    """Forget events that are too old to be accepted again."""
    return connection.execute(
        delete(merchant_events).where(merchant_events.c.taken_at < before)
    ).rowcount
