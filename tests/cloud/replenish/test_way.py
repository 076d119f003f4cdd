"""The whole way of a need in the cloud, on both databases, with a shop that keeps its word."""

import json
from collections.abc import Callable

import pytest

from business_builders import HOUSEHOLD, PERSON, Business, press
from cloud_builders import slot
from zodra_cloud.consent.service import Purpose
from zodra_cloud.errors import UnknownThing
from zodra_cloud.households import service as households
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import Confirmed
from zodra_cloud.store.engine import Database
from zodra_contract.ids import derived_id


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


def test_a_press_becomes_a_quote_and_no_order(home: Business) -> None:
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "confirm_first")
    quote = home.quotes()[0]
    assert quote.snapshot is not None
    assert (quote.snapshot.total_minor, quote.snapshot.vat_minor) == (1_094, 190)
    assert quote.snapshot.title("nl") == "Keukenpapier"
    assert quote.snapshot.title("fr") == "Paper towels"
    assert home.shop.orders == {}


def test_a_confirmed_quote_is_ordered_shipped_and_delivered(home: Business) -> None:
    signal_id, key = ordered(home)
    assert key == derived_id("o", HOUSEHOLD, signal_id)
    assert home.stands(signal_id) == ("ordered", "")
    for state, stands in (
        (ShopOrderState.SHIPPED, "shipped"),
        (ShopOrderState.DELIVERED, "delivered"),
    ):
        home.shop.advance(key, state)
        home.wait(60)
        assert home.stands(signal_id) == (stands, "")
    told = [json.loads(payload)["state"] for _topic, payload in home.broker.sent]
    # A job tells where the need stands when it is done, so that late ones do no harm.
    assert list(dict.fromkeys(told)) == ["asked", "ordered", "shipped", "delivered"]
    view = home.order(key)
    assert [step.state.value for step in view.steps] == [
        "confirmed",
        "submitting",
        "placed",
        "shipped",
        "delivered",
    ]
    assert (view.order.label, view.order.confirmed_by) == ("Order with obligation to pay", PERSON)
    assert home.do_jobs() == 0


def test_the_same_need_heard_again_is_decided_once(home: Business) -> None:
    signal_id = home.press(1)
    home.do_jobs()
    home.press(1)
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "confirm_first")
    assert (home.count("decisions"), home.count("quotes")) == (1, 1)


def test_a_second_press_while_an_order_is_open_orders_nothing(home: Business) -> None:
    ordered(home, 1)
    second = home.press(2)
    home.do_jobs()
    assert home.stands(second) == ("already_on_its_way", "already_on_its_way")
    assert len(home.shop.orders) == 1


def test_a_press_after_the_delivery_asks_again(home: Business) -> None:
    _signal, key = ordered(home, 1)
    home.shop.advance(key, ShopOrderState.DELIVERED)
    home.wait(60)
    second = home.press(2)
    home.do_jobs()
    assert home.stands(second) == ("asked", "confirm_first")


def test_a_need_of_a_slot_bound_to_nothing_is_refused(home: Business) -> None:
    bound = slot(HOUSEHOLD, "btn-kitchen", "button-1", sku=None)
    with home.database.write(HOUSEHOLD) as connection:
        households.bind_slot(connection, bound, now=home.clock.now())
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "nothing_bound")


def every_moment(home: Business) -> list[Callable[[], object]]:
    return [
        lambda: home.press(1),
        home.do_jobs,
        lambda: home.press(2),
        home.do_jobs,
        lambda: home.confirm(home.quotes()[0]),
        lambda: home.press(3),
        home.do_jobs,
        lambda: home.wait(60),
    ]


def test_the_balance_adds_up_at_every_moment(home: Business) -> None:
    for act in every_moment(home):
        act()
        balance = home.balance()
        assert balance.adds_up, balance
    assert (balance.needs, balance.ordered, balance.refused, balance.held) == (3, 1, 2, 2)
    with home.database.read() as connection:
        assert replenish.operator_balances(connection) == [balance]


def test_why_tells_every_step_with_its_facts(home: Business) -> None:
    signal_id, key = ordered(home)
    with home.database.read() as connection:
        explained = replenish.why(connection, HOUSEHOLD, signal_id)
    kinds = [step.kind.value for step in explained.steps]
    assert kinds == ["need", "decision", "quote", "confirmation", "order", "order", "outcome"]
    decision = explained.steps[1]
    assert (decision.name, decision.reason) == ("ask", "confirm_first")
    assert decision.facts["policy_version"] == "replenish-3"
    assert decision.facts["consent_id"] == 1
    assert explained.line.order is not None
    assert explained.line.order.order_key == key


def test_the_timeline_shows_newest_first_with_what_became_of_each(home: Business) -> None:
    first, _key = ordered(home, 1)
    home.clock.advance(10)
    second = home.press(2)
    home.do_jobs()
    with home.database.read() as connection:
        lines = replenish.timeline(connection, HOUSEHOLD, 10)
    assert [line.signal.signal_id for line in lines] == [second, first]
    assert lines[1].order is not None
    assert lines[0].decision is not None
    assert lines[0].decision.reason.value == "already_on_its_way"


def test_another_household_sees_nothing_of_it(home: Business) -> None:
    _signal, key = ordered(home)
    with home.database.read() as connection:
        assert replenish.timeline(connection, "hh-2", 10) == []
        assert replenish.open_quotes(connection, "hh-2") == []
        with pytest.raises(UnknownThing):
            replenish.order(connection, "hh-2", key)


def test_a_signal_may_name_what_it_likes(home: Business) -> None:
    """The latest date and the largest error that a gateway can send lead to a question."""
    far = home.clock.now().replace(year=9999)
    signal_id = home.hear(press(9, far, error_ms=2**62))
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "stale")
