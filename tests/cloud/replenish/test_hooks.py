"""Other rooms take part in an order's life: in its commit, in order, and without a way past."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Connection

from business_builders import HOUSEHOLD, Business, lost
from zodra_cloud.consent.service import Purpose
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.replenish import hooks
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.hooks import Go, Stop, Wait, WaitReason
from zodra_cloud.replenish.models import At, Confirmed, StoredOrder
from zodra_cloud.replenish.states import OrderNews, OrderState, order_news
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database


@dataclass
class Room:
    """A room that listens, and that may hold an order up."""

    heard: list[tuple[str, str]] = field(default_factory=list)
    quotes: list[str] = field(default_factory=list)
    answer: Go | Wait | Stop = field(default_factory=Go)
    asked: int = 0

    def on_order(self, connection: Connection, order: StoredOrder, news: OrderNews, at: At) -> None:
        self.heard.append((news.value, order.state.value))
        jobs.enqueue(
            connection,
            kind="tell_room",
            key=f"room:{order.order_key}:{news.value}",
            household_id=order.household_id,
            payload={},
            due_at=at.now,
        )

    def on_quote(self, _connection: Connection, quote: replenish.StoredQuote, _at: At) -> None:
        self.quotes.append(quote.state.value)

    def gate(self, _connection: Connection, _order: StoredOrder, _at: At) -> Go | Wait | Stop:
        self.asked += 1
        return self.answer


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def home(database: Database, room: Room) -> Business:
    hooks.on_order(database, room.on_order)
    hooks.on_quote(database, room.on_quote)
    hooks.before_placing(database, room.gate)
    home = Business(database).set_up(Purpose.REPLENISH)
    home.handlers["tell_room"] = lambda _job: None
    return home


def confirmed(home: Business) -> str:
    home.press()
    home.do_jobs()
    said = home.confirm(home.quotes()[0])
    assert isinstance(said, Confirmed)
    return said.order_key


def test_a_room_hears_each_piece_of_news_once_with_the_order_as_it_is_then(
    home: Business, room: Room
) -> None:
    key = confirmed(home)
    home.do_jobs()
    for state in (ShopOrderState.SHIPPED, ShopOrderState.DELIVERED):
        told = home.shop.advance(key, state)
        for _again in range(2):
            home.replenisher.hear_event(told, f"ev-{state}", home.clock.now())
    assert room.heard == [
        ("confirmed", "confirmed"),
        ("placed", "placed"),
        ("shipped", "shipped"),
        ("delivered", "delivered"),
    ]
    assert room.quotes == ["requested", "open", "confirmed"]


def test_no_step_is_skipped_where_the_shop_skips_one(home: Business, room: Room) -> None:
    key = confirmed(home)
    home.shop.after["place"] = [lost]
    home.do_jobs()
    delivered = home.shop.advance(key, ShopOrderState.DELIVERED)
    home.replenisher.hear_event(delivered, "ev-1", home.clock.now())
    assert [news for news, _state in room.heard] == ["confirmed", "placed", "shipped", "delivered"]


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        (OrderState.CONFIRMED, OrderState.SUBMITTING, ()),
        (OrderState.SUBMITTING, OrderState.PLACED, (OrderNews.PLACED,)),
        (OrderState.PLACED, OrderState.DELIVERED, (OrderNews.SHIPPED, OrderNews.DELIVERED)),
        (OrderState.UNKNOWN, OrderState.SHIPPED, (OrderNews.PLACED, OrderNews.SHIPPED)),
        (OrderState.UNKNOWN, OrderState.NEEDS_PERSON, (OrderNews.NEEDS_PERSON,)),
        (OrderState.PLACED, OrderState.CANCELLED, (OrderNews.CANCELLED,)),
        (OrderState.CONFIRMED, OrderState.FAILED, (OrderNews.FAILED,)),
    ],
)
def test_the_news_of_a_move(
    before: OrderState, after: OrderState, news: tuple[OrderNews, ...]
) -> None:
    assert order_news(before, after) == news


def test_what_a_room_cannot_take_in_does_not_happen(
    database: Database, home: Business, room: Room
) -> None:
    def refuse(_connection: Connection, _order: StoredOrder, _news: OrderNews, _at: At) -> None:
        raise RuntimeError("the room's table is full")

    hooks.on_order(database, refuse)
    home.press()
    home.do_jobs()
    with pytest.raises(RuntimeError):
        home.confirm(home.quotes()[0])
    assert home.count("orders") == 0
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM jobs WHERE kind = 'tell_room'")
        assert rows.scalar_one() == 0
    assert len(home.quotes()) == 1


def test_an_order_waits_for_its_payment_and_goes_on_at_once_when_it_is_through(
    home: Business, room: Room
) -> None:
    room.answer = Wait(WaitReason.PAYMENT_ACTION)
    key = confirmed(home)
    home.do_jobs()
    order = home.order(key).order
    assert (order.state, order.reason) == (OrderState.CONFIRMED, "payment_action")
    assert home.stands(order.signal_id) == ("ordering", "payment_action")
    assert home.shop.orders == {}
    room.answer = Go()
    with home.database.write(HOUSEHOLD) as connection:
        assert replenish.resume(connection, HOUSEHOLD, key, now=home.clock.now())
    home.do_jobs()
    assert home.stands(order.signal_id) == ("ordered", "")
    with home.database.write(HOUSEHOLD) as connection:
        assert not replenish.resume(connection, HOUSEHOLD, key, now=home.clock.now())


@pytest.mark.parametrize(
    ("answer", "seconds", "reason"),
    [
        pytest.param(Stop(), 0, "payment_declined", id="declined"),
        pytest.param(
            Wait(WaitReason.PAYMENT_ACTION), 25 * 3_600, "payment_not_completed", id="never paid"
        ),
    ],
)
def test_an_order_that_is_not_paid_for_fails_before_any_shop_hears_of_it(
    home: Business, room: Room, answer: Any, seconds: float, reason: str
) -> None:
    room.answer = answer
    key = confirmed(home)
    home.do_jobs()
    home.wait(seconds)
    order = home.order(key).order
    assert (order.state, order.reason) == (OrderState.FAILED, reason)
    assert home.stands(order.signal_id) == ("refused", reason)
    assert room.heard[-1] == ("failed", "failed")
    assert "place" not in home.shop.asked
    assert home.balance().adds_up
