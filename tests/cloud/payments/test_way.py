"""The way of a payment: held before a shop is asked, taken when it has sent, or let go."""

import pytest

from business_builders import HOUSEHOLD
from paying.home import PayingHome
from paying.peer import ASKS, BROKE, GOOD, Stripe
from zodra_cloud.merchants.port import Refused, ShopOrderState, ShopRefusal
from zodra_cloud.payments import service as payments
from zodra_cloud.payments.service import RefundAnswer
from zodra_cloud.replenish.models import Confirmed
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.store.types import to_ms


def test_a_first_order_waits_for_the_household_and_gives_a_mandate_for_the_next(
    home: PayingHome, peer: Stripe
) -> None:
    key = home.ordered()
    home.do_jobs()
    assert home.state(key) == "action"
    order = home.order(key).order
    assert (order.state, order.reason) == (OrderState.CONFIRMED, "payment_action")
    assert home.shop.orders == {}
    assert peer.counter.fill_in(home.link(key), ASKS) == "complete"
    home.wait(60)
    assert home.state(key) == "authorized"
    assert home.order(key).order.state is OrderState.PLACED
    assert peer.money(key) == ["requires_capture"]
    home.ship(key)
    assert home.state(key) == "captured"
    assert peer.money(key) == ["succeeded"]
    assert home.mandate().state.value == "live"
    assert home.news == ["link", "authorized", "captured"]


def test_under_a_mandate_nobody_is_asked(home: PayingHome, peer: Stripe) -> None:
    assert home.gives_mandate(peer.counter, GOOD).state.value == "live"
    key = home.ordered()
    home.do_jobs()
    assert home.passed(key) == ["asking", "authorized"]
    assert home.order(key).order.state is OrderState.PLACED
    home.ship(key)
    home.ship(key, ShopOrderState.DELIVERED)
    assert (home.state(key), peer.money(key)) == ("captured", ["succeeded"])


def test_a_bank_that_wants_to_see_the_household_sends_it_a_link(
    home: PayingHome, peer: Stripe
) -> None:
    home.gives_mandate(peer.counter, ASKS)
    key = home.ordered()
    home.do_jobs()
    assert home.state(key) == "action"
    # The charge that the bank wanted approved is ended before another can hold money.
    assert [each["status"] for each in peer.charges(key)] == ["canceled"]
    peer.counter.fill_in(home.link(key), GOOD)
    home.wait(60)
    assert home.order(key).order.state is OrderState.PLACED
    assert peer.money(key) == ["requires_capture"]


