"""Every text in both languages, and numbers, money and time as people write them."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from web_strings import all_messages
from zodra_cloud.fleet.policy import GatewayState
from zodra_cloud.offers.policy import OfferReason
from zodra_cloud.replenish.policy import Reason
from zodra_cloud.replenish.states import Ending, OrderState, QuoteState
from zodra_cloud.web.i18n import Speech, catalogue, choose_language
from zodra_cloud.web.views import timeline, words
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
