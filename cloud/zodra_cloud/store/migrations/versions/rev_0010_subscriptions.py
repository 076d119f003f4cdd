"""Subscriptions: a ledger of events, the state folded from it, and ladders of sizes.

Append-only: a migration that has been released is never edited.
"""

import sqlalchemy as sa
from alembic import op

from zodra_cloud.store.types import Instant, Json

revision = "0010_subscriptions"
down_revision = "0009_law"
branch_labels = None
depends_on = None

_LIVE = sa.text("status IN ('active', 'paused', 'leaving')")


def upgrade() -> None:
    """Add the tables of the room."""
    op.create_table(
        "subscriptions",
        sa.Column(
            "household_id", sa.Text, sa.ForeignKey("households.household_id"), primary_key=True
        ),
        sa.Column("subscription_id", sa.Text, primary_key=True),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("slot_key", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("state", Json, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("state_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_subscriptions_live",
        "subscriptions",
        ["household_id", "device_id", "slot_key"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.create_table(
        "subscription_events",
        sa.Column(
            "household_id", sa.Text, sa.ForeignKey("households.household_id"), primary_key=True
        ),
        sa.Column("subscription_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("by_person", sa.Text),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("command_key", sa.Text),
        sa.Column("command_hash", sa.Text),
        sa.Column("at", Instant, nullable=False),
        sa.UniqueConstraint("household_id", "subscription_id", "command_key"),
        sqlite_strict=True,
    )
    op.create_table(
        "size_ladders",
        sa.Column("ladder_id", sa.Text, primary_key=True),
        sa.Column("sizes", Json, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sqlite_strict=True,
    )