def test_a_link_that_nobody_uses_ends_with_nothing_ordered(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    key = home.ordered()
    home.do_jobs()
    url = home.link(key)
    assert peer.counter.fill_in(url, BROKE) == "open"
    home.wait(3_600)
    assert home.state(key) == "expired"
    order = home.order(key).order
    assert (order.state, order.reason) == (OrderState.FAILED, "payment_not_completed")
    assert (home.shop.orders, peer.money(key)) == ({}, [])
    assert peer.counter.sessions[url.rsplit("/", 1)[1]].status == "expired"


def test_a_household_that_approves_in_the_last_second_has_its_order(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    key = home.ordered()
    home.do_jobs()
    home.clock.advance(3_599)
    peer.counter.fill_in(home.link(key), GOOD)
    home.wait(2)
    assert home.state(key) == "authorized"


def test_a_soft_no_is_asked_again_at_given_times_and_then_ends(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    home.gives_mandate(peer.counter, BROKE)
    key = home.ordered()
    home.do_jobs()
    assert (home.state(key), home.payment(key).reason) == ("retrying", "declined")
    for hours in (1, 4, 15):
        before = len(peer.charges(key))
        home.wait(hours * 3_600 - 1)
        assert len(peer.charges(key)) == before
        home.wait(1)
        assert len(peer.charges(key)) == before + 1
    assert home.state(key) == "declined"
    assert home.order(key).order.reason == "payment_declined"
    assert (home.shop.orders, peer.money(key)) == ({}, [])
    assert home.news == ["not_now"] * 3 + ["declined"]
    assert home.mandate().state.value == "live"


def test_a_hard_no_is_final_and_ends_the_mandate(home: PayingHome, peer: Stripe) -> None:
    home.gives_mandate(peer.counter, BROKE)
    peer.counter.refuse_next = ["lost_card"]
    key = home.ordered()
    home.do_jobs()
    assert (home.state(key), home.payment(key).reason) == ("declined", "card_blocked")
    assert len(peer.charges(key)) == 1
    assert (home.mandate().state.value, home.mandate().reason) == ("refused", "card_blocked")
    assert home.order(key).order.state is OrderState.FAILED


def test_the_household_pays_otherwise_what_its_bank_declined(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    home.gives_mandate(peer.counter, BROKE)
    key = home.ordered()
    home.do_jobs()
    with home.database.write(HOUSEHOLD) as connection:
        assert payments.pay_otherwise(
            connection, HOUSEHOLD, key, now=home.clock.now(), changes=home.changes
        )
    home.do_jobs()
    peer.counter.fill_in(home.link(key), GOOD)
    home.wait(60)
    assert (home.state(key), peer.money(key)) == ("authorized", ["requires_capture"])


def test_what_the_shop_refuses_is_let_go(sqlite_home: PayingHome, peer: Stripe) -> None:
    home = sqlite_home
    home.gives_mandate(peer.counter, GOOD)
    home.shop.say["place"] = [lambda: Refused(ShopRefusal.OUT_OF_STOCK)]
    key = home.ordered()
    home.do_jobs()
    assert (home.state(key), peer.money(key)) == ("voided", [])
    assert peer.refunds(key) == []


@pytest.mark.parametrize("paid", [False, True])
def test_what_the_household_cancels_is_let_go(home: PayingHome, peer: Stripe, paid: bool) -> None:
    if paid:
        home.gives_mandate(peer.counter, GOOD)
    key = home.ordered()
    home.do_jobs()
    home.cancel(key)
    assert home.order(key).order.state is OrderState.CANCELLED
    assert (home.state(key), peer.money(key)) == ("voided", [])


def test_a_page_that_was_left_open_cannot_be_paid_after_the_cancellation(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    key = home.ordered()
    home.do_jobs()
    url = home.link(key)
    home.cancel(key)
    assert peer.counter.sessions[url.rsplit("/", 1)[1]].status == "expired"


def test_money_that_was_approved_while_the_order_was_cancelled_is_let_go(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    key = home.ordered()
    home.do_jobs()
    peer.counter.fill_in(home.link(key), GOOD)
    home.cancel(key)
    assert (home.state(key), peer.money(key)) == ("voided", [])


def test_a_hold_is_taken_before_it_lapses_if_a_shop_has_the_order(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    home.gives_mandate(peer.counter, GOOD)
    key = home.ordered()
    home.do_jobs()
    home.wait(4 * 86_400 - 1)
    assert home.state(key) == "authorized"
    home.wait(1)
    assert (home.state(key), peer.money(key)) == ("captured", ["succeeded"])


def test_a_hold_that_lapsed_is_charged_anew_when_the_goods_are_sent(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    home.gives_mandate(peer.counter, GOOD)
    key = home.ordered()
    home.do_jobs()
    (charge,) = peer.charges(key)
    peer.counter.ask("POST", f"/v1/payment_intents/{charge['id']}/cancel", {})
    home.ship(key)
    assert (home.state(key), peer.money(key)) == ("captured", ["succeeded"])


def test_goods_that_were_sent_and_cannot_be_paid_become_a_persons_matter(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    home.gives_mandate(peer.counter, GOOD)
    key = home.ordered()
    home.do_jobs()
    (charge,) = peer.charges(key)
    peer.counter.ask("POST", f"/v1/payment_intents/{charge['id']}/cancel", {})
    peer.counter.refuse_next = ["insufficient_funds"] * 5
    home.ship(key)
    assert home.state(key) == "retrying"
    for _day in range(8):
        home.wait(86_400)
    assert home.state(key) == "unpaid"
    with home.database.read() as connection:
        (item,) = payments.open_items(connection, home.clock.now())
    assert (item.kind, item.name, item.state) == ("payment", key, "unpaid")
    assert home.order(key).order.state is OrderState.SHIPPED


def test_money_goes_back_once_for_each_cause(home: PayingHome, peer: Stripe) -> None:
    home.gives_mandate(peer.counter, GOOD)
    key = home.ordered()
    home.do_jobs()
    assert home.refund(key, 100, "withdrawal:1") is RefundAnswer.NO_PAYMENT
    home.ship(key)
    total = home.payment(key).amount_minor
    assert home.refund(key, 300, "withdrawal:1") is RefundAnswer.WANTED
    assert home.refund(key, 300, "withdrawal:1") is RefundAnswer.WANTED
    assert home.refund(key, 200, "withdrawal:1") is RefundAnswer.KEY_CONFLICT
    assert home.refund(key, total, "withdrawal:2") is RefundAnswer.TOO_MUCH
    assert home.refund(key, 0, "withdrawal:2") is RefundAnswer.TOO_MUCH
    assert home.refund(key, -5, "withdrawal:2") is RefundAnswer.TOO_MUCH
    assert home.refund(key, total - 300, "withdrawal:2") is RefundAnswer.WANTED
    assert sorted(peer.refunds(key)) == sorted([300, total - 300])
    assert home.order(key).order.refunded_minor == total


def test_what_a_shop_cancels_after_it_was_taken_goes_back(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    home.gives_mandate(peer.counter, GOOD)
    key = home.ordered()
    home.do_jobs()
    home.wait(4 * 86_400)
    assert home.state(key) == "captured"
    home.ship(key, ShopOrderState.CANCELLED)
    assert peer.refunds(key) == [home.payment(key).amount_minor]


def test_a_mandate_that_is_revoked_is_forgotten_by_the_provider(
    home: PayingHome, peer: Stripe
) -> None:
    method_id = home.gives_mandate(peer.counter, GOOD).method_id
    with home.database.write(HOUSEHOLD) as connection:
        for ended in (1, 0):
            assert ended == payments.revoke_mandate(
                connection, HOUSEHOLD, now=home.clock.now(), changes=home.changes
            )
    home.do_jobs()
    assert home.mandate().state.value == "revoked"
    assert peer.counter.ask("GET", f"/v1/payment_methods/{method_id}")[1]["customer"] is None
    key = home.ordered()
    home.do_jobs()
    assert home.state(key) == "action"


def test_an_order_from_before_payments_goes_the_way_it_went(sqlite_home: PayingHome) -> None:
    home = sqlite_home
    key = home.ordered()
    with home.database.write(HOUSEHOLD) as connection:
        connection.exec_driver_sql("DELETE FROM payments")
    home.do_jobs()
    assert home.order(key).order.state is OrderState.PLACED


def test_an_order_that_is_placed_days_later_is_paid_then(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    home.gives_mandate(peer.counter, GOOD)
    key = home.ordered()
    place_at = to_ms(home.clock.now()) + 3 * 86_400_000
    with home.database.write(HOUSEHOLD) as connection:
        connection.exec_driver_sql(f"UPDATE orders SET place_at = {place_at}")
        connection.exec_driver_sql(f"UPDATE payments SET due_at = {place_at}")
    home.do_jobs()
    assert (home.state(key), peer.charges(key)) == ("due", [])
    peer.proxy.break_next("fail", "payment_intents", times=2)
    home.wait(3 * 86_400)
    assert (home.state(key), home.order(key).order.reason) == ("unknown", "payment_pending")
    home.waits(2)
    assert home.order(key).order.state is OrderState.PLACED
    assert peer.money(key) == ["requires_capture"]


def test_a_yes_that_is_said_twice_is_paid_once(sqlite_home: PayingHome, peer: Stripe) -> None:
    home = sqlite_home
    home.gives_mandate(peer.counter, GOOD)
    home.press()
    home.do_jobs()
    (quote,) = home.quotes()
    first, second = home.confirm(quote), home.confirm(quote)
    assert first == second
    assert isinstance(first, Confirmed)
    home.do_jobs()
    assert len(peer.charges(first.order_key)) == 1


def test_a_page_that_cannot_be_closed_is_not_forgotten(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    key = home.ordered()
    home.do_jobs()
    url = home.link(key)
    peer.proxy.break_next("fail", "/expire", times=3)
    home.cancel(key)
    home.wait(3)
    assert home.state(key) == "voiding"
    peer.counter.fill_in(url, GOOD)
    home.waits(5)
    assert (home.state(key), peer.money(key)) == ("voided", [])
