"""After the yes: cancelling, a promise that is not kept, money back, and "was it right?"."""

from dataclasses import replace
from datetime import timedelta

import pytest

from business_builders import HOUSEHOLD, PERSON, Business, lost
from zodra_cloud.consent.service import Purpose
from zodra_cloud.merchants.port import Refused, ShopOrderState, ShopRefusal
from zodra_cloud.replenish import hooks
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import CancelAnswer, Confirmed
from zodra_cloud.replenish.service import Answer
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.store.engine import Database


@pytest.fixture
def news(database: Database) -> list[str]:
    heard: list[str] = []
    hooks.on_order(database, lambda _connection, _order, news, _at: heard.append(news.value))
    return heard


@pytest.fixture
def home(database: Database, news: list[str]) -> Business:
    return Business(database).set_up(Purpose.REPLENISH)


def confirmed(home: Business) -> str:
    home.press()
    home.do_jobs()
    said = home.confirm(home.quotes()[0])
    assert isinstance(said, Confirmed)
    return said.order_key


def placed(home: Business) -> str:
    key = confirmed(home)
    home.do_jobs()
    return key


def cancel(home: Business, key: str) -> CancelAnswer:
    with home.database.write(HOUSEHOLD) as connection:
        return replenish.cancel(
            connection,
            HOUSEHOLD,
            key,
            person_id=PERSON,
            now=home.clock.now(),
            changes=home.changes,
        )


def state(home: Business, key: str) -> tuple[str, str]:
    order = home.order(key).order
    return order.state.value, order.reason


def test_before_a_shop_was_asked_one_word_cancels(home: Business, news: list[str]) -> None:
    key = confirmed(home)
    assert cancel(home, key) is CancelAnswer.CANCELLED
    assert cancel(home, key) is CancelAnswer.CANCELLED
    home.do_jobs()
    assert state(home, key) == ("cancelled", "cancelled_by_household")
    assert home.shop.orders == {}
    assert news == ["confirmed", "cancelled"]
    assert home.balance().adds_up


def test_a_placed_order_is_cancelled_through_the_shop(home: Business, news: list[str]) -> None:
    key = placed(home)
    signal_id = home.order(key).order.signal_id
    assert cancel(home, key) is CancelAnswer.ASKED
    assert cancel(home, key) is CancelAnswer.ASKED
    assert state(home, key)[0] == "cancelling"
    home.do_jobs()
    assert state(home, key) == ("cancelled", "cancelled_by_household")
    assert home.stands(signal_id) == ("refused", "cancelled_by_household")
    assert home.order(key).order.cancel_wanted_by == PERSON
    assert home.shop.asked.count("cancel") == 1
    assert news == ["confirmed", "placed", "cancelled"]
    assert home.balance().adds_up


@pytest.mark.parametrize("answered", ["before", "after"])
def test_a_shop_that_does_not_answer_the_wish_is_asked_again(home: Business, answered: str) -> None:
    key = placed(home)
    (home.shop.say if answered == "before" else home.shop.after)["cancel"] = [lost]
    cancel(home, key)
    home.do_jobs()
    assert state(home, key)[0] == "cancelling"
    home.wait(5)
    assert state(home, key) == ("cancelled", "cancelled_by_household")


def test_what_has_left_the_shop_goes_on(home: Business, news: list[str]) -> None:
    key = placed(home)
    home.shop.advance(key, ShopOrderState.SHIPPED)
    assert cancel(home, key) is CancelAnswer.ASKED
    home.do_jobs()
    assert state(home, key) == ("placed", "too_late")
    assert news[-1] == "cancel_refused"
    home.wait(60)
    assert state(home, key)[0] == "shipped"
    assert cancel(home, key) is CancelAnswer.TOO_LATE
    home.shop.advance(key, ShopOrderState.DELIVERED)
    home.wait(600)
    assert state(home, key)[0] == "delivered"
    assert cancel(home, key) is CancelAnswer.TOO_LATE


def test_after_a_no_the_household_may_try_again(home: Business) -> None:
    key = placed(home)
    home.shop.say["cancel"] = [lambda: Refused(ShopRefusal.TOO_LATE)]
    cancel(home, key)
    home.do_jobs()
    assert state(home, key)[0] == "placed"
    home.clock.advance(60)
    assert cancel(home, key) is CancelAnswer.ASKED
    home.do_jobs()
    assert state(home, key)[0] == "cancelled"


@pytest.mark.parametrize("there", [True, False])
def test_a_wish_to_cancel_what_may_be_at_the_shop_waits_for_certainty(
    home: Business, there: bool
) -> None:
    key = confirmed(home)
    (home.shop.after if there else home.shop.say)["place"] = [lost]
    home.do_jobs()
    assert cancel(home, key) is CancelAnswer.ASKED
    for _minute in range(5):
        home.wait(60)
    order = home.order(key).order
    assert order.reason == "cancelled_by_household"
    assert order.state is (OrderState.CANCELLED if there else OrderState.FAILED)
    assert home.shop.asked.count("place") == 1
    assert home.balance().adds_up
    assert home.balance().orders == 0


