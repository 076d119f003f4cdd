"""What needs a shop's answer before it is written: swapping, and reading a ladder of sizes."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.errors import BadRequest
from zodra_cloud.merchants.port import Refused as ShopRefused
from zodra_cloud.merchants.port import Shop, ShopItem, ShopRefusal, Unknown
from zodra_cloud.store.engine import Database
from zodra_cloud.subscriptions import repository, service
from zodra_cloud.subscriptions.models import Done, Said
from zodra_cloud.subscriptions.policy.refusals import Refused, Why
from zodra_cloud.subscriptions.policy.sizes import Ladder, ladder_fault, read_ladder
from zodra_cloud.subscriptions.policy.terms import Item
from zodra_contract.ids import Id

PAGES_MAX: Final = 40
"""Of a catalogue; what is not on them is looked for no further."""


def find_item(shop: Shop, sku: str) -> ShopItem | Refused:
    """Look a product up in a shop's catalogue."""
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        page = shop.catalogue(cursor)
        if isinstance(page, Unknown):
            return Refused(Why.SHOP_UNAVAILABLE, "sku")
        if isinstance(page, ShopRefused):
            unknown = page.reason is ShopRefusal.UNKNOWN_ITEM
            return Refused(Why.UNKNOWN_ITEM if unknown else Why.SHOP_UNAVAILABLE, "sku")
        for item in page.items:
            if item.sku == sku:
                return item
        cursor = page.next_cursor
        if cursor is None:
            return Refused(Why.UNKNOWN_ITEM, "sku", "one of the shop's catalogue")
    return Refused(Why.UNKNOWN_ITEM, "sku", "one of the shop's catalogue")


def swap(
    database: Database,
    shop: Shop,
    household_id: str,
    subscription_id: str,
    *,
    sku: str,
    quantity: int,
    said: Said,
) -> Done | Refused:
    """Deliver another product, if the shop sells it; no unit of work is open while it is asked."""
    with database.read() as connection:
        if repository.subscription(connection, household_id, subscription_id) is None:
            return Refused(Why.UNKNOWN_SUBSCRIPTION)
    found = find_item(shop, sku)
    if isinstance(found, Refused):
        return found
    if not found.available:
        return Refused(Why.OUT_OF_STOCK, "sku")
    item = Item(sku, quantity, dict(found.titles))
    with database.write(household_id) as connection:
        wish = service.swap_known(item)
        return service.act(connection, household_id, subscription_id, wish, said)


def put_ladder(connection: Connection, ladder_id: Id, ladder: Ladder, now: datetime) -> None:
    """Store a ladder of sizes. Raises `BadRequest`."""
    fault = ladder_fault(ladder)
    if fault is not None:
        raise BadRequest(f"ladder {ladder_id!r}: {fault}")
    sizes = [
        {
            "name": each.name,
            "sku": each.sku,
            "titles": each.titles,
            "pieces": each.pieces,
            "per_day": each.per_day,
            "from_age_days": each.from_age_days,
        }
        for each in ladder
    ]
    repository.put_ladder(connection, ladder_id, sizes, now)


def ladder_file(path: Path) -> Ladder:
    """Read a ladder from a TOML file of `[[sizes]]`. Raises `BadRequest`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise BadRequest(f"sizes file {path}: {fault.strerror}") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BadRequest(f"sizes file {path} is not TOML: {fault}") from fault
    sizes = document.get("sizes")
    rows = [
        {"titles": {}, "from_age_days": None, **each} if isinstance(each, dict) else each
        for each in (sizes if isinstance(sizes, list) else [])
    ]
    try:
        return read_ladder(rows)
    except ValueError as fault:
        raise BadRequest(f"sizes file {path}: {fault}") from fault
