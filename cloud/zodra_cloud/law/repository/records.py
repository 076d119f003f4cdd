"""Rows of what was seen and shown: prices and proofs. They are added, and never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, select, tuple_

from zodra_cloud.law.policy.prices import Seen
from zodra_cloud.law.repository.tables import prices, proofs
from zodra_cloud.store.inserting import insert_new

Thing = tuple[str, str, str]
"""Merchant, SKU, currency."""


def latest_price(connection: Connection, thing: Thing) -> Seen | None:
    """Read the price that was seen last."""
    row = connection.execute(
        select(prices.c.observed_at, prices.c.unit_price_minor)
        .where(*_is(thing))
        .order_by(prices.c.observed_at.desc(), prices.c.unit_price_minor)
        .limit(1)
    ).first()
    return None if row is None else Seen(*row)


def add_price(connection: Connection, thing: Thing, seen: Seen, source: str) -> None:
    """Store a price."""
    merchant_id, sku, currency = thing
    insert_new(
        connection,
        prices,
        {
            "merchant_id": merchant_id,
            "sku": sku,
            "currency": currency,
            "observed_at": seen.observed_at,
            "unit_price_minor": seen.unit_price_minor,
            "source": source,
        },
    )


def forget_prices(connection: Connection, before: datetime, limit: int) -> int:
    """Delete prices from before an instant but the last of each thing, at most so many.

    That last one is what was asked until the next was seen.
    """
    newer = prices.alias()
    key = tuple_(
        prices.c.merchant_id,
        prices.c.sku,
        prices.c.currency,
        prices.c.observed_at,
        prices.c.unit_price_minor,
    )
    old = (
        select(*key)
        .where(
            prices.c.observed_at < before,
            exists().where(
                newer.c.merchant_id == prices.c.merchant_id,
                newer.c.sku == prices.c.sku,
                newer.c.currency == prices.c.currency,
                newer.c.observed_at > prices.c.observed_at,
                newer.c.observed_at <= before,
            ),
        )
        .order_by(*key)
        .limit(limit)
    )
    return connection.execute(delete(prices).where(key.in_(old))).rowcount


def prices_since(
    connection: Connection, thing: Thing, since: datetime, limit: int
) -> Sequence[Seen]:
    """Read the prices since an instant, and the last one before it; newest first."""
    columns = (prices.c.observed_at, prices.c.unit_price_minor)
    inside = connection.execute(
        select(*columns)
        .where(*_is(thing), prices.c.observed_at >= since)
        .order_by(prices.c.observed_at.desc(), prices.c.unit_price_minor)
        .limit(limit)
    )
    found = [Seen(*row) for row in inside]
    before = connection.execute(
        select(*columns)
        .where(*_is(thing), prices.c.observed_at < since)
        .order_by(prices.c.observed_at.desc(), prices.c.unit_price_minor)
        .limit(1)
    ).first()
    return found if before is None else [*found, Seen(*before)]


def add_proof(
    connection: Connection,
    household_id: str,
    order_key: str,
    parts: dict[str, Any],
    sha256: str,
    now: datetime,
) -> bool:
    """Store what was shown with an order; False if it was stored before."""
    return insert_new(
        connection,
        proofs,
        {
            "household_id": household_id,
            "order_key": order_key,
            "shown": parts,
            "shown_sha256": sha256,
            "stored_at": now,
        },
    )


def proof(
    connection: Connection, household_id: str, order_key: str
) -> tuple[dict[str, Any], str] | None:
    """Read the parts of a proof and the hash that was stored with them."""
    row = connection.execute(
        select(proofs.c.shown, proofs.c.shown_sha256).where(
            proofs.c.household_id == household_id, proofs.c.order_key == order_key
        )
    ).first()
    return None if row is None else (row[0], row[1])


def _is(thing: Thing) -> tuple[Any, ...]:
    merchant_id, sku, currency = thing
    return (
        prices.c.merchant_id == merchant_id,
        prices.c.sku == sku,
        prices.c.currency == currency,
    )
