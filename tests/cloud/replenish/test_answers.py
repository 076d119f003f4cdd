"""What the household answers: the yes that counts, the no, the silence, and its consent."""

from typing import Any

import pytest

from business_builders import HOUSEHOLD, PERSON, Business, lost
from zodra_cloud.consent.service import Purpose
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import Confirmed, ConfirmRefusal, NotConfirmed
from zodra_cloud.store.engine import Database


@pytest.fixture
def home(database: Database) -> Business:
    return Business(database).set_up(Purpose.REPLENISH)


def decline(home: Business, quote_id: str) -> bool:
    with home.database.write(HOUSEHOLD) as connection:
        return replenish.decline(
            connection,
            HOUSEHOLD,
            quote_id,
            person_id=PERSON,
            now=home.clock.now(),
            changes=home.changes,
        )


def answer(home: Business, quote_id: str, *, needed: bool) -> bool:
    with home.database.write(HOUSEHOLD) as connection:
        return replenish.answer(
            connection,
            HOUSEHOLD,
            quote_id,
            needed=needed,
            person_id=PERSON,
            now=home.clock.now(),
            changes=home.changes,
        )


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        pytest.param("confirm", "already_on_its_way", id="confirmed"),
        pytest.param("decline", "refused", id="declined"),
        pytest.param("expire", "expired", id="expired"),
    ],
)
def test_a_second_press_while_a_quote_is_open_shares_its_fate(
    home: Business, end: str, expected: str
) -> None:
    first, second = home.press(1), home.press(2)
    home.do_jobs()
    assert home.stands(second) == ("asked", "already_asked")
    assert len(home.quotes()) == 1
    if end == "confirm":
        home.confirm(home.quotes()[0])
    elif end == "decline":
        decline(home, home.quotes()[0].quote_id)
    else:
        home.wait(15 * 60)
    home.do_jobs()
    assert home.stands(second)[0] == expected
    assert home.stands(first)[0] == ("ordered" if end == "confirm" else expected)
    assert home.balance().adds_up


def test_a_double_submit_makes_one_order(home: Business) -> None:
    home.press()
    home.do_jobs()
    quote = home.quotes()[0]
    first, second = home.confirm(quote), home.confirm(quote)
    home.do_jobs()
    assert first == second == home.confirm(quote)
    assert isinstance(first, Confirmed)
    assert (len(home.shop.orders), home.count("orders")) == (1, 1)


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        pytest.param({"snapshot_hash": "0" * 64}, ConfirmRefusal.CHANGED, id="another snapshot"),
        pytest.param({"label": "Yes please"}, ConfirmRefusal.WRONG_LABEL, id="another label"),
        pytest.param(
            {"language": "nl"}, ConfirmRefusal.WRONG_LABEL, id="label of another language"
        ),
        pytest.param({"language": "fr"}, ConfirmRefusal.WRONG_LABEL, id="no such language"),
        pytest.param(
            {"household_id": "hh-2"}, ConfirmRefusal.UNKNOWN_QUOTE, id="another household"
        ),
    ],
)
def test_a_yes_that_does_not_count(
    home: Business, said: dict[str, Any], refusal: ConfirmRefusal
) -> None:
    home.press()
    home.do_jobs()
    assert home.confirm(home.quotes()[0], **said) == NotConfirmed(refusal)
    home.do_jobs()
    assert home.shop.orders == {}
    assert len(home.quotes()) == 1


def test_an_expired_quote_cannot_be_confirmed_even_before_its_timer(home: Business) -> None:
    signal_id = home.press()
    home.do_jobs()
    quote = home.quotes()[0]
    home.clock.advance(15 * 60)
    assert home.confirm(quote) == NotConfirmed(ConfirmRefusal.EXPIRED)
    assert home.stands(signal_id) == ("expired", "quote_expired")
    home.do_jobs()
    assert home.shop.orders == {}


def test_a_quote_expires_by_itself(home: Business) -> None:
    signal_id = home.press()
    home.do_jobs()
    home.wait(15 * 60)
    assert home.stands(signal_id) == ("expired", "quote_expired")
    assert home.quotes() == []


def test_a_declined_quote_stays_declined(home: Business) -> None:
    signal_id = home.press()
    home.do_jobs()
    quote = home.quotes()[0]
    assert decline(home, quote.quote_id)
    assert not decline(home, quote.quote_id)
    assert home.confirm(quote) == NotConfirmed(ConfirmRefusal.CLOSED)
    assert home.stands(signal_id) == ("refused", "declined")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"authenticated": False}, "unauthenticated", id="a device without proof"),
        pytest.param(
            {"authenticated": False, "evidence": {"buying_paused": 1}},
            "buying_paused",
            id="buying paused on the gateway",
        ),
        pytest.param({"error_ms": 90_000_000}, "stale", id="a press of a day ago, perhaps"),
    ],
)
def test_a_doubtful_press_is_a_question_first(
    home: Business, facts: dict[str, Any], reason: str
) -> None:
    signal_id = home.press(**facts)
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", reason)
    assert home.shop.asked == []
    question = home.questions()[0]
    assert question.reason == reason
    assert answer(home, question.quote_id, needed=True)
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", reason)
    assert isinstance(home.confirm(home.quotes()[0]), Confirmed)
    home.do_jobs()
    assert home.stands(signal_id) == ("ordered", "")


def test_a_question_that_nobody_answers_expires(home: Business) -> None:
    signal_id = home.press(authenticated=False)
    home.do_jobs()
    home.wait(24 * 3_600)
    assert home.stands(signal_id) == ("expired", "question_expired")


def test_a_question_answered_no_ends_the_need(home: Business) -> None:
    signal_id = home.press(authenticated=False)
    home.do_jobs()
    assert answer(home, home.questions()[0].quote_id, needed=False)
    assert home.stands(signal_id) == ("refused", "declined")


def test_without_consent_a_press_is_refused_and_the_shop_hears_nothing(database: Database) -> None:
    home = Business(database).set_up()
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "no_consent")
    assert home.shop.asked == []


def test_withdrawing_takes_back_what_waits_and_stops_what_comes(home: Business) -> None:
    first = home.press(1)
    home.do_jobs()
    quote = home.quotes()[0]
    home.say_consent(Purpose.REPLENISH, granted=False)
    assert home.confirm(quote) == NotConfirmed(ConfirmRefusal.NO_CONSENT)
    home.do_jobs()
    second = home.press(2)
    home.do_jobs()
    assert home.stands(first) == ("refused", "consent_withdrawn")
    assert home.stands(second) == ("refused", "no_consent")
    assert home.shop.orders == {}


def test_withdrawing_before_the_quote_asks_no_shop(home: Business) -> None:
    home.shop.say["quote"] = [lost]
    signal_id = home.press()
    home.do_jobs()
    home.say_consent(Purpose.REPLENISH, granted=False)
    home.wait(5)
    assert home.shop.asked == ["quote"]
    assert home.stands(signal_id) == ("refused", "consent_withdrawn")
