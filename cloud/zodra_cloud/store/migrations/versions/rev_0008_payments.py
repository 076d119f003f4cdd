"""Payments: who pays, what is held, taken and given back, mandates, and the provider's events.

Append-only: a migration that has been released is never edited.
"""

import sqlalchemy as sa
from alembic import op

from zodra_cloud.store.types import BigInt, Flag, Instant

revision = "0008_payments"
down_revision = "0007_slots_agreements"
branch_labels = None
depends_on = None

_LIVE = sa.text("state = 'live'")


def upgrade() -> None:
    """Add the tables of the payments room."""
    _payers()
    _payments()
    _payment_steps()
    _refunds()
    _mandates()
    _provider_events()


def _household_column() -> sa.Column[str]:
    return sa.Column(
        "household_id", sa.Text, sa.ForeignKey("households.household_id"), primary_key=True
    )


def _payers() -> None:
    op.create_table(
        "payers",
        _household_column(),
        sa.Column("payer_id", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.UniqueConstraint("payer_id"),
        sqlite_strict=True,
    )


def _payments() -> None:
    op.create_table(
        "payments",
        _household_column(),
        sa.Column("order_key", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("by_link", Flag, nullable=False),
        sa.Column("charge_id", sa.Text),
        sa.Column("link_id", sa.Text),
        sa.Column("link_url", sa.Text),
        sa.Column("link_expires_at", Instant),
        sa.Column("mandate_id", sa.Text),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("first_failed_at", Instant),
        sa.Column("due_at", Instant),
        sa.Column("capture_wanted_at", Instant),
        sa.Column("authorized_at", Instant),
        sa.Column("captured_at", Instant),
        sa.Column("unclear_since", Instant),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("state_at", Instant, nullable=False),
        sa.UniqueConstraint("charge_id"),
        sa.UniqueConstraint("link_id"),
        sa.UniqueConstraint("order_key"),
        sqlite_strict=True,
    )


def _payment_steps() -> None:
    op.create_table(
        "payment_steps",
        _household_column(),
        sa.Column("order_key", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sqlite_strict=True,
    )


def _refunds() -> None:
    op.create_table(
        "refunds",
        _household_column(),
        sa.Column("order_key", sa.Text, primary_key=True),
        sa.Column("refund_key", sa.Text, primary_key=True),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("refund_id", sa.Text),
        sa.Column("asked_at", Instant),
        sa.Column("unclear_since", Instant),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("state_at", Instant, nullable=False),
        sa.UniqueConstraint("refund_id"),
        sqlite_strict=True,
    )


def _mandates() -> None:
    op.create_table(
        "mandates",
        _household_column(),
        sa.Column("mandate_id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("link_id", sa.Text),
        sa.Column("link_url", sa.Text),
        sa.Column("link_expires_at", Instant),
        sa.Column("method_id", sa.Text),
        sa.Column("unclear_since", Instant),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("state_at", Instant, nullable=False),
        sa.UniqueConstraint("link_id"),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_mandates_live",
        "mandates",
        ["household_id"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )


def _provider_events() -> None:
    op.create_table(
        "provider_events",
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("taken_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("ix_provider_events_taken_at", "provider_events", ["taken_at"])
