"""Decisions, quotes, orders and their history, and the events that shops sent.

Append-only: a migration that has been released is never edited.
"""

import sqlalchemy as sa
from alembic import op

from zodra_cloud.store.types import BigInt, Instant, Json

revision = "0002_replenish"
down_revision = "0001_core"
branch_labels = None
depends_on = None

_QUOTE_WAITS = sa.text("state IN ('question', 'requested', 'open')")
_ORDER_OPEN = sa.text(
    "state IN ('confirmed', 'submitting', 'unknown', 'needs_person', 'placed', 'shipped')"
)


def upgrade() -> None:
    """Create what is new."""
    _decisions()
    _quotes()
    _orders()
    _order_events()
    _merchant_events()


def _household_column() -> sa.Column[str]:
    return sa.Column(
        "household_id", sa.Text, sa.ForeignKey("households.household_id"), primary_key=True
    )


def _decisions() -> None:
    op.create_table(
        "decisions",
        _household_column(),
        sa.Column("signal_id", sa.Text, primary_key=True),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("policy_version", sa.Text, nullable=False),
        sa.Column("consent_id", BigInt),
        sa.Column("quote_id", sa.Text),
        sa.Column("follows", sa.Text),
        sa.Column("decided_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("ix_decisions_household_id_follows", "decisions", ["household_id", "follows"])


def _quotes() -> None:
    op.create_table(
        "quotes",
        _household_column(),
        sa.Column("quote_id", sa.Text, primary_key=True),
        sa.Column("signal_id", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("slot_key", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("order_key", sa.Text, nullable=False),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("price_ceiling_minor", BigInt),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text),
        sa.Column("snapshot", Json),
        sa.Column("snapshot_hash", sa.Text),
        sa.Column("expires_at", Instant),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("state_at", Instant, nullable=False),
        sa.Column("ended_by", sa.Text),
        sa.UniqueConstraint("household_id", "signal_id", "round"),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_quotes_waiting",
        "quotes",
        ["household_id", "device_id", "slot_key"],
        unique=True,
        sqlite_where=_QUOTE_WAITS,
        postgresql_where=_QUOTE_WAITS,
    )


def _orders() -> None:
    op.create_table(
        "orders",
        _household_column(),
        sa.Column("order_key", sa.Text, primary_key=True),
        sa.Column("quote_id", sa.Text, nullable=False),
        sa.Column("signal_id", sa.Text, nullable=False),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("slot_key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("total_minor", BigInt, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("snapshot_hash", sa.Text, nullable=False),
        sa.Column("confirmed_by", sa.Text, nullable=False),
        sa.Column("confirmed_at", Instant, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("shop_order_id", sa.Text),
        sa.Column("shop_revision", sa.Integer, nullable=False),
        sa.Column("delivery_from_at", Instant),
        sa.Column("delivery_to_at", Instant),
        sa.Column("carrier", sa.Text),
        sa.Column("tracking_url", sa.Text),
        sa.Column("unclear_since", Instant),
        sa.Column("state_at", Instant, nullable=False),
        sa.UniqueConstraint("order_key"),
        sa.UniqueConstraint("household_id", "quote_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_orders_household_id_signal_id", "orders", ["household_id", "signal_id"])
    op.create_index(
        "uq_orders_open",
        "orders",
        ["household_id", "device_id", "slot_key"],
        unique=True,
        sqlite_where=_ORDER_OPEN,
        postgresql_where=_ORDER_OPEN,
    )


def _order_events() -> None:
    op.create_table(
        "order_events",
        _household_column(),
        sa.Column("order_key", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sqlite_strict=True,
    )


def _merchant_events() -> None:
    op.create_table(
        "merchant_events",
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("taken_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("ix_merchant_events_taken_at", "merchant_events", ["taken_at"])
