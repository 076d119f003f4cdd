"""The tables of the ingest room."""

from typing import Final

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from zodra_cloud.store.engine import metadata
from zodra_cloud.store.erasing import erasure
from zodra_cloud.store.types import BigInt, Flag, Instant, Json, Real

buffers: Final = Table(
    "buffers",
    metadata,
    Column("buffer_no", BigInt, primary_key=True, autoincrement=True),
    Column("household_id", Text, ForeignKey("households.household_id"), nullable=False),
    Column("gateway_id", Text, ForeignKey("gateways.gateway_id"), nullable=False),
    Column("buffer_id", Text, nullable=False),
    Column("upto", BigInt, nullable=False),
    Column("ahead", Json, nullable=False),
    Column("rejected_count", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("gateway_id", "buffer_id"),
    sqlite_strict=True,
)

telemetry: Final = Table(
    "telemetry",
    metadata,
    Column("buffer_no", BigInt, primary_key=True, autoincrement=False),
    Column("sequence", BigInt, primary_key=True, autoincrement=False),
    Column("device_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Real, nullable=False),
    Column("observed_at", Instant, nullable=False),
    Column("error_ms", BigInt, nullable=False),
    Index("ix_telemetry_observed_at", "observed_at"),
    info=erasure(through=("buffers", "buffer_no")),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

need_signals: Final = Table(
    "need_signals",
    metadata,
    Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True),
    Column("signal_id", Text, primary_key=True),
    Column("gateway_id", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("slot_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("monotonic_ms", BigInt, nullable=False),
    Column("quality", Text, nullable=False),
    Column("error_ms", BigInt, nullable=False),
    Column("evidence", Json, nullable=False),
    Column("authenticated", Flag, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("round", Integer, nullable=False, server_default="1"),
    Index("ix_need_signals_household_id_occurred_at", "household_id", "occurred_at"),
    sqlite_strict=True,
)

rejected_rows: Final = Table(
    "rejected_rows",
    metadata,
    Column("buffer_no", BigInt, primary_key=True, autoincrement=False),
    Column("sequence", BigInt, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("rejected_at", Instant, nullable=False),
    info=erasure(through=("buffers", "buffer_no")),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

refusals: Final = Table(
    "refusals",
    metadata,
    Column("household_id", Text, primary_key=True),
    Column("gateway_id", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("count", BigInt, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("last_topic", Text, nullable=False),
    Column("last_bytes", BigInt, nullable=False),
    Column("last_sha256", Text, nullable=False),
    Column("last_detail", Text, nullable=False),
    sqlite_strict=True,
)
