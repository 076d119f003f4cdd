"""Device makers as OAuth clients, their tokens, their devices, and what is told to them.

Append-only: a migration that has been released is never edited.
"""

import sqlalchemy as sa
from alembic import op

from zodra_cloud.store.types import Flag, Instant, Json

revision = "0006_dash"
down_revision = "0005_slot_title"
branch_labels = None
depends_on = None

_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Create what is new."""
    _clients()
    _grants()
    _makers()
    _devices()
    _events()
    _notifications()


def _household_column() -> sa.Column[str]:
    return sa.Column(
        "household_id", sa.Text, sa.ForeignKey("households.household_id"), primary_key=True
    )


def _client_column(*, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(
        "client_id",
        sa.Text,
        sa.ForeignKey("oauth_clients.client_id"),
        primary_key=primary_key,
        nullable=False,
    )


def _clients() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("secret_required", Flag, nullable=False),
        sa.Column("redirect_uris", Json, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("revoked_at", Instant),
        sqlite_strict=True,
    )
    op.create_table(
        "oauth_codes",
        sa.Column("code_hash", sa.Text, primary_key=True),
        _client_column(),
        sa.Column(
            "household_id", sa.Text, sa.ForeignKey("households.household_id"), nullable=False
        ),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.Column("code_challenge", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant),
        sa.Column("grant_id", sa.Text),
        sqlite_strict=True,
    )
    op.create_index("ix_oauth_codes_expires_at", "oauth_codes", ["expires_at"])


def _grants() -> None:
    op.create_table(
        "oauth_grants",
        _household_column(),
        sa.Column("grant_id", sa.Text, primary_key=True),
        _client_column(),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("revoked_at", Instant),
        sa.Column("revoked_for", sa.Text),
        sqlite_strict=True,
    )
    op.create_table(
        "oauth_tokens",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("household_id", sa.Text, nullable=False),
        sa.Column("grant_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant),
        sa.Column("replaced_at", Instant),
        sa.ForeignKeyConstraint(
            ["household_id", "grant_id"], ["oauth_grants.household_id", "oauth_grants.grant_id"]
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_oauth_tokens_household_id_grant_id", "oauth_tokens", ["household_id", "grant_id"]
    )
    op.create_index("ix_oauth_tokens_expires_at", "oauth_tokens", ["expires_at"])


def _makers() -> None:
    op.create_table(
        "dash_makers",
        _client_column(primary_key=True),
        sa.Column("event_url", sa.Text),
        sa.Column("event_secret", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "dash_models",
        _client_column(primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("slots", Json, nullable=False),
        sa.Column("live", Flag, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "dash_customers",
        _household_column(),
        _client_column(primary_key=True),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.UniqueConstraint("customer_id"),
        sqlite_strict=True,
    )


def _devices() -> None:
    op.create_table(
        "dash_devices",
        _household_column(),
        sa.Column("device_id", sa.Text, primary_key=True),
        _client_column(),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("serial", sa.Text, nullable=False),
        sa.Column("is_test", Flag, nullable=False),
        sa.Column("registered_at", Instant, nullable=False),
        sa.Column("deregistered_at", Instant),
        sa.Column("last_active_at", Instant),
        sqlite_strict=True,
    )
    op.create_table(
        "dash_slots",
        _household_column(),
        sa.Column("device_id", sa.Text, primary_key=True),
        sa.Column("slot_id", sa.Text, primary_key=True),
        sa.Column("sku", sa.Text),
        sa.Column("status", Json),
        sa.Column("status_at", Instant),
        sa.ForeignKeyConstraint(
            ["household_id", "device_id"],
            ["dash_devices.household_id", "dash_devices.device_id"],
        ),
        sqlite_strict=True,
    )


def _events() -> None:
    op.create_table(
        "dash_events",
        _household_column(),
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("slot_id", sa.Text, nullable=False),
        sa.Column("client_event_id", sa.Text),
        sa.Column("is_test", Flag, nullable=False),
        sa.Column("detail_code", sa.Text, nullable=False),
        sa.Column("signal_id", sa.Text),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("placed_at", Instant),
        sa.Column("shipped_at", Instant),
        sa.Column("cancelled_at", Instant),
        sa.Column("ended_at", Instant),
        sa.Column("delivery_at", Instant),
        sa.UniqueConstraint("household_id", "device_id", "slot_id", "client_event_id"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_dash_events_household_id_signal_id", "dash_events", ["household_id", "signal_id"]
    )
    op.create_index(
        "uq_dash_events_open",
        "dash_events",
        ["household_id", "device_id", "slot_id"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def _notifications() -> None:
    op.create_table(
        "dash_notifications",
        _household_column(),
        sa.Column("notification_id", sa.Text, primary_key=True),
        _client_column(),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("delivered_at", Instant),
        sa.Column("dead_at", Instant),
        sqlite_strict=True,
    )
    op.create_index("ix_dash_notifications_created_at", "dash_notifications", ["created_at"])
