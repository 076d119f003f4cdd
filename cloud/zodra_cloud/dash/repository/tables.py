"""The tables of the dash room."""

from typing import Final

from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    column,
    text,
)

from zodra_cloud.store.engine import metadata
from zodra_cloud.store.erasing import erasure
from zodra_cloud.store.types import Flag, Instant, Json

_OPEN: Final = text("ended_at IS NULL")


def _household() -> Column[str]:
    return Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True)


def _client(*, primary_key: bool = False) -> Column[str]:
    return Column(
        "client_id",
        Text,
        ForeignKey("oauth_clients.client_id"),
        primary_key=primary_key,
        nullable=False,
    )


makers: Final = Table(
    "dash_makers",
    metadata,
    _client(primary_key=True),
    Column("event_url", Text, nullable=True),
    Column("event_secret", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    sqlite_strict=True,
)

models: Final = Table(
    "dash_models",
    metadata,
    _client(primary_key=True),
    Column("model", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("slots", Json, nullable=False),
    Column("live", Flag, nullable=False),
    Column("updated_at", Instant, nullable=False),
    sqlite_strict=True,
)

customers: Final = Table(
    "dash_customers",
    metadata,
    _household(),
    _client(primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("customer_id"),
    sqlite_strict=True,
)

devices: Final = Table(
    "dash_devices",
    metadata,
    _household(),
    Column("device_id", Text, primary_key=True),
    _client(),
    Column("model", Text, nullable=False),
    Column("serial", Text, nullable=False),
    Column("is_test", Flag, nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("deregistered_at", Instant, nullable=True),
    Column("last_active_at", Instant, nullable=True),
    sqlite_strict=True,
)

slots: Final = Table(
    "dash_slots",
    metadata,
    _household(),
    Column("device_id", Text, primary_key=True),
    Column("slot_id", Text, primary_key=True),
    Column("sku", Text, nullable=True),
    Column("status", Json, nullable=True),
    Column("status_at", Instant, nullable=True),
    ForeignKeyConstraint(
        ["household_id", "device_id"], ["dash_devices.household_id", "dash_devices.device_id"]
    ),
    sqlite_strict=True,
)

events: Final = Table(
    "dash_events",
    metadata,
    _household(),
    Column("event_id", Text, primary_key=True),
    Column("device_id", Text, nullable=False),
    Column("slot_id", Text, nullable=False),
    Column("client_event_id", Text, nullable=True),
    Column("is_test", Flag, nullable=False),
    Column("detail_code", Text, nullable=False),
    Column("signal_id", Text, nullable=True),
    Column("sku", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("placed_at", Instant, nullable=True),
    Column("shipped_at", Instant, nullable=True),
    Column("cancelled_at", Instant, nullable=True),
    Column("ended_at", Instant, nullable=True),
    Column("delivery_at", Instant, nullable=True),
    UniqueConstraint("household_id", "device_id", "slot_id", "client_event_id"),
    Index("ix_dash_events_household_id_signal_id", "household_id", "signal_id"),
    # The one-open-order rule is the only idempotency that old firmware has: the database holds it.
    Index(
        "uq_dash_events_open",
        "household_id",
        "device_id",
        "slot_id",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    sqlite_strict=True,
)

notifications: Final = Table(
    "dash_notifications",
    metadata,
    _household(),
    Column("notification_id", Text, primary_key=True),
    _client(),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=True),
    Column("delivered_at", Instant, nullable=True),
    Column("dead_at", Instant, nullable=True),
    Index("ix_dash_notifications_created_at", "created_at"),
    info=erasure(
        open=lambda _now: column("delivered_at").is_(None) & column("dead_at").is_(None),
        what="notifications that a device maker has not taken yet; see `zodra-cloud dash"
        " notifications`",
    ),
    sqlite_strict=True,
)
