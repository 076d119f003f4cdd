"""What a slot's own limits do to a need, from the press to its end, on both databases."""

from dataclasses import replace
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from business_builders import HOUSEHOLD, PERSON, Business
from cloud_builders import slot
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households import service as households
from zodra_cloud.households.models import MayPress
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import Confirmed, ConfirmRefusal, NotConfirmed
from zodra_cloud.replenish.policy import replay
from zodra_cloud.store.engine import Database
from zodra_contract.ids import derived_id

BOUND = slot(HOUSEHOLD, "btn-kitchen", "button-1", sku="paper-towels-6")
SIGNED_IN = derived_id("u", "household", HOUSEHOLD)
"""The person whom `add_household` made."""


@pytest.fixture
def home(database: Database) -> Business:
    return Business(database).set_up(Purpose.REPLENISH)


def limit(home: Business, **limits: Any) -> None:
    with home.database.write(HOUSEHOLD) as connection:
        households.bind_slot(connection, replace(BOUND, **limits), now=home.clock.now())


def bought(home: Business, counter: int) -> str:
    """Order once, and let it be delivered."""
    home.press(counter)
    home.do_jobs()
    said = home.confirm(home.quotes()[0])
    assert isinstance(said, Confirmed)
    home.do_jobs()
    home.shop.advance(said.order_key, ShopOrderState.DELIVERED)
    home.wait(60)
    return said.order_key


def test_a_press_in_quiet_hours_waits_and_goes_on_by_itself_when_they_end(home: Business) -> None:
    limit(home, quiet_from=time(12), quiet_to=time(14, 30))
    signal_id = home.press()  # it is 13:00 at the household
    home.do_jobs()
    assert home.stands(signal_id) == ("received", "quiet_hours")
    assert home.shop.asked == []
    assert home.balance().pending == 1
    home.wait(89 * 60)
    assert home.shop.asked == []
    home.wait(60)
    assert home.stands(signal_id) == ("asked", "confirm_first")
    with home.database.read() as connection:
        explained = replenish.why(connection, HOUSEHOLD, signal_id)
    decisions = [step for step in explained.steps if step.kind.value == "decision"]
    assert [(step.name, step.reason) for step in decisions] == [
        ("hold", "quiet_hours"),
        ("ask", "confirm_first"),
    ]


def test_two_presses_of_a_night_become_one_question_in_the_morning(home: Business) -> None:
    limit(home, quiet_from=time(12), quiet_to=time(14, 30))
    first, second = home.press(1), home.press(2)
    home.do_jobs()
    home.wait(90 * 60)
    assert (home.stands(first)[0], home.stands(second)) == ("asked", ("asked", "already_asked"))
    assert len(home.quotes()) == 1


def test_a_held_press_that_grew_stale_overnight_is_asked_about_first(home: Business) -> None:
    limit(home, quiet_from=time(12), quiet_to=time(14, 30), staleness_limit_s=3_600)
    signal_id = home.press()
    home.do_jobs()
    home.wait(90 * 60)
    assert home.stands(signal_id) == ("asked", "stale")
    assert len(home.questions()) == 1


def test_a_need_soon_after_an_order_is_refused_and_later_not(home: Business) -> None:
    limit(home, cooldown_s=7 * 86_400)
    bought(home, 1)
    early = home.press(2)
    home.do_jobs()
    assert home.stands(early) == ("refused", "cooldown")
    home.wait(7 * 86_400)
    late = home.press(3)
    home.do_jobs()
    assert home.stands(late) == ("asked", "confirm_first")


def test_an_order_that_was_cancelled_starts_no_cooldown(home: Business) -> None:
    limit(home, cooldown_s=7 * 86_400)
    home.press(1)
    home.do_jobs()
    said = home.confirm(home.quotes()[0])
    assert isinstance(said, Confirmed)
    home.do_jobs()
    home.shop.advance(said.order_key, ShopOrderState.CANCELLED)
    home.wait(60)
    again = home.press(2)
    home.do_jobs()
    assert home.stands(again) == ("asked", "confirm_first")


def test_the_day_of_the_cap_is_the_households_own(home: Business) -> None:
    limit(home, spend_cap_minor=1_094)
    bought(home, 1)
    second = home.press(2)
    home.do_jobs()
    assert home.stands(second) == ("refused", "spend_cap")
    midnight = datetime(2026, 11, 23, tzinfo=ZoneInfo("Europe/Amsterdam"))
    home.wait((midnight - home.clock.now()).total_seconds() - 1)
    third = home.press(3)
    home.do_jobs()
    assert home.stands(third) == ("refused", "spend_cap")
    home.wait(1)
    fourth = home.press(4)
    home.do_jobs()
    assert home.stands(fourth) == ("asked", "confirm_first")


def test_a_price_that_would_pass_the_cap_is_not_offered(home: Business) -> None:
    limit(home, spend_cap_minor=1_093)
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "over_spend_cap")
    assert home.quotes() == []


def answer(home: Business, quote_id: str, person_id: str) -> bool:
    with home.database.write(HOUSEHOLD) as connection:
        return replenish.answer(
            connection,
            HOUSEHOLD,
            quote_id,
            needed=True,
            person_id=person_id,
            now=home.clock.now(),
            changes=home.changes,
        )


def test_anybodys_press_is_a_question_to_those_who_may_confirm(home: Business) -> None:
    limit(home, may_press=MayPress.CONFIRMED_PERSON, confirmers=(SIGNED_IN,))
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "not_allowed_to_press")
    assert home.shop.asked == []
    question = home.questions()[0]
    assert not answer(home, question.quote_id, PERSON)
    assert answer(home, question.quote_id, SIGNED_IN)
    home.do_jobs()
    quote = home.quotes()[0]
    assert home.confirm(quote) == NotConfirmed(ConfirmRefusal.MAY_NOT_CONFIRM)
    assert isinstance(home.confirm(quote, person_id=SIGNED_IN), Confirmed)


def test_the_press_of_a_persons_own_device_counts(home: Business) -> None:
    limit(home, may_press=MayPress.CONFIRMED_PERSON, press_devices=("btn-kitchen",))
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "confirm_first")


def test_every_stored_decision_is_taken_again_from_its_row(home: Business) -> None:
    limit(home, cooldown_s=60, spend_cap_minor=5_000, quiet_from=time(1), quiet_to=time(2))
    bought(home, 1)
    for counter, facts in enumerate([{}, {"authenticated": False}, {"error_ms": 10**9}], start=2):
        home.press(counter, **facts)
        home.do_jobs()
        home.wait(10)
    with home.database.read() as connection:
        lines = replenish.timeline(connection, HOUSEHOLD, 10)
    assert len(lines) == 4
    for line in lines:
        assert line.decision is not None
        again = replay(line.decision.facts)
        assert (again.verdict, again.reason) == (line.decision.verdict, line.decision.reason)
