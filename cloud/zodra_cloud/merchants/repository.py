"""All SQL of the merchants room: which of the shops' events were taken in already."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, Connection, Index, Table, Text, delete

from zodra_cloud.store.engine import metadata
from zodra_cloud.store.inserting import insert_new
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
    return insert_new(connection, merchant_events, {"event_id": event_id, "taken_at": now})


def forget(connection: Connection, before: datetime) -> int:
    """Forget events that are too old to be accepted again."""
    return connection.execute(
        delete(merchant_events).where(merchant_events.c.taken_at < before)
    ).rowcount
