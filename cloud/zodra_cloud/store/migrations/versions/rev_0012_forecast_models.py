"""What is typical of a product, learned from households that agreed, and who they are.

Append-only: a migration that has been released is never edited.
"""

import sqlalchemy as sa
from alembic import op

from zodra_cloud.store.types import Instant, Json

revision = "0012_forecast_models"
down_revision = "0011_api"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what is new."""
    op.create_table(
        "forecast_models",
        sa.Column("category_id", sa.Text, primary_key=True),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("households", sa.Integer, nullable=False),
        sa.Column("model", Json, nullable=False),
        sa.Column("fitted_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "forecast_shares",
        sa.Column(
            "household_id",
            sa.Text,
            sa.ForeignKey("households.household_id"),
            primary_key=True,
        ),
        sa.Column("category_id", sa.Text, primary_key=True),
        sqlite_strict=True,
    )
    op.create_index("ix_forecast_shares_category_id", "forecast_shares", ["category_id"])
