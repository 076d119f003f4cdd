"""The rules of the shop, without HTTP, with a clock that the test turns."""

from pathlib import Path
from zlib import crc32

import pytest
from pydantic import ValidationError

from sim.shop.shops import NOON, TOWELS, TOWELS_TOTAL, WISH, HandClock, Opened, opened
from zodra_sim.shop.checkout import Placed, Wish
from zodra_sim.shop.documents import (
    Order,
    OrderStatus,
    Refund,
    Session,
    SessionStatus,
    order_json,
)
from zodra_sim.shop.errors import STATUS, Code, Refusal


@pytest.fixture
def shop(tmp_path: Path) -> Opened:
    return opened(tmp_path)


def code(answer: object) -> Code:
    assert isinstance(answer, Refusal), answer
    return answer.code


def placed(answer: object) -> Order:
    assert isinstance(answer, Placed), answer
    return answer.order


def session(answer: object) -> Session:
    assert isinstance(answer, Session), answer
    return answer


def test_every_refusal_has_a_status() -> None:
    assert set(STATUS) == set(Code)


def test_the_same_key_gives_the_same_order(shop: Opened) -> None:
    quote = session(shop.shop.quote(WISH))
    first = shop.shop.complete(quote.session_id, "o_1", TOWELS_TOTAL, "EUR")
    again = shop.shop.complete(quote.session_id, "o_1", TOWELS_TOTAL, "EUR")
    assert isinstance(first, Placed)
    assert isinstance(again, Placed)
    assert (first.replayed, again.replayed) == (False, True)
    assert order_json(first.order, "") == order_json(again.order, "")
    assert shop.shop.store.units(TOWELS) == 499


def test_a_key_used_for_something_else_is_a_conflict(shop: Opened) -> None:
    placed(shop.order())
    other = session(shop.shop.quote(WISH))
    refused = shop.shop.complete(other.session_id, "o_1", TOWELS_TOTAL, "EUR")
    assert code(refused) is Code.IDEMPOTENCY_CONFLICT


def test_a_reference_has_at_most_one_order(shop: Opened) -> None:
    first = placed(shop.order(key="first"))
    assert code(shop.order(key="second")) is Code.ALREADY_COMPLETED
    assert shop.shop.store.orders_with("o_1") == [first]


def test_a_completed_session_refuses_another_key(shop: Opened) -> None:
    quote = session(shop.shop.quote(WISH))
    placed(shop.shop.complete(quote.session_id, "a", TOWELS_TOTAL, "EUR"))
    again = shop.shop.complete(quote.session_id, "b", TOWELS_TOTAL, "EUR")
    assert code(again) is Code.ALREADY_COMPLETED
    assert code(shop.shop.cancel_session(quote.session_id)) is Code.ALREADY_COMPLETED


def test_a_session_expires(shop: Opened) -> None:
    quote = session(shop.shop.quote(WISH))
    shop.clock.turn(900)
    refused = shop.shop.complete(quote.session_id, "o_1", TOWELS_TOTAL, "EUR")
    assert code(refused) is Code.SESSION_EXPIRED
    found = shop.shop.session(quote.session_id)
    assert isinstance(found, tuple)
    assert found[0].status is SessionStatus.EXPIRED


def test_an_order_is_replayed_after_its_session_would_have_expired(shop: Opened) -> None:
    quote = session(shop.shop.quote(WISH))
    order = placed(shop.shop.complete(quote.session_id, "o_1", TOWELS_TOTAL, "EUR"))
    shop.clock.turn(10_000)
    assert placed(shop.shop.complete(quote.session_id, "o_1", TOWELS_TOTAL, "EUR")) == order


def test_a_raised_price_is_refused_and_closes_the_session(shop: Opened) -> None:
    quote = session(shop.shop.quote(WISH))
    shop.shop.change_faults({"price_factor": 1.2})
    refused = shop.shop.complete(quote.session_id, "o_1", TOWELS_TOTAL, "EUR")
    assert code(refused) is Code.PRICE_CHANGED
    again = shop.shop.complete(quote.session_id, "o_1", 1254, "EUR")
    assert code(again) is Code.SESSION_CANCELED
    fresh = session(shop.shop.quote(WISH))
    assert placed(shop.shop.complete(fresh.session_id, "o_1", fresh.totals.total, "EUR"))


