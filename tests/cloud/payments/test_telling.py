"""What the household reads of its payment, in its own language, and when."""

import pytest

from business_builders import HOUSEHOLD
from paying.home import PayingHome
from paying.peer import ASKS, BROKE, Stripe
from zodra_cloud.channels import service as channels
from zodra_cloud.channels.content import BlockKind
from zodra_cloud.channels.service import Letter, LetterKind
from zodra_cloud.kit.money import Money
from zodra_cloud.payments.hooks import on_payment
from zodra_cloud.payments.telling import Teller
from zodra_cloud.payments.words import TOLD, WORDS, say


@pytest.fixture
def told(sqlite_home: PayingHome) -> PayingHome:
    home = sqlite_home
    on_payment(home.database, Teller("https://home.example", mail_on=False).on_payment)
    return home


def letters(home: PayingHome, key: str) -> list[Letter]:
    with home.database.read() as connection:
        found = channels.letters_about(connection, HOUSEHOLD, key)
    return [each for each in found if each.kind is LetterKind.NOTICE]


def test_the_household_gets_its_link(told: PayingHome, peer: Stripe) -> None:
    key = told.ordered()
    told.do_jobs()
    (letter,) = letters(told, key)
    urls = [each.url for each in letter.content.blocks if each.kind is BlockKind.LINK]
    assert urls == [told.link(key), f"https://home.example/orders/{key}"]
    peer.counter.fill_in(urls[0], ASKS)
    told.wait(60)
    assert told.state(key) == "authorized"
    assert len(letters(told, key)) == 1


def test_a_link_that_lapsed_and_a_bank_that_said_no_are_told(
    told: PayingHome, peer: Stripe
) -> None:
    key = told.ordered()
    told.do_jobs()
    told.wait(3_600)
    told.gives_mandate(peer.counter, BROKE)
    other = told.ordered(2)
    told.do_jobs()
    told.wait(3_600)
    assert sorted(each.content.subject for each in letters(told, key)) == [
        "Approve the payment of your order",
        "Your order was not placed",
    ]
    subjects = [each.content.subject for each in letters(told, other)]
    assert subjects == ["The payment of your order did not go through yet"] * 2


def test_every_sentence_is_there_in_both_languages() -> None:
    assert WORDS["en"].keys() == WORDS["nl"].keys()
    price = Money(1_094, "EUR")
    for news in TOLD:
        for language in WORDS:
            for name in (f"{news.value}_subject", news.value):
                said = say(language, name, price)
                assert said
                assert "%(" not in said
    assert say("nl", "link_how", price) == "Keur de betaling van €\xa010,94 goed"
    assert say("en", "link_how", price) == "Approve the payment of €10.94"
    assert "¥500" in say("en", "declined", Money(500, "JPY"))
