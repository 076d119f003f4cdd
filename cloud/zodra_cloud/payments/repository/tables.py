"""Tables of the payments room. None has a place for card data."""

from typing import Final

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    column,
    text,
)

from zodra_cloud.payments.states import PAYMENT_ENDS
from zodra_cloud.store.engine import metadata
from zodra_cloud.store.erasing import EVERYTHING, erasure
from zodra_cloud.store.types import BigInt, Flag, Instant

_LIVE: Final = text("state = 'live'")


def _household() -> Column[str]:
    return Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True)


payers: Final = Table(
    "payers",
    metadata,
    _household(),
    Column("payer_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("payer_id"),
    sqlite_strict=True,
)

payments: Final = Table(
    "payments",
    metadata,
    _household(),
    Column("order_key", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("amount_minor", BigInt, nullable=False),
    Column("currency", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("by_link", Flag, nullable=False),
    Column("charge_id", Text, nullable=True),
    Column("link_id", Text, nullable=True),
    Column("link_url", Text, nullable=True),
    Column("link_expires_at", Instant, nullable=True),
    Column("mandate_id", Text, nullable=True),
    Column("failures", Integer, nullable=False),
    Column("first_failed_at", Instant, nullable=True),
    Column("due_at", Instant, nullable=True),
    Column("capture_wanted_at", Instant, nullable=True),
    Column("authorized_at", Instant, nullable=True),
    Column("captured_at", Instant, nullable=True),
    Column("unclear_since", Instant, nullable=True),
    Column("created_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
    # The provider's events name its own things only; no two orders share one.
    UniqueConstraint("charge_id"),
    UniqueConstraint("link_id"),
    UniqueConstraint("order_key"),
    info=erasure(
        kept=EVERYTHING,
        cleared={"link_id": None, "link_url": None, "link_expires_at": None},
        open=lambda _now: column("state").not_in(sorted(PAYMENT_ENDS)),
        what="payments that are not settled; see `zodra-cloud payments list --open`",
    ),
    sqlite_strict=True,
)

payment_steps: Final = Table(
    "payment_steps",
    metadata,
    _household(),
    Column("order_key", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", Instant, nullable=False),
    info=erasure(kept=EVERYTHING),
    sqlite_strict=True,
)

refunds: Final = Table(
    "refunds",
    metadata,
    _household(),
    Column("order_key", Text, primary_key=True),
    Column("refund_key", Text, primary_key=True),
    Column("amount_minor", BigInt, nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("refund_id", Text, nullable=True),
    Column("asked_at", Instant, nullable=True),
    Column("unclear_since", Instant, nullable=True),
    Column("created_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
    UniqueConstraint("refund_id"),
    info=erasure(
        kept=EVERYTHING,
        open=lambda _now: column("state") != "refunded",
        what="refunds that have not gone yet; see `zodra-cloud payments list --open`",
    ),
    sqlite_strict=True,
)

mandates: Final = Table(
    "mandates",
    metadata,
    _household(),
    Column("mandate_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("link_id", Text, nullable=True),
    Column("link_url", Text, nullable=True),
    Column("link_expires_at", Instant, nullable=True),
    Column("method_id", Text, nullable=True),
    Column("unclear_since", Instant, nullable=True),
    Column("created_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
    UniqueConstraint("link_id"),
    Index(
        "uq_mandates_live", "household_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
    ),
    info=erasure(
        open=lambda _now: column("state").in_(["requested", "open", "live", "revoking"]),
        what="permissions to charge that the payment provider has not forgotten yet",
    ),
    sqlite_strict=True,
)

provider_events: Final = Table(
    "provider_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("taken_at", Instant, nullable=False),
    Index("ix_provider_events_taken_at", "taken_at"),
    sqlite_strict=True,
)
