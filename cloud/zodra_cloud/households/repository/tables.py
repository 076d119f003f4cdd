"""The tables of the households room."""

from typing import Final

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Integer, Table, Text

from zodra_cloud.store.engine import metadata
from zodra_cloud.store.erasing import erasure
from zodra_cloud.store.types import BigInt, Flag, Instant, Json, Real

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
    info=erasure(through=("people", "person_id")),
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
    info=erasure(through=("people", "person_id")),
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
    Column("title", Text, nullable=False, server_default=""),
    Column("unit", Text, nullable=False, server_default=""),
    Column("capacity_units", Real, nullable=True),
    Column("reorder_units", Real, nullable=True),
    Column("units_per_item", Real, nullable=True),
    Column("cooldown_s", Integer, nullable=False, server_default="0"),
    Column("spend_cap_minor", BigInt, nullable=True),
    Column("quiet_from", Text, nullable=True),
    Column("quiet_to", Text, nullable=True),
    Column("may_press", Text, nullable=False, server_default="anyone"),
    Column("press_devices", Json, nullable=False, server_default="[]"),
    Column("confirmers", Json, nullable=False, server_default="[]"),
    Column("call_off", Flag, nullable=False, server_default="0"),
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