def test_prices_have_a_history(shop: Opened) -> None:
    shop.clock.turn(60)
    shop.shop.change_faults({"price_factor": 2})
    shop.shop.change_faults({"slow_s": 1})
    assert [price for _, price in shop.shop.store.prices(TOWELS)] == [799, 1598]


@pytest.mark.parametrize("by", ["fault", "sale"])
def test_what_is_sold_out_can_be_neither_quoted_nor_ordered(shop: Opened, by: str) -> None:
    quote = session(shop.shop.quote(WISH))
    if by == "fault":
        shop.shop.change_faults({"out_of_stock": [TOWELS]})
    else:
        with shop.shop.store.unit():
            shop.shop.store.move_stock(TOWELS, -500)
    refused = shop.shop.complete(quote.session_id, "o_1", TOWELS_TOTAL, "EUR")
    assert code(refused) is Code.OUT_OF_STOCK
    assert code(shop.shop.quote(WISH)) is Code.OUT_OF_STOCK


def test_a_refusal_does_not_use_the_key_up(shop: Opened) -> None:
    shop.shop.change_faults({"payment_declined": 1})
    quote = session(shop.shop.quote(WISH))
    declined = shop.shop.complete(quote.session_id, "o_1", TOWELS_TOTAL, "EUR")
    assert code(declined) is Code.PAYMENT_DECLINED
    assert placed(shop.shop.complete(quote.session_id, "o_1", TOWELS_TOTAL, "EUR"))


def test_an_order_goes_its_way_and_each_step_is_an_event(tmp_path: Path) -> None:
    shop = opened(tmp_path, webhook_url="http://127.0.0.1:9/")
    order = placed(shop.order())
    assert shop.shop.advance() == 0
    for status in (OrderStatus.SHIPPED, OrderStatus.DELIVERED):
        shop.clock.turn(20)
        assert shop.shop.advance() == 1
        assert shop.shop.store.orders()[0].status is status
    assert shop.shop.advance() == 0
    found = shop.shop.order(order.order_id)
    assert isinstance(found, Order)
    assert [event.type for event in found.events] == ["placed", "shipped", "delivered"]
    assert found.revision == 3
    assert len(shop.shop.store.letters(shop.clock.now(), 10)) == 3


def test_held_parcels_stay_where_they_are(shop: Opened) -> None:
    placed(shop.order())
    shop.shop.change_faults({"hold_parcels": True})
    shop.clock.turn(100)
    assert shop.shop.advance() == 0


def test_an_order_can_be_cancelled_until_it_ships(shop: Opened) -> None:
    order = placed(shop.order())
    canceled = shop.shop.cancel_order(order.order_id)
    assert isinstance(canceled, Order)
    assert (canceled.status, canceled.canceled_for) == (OrderStatus.CANCELED, "buyer")
    assert shop.shop.cancel_order(order.order_id) == canceled
    assert shop.shop.store.units(TOWELS) == 500
    later = placed(shop.order(Wish("o_2", "b_1", "NL", ((TOWELS, 1),)), "o_2"))
    shop.clock.turn(20)
    shop.shop.advance()
    assert code(shop.shop.cancel_order(later.order_id)) is Code.TOO_LATE


def test_what_a_shop_without_idempotency_does(shop: Opened) -> None:
    quote = session(shop.shop.quote(WISH))
    first = placed(shop.shop.complete(quote.session_id, "o_1", TOWELS_TOTAL, "EUR"))
    shop.shop.change_faults({"no_idempotency": 1})
    second = placed(shop.shop.complete(quote.session_id, "o_1", TOWELS_TOTAL, "EUR"))
    third = placed(shop.shop.complete(quote.session_id, "o_1", TOWELS_TOTAL, "EUR"))
    assert len({first.order_id, second.order_id, third.order_id}) == 2
    assert len(shop.shop.store.orders_with("o_1")) == 2


