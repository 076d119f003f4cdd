"""Every text in both languages, and numbers, money and time as people write them."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web_strings import all_messages
from zodra_cloud.channels.models import LetterKind
from zodra_cloud.fleet.policy import GatewayState
from zodra_cloud.forecast import State as ForecastState
from zodra_cloud.law.service import NotPossible, Refusal, WithdrawalState
from zodra_cloud.offers.policy import OfferReason
from zodra_cloud.payments.states import PaymentState
from zodra_cloud.replenish.policy import Reason
from zodra_cloud.replenish.states import Answer, Ending, OrderState, QuoteState
from zodra_cloud.subscriptions.service import Channel, CycleState, Every, Kind, Status, Why
from zodra_cloud.web import typed
from zodra_cloud.web.i18n import Speech, catalogue, choose_language
from zodra_cloud.web.views import timeline, words
from zodra_cloud.web.views.orders import words as order_words
from zodra_cloud.web.views.orders.listing import outside
from zodra_cloud.web.views.slots import forecast as slot_forecast
from zodra_cloud.web.views.subscriptions import history
from zodra_cloud.web.views.subscriptions import words as subscription_words
from zodra_contract.outcome import RejectReason, SignalState

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NL = Speech.of("nl")
EN = Speech.of("en")


def test_every_text_is_there_in_dutch() -> None:
    dutch = catalogue("nl")
    missing = sorted(text for text in all_messages() if text not in dutch.texts)
    assert missing == []


def test_no_dutch_text_is_left_over() -> None:
    assert sorted(set(catalogue("nl").texts) - all_messages()) == []


def test_every_translation_names_the_same_facts() -> None:
    fact = re.compile(r"%\((\w+)\)s")
    for source, forms in catalogue("nl").texts.items():
        for form in forms:
            assert set(fact.findall(form)) == set(fact.findall(source)), source


@pytest.mark.parametrize(
    "name", sorted({each.value for kind in (Reason, Ending, OfferReason) for each in kind})
)
def test_every_reason_has_words(name: str) -> None:
    assert name in words.REASONS


def test_every_state_has_words() -> None:
    assert set(words.STATES) == set(words.OUTCOMES) == set(SignalState)
    assert set(words.GATEWAY_STATES) == set(GatewayState)
    assert set(RejectReason) <= set(words.REJECTIONS)
    assert {*OrderState, *QuoteState, *SignalState} <= set(timeline.NAMES)


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        (("en",), "en"),
        ((None, "nl"), "nl"),
        (("fr, en;q=0.8",), "en"),
        (("nonsense", ""), "nl"),
    ],
)
def test_the_first_wish_that_we_speak_is_taken(
    wishes: tuple[str | None, ...], language: str
) -> None:
    assert choose_language(*wishes) == language


def test_money_and_time_are_written_as_people_write_them() -> None:
    assert (EN.money(1044, "EUR"), NL.money(1044, "EUR")) == ("€10.44", "€\xa010,44")
    assert (EN.day(NOW), NL.day(NOW)) == ("Sunday 22 November", "zondag 22 november")
    assert (EN.clock(NOW), EN.instant(NOW, NOW)) == ("13:00", "today 13:00")
    assert NL.instant(NOW - timedelta(days=3), NOW) == "do 19 nov 13:00"
    assert (EN.ago(NOW - timedelta(seconds=59), NOW), NL.ago(NOW, NOW)) == ("just now", "zojuist")
    assert NL.ago(NOW - timedelta(hours=3), NOW) == "3 uur geleden"
    assert (EN.span(0.2), EN.span(90), NL.span(7200)) == (
        "less than a second",
        "2 minutes",
        "2 uur",
    )
    assert (EN.hours(1500), NL.hours(1500), EN.hours(1)) == ("1,500 hours", "1.500 uur", "1 hour")
    assert (EN.hours(0.001), NL.hours(0.05)) == ("4 seconds", "3 minuten")


def test_an_unknown_time_zone_falls_back() -> None:
    assert Speech.of("en", "Mars/Olympus").clock(NOW) == "13:00"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (Answer, order_words.ANSWERS),
        (LetterKind, order_words.LETTERS),
        (NotPossible, order_words.NOT_POSSIBLE),
        (PaymentState, order_words.PAYMENTS),
        (Refusal, order_words.TURNED_DOWN),
        (WithdrawalState, order_words.WITHDRAWALS),
        (CycleState, subscription_words.CYCLES),
        (Status, subscription_words.STATUSES),
        (Why, subscription_words.REFUSALS),
        (Channel, history.CHANNELS),
        (Every, subscription_words.OFTEN),
        (ForecastState, slot_forecast.STATES),
    ],
    ids=lambda each: getattr(each, "__name__", "words"),
)
def test_every_name_that_a_page_may_meet_has_words(names: type[StrEnum], said: object) -> None:
    assert isinstance(said, dict)
    assert set(said) == set(names)


def test_every_line_of_a_ledger_has_words_but_looks_that_changed_nothing() -> None:
    assert set(history.KINDS) == set(Kind) - {Kind.FORECAST_LOOKED}


@pytest.mark.parametrize(
    ("typed_text", "language", "amount"),
    [("24.50", "en", 2450), ("24,5", "nl", 2450), ("€ 7", "nl", 700), ("0", "en", 0)],
)
def test_an_amount_is_read_as_people_type_it(typed_text: str, language: str, amount: int) -> None:
    assert typed.minor(typed_text, "EUR") == amount
    assert typed.minor(typed.as_typed(amount, "EUR", language), "EUR") == amount


@given(text=st.text(max_size=30))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    amount, number = typed.minor(text, "EUR"), typed.whole(text)
    assert amount is None or 0 <= amount < 10**11
    assert number is None or 0 <= number < 10**9
    assert typed.day(text) is None or len(text.strip()) >= 8
    assert typed.clock(text) is None or ":" in text or "." in text
    assert typed.decimal(text) is None or typed.decimal(text) == typed.decimal(text)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://bank.example/pay/1", True),
        ("http://127.0.0.1:9/pay", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https:", False),
        ("//elsewhere.example", False),
        ("http://[", False),
        (None, False),
    ],
)
def test_an_address_of_somebody_else_is_followed_only_over_http(
    address: str | None, shown: bool
) -> None:
    assert bool(outside(address)) is shown
