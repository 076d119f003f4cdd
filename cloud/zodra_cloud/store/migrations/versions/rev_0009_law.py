"""Letters to households, prices as they were seen, proofs of what was shown, withdrawals.

Append-only: a migration that has been released is never edited.
"""

import sqlalchemy as sa
from alembic import op

from zodra_cloud.store.types import BigInt, Instant, Json

revision = "0009_law"
down_revision = "0008_payments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what is new."""
    _letters()
    _prices()
    _proofs()
    _withdrawals()


def _household_column() -> sa.Column[str]:
    return sa.Column(
        "household_id", sa.Text, sa.ForeignKey("households.household_id"), primary_key=True
    )


def _letters() -> None:
    op.create_table(
        "contacts",
        _household_column(),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.Column("set_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "letters",
        _household_column(),
        sa.Column("letter_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("order_key", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("content_sha256", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("unsure", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("caused_at", Instant, nullable=False),
        sa.Column("state_at", Instant, nullable=False),
        sa.Column("accepted_at", Instant),
        sa.Column("accepted_for", sa.Text),
        sa.Column("fetched_at", Instant),
        sqlite_strict=True,
    )
    op.create_index("ix_letters_order", "letters", ["household_id", "order_key"])
    op.create_index("ix_letters_state", "letters", ["state", "caused_at"])


def _prices() -> None:
    op.create_table(
        "prices",
        sa.Column("merchant_id", sa.Text, primary_key=True),
        sa.Column("sku", sa.Text, primary_key=True),
        sa.Column("currency", sa.Text, primary_key=True),
        sa.Column("observed_at", Instant, primary_key=True, autoincrement=False),
        sa.Column("unit_price_minor", BigInt, primary_key=True, autoincrement=False),
        sa.Column("source", sa.Text, nullable=False),
        sqlite_strict=True,
    )


def _proofs() -> None:
    op.create_table(
        "proofs",
        _household_column(),
        sa.Column("order_key", sa.Text, primary_key=True),
        sa.Column("shown", Json, nullable=False),
        sa.Column("shown_sha256", sa.Text, nullable=False),
        sa.Column("stored_at", Instant, nullable=False),
        sqlite_strict=True,
    )


def _withdrawals() -> None:
    op.create_table(
        "withdrawals",
        _household_column(),
        sa.Column("order_key", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("statement", Json, nullable=False),
        sa.Column("declared_by", sa.Text, nullable=False),
        sa.Column("declared_at", Instant, nullable=False),
        sa.Column("refund_minor", BigInt, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("refund_by_at", Instant, nullable=False),
        sa.Column("acknowledged_at", Instant),
        sa.Column("goods_back_at", Instant),
        sa.Column("refunded_at", Instant),
        sa.Column("state_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("ix_withdrawals_state", "withdrawals", ["state", "refund_by_at"])
