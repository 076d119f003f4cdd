"""Tables of the room law."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, column

from zodra_cloud.law.policy.withdrawing import WITHDRAWAL_OPEN
from zodra_cloud.store.engine import metadata
from zodra_cloud.store.erasing import EVERYTHING, erasure
from zodra_cloud.store.types import BigInt, Instant, Json


def _household() -> Column[str]:
    return Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True)


prices: Final = Table(
    "prices",
    metadata,
    # No household's: what a shop asked for a thing, whoever wanted to know.
    Column("merchant_id", Text, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("observed_at", Instant, primary_key=True, autoincrement=False),
    Column("unit_price_minor", BigInt, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    sqlite_strict=True,
)

proofs: Final = Table(
    "proofs",
    metadata,
    _household(),
    Column("order_key", Text, primary_key=True),
    Column("shown", Json, nullable=False),
    Column("shown_sha256", Text, nullable=False),
    Column("stored_at", Instant, nullable=False),
    info=erasure(kept=EVERYTHING),
    sqlite_strict=True,
)

withdrawals: Final = Table(
    "withdrawals",
    metadata,
    _household(),
    Column("order_key", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("quantity", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("statement", Json, nullable=False),
    Column("declared_by", Text, nullable=False),
    Column("declared_at", Instant, nullable=False),
    Column("refund_minor", BigInt, nullable=False),
    Column("currency", Text, nullable=False),
    Column("refund_by_at", Instant, nullable=False),
    Column("acknowledged_at", Instant, nullable=True),
    Column("goods_back_at", Instant, nullable=True),
    Column("refunded_at", Instant, nullable=True),
    Column("state_at", Instant, nullable=False),
    Index("ix_withdrawals_state", "state", "refund_by_at"),
    info=erasure(
        kept=EVERYTHING,
        rewritten={"statement": lambda said, _pseudonym: {**said, "contact": ""}},
        open=lambda _now: column("state").in_(sorted(WITHDRAWAL_OPEN)),
        what="withdrawals that are not paid back; see `zodra-cloud order withdrawals`",
    ),
    sqlite_strict=True,
)
