"""Households, people and sign-in, devices and slots, gateways, the ingest's tables, jobs.

Append-only: a migration that has been released is never edited.
"""

import sqlalchemy as sa
from alembic import op

from zodra_cloud.store.types import BigInt, Flag, Instant, Json, Real

revision = "0001_core"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what is new."""
    _households()
    _devices()
    _fleet()
    _ingest()
    _jobs()


def _household_column() -> sa.Column[str]:
    return sa.Column(
        "household_id", sa.Text, sa.ForeignKey("households.household_id"), nullable=False
    )


def _households() -> None:
    op.create_table(
        "households",
        sa.Column("household_id", sa.Text, primary_key=True),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "people",
        sa.Column("person_id", sa.Text, primary_key=True),
        sa.Column("household_id", sa.Text, sa.ForeignKey("households.household_id")),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "sign_in_links",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("person_id", sa.Text, sa.ForeignKey("people.person_id"), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("redeemed_at", Instant),
        sqlite_strict=True,
    )
    op.create_table(
        "sessions",
        sa.Column("session_hash", sa.Text, primary_key=True),
        sa.Column("person_id", sa.Text, sa.ForeignKey("people.person_id"), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("ended_at", Instant),
        sqlite_strict=True,
    )


def _devices() -> None:
    op.create_table(
        "devices",
        sa.Column(
            "household_id", sa.Text, sa.ForeignKey("households.household_id"), primary_key=True
        ),
        sa.Column("device_id", sa.Text, primary_key=True),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_heard_at", Instant),
        sqlite_strict=True,
    )
    owned = ["devices.household_id", "devices.device_id"]
    op.create_table(
        "slots",
        sa.Column("household_id", sa.Text, primary_key=True),
        sa.Column("device_id", sa.Text, primary_key=True),
        sa.Column("slot_key", sa.Text, primary_key=True),
        sa.Column("metering", sa.Text, nullable=False),
        sa.Column("sku", sa.Text),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("price_ceiling_minor", BigInt),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("staleness_limit_s", sa.Integer, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["household_id", "device_id"], owned),
        sqlite_strict=True,
    )
    op.create_table(
        "latest_readings",
        sa.Column("household_id", sa.Text, primary_key=True),
        sa.Column("device_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("value", Real, nullable=False),
        sa.Column("observed_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["household_id", "device_id"], owned),
        sqlite_strict=True,
    )


def _fleet() -> None:
    op.create_table(
        "gateways",
        sa.Column("gateway_id", sa.Text, primary_key=True),
        sa.Column(
            "household_id", sa.Text, sa.ForeignKey("households.household_id"), nullable=False
        ),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("revoked_at", Instant),
        sa.Column("last_heard_at", Instant),
        sa.Column("last_accepted_at", Instant),
        sa.Column("last_refused_at", Instant),
        sa.Column("refused_reason", sa.Text),
        sa.Column("health", sa.Text),
        sa.Column("health_at", Instant),
        sqlite_strict=True,
    )
    op.create_index("ix_gateways_household_id", "gateways", ["household_id"])
    op.create_table(
        "commands",
        sa.Column("command_id", sa.Text, primary_key=True),
        sa.Column(
            "household_id", sa.Text, sa.ForeignKey("households.household_id"), nullable=False
        ),
        sa.Column("gateway_id", sa.Text, sa.ForeignKey("gateways.gateway_id"), nullable=False),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("answered_at", Instant),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_commands_household_id_created_at", "commands", ["household_id", "created_at"]
    )


def _ingest() -> None:
    op.create_table(
        "buffers",
        sa.Column("buffer_no", BigInt, primary_key=True, autoincrement=True),
        sa.Column(
            "household_id", sa.Text, sa.ForeignKey("households.household_id"), nullable=False
        ),
        sa.Column("gateway_id", sa.Text, sa.ForeignKey("gateways.gateway_id"), nullable=False),
        sa.Column("buffer_id", sa.Text, nullable=False),
        sa.Column("upto", BigInt, nullable=False),
        sa.Column("ahead", Json, nullable=False),
        sa.Column("rejected_count", sa.Integer, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.UniqueConstraint("gateway_id", "buffer_id"),
        sqlite_strict=True,
    )
    op.create_table(
        "telemetry",
        sa.Column("buffer_no", BigInt, primary_key=True, autoincrement=False),
        sa.Column("sequence", BigInt, primary_key=True, autoincrement=False),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", Real, nullable=False),
        sa.Column("observed_at", Instant, nullable=False),
        sa.Column("error_ms", BigInt, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    _need_signals()
    op.create_table(
        "rejected_rows",
        sa.Column("buffer_no", BigInt, primary_key=True, autoincrement=False),
        sa.Column("sequence", BigInt, primary_key=True, autoincrement=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("rejected_at", Instant, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "refusals",
        sa.Column("household_id", sa.Text, primary_key=True),
        sa.Column("gateway_id", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, primary_key=True),
        sa.Column("count", BigInt, nullable=False),
        sa.Column("first_at", Instant, nullable=False),
        sa.Column("last_at", Instant, nullable=False),
        sa.Column("last_topic", sa.Text, nullable=False),
        sa.Column("last_bytes", BigInt, nullable=False),
        sa.Column("last_sha256", sa.Text, nullable=False),
        sa.Column("last_detail", sa.Text, nullable=False),
        sqlite_strict=True,
    )


def _need_signals() -> None:
    op.create_table(
        "need_signals",
        sa.Column(
            "household_id", sa.Text, sa.ForeignKey("households.household_id"), primary_key=True
        ),
        sa.Column("signal_id", sa.Text, primary_key=True),
        sa.Column("gateway_id", sa.Text, nullable=False),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("slot_key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("occurred_at", Instant, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("boot_id", sa.Text, nullable=False),
        sa.Column("monotonic_ms", BigInt, nullable=False),
        sa.Column("quality", sa.Text, nullable=False),
        sa.Column("error_ms", BigInt, nullable=False),
        sa.Column("evidence", Json, nullable=False),
        sa.Column("authenticated", Flag, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("state_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_need_signals_household_id_occurred_at", "need_signals", ["household_id", "occurred_at"]
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("household_id", sa.Text),
        sa.Column("payload", Json, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("lease_until", Instant),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_token", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("ended_at", Instant),
        sa.UniqueConstraint("key"),
        sqlite_strict=True,
    )
    op.create_index("ix_jobs_state_due_at", "jobs", ["state", "due_at"])
