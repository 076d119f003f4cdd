"""The prices that shops named, and what they say about a reduction."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.law.policy import prices
from zodra_cloud.law.policy.prices import Reduction, Seen
from zodra_cloud.law.repository import records
from zodra_cloud.law.repository.records import Thing
from zodra_cloud.merchants.port import ShopItem

FROM_CATALOGUE: Final = "catalogue"
LOOKED_BACK: Final = timedelta(days=120)
"""A reduction that has stood for longer than three months is today's price."""
SEEN_MAX: Final = 5_000
AGAIN_AFTER: Final = timedelta(days=1)


def observe(
    connection: Connection, thing: Thing, unit_price_minor: int, source: str, now: datetime
) -> bool:
    """Keep a price; one that stands is written once a day. False if nothing was written."""
    latest = records.latest_price(connection, thing)
    if (
        latest is not None
        and latest.unit_price_minor == unit_price_minor
        and now - latest.observed_at < AGAIN_AFTER
    ):
        return False
    records.add_price(connection, thing, Seen(now, unit_price_minor), source)
    return True


def forget_prices(connection: Connection, before: datetime, limit: int) -> int:
    """Delete prices from before an instant that no reduction can rest on; gives how many.

    Args:
        connection: of the caller's unit of work.
        before: at least `LOOKED_BACK` ago, or nothing is deleted that is younger than that.
        limit: how many at most.
    """
    return records.forget_prices(connection, before, limit)


def observe_catalogue(
    connection: Connection, merchant_id: str, items: Iterable[ShopItem], now: datetime
) -> int:
    """Keep the prices of a part of a shop's catalogue; gives how many were news."""
    return sum(
        observe(
            connection,
            (merchant_id, each.sku, each.unit_price.currency),
            each.unit_price.amount_minor,
            FROM_CATALOGUE,
            now,
        )
        for each in items
    )


def reduction(
    connection: Connection, thing: Thing, unit_price_minor: int, now: datetime
) -> Reduction | None:
    """Say whether a price may be shown as a reduction, and from what; None if it may not."""
    seen = records.prices_since(connection, thing, now - LOOKED_BACK, SEEN_MAX)
    return prices.reduction(seen, unit_price_minor, now)
