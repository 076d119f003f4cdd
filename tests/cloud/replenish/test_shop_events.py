"""What the shop says of an order, in any order, twice and late."""

from dataclasses import replace

import pytest

from business_builders import Business, lost
from zodra_cloud.consent.service import Purpose
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.replenish.models import Confirmed
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.store.engine import Database


@pytest.fixture
def home(database: Database) -> Business:
    return Business(database).set_up(Purpose.REPLENISH)


def ordered(home: Business, counter: int = 1) -> tuple[str, str]:
    """Press, confirm, and let the shop take it."""
    signal_id = home.press(counter)
    home.do_jobs()
    confirmed = home.confirm(home.quotes()[0])
    assert isinstance(confirmed, Confirmed)
    home.do_jobs()
    return signal_id, confirmed.order_key


def confirmed(home: Business) -> str:
    home.press()
    home.do_jobs()
    placed = home.confirm(home.quotes()[0])
    assert isinstance(placed, Confirmed)
    return placed.order_key


def test_an_order_that_the_shop_cancels_is_said(home: Business) -> None:
    signal_id, key = ordered(home)
    home.shop.advance(key, ShopOrderState.CANCELLED)
    home.wait(60)
    assert home.stands(signal_id) == ("refused", "cancelled_by_shop")
    assert home.balance().adds_up


EVENTS: list[list[ShopOrderState]] = [
    [ShopOrderState.SHIPPED, ShopOrderState.DELIVERED],
    [ShopOrderState.DELIVERED, ShopOrderState.SHIPPED],
    [ShopOrderState.DELIVERED, ShopOrderState.DELIVERED, ShopOrderState.SHIPPED],
]


@pytest.mark.parametrize("told", EVENTS, ids=["in order", "reversed", "twice and late"])
def test_events_of_the_shop_may_come_in_any_order(
    home: Business, told: list[ShopOrderState]
) -> None:
    signal_id, key = ordered(home)
    placed = home.shop.orders[key]
    revisions = {ShopOrderState.SHIPPED: 2, ShopOrderState.DELIVERED: 3}
    for number, state in enumerate(told):
        event = replace(placed, state=state, revision=revisions[state])
        assert home.replenisher.hear_event(event, f"ev-{number}", home.clock.now())
    assert home.stands(signal_id) == ("delivered", "")


def test_an_event_that_comes_before_the_answer_settles_the_order(home: Business) -> None:
    key = confirmed(home)
    home.shop.after["place"] = [lost]
    home.do_jobs()
    assert home.replenisher.hear_event(home.shop.orders[key], "ev-1", home.clock.now())
    assert home.order(key).order.state is OrderState.PLACED
    home.wait(5)
    assert home.shop.asked.count("place") == 1


def test_an_event_is_taken_in_once(home: Business) -> None:
    _signal, key = ordered(home)
    shipped = home.shop.advance(key, ShopOrderState.SHIPPED)
    for _again in range(3):
        assert home.replenisher.hear_event(shipped, "ev-1", home.clock.now())
    assert home.count("merchant_events") == 1
    assert [step.state.value for step in home.order(key).steps].count("shipped") == 1


def test_an_event_about_an_order_of_nobody_is_said(home: Business) -> None:
    _signal, key = ordered(home)
    stranger = replace(home.shop.orders[key], reference="o_stranger")
    assert not home.replenisher.hear_event(stranger, "ev-1", home.clock.now())
