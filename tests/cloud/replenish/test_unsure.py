"""An order of which it is not known whether the shop has it: asked for, never doubled."""

from dataclasses import replace

import pytest

from business_builders import HOUSEHOLD, Business, lost
from zodra_cloud.consent.service import Purpose
from zodra_cloud.merchants.port import Refused, ShopRefusal
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import Confirmed
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.store.engine import Database


@pytest.fixture
def home(database: Database) -> Business:
    return Business(database).set_up(Purpose.REPLENISH)


def confirmed(home: Business) -> str:
    home.press()
    home.do_jobs()
    placed = home.confirm(home.quotes()[0])
    assert isinstance(placed, Confirmed)
    return placed.order_key


@pytest.mark.parametrize("answered", ["before", "after"])
def test_an_order_of_unknown_fate_is_looked_up_and_never_doubled(
    home: Business, answered: str
) -> None:
    key = confirmed(home)
    (home.shop.say if answered == "before" else home.shop.after)["place"] = [lost]
    home.do_jobs()
    assert home.order(key).order.state is OrderState.UNKNOWN
    assert home.balance().unclear == 1
    home.wait(5)
    assert home.order(key).order.state is OrderState.PLACED
    assert len(home.shop.orders) == 1
    expected = ["place", "find", "place"] if answered == "before" else ["place", "find"]
    assert home.shop.asked[1:] == expected


def test_an_order_that_stays_unknown_needs_a_person_within_the_limit(home: Business) -> None:
    key = confirmed(home)
    home.shop.say["place"] = [lost]
    home.shop.say["find"] = [lost] * 100
    home.do_jobs()
    for _minute in range(18):
        home.wait(60)
    assert home.order(key).order.state is OrderState.NEEDS_PERSON
    assert home.stands(home.order(key).order.signal_id) == ("ordering", "needs_person")
    with home.database.read() as connection:
        unclear = replenish.unclear_orders(connection)
    assert [(each.order_key, each.state) for each in unclear] == [(key, OrderState.NEEDS_PERSON)]
    assert home.shop.asked.count("place") == 1


def needs_person(home: Business) -> str:
    key = confirmed(home)
    home.shop.say["place"] = [lost]
    home.shop.say["find"] = [lost] * 100
    home.do_jobs()
    for _minute in range(18):
        home.wait(60)
    home.shop.say["find"] = []
    return key


def test_an_order_that_needs_a_person_is_found_when_the_shop_is_back(home: Business) -> None:
    key = needs_person(home)
    total = home.order(key).snapshot.total
    home.shop._place("cs_1", key, total)
    home.wait(600)
    assert home.order(key).order.state is OrderState.PLACED


def test_a_person_settles_what_the_shop_does_not_have(home: Business) -> None:
    key = needs_person(home)
    home.wait(600)
    assert home.shop.asked.count("place") == 1
    with home.database.write(HOUSEHOLD) as connection:
        now, changes = home.clock.now(), home.changes
        assert replenish.settle(connection, HOUSEHOLD, key, now=now, changes=changes)
        assert not replenish.settle(connection, HOUSEHOLD, key, now=now, changes=changes)
    view = home.order(key)
    assert (view.order.state, view.order.reason) == (OrderState.FAILED, "not_at_shop")
    assert home.balance().adds_up
    assert home.balance().refused == 1


def test_a_failed_order_that_the_shop_has_after_all_is_shown_to_the_operator(
    home: Business,
) -> None:
    key = needs_person(home)
    with home.database.write(HOUSEHOLD) as connection:
        replenish.settle(connection, HOUSEHOLD, key, now=home.clock.now(), changes=home.changes)
    home.shop._place("cs_1", key, home.order(key).snapshot.total)
    assert home.replenisher.hear_event(home.shop.orders[key], "ev-1", home.clock.now())
    with home.database.read() as connection:
        unclear = replenish.unclear_orders(connection)
    assert [(each.order_key, each.state) for each in unclear] == [(key, OrderState.FAILED)]


def test_a_refusal_after_an_unknown_counts_only_if_the_shop_has_nothing(home: Business) -> None:
    """The first request may still be under way when the second is refused."""
    key = confirmed(home)
    home.shop.after["place"] = [lost]
    home.do_jobs()
    nothing = Refused(ShopRefusal.ORDER_NOT_FOUND)
    home.shop.say["find"] = [lambda: nothing]
    home.shop.say["place"] = [lambda: Refused(ShopRefusal.OUT_OF_STOCK)]
    home.wait(5)
    assert home.order(key).order.state is OrderState.PLACED


def test_a_key_that_is_taken_is_looked_up(home: Business) -> None:
    key = confirmed(home)
    home.shop._place("cs_1", key, home.order(key).snapshot.total)
    home.shop.say["place"] = [lambda: Refused(ShopRefusal.ALREADY_COMPLETED)]
    home.do_jobs()
    assert home.order(key).order.state is OrderState.PLACED
    assert len(home.shop.orders) == 1


def test_an_order_at_another_total_is_not_taken_for_ours(home: Business) -> None:
    key = confirmed(home)
    home.shop.after["place"] = [lost]
    home.do_jobs()
    home.shop.orders[key] = replace(
        home.shop.orders[key], total=home.order(key).snapshot.total + home.order(key).snapshot.total
    )
    for _minute in range(18):
        home.wait(60)
    assert home.order(key).order.state is OrderState.NEEDS_PERSON
