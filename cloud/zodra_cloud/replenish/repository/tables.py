"""Tables of the replenish room."""

from typing import Final

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    column,
    text,
)

from zodra_cloud.replenish.states import ORDER_OPEN
from zodra_cloud.store.engine import metadata
from zodra_cloud.store.erasing import EVERYTHING, GONE, erasure
from zodra_cloud.store.types import BigInt, Instant, Json, Real

_PLACE_GONE: Final = {"device_id": GONE, "slot_key": GONE}
_QUOTE_WAITS: Final = text("state IN ('question', 'requested', 'open')")
_AGREEMENT_LIVE: Final = text("state = 'live'")
_ORDER_OPEN: Final = text(
    "state IN ('confirmed', 'submitting', 'unknown', 'needs_person', 'placed', 'cancelling',"
    " 'shipped')"
)


def _household() -> Column[str]:
    return Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True)


decisions: Final = Table(
    "decisions",
    metadata,
    _household(),
    Column("signal_id", Text, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("consent_id", BigInt, nullable=True),
    Column("quote_id", Text, nullable=True),
    Column("follows", Text, nullable=True),
    Column("decided_at", Instant, nullable=False),
    Index("ix_decisions_household_id_follows", "household_id", "follows"),
    sqlite_strict=True,
)

quotes: Final = Table(
    "quotes",
    metadata,
    _household(),
    Column("quote_id", Text, primary_key=True),
    Column("signal_id", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("slot_key", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("order_key", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("price_ceiling_minor", BigInt, nullable=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("session_id", Text, nullable=True),
    Column("snapshot", Json, nullable=True),
    Column("snapshot_hash", Text, nullable=True),
    Column("expires_at", Instant, nullable=True),
    Column("created_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("ended_by", Text, nullable=True),
    Column("agreement_id", Text, nullable=True),
    UniqueConstraint("household_id", "signal_id", "round"),
    # A child that presses all afternoon gets one question: the database says so, not only code.
    Index(
        "uq_quotes_waiting",
        "household_id",
        "device_id",
        "slot_key",
        unique=True,
        sqlite_where=_QUOTE_WAITS,
        postgresql_where=_QUOTE_WAITS,
    ),
    info=erasure(kept=column("state") == "confirmed", cleared=_PLACE_GONE),
    sqlite_strict=True,
)

orders: Final = Table(
    "orders",
    metadata,
    _household(),
    Column("order_key", Text, primary_key=True),
    Column("quote_id", Text, nullable=False),
    Column("signal_id", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("slot_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("total_minor", BigInt, nullable=False),
    Column("currency", Text, nullable=False),
    Column("snapshot_hash", Text, nullable=False),
    Column("confirmed_by", Text, nullable=False),
    Column("confirmed_at", Instant, nullable=False),
    Column("label", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("shop_order_id", Text, nullable=True),
    Column("shop_revision", Integer, nullable=False),
    Column("delivery_from_at", Instant, nullable=True),
    Column("delivery_to_at", Instant, nullable=True),
    Column("carrier", Text, nullable=True),
    Column("tracking_url", Text, nullable=True),
    Column("unclear_since", Instant, nullable=True),
    Column("state_at", Instant, nullable=False),
    Column("agreement_id", Text, nullable=True),
    Column("place_at", Instant, nullable=True),
    Column("promised_to_at", Instant, nullable=True),
    Column("late_at", Instant, nullable=True),
    Column("delivered_at", Instant, nullable=True),
    Column("refunded_minor", BigInt, nullable=False, server_default="0"),
    Column("cancel_wanted_at", Instant, nullable=True),
    Column("cancel_wanted_by", Text, nullable=True),
    # The shop's events name the order only; its key is a digest, so it is unique among all.
    UniqueConstraint("order_key"),
    UniqueConstraint("household_id", "quote_id"),
    Index("ix_orders_household_id_signal_id", "household_id", "signal_id"),
    Index("ix_orders_slot", "household_id", "device_id", "slot_key", "confirmed_at"),
    Index(
        "uq_orders_open",
        "household_id",
        "device_id",
        "slot_key",
        unique=True,
        sqlite_where=_ORDER_OPEN,
        postgresql_where=_ORDER_OPEN,
    ),
    info=erasure(
        kept=EVERYTHING,
        cleared={**_PLACE_GONE, "carrier": None, "tracking_url": None},
        open=lambda _now: column("state").in_(sorted(ORDER_OPEN)),
        what="orders that are under way; each is delivered, cancelled or settled first",
    ),
    sqlite_strict=True,
)

order_events: Final = Table(
    "order_events",
    metadata,
    _household(),
    Column("order_key", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=True),
    Column("state", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", Instant, nullable=False),
    info=erasure(kept=EVERYTHING),
    sqlite_strict=True,
)

superseded_decisions: Final = Table(
    "superseded_decisions",
    metadata,
    _household(),
    Column("signal_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("consent_id", BigInt, nullable=True),
    Column("decided_at", Instant, nullable=False),
    sqlite_strict=True,
)

agreements: Final = Table(
    "agreements",
    metadata,
    _household(),
    Column("agreement_id", Text, primary_key=True),
    Column("device_id", Text, nullable=False),
    Column("slot_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("terms", Json, nullable=False),
    Column("terms_hash", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("concluded_by", Text, nullable=False),
    Column("concluded_at", Instant, nullable=False),
    Column("ended_by", Text, nullable=True),
    Column("ended_at", Instant, nullable=True),
    Index(
        "uq_agreements_live",
        "household_id",
        "device_id",
        "slot_key",
        unique=True,
        sqlite_where=_AGREEMENT_LIVE,
        postgresql_where=_AGREEMENT_LIVE,
    ),
    info=erasure(
        kept=EVERYTHING,
        cleared={**_PLACE_GONE, "state": "ended"},
        # What was agreed to and its hash stay; the hash is of the terms as they were shown.
        rewritten={
            "terms": lambda terms, pseudonym: {**terms, **_PLACE_GONE, "household_id": pseudonym}
        },
    ),
    sqlite_strict=True,
)

follow_ups: Final = Table(
    "follow_ups",
    metadata,
    _household(),
    Column("order_key", Text, primary_key=True),
    Column("device_id", Text, nullable=False),
    Column("slot_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("answer", Text, nullable=True),
    Column("answered_by", Text, nullable=True),
    Column("delivered_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
    sqlite_strict=True,
)

slot_readings: Final = Table(
    "slot_readings",
    metadata,
    _household(),
    Column("device_id", Text, primary_key=True),
    Column("slot_key", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("hour", BigInt, primary_key=True, autoincrement=False),
    Column("value", Real, nullable=False),
    Column("observed_at", Instant, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

slot_counts: Final = Table(
    "slot_counts",
    metadata,
    _household(),
    Column("device_id", Text, primary_key=True),
    Column("slot_key", Text, primary_key=True),
    Column("counted_at", Instant, primary_key=True, autoincrement=False),
    Column("units", Real, nullable=False),
    Column("source", Text, nullable=False),
    sqlite_strict=True,
)

slot_forecasts: Final = Table(
    "slot_forecasts",
    metadata,
    _household(),
    Column("device_id", Text, primary_key=True),
    Column("slot_key", Text, primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("signal_id", Text, nullable=True),
    Column("forecast", Json, nullable=False),
    sqlite_strict=True,
)

forecast_models: Final = Table(
    "forecast_models",
    metadata,
    Column("category_id", Text, primary_key=True),
    Column("format", Text, nullable=False),
    Column("households", Integer, nullable=False),
    Column("model", Json, nullable=False),
    Column("fitted_at", Instant, nullable=False),
    sqlite_strict=True,
)
"""What is typical of a product: sums over households, and nothing of any one of them."""

forecast_shares: Final = Table(
    "forecast_shares",
    metadata,
    _household(),
    Column("category_id", Text, primary_key=True),
    Index("ix_forecast_shares_category_id", "category_id"),
    sqlite_strict=True,
)
"""Whose history a stored model rests on, so that it can be fitted again without it."""
