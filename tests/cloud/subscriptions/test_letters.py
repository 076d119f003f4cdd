"""Letters about subscriptions: every kind in both languages, and no charge without one."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from business_builders import HOUSEHOLD
from subscribed import Subscribed, joined_home
from zodra_cloud.channels import service as channels
from zodra_cloud.channels.content import as_html, as_text
from zodra_cloud.store.engine import Database
from zodra_cloud.subscriptions.letters.words import TEXTS, Words
from zodra_cloud.subscriptions.letters.writing import SubscriptionLetters, content
from zodra_cloud.subscriptions.models import TOLD, Told
from zodra_cloud.subscriptions.policy.ledger.states import Kind
from zodra_cloud.subscriptions.service import Cadence, CycleState, Every, Wanted

FIRST = date(2026, 12, 1)
WANTED = Wanted(Cadence(4, Every.WEEKS), first_on=FIRST)


def test_both_languages_say_the_same_things() -> None:
    names = [set(texts) for texts in TEXTS.values()]
    assert names[0] == names[1]
    for name, english in TEXTS["en"].items():
        slots = [sorted(re.findall(r"%\((\w+)\)s", text)) for text in (english, TEXTS["nl"][name])]
        assert slots[0] == slots[1], name


@pytest.mark.parametrize("kind", sorted({*TOLD, Kind.PRE_NOTICE_SENT}))
def test_each_thing_that_is_told_has_words(kind: Kind) -> None:
    for texts in TEXTS.values():
        assert texts[kind.value]
        assert texts[f"{kind.value}_text"]


@pytest.fixture
def home(sqlite_database: Database) -> Subscribed:
    home = joined_home(sqlite_database)
    letters = SubscriptionLetters("https://zodra.example/", mail_on=True)

    def write(connection: Connection, told: Told) -> bool:
        home.told.append(told)
        return letters(connection, told)

    home.letters = write
    home.handlers[channels.MAIL_JOB] = lambda _job: None
    return home


def with_address(home: Subscribed) -> None:
    with home.database.write(HOUSEHOLD) as connection:
        channels.set_email(
            connection,
            HOUSEHOLD,
            "household@example.org",
            set_by="u-1",
            now=home.clock.now(),
            mail_on=True,
        )


def test_a_household_without_an_address_is_asked_each_time(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.until(FIRST, time(9, 1))
    assert home.shop.orders == {}
    assert home.view(joined).past[0].state is CycleState.ASKED


@pytest.mark.parametrize("language", ["en", "nl"])
def test_an_announcement_says_what_when_and_how_much(home: Subscribed, language: str) -> None:
    home.join(WANTED)
    home.until(FIRST - timedelta(days=3), time(9, 1))
    (told,) = [each for each in home.told if each.kind is Kind.PRE_NOTICE_SENT]
    zone = ZoneInfo("Europe/Amsterdam")
    letter = content(told, Words(language), "https://zodra.example/subscriptions", zone)
    text = as_text(letter.subject, letter.blocks)
    said = {
        "en": ["Paper towels", "Tuesday 1 December 2026", "€10.94", "every 4 weeks"],
        "nl": ["Keukenpapier", "dinsdag 1 december 2026", "10,94", "elke 4 weken"],
    }
    for words in [*said[language], "https://zodra.example/subscriptions"]:
        assert words in text
    assert "<script" not in as_html(letter.subject, language, letter.blocks)


def test_with_an_address_it_is_written_and_ordered(home: Subscribed) -> None:
    with_address(home)
    joined = home.join(WANTED)
    home.until(FIRST, time(9, 1))
    assert home.view(joined).past[0].state is CycleState.ORDERED
    with home.database.read() as connection:
        letters = channels.letters_about(connection, HOUSEHOLD, "")
    assert len(letters) == 2
    assert datetime(2026, 11, 28, 8, tzinfo=UTC) in [each.caused_at for each in letters]