def test_a_share_of_references_is_sold_whatever_the_key_says(tmp_path: Path) -> None:
    shop = opened(tmp_path, keyless_percent=50)
    orders = {}
    for number in range(40):
        wish = Wish(f"o_{number}", "b_1", "NL", ((TOWELS, 1),))
        quote = session(shop.shop.quote(wish))
        for _twice in range(2):
            placed(shop.shop.complete(quote.session_id, wish.reference, TOWELS_TOTAL, "EUR"))
        orders[wish.reference] = len(shop.shop.store.orders_with(wish.reference))
    keyless = {name for name in orders if crc32(name.encode()) % 100 < 50}
    assert orders == {name: 2 if name in keyless else 1 for name in orders}
    assert 0 < len(keyless) < 40


def test_a_session_can_be_changed_and_cancelled(shop: Opened) -> None:
    quote = session(shop.shop.quote(WISH))
    changed = session(shop.shop.requote(quote.session_id, ((TOWELS, 3),)))
    assert changed.session_id == quote.session_id
    assert changed.totals.subtotal == 3 * 799
    assert session(shop.shop.cancel_session(quote.session_id)).status is SessionStatus.CANCELED
    assert session(shop.shop.cancel_session(quote.session_id)).status is SessionStatus.CANCELED
    assert code(shop.shop.requote(quote.session_id, ((TOWELS, 1),))) is Code.SESSION_CANCELED
    refused = shop.shop.complete(quote.session_id, "o_1", 1, "EUR")
    assert code(refused) is Code.SESSION_CANCELED


def test_what_does_not_exist_is_said(shop: Opened) -> None:
    assert code(shop.shop.session("cs_x")) is Code.SESSION_NOT_FOUND
    assert code(shop.shop.order("ord_x")) is Code.ORDER_NOT_FOUND
    assert code(shop.shop.quote(Wish("o", "b", "NL", (("x", 1),)))) is Code.UNKNOWN_ITEM


def test_another_shop_on_the_same_file_knows_everything(tmp_path: Path) -> None:
    first = opened(tmp_path)
    order = placed(first.order())
    first.shop.change_faults({"fail_500": 2})
    first.shop.store.close()
    second = opened(tmp_path, HandClock(NOON))
    assert second.shop.store.orders() == [order]
    assert second.shop.store.units(TOWELS) == 499
    assert second.shop.store.faults().fail_500 == 2


def test_an_unknown_fault_is_refused(shop: Opened) -> None:
    with pytest.raises(ValidationError, match="slow"):
        shop.shop.change_faults({"slow": 1})
    with pytest.raises(ValidationError, match="error_rate"):
        shop.shop.change_faults({"error_rate": 2})


def test_money_is_given_back_once_for_a_key_and_never_more_than_was_paid(shop: Opened) -> None:
    order = placed(shop.order())
    first = shop.shop.refund(order.order_id, "r_1", 1000, "EUR")
    assert first == shop.shop.refund(order.order_id, "r_1", 1000, "EUR")
    assert isinstance(first, Refund)
    assert code(shop.shop.refund(order.order_id, "r_1", 999, "EUR")) is Code.IDEMPOTENCY_CONFLICT
    over = TOWELS_TOTAL - 1000 + 1
    assert code(shop.shop.refund(order.order_id, "r_2", over, "EUR")) is Code.NOT_REFUNDABLE
    assert code(shop.shop.refund(order.order_id, "r_2", 0, "EUR")) is Code.NOT_REFUNDABLE
    assert code(shop.shop.refund(order.order_id, "r_2", 1, "USD")) is Code.INVALID
    assert code(shop.shop.refund("ord_9", "r_2", 1, "EUR")) is Code.ORDER_NOT_FOUND
    assert isinstance(shop.shop.refund(order.order_id, "r_2", over - 1, "EUR"), Refund)
