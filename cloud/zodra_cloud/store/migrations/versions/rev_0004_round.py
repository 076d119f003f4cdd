"""How often a need was asked about anew, so that a gateway can tell a new quote from old news.

Append-only: a migration that has been released is never edited.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004_round"
down_revision = "0003_consent_offers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is new; a need from before is in its first round."""
    op.add_column(
        "need_signals", sa.Column("round", sa.Integer, nullable=False, server_default="1")
    )
