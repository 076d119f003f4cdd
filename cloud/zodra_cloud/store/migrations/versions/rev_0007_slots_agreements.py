"""What a slot may do, standing agreements, what follows a delivery, and what forecasts rest on.

Append-only: a migration that has been released is never edited.
"""

import sqlalchemy as sa
from alembic import op

from zodra_cloud.store.types import BigInt, Flag, Instant, Json, Real

revision = "0007_slots_agreements"
down_revision = "0006_dash"
branch_labels = None
depends_on = None

_ORDER_OPEN = sa.text(
    "state IN ('confirmed', 'submitting', 'unknown', 'needs_person', 'placed', 'cancelling',"
    " 'shipped')"
)
_AGREEMENT_LIVE = sa.text("state = 'live'")


def upgrade() -> None:
    """Add what is new; a slot from before keeps doing what it did."""
    _slots()
    _quotes_and_orders()
    _superseded_decisions()
    _agreements()
    _follow_ups()
    _metering()
    _jobs()


def _slots() -> None:
    for column in (
        sa.Column("unit", sa.Text, nullable=False, server_default=""),
        sa.Column("capacity_units", Real),
        sa.Column("reorder_units", Real),
        sa.Column("units_per_item", Real),
        sa.Column("cooldown_s", sa.Integer, nullable=False, server_default="0"),
        sa.Column("spend_cap_minor", BigInt),
        sa.Column("quiet_from", sa.Text),
        sa.Column("quiet_to", sa.Text),
        sa.Column("may_press", sa.Text, nullable=False, server_default="anyone"),
        sa.Column("press_devices", Json, nullable=False, server_default="[]"),
        sa.Column("confirmers", Json, nullable=False, server_default="[]"),
        sa.Column("call_off", Flag, nullable=False, server_default="0"),
    ):
        op.add_column("slots", column)


def _quotes_and_orders() -> None:
    op.add_column("quotes", sa.Column("agreement_id", sa.Text))
    for column in (
        sa.Column("agreement_id", sa.Text),
        sa.Column("place_at", Instant),
        sa.Column("promised_to_at", Instant),
        sa.Column("late_at", Instant),
        sa.Column("delivered_at", Instant),
        sa.Column("refunded_minor", BigInt, nullable=False, server_default="0"),
        sa.Column("cancel_wanted_at", Instant),
        sa.Column("cancel_wanted_by", sa.Text),
    ):
        op.add_column("orders", column)
    op.drop_index("uq_orders_open", table_name="orders")
    op.create_index(
        "uq_orders_open",
        "orders",
        ["household_id", "device_id", "slot_key"],
        unique=True,
        sqlite_where=_ORDER_OPEN,
        postgresql_where=_ORDER_OPEN,
    )
    op.create_index(
        "ix_orders_slot", "orders", ["household_id", "device_id", "slot_key", "confirmed_at"]
    )


def _household_column() -> sa.Column[str]:
    return sa.Column(
        "household_id", sa.Text, sa.ForeignKey("households.household_id"), primary_key=True
    )


def _superseded_decisions() -> None:
    op.create_table(
        "superseded_decisions",
        _household_column(),
        sa.Column("signal_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("policy_version", sa.Text, nullable=False),
        sa.Column("consent_id", BigInt),
        sa.Column("decided_at", Instant, nullable=False),
        sqlite_strict=True,
    )


def _agreements() -> None:
    op.create_table(
        "agreements",
        _household_column(),
        sa.Column("agreement_id", sa.Text, primary_key=True),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("slot_key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("terms", Json, nullable=False),
        sa.Column("terms_hash", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("concluded_by", sa.Text, nullable=False),
        sa.Column("concluded_at", Instant, nullable=False),
        sa.Column("ended_by", sa.Text),
        sa.Column("ended_at", Instant),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_agreements_live",
        "agreements",
        ["household_id", "device_id", "slot_key"],
        unique=True,
        sqlite_where=_AGREEMENT_LIVE,
        postgresql_where=_AGREEMENT_LIVE,
    )


def _follow_ups() -> None:
    op.create_table(
        "follow_ups",
        _household_column(),
        sa.Column("order_key", sa.Text, primary_key=True),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("slot_key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("answered_by", sa.Text),
        sa.Column("delivered_at", Instant, nullable=False),
        sa.Column("state_at", Instant, nullable=False),
        sqlite_strict=True,
    )


def _metering() -> None:
    op.create_table(
        "slot_readings",
        _household_column(),
        sa.Column("device_id", sa.Text, primary_key=True),
        sa.Column("slot_key", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("hour", BigInt, primary_key=True, autoincrement=False),
        sa.Column("value", Real, nullable=False),
        sa.Column("observed_at", Instant, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "slot_counts",
        _household_column(),
        sa.Column("device_id", sa.Text, primary_key=True),
        sa.Column("slot_key", sa.Text, primary_key=True),
        sa.Column("counted_at", Instant, primary_key=True, autoincrement=False),
        sa.Column("units", Real, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "slot_forecasts",
        _household_column(),
        sa.Column("device_id", sa.Text, primary_key=True),
        sa.Column("slot_key", sa.Text, primary_key=True),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("signal_id", sa.Text),
        sa.Column("forecast", Json, nullable=False),
        sqlite_strict=True,
    )


def _jobs() -> None:
    # With the id, a worker reads the next due jobs in order without sorting a backlog.
    op.drop_index("ix_jobs_state_due_at", table_name="jobs")
    op.create_index("ix_jobs_due", "jobs", ["state", "due_at", "job_id"])
