"""The ledger of consents, and offers with every decision about them.

Append-only: a migration that has been released is never edited.
"""

import sqlalchemy as sa
from alembic import op

from zodra_cloud.store.types import BigInt, Flag, Instant, Json

revision = "0003_consent_offers"
down_revision = "0002_replenish"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    """Create what is new."""
    op.create_table(
        "consents",
        sa.Column("consent_id", BigInt, primary_key=True, autoincrement=True),
        sa.Column(
            "household_id", sa.Text, sa.ForeignKey("households.household_id"), nullable=False
        ),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("granted", Flag, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("recorded_at", Instant, nullable=False),
        sa.Column("notice_version", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("ix_consents_household_id_purpose", "consents", ["household_id", "purpose"])
    op.create_table(
        "offer_decisions",
        _household_column(),
        sa.Column("signal_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("campaign_id", sa.Text),
        sa.Column("facts", Json, nullable=False),
        sa.Column("policy_version", sa.Text, nullable=False),
        sa.Column("consent_id", BigInt),
        sa.Column("decided_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    _offers()


def _household_column() -> sa.Column[str]:
    return sa.Column(
        "household_id", sa.Text, sa.ForeignKey("households.household_id"), primary_key=True
    )


def _offers() -> None:
    op.create_table(
        "offers",
        _household_column(),
        sa.Column("offer_id", sa.Text, primary_key=True),
        sa.Column("signal_id", sa.Text, nullable=False),
        sa.Column("campaign_id", sa.Text, nullable=False),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("slot_key", sa.Text, nullable=False),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("titles", Json, nullable=False),
        sa.Column("sentences", Json, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("quote_id", sa.Text),
        sa.Column("offered_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("state_at", Instant, nullable=False),
        sa.Column("ended_by", sa.Text),
        sa.UniqueConstraint("household_id", "signal_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_offers_household_id_offered_at", "offers", ["household_id", "offered_at"])
    op.create_index(
        "uq_offers_open",
        "offers",
        ["household_id", "campaign_id"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
