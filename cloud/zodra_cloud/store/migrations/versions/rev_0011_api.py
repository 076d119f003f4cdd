"""Access tokens of households' own software, answers kept for repeats, and what streams tell.

Append-only: a migration that has been released is never edited.
"""

import sqlalchemy as sa
from alembic import op

from zodra_cloud.store.types import BigInt, Instant, Json

revision = "0011_api"
down_revision = "0010_subscriptions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what is new."""
    op.create_table(
        "api_tokens",
        _household_column(),
        sa.Column("token_id", sa.Text, primary_key=True),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("revoked_at", Instant),
        sa.Column("last_used_at", Instant),
        sa.UniqueConstraint("token_hash"),
        sqlite_strict=True,
    )
    op.create_table(
        "api_answers",
        _household_column(),
        sa.Column("token_id", sa.Text, primary_key=True),
        sa.Column("idempotency_key", sa.Text, primary_key=True),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("headers", Json, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("answered_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("ix_api_answers_answered_at", "api_answers", ["household_id", "answered_at"])
    op.create_table(
        "api_events",
        _household_column(),
        sa.Column("number", BigInt, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("order_key", sa.Text),
        sa.Column("told", Json, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("ix_api_events_order", "api_events", ["household_id", "order_key", "number"])


def _household_column() -> sa.Column[str]:
    return sa.Column(
        "household_id", sa.Text, sa.ForeignKey("households.household_id"), primary_key=True
    )
