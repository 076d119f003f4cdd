"""What the product of a slot is called, for pages before a shop has quoted it.

Append-only: a migration that has been released is never edited.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005_slot_title"
down_revision = "0004_round"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is new; a slot from before has no title."""
    op.add_column("slots", sa.Column("title", sa.Text, nullable=False, server_default=""))