def test_an_order_of_nobody_cannot_be_cancelled(home: Business) -> None:
    assert cancel(home, "o_none") is CancelAnswer.UNKNOWN_ORDER


def test_a_promise_that_passes_is_said_once(home: Business, news: list[str]) -> None:
    key = placed(home)
    signal_id = home.order(key).order.signal_id
    home.wait(2 * 86_400 + 3_600)  # the window ends after two days
    assert "late" not in news
    home.wait(3_600)
    home.wait(86_400)
    assert news.count("late") == 1
    order = home.order(key).order
    assert order.late_at is not None
    assert home.stands(signal_id) == ("ordered", "late")
    home.shop.advance(key, ShopOrderState.DELIVERED)
    home.wait(3_600)
    assert home.stands(signal_id) == ("delivered", "")
    assert [step.state.value for step in home.order(key).steps][-2:] == ["placed", "delivered"]


def test_a_window_that_the_shop_moves_is_said_at_once(home: Business, news: list[str]) -> None:
    key = placed(home)
    told = home.shop.orders[key]
    promised = home.order(key).order.promised_to_at
    assert promised is not None
    for number, later in enumerate((timedelta(minutes=59), timedelta(days=1)), start=1):
        moved = replace(told, revision=number + 1, delivery_to_at=promised + later)
        home.replenisher.hear_event(moved, f"ev-{number}", home.clock.now())
    assert news.count("late") == 1
    order = home.order(key).order
    assert order.late_at == home.clock.now()
    assert order.delivery_to_at == promised + timedelta(days=1)
    assert order.promised_to_at == promised


def test_what_comes_in_time_is_not_late(home: Business, news: list[str]) -> None:
    key = placed(home)
    home.shop.advance(key, ShopOrderState.DELIVERED)
    home.wait(60)
    home.wait(3 * 86_400)
    assert home.order(key).order.late_at is None
    assert "late" not in news


def refund(home: Business, key: str, minor: int) -> bool:
    with home.database.write(HOUSEHOLD) as connection:
        return replenish.note_refund(
            connection,
            HOUSEHOLD,
            key,
            refunded_minor=minor,
            now=home.clock.now(),
            changes=home.changes,
        )


def test_money_that_went_back_is_counted_once_and_never_above_the_total(
    home: Business, news: list[str]
) -> None:
    key = placed(home)
    assert refund(home, key, 500)
    assert not refund(home, key, 500)
    assert not refund(home, key, 1_095)
    assert refund(home, key, 1_094)
    assert not refund(home, "o_none", 1)
    assert news.count("refunded") == 2
    assert home.order(key).order.refunded_minor == 1_094


def delivered(home: Business) -> str:
    key = placed(home)
    home.shop.advance(key, ShopOrderState.DELIVERED)
    home.wait(60)
    return key


def say(home: Business, key: str, answer: Answer) -> bool:
    with home.database.write(HOUSEHOLD) as connection:
        return replenish.answer_follow_up(
            connection,
            HOUSEHOLD,
            key,
            answer,
            person_id=PERSON,
            now=home.clock.now(),
            changes=home.changes,
        )


def waiting(home: Business) -> list[str]:
    with home.database.read() as connection:
        return [each.order_key for each in replenish.open_follow_ups(connection, HOUSEHOLD)]


def test_a_day_after_the_delivery_it_is_asked_once_whether_it_was_right(
    home: Business, news: list[str]
) -> None:
    key = delivered(home)
    assert waiting(home) == []
    home.wait(86_400)
    assert waiting(home) == [key]
    assert say(home, key, Answer.TOO_EARLY)
    assert not say(home, key, Answer.YES)
    assert waiting(home) == []
    home.wait(15 * 86_400)
    assert (news.count("follow_up"), news.count("answered")) == (1, 1)
    assert home.do_jobs() == 0


def test_an_answer_before_the_question_counts_and_nothing_is_asked_then(
    home: Business, news: list[str]
) -> None:
    key = delivered(home)
    assert say(home, key, Answer.YES)
    home.wait(86_400)
    assert waiting(home) == []
    assert "follow_up" not in news


def test_a_question_that_nobody_answers_ends(home: Business) -> None:
    key = delivered(home)
    home.wait(86_400)
    home.wait(14 * 86_400 - 1)
    assert waiting(home) == [key]
    home.wait(1)
    assert waiting(home) == []
    assert not say(home, key, Answer.YES)


def test_what_was_not_delivered_is_not_asked_about(home: Business) -> None:
    key = placed(home)
    assert not say(home, key, Answer.YES)
    assert not say(home, "o_none", Answer.YES)
