"""What a shop answers to the wish for a price, and to a price that changed."""

from dataclasses import replace

import pytest

from business_builders import HOUSEHOLD, Business, lost
from cloud_builders import slot
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households import service as households
from zodra_cloud.merchants.port import ShopFault, Unknown
from zodra_cloud.store.engine import Database
from zodra_contract.envelope import read_outcome


@pytest.fixture
def home(database: Database) -> Business:
    return Business(database).set_up(Purpose.REPLENISH)


def test_a_price_above_the_ceiling_is_said(home: Business) -> None:
    bound = slot(HOUSEHOLD, "btn-kitchen", "button-1", sku="paper-towels-6")
    with home.database.write(HOUSEHOLD) as connection:
        low = {"price_ceiling_minor": 1_000}
        households.bind_slot(connection, replace(bound, **low), now=home.clock.now())
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "price_above_ceiling")
    assert home.quotes()[0].reason == "price_above_ceiling"


def test_sold_out_is_said_plainly(home: Business) -> None:
    home.shop.sold_out.add("paper-towels-6")
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "out_of_stock")


def test_sold_out_after_the_yes_orders_nothing(home: Business) -> None:
    signal_id = home.press()
    home.do_jobs()
    home.confirm(home.quotes()[0])
    home.shop.sold_out.add("paper-towels-6")
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "out_of_stock")
    assert home.balance().adds_up


def test_a_price_that_changed_is_asked_anew(home: Business) -> None:
    signal_id = home.press()
    home.do_jobs()
    first = home.confirm(home.quotes()[0])
    home.shop.price_minor = 999
    home.do_jobs()
    assert home.shop.orders == {}
    assert home.stands(signal_id) == ("asked", "price_changed")
    again = home.quotes()[0]
    assert again.snapshot is not None
    assert again.snapshot.total_minor == 1_294
    assert told_last(home) == (2, "asked")
    second = home.confirm(again)
    home.do_jobs()
    assert first != second
    assert home.stands(signal_id) == ("ordered", "")
    assert told_last(home) == (2, "ordered")
    assert len(home.shop.orders) == 1
    assert home.balance().adds_up


def told_last(home: Business) -> tuple[int, str]:
    """What the gateway was told last: the round, and where the need stands."""
    outcome = read_outcome(home.broker.sent[-1][1])
    return outcome.round, outcome.state.value


def test_a_price_that_changes_each_time_ends(home: Business) -> None:
    signal_id = home.press()
    for _round in range(3):
        home.do_jobs()
        home.confirm(home.quotes()[0])
        home.shop.price_minor += 1
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "price_changed")
    assert home.quotes() == []


def test_a_shop_that_is_away_is_asked_again_and_then_given_up(home: Business) -> None:
    home.shop.say["quote"] = [lost] * 100
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("received", "")
    for _minute in range(12):
        home.wait(60)
    assert home.stands(signal_id) == ("refused", "shop_unavailable")


def test_a_shop_that_comes_back_quotes(home: Business) -> None:
    home.shop.say["quote"] = [lost, lambda: Unknown(ShopFault.BUSY, retry_after_s=30)]
    signal_id = home.press()
    home.do_jobs()
    home.wait(2)
    home.wait(20)
    assert home.stands(signal_id) == ("received", "")
    home.wait(15)
    assert home.stands(signal_id) == ("asked", "confirm_first")
