"""The oldest readings are found without a look at all of them.

Append-only: a migration that has been released is never edited.
"""

from alembic import op

revision = "0013_telemetry_age"
down_revision = "0012_forecast_models"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what is new."""
    op.create_index("ix_telemetry_observed_at", "telemetry", ["observed_at"])
