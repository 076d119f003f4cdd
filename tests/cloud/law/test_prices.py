"""Prices that shops named are kept, on both databases, and say whether a reduction is one."""

from datetime import timedelta

import pytest

from business_builders import HOUSEHOLD
from cloud_builders import NOON
from law_world import LawfulBusiness
from zodra_cloud.kit.money import Money
from zodra_cloud.law import pricing
from zodra_cloud.law import service as law
from zodra_cloud.law.policy.prices import Reduction, Seen
from zodra_cloud.law.repository import records
from zodra_cloud.merchants.port import ShopItem
from zodra_cloud.store.engine import Database

THING = ("demo-shop", "paper-towels-6", "EUR")


def kept(database: Database) -> list[Seen]:
    with database.read() as connection:
        found = records.prices_since(connection, THING, NOON - timedelta(days=400), 100)
    return list(found)


def test_every_quote_leaves_its_price(database: Database) -> None:
    home = LawfulBusiness(database)
    first = home.order()
    home.deliver(first)
    home.clock.advance(3_600)
    second = home.order()
    home.deliver(second)
    home.shop.price_minor = 699
    home.order()
    assert [(each.unit_price_minor, each.observed_at) for each in kept(database)] == [
        (699, NOON + timedelta(hours=1)),
        (799, NOON),
    ]


def test_a_price_that_stands_is_written_once_a_day_and_every_change_at_once(
    database: Database,
) -> None:
    with database.write(HOUSEHOLD) as connection:
        for hours, price in ((0, 800), (1, 800), (23, 800), (24, 800), (25, 700), (26, 800)):
            at = NOON + timedelta(hours=hours)
            pricing.observe(connection, THING, price, "quote", at)
            pricing.observe(connection, THING, price, "quote", at)
    assert [each.unit_price_minor for each in kept(database)] == [800, 700, 800, 800]


@pytest.mark.parametrize(
    ("days_of_history", "found"), [(40, Reduction(1_000, 800, NOON)), (20, None)]
)
def test_a_quote_is_a_reduction_only_with_the_lowest_price_of_thirty_days(
    database: Database, days_of_history: int, found: Reduction | None
) -> None:
    with database.write(HOUSEHOLD) as connection:
        for days in range(days_of_history, 0, -1):
            at = NOON - timedelta(days=days)
            pricing.observe(connection, THING, 1_000, "quote", at)
        pricing.observe(connection, THING, 800, "quote", NOON)
        assert pricing.reduction(connection, THING, 800, NOON) == found
        assert pricing.reduction(connection, THING, 1_000, NOON) is None


def test_a_catalogue_counts_as_much_as_a_quote(database: Database) -> None:
    items = [
        ShopItem("a", {"": "A"}, Money(500, "EUR"), available=True),
        ShopItem("a", {"": "A"}, Money(550, "USD"), available=True),
        ShopItem("b", {"": "B"}, Money(900, "EUR"), available=False),
    ]
    with database.write() as connection:
        assert law.observe_catalogue(connection, "demo-shop", items, NOON) == 3
        assert law.observe_catalogue(connection, "demo-shop", items, NOON) == 0
        assert law.observe_catalogue(connection, "other-shop", items, NOON) == 3


def test_two_that_see_the_same_price_at_the_same_moment_write_it_once(database: Database) -> None:
    with database.write() as connection:
        for _ in range(2):
            records.add_price(connection, THING, Seen(NOON, 800), "quote")
    assert len(kept(database)) == 1
