"""All SQL of the offers room."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from zodra_cloud.offers.models import StoredOffer, StoredOfferDecision
from zodra_cloud.offers.policy import OfferReason, OfferState, OfferVerdict, PastOffer
from zodra_cloud.store.engine import metadata
from zodra_cloud.store.types import BigInt, Instant, Json

_OPEN: Final = text("state = 'open'")

offer_decisions: Final = Table(
    "offer_decisions",
    metadata,
    Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True),
    Column("signal_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("campaign_id", Text, nullable=True),
    Column("facts", Json, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("consent_id", BigInt, nullable=True),
    Column("decided_at", Instant, nullable=False),
    sqlite_strict=True,
)

offers: Final = Table(
    "offers",
    metadata,
    Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True),
    Column("offer_id", Text, primary_key=True),
    Column("signal_id", Text, nullable=False),
    Column("campaign_id", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("slot_key", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("titles", Json, nullable=False),
    Column("sentences", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("quote_id", Text, nullable=True),
    Column("offered_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("ended_by", Text, nullable=True),
    UniqueConstraint("household_id", "signal_id"),
    Index("ix_offers_household_id_offered_at", "household_id", "offered_at"),
    Index(
        "uq_offers_open",
        "household_id",
        "campaign_id",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    sqlite_strict=True,
)

_OFFER_COLUMNS: Final = tuple(column.name for column in offers.c)


def add_decision(connection: Connection, decision: StoredOfferDecision) -> None:
    """Store one verdict."""
    connection.execute(insert(offer_decisions).values(**asdict(decision)))


def decisions_on(
    connection: Connection, household_id: str, signal_id: str
) -> list[StoredOfferDecision]:
    """Read the verdicts on one moment, in order."""
    rows = connection.execute(
        select(*offer_decisions.c)
        .where(
            offer_decisions.c.household_id == household_id,
            offer_decisions.c.signal_id == signal_id,
        )
        .order_by(offer_decisions.c.number)
    )
    return [
        StoredOfferDecision(
            **{
                **row._mapping,
                "verdict": OfferVerdict(row.verdict),
                "reason": OfferReason(row.reason),
            }
        )
        for row in rows
    ]


def decision_count(connection: Connection, household_id: str, signal_id: str) -> int:
    """Count the verdicts on one moment."""
    return connection.execute(
        select(func.count())
        .select_from(offer_decisions)
        .where(
            offer_decisions.c.household_id == household_id,
            offer_decisions.c.signal_id == signal_id,
        )
    ).scalar_one()


def add_offer(connection: Connection, offer: StoredOffer) -> None:
    """Store a new offer."""
    connection.execute(insert(offers).values(**_values(offer)))


def save_offer(connection: Connection, offer: StoredOffer) -> None:
    """Write what of an offer can change."""
    connection.execute(
        update(offers)
        .where(offers.c.household_id == offer.household_id, offers.c.offer_id == offer.offer_id)
        .values(**_values(offer))
    )


def offer(connection: Connection, household_id: str, offer_id: str) -> StoredOffer | None:
    """Read one offer."""
    row = connection.execute(
        select(*offers.c).where(
            offers.c.household_id == household_id, offers.c.offer_id == offer_id
        )
    ).first()
    return None if row is None else _offer(row)


def offer_of(connection: Connection, household_id: str, signal_id: str) -> StoredOffer | None:
    """Read the offer that one moment led to."""
    row = connection.execute(
        select(*offers.c).where(
            offers.c.household_id == household_id, offers.c.signal_id == signal_id
        )
    ).first()
    return None if row is None else _offer(row)


def open_offers(connection: Connection, household_id: str, limit: int) -> list[StoredOffer]:
    """Read the offers that wait for the household, oldest first."""
    rows = connection.execute(
        select(*offers.c)
        .where(offers.c.household_id == household_id, offers.c.state == OfferState.OPEN)
        .order_by(offers.c.offered_at, offers.c.offer_id)
        .limit(limit)
    )
    return [_offer(row) for row in rows]


def history(connection: Connection, household_id: str, since: datetime) -> list[PastOffer]:
    """Read what counts for the caps: offers and answers since an instant, and open offers."""
    rows = connection.execute(
        select(offers.c.campaign_id, offers.c.offered_at, offers.c.state, offers.c.state_at).where(
            offers.c.household_id == household_id,
            or_(
                offers.c.offered_at >= since,
                offers.c.state_at >= since,
                offers.c.state == OfferState.OPEN,
            ),
        )
    )
    return [
        PastOffer(
            campaign_id=row.campaign_id,
            offered_at=row.offered_at,
            is_open=row.state == OfferState.OPEN,
            dismissed_at=row.state_at if row.state == OfferState.DISMISSED else None,
        )
        for row in rows
    ]


def _offer(row: Any) -> StoredOffer:
    return StoredOffer(**{**row._mapping, "state": OfferState(row.state)})


def _values(offer: StoredOffer) -> dict[str, Any]:
    return {name: getattr(offer, name) for name in _OFFER_COLUMNS}
