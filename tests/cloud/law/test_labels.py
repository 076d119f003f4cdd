"""The literal words of every control that the law gives words to."""

import pytest

from zodra_cloud.law.labels import (
    CHAT_CHARS_MAX,
    LANGUAGES,
    ORDER_LABELS,
    Channel,
    Choice,
    Control,
    Labels,
    accepts,
    allowed,
)


@pytest.mark.parametrize(
    ("control", "nl", "en"),
    [
        (
            Control.ORDER,
            "Bestelling met betalingsverplichting",
            "Order with obligation to pay",
        ),
        (Control.WITHDRAW, "overeenkomst hier herroepen", "withdraw from contract here"),
        (Control.CONFIRM_WITHDRAWAL, "herroeping bevestigen", "confirm withdrawal"),
        (Control.CANCEL_SUBSCRIPTION, "abonnement opzeggen", "cancel subscription"),
    ],
)
@pytest.mark.parametrize("channel", [Channel.WEB, Channel.MAIL])
def test_pages_and_letters_carry_these_words_and_no_others(
    control: Control, nl: str, en: str, channel: Channel
) -> None:
    labels = Labels("NL")
    assert labels.text(control, "nl", channel) == nl
    assert labels.text(control, "en", channel) == en


@pytest.mark.parametrize(
    ("control", "nl", "en"),
    [
        (Control.ORDER, "Bestellen en betalen", "Order and pay"),
        (Control.WITHDRAW, "herroep overeenkomst", "withdraw contract"),
        (Control.CONFIRM_WITHDRAWAL, "bevestig herroeping", "confirm withdrawal"),
        (Control.CANCEL_SUBSCRIPTION, "abonnement opzeggen", "cancel subscription"),
    ],
)
def test_buttons_in_a_chat_carry_these(control: Control, nl: str, en: str) -> None:
    labels = Labels("NL")
    assert labels.text(control, "nl", Channel.CHAT) == nl
    assert labels.text(control, "en", Channel.CHAT) == en


def test_every_control_has_words_in_every_language_and_fits_into_a_chat() -> None:
    for control in Control:
        for language in LANGUAGES:
            for channel in Channel:
                texts = allowed(control, channel, language)
                assert texts
                if channel is Channel.CHAT:
                    assert all(len(text) <= CHAT_CHARS_MAX for text in texts)


def test_the_order_page_knows_one_text_a_language() -> None:
    assert ORDER_LABELS == {
        "nl": "Bestelling met betalingsverplichting",
        "en": "Order with obligation to pay",
    }
    for language, text in ORDER_LABELS.items():
        assert allowed(Control.ORDER, Channel.WEB, language) == (text,)


@pytest.mark.parametrize(
    "text", ["Bevestig", "Bestellen", "ok", "", "Order with obligation to pay "]
)
def test_other_words_order_nothing(text: str) -> None:
    assert not any(accepts(Control.ORDER, language, text) for language in ("nl", "en", "fr"))


def test_a_country_chooses_from_the_list_and_other_countries_keep_theirs() -> None:
    choice = Choice("BE", Control.WITHDRAW, Channel.WEB, "nl", "hier de overeenkomst herroepen")
    belgian, dutch = Labels("BE", [choice]), Labels("NL", [choice])
    assert belgian.text(Control.WITHDRAW, "nl") == "hier de overeenkomst herroepen"
    assert belgian.text(Control.WITHDRAW, "nl", Channel.MAIL) == "overeenkomst hier herroepen"
    assert dutch.text(Control.WITHDRAW, "nl") == "overeenkomst hier herroepen"


@pytest.mark.parametrize(
    ("control", "language", "text"),
    [
        (Control.ORDER, "nl", "Koop nu"),
        (Control.ORDER, "nl", "Bestellen en betalen"),
        (Control.WITHDRAW, "en", "return"),
        (Control.WITHDRAW, "fr", "se rétracter ici"),
    ],
)
def test_a_text_outside_of_the_list_cannot_be_chosen(
    control: Control, language: str, text: str
) -> None:
    with pytest.raises(ValueError, match="not on the list"):
        Choice("NL", control, Channel.WEB, language, text)
