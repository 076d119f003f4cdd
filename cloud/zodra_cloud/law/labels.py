"""The words that the law asks for on a control, as a closed list by control, channel and language.

What counts is the control itself, not the page around it (CJEU C-249/21), and in some countries a
contract under other words is voidable. So a control carries one of these texts or none.

Sources: Directive 2011/83, article 8(2) (order) and article 11a (withdrawal, in force since
19 June 2026). The Dutch words of article 11a are ours, in the sense of the English ones: another
text of the list can be chosen for a country in the settings, and a text outside of it cannot.
Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Control(StrEnum):
    """What a control does. A name is never reused."""

    ORDER = "order"
    WITHDRAW = "withdraw"
    """The first step: leads to the second, and declares nothing."""
    CONFIRM_WITHDRAWAL = "confirm_withdrawal"
    CANCEL_SUBSCRIPTION = "cancel_subscription"


class Channel(StrEnum):
    """Where the control is."""

    WEB = "web"
    MAIL = "mail"
    """A link of this text to the page that has the control; a mail orders and ends nothing."""
    CHAT = "chat"


CHAT_CHARS_MAX: Final = 20
"""A reply button of the common messengers takes no more."""

LANGUAGES: Final = ("nl", "en")

_LONG: Final[dict[tuple[Control, str], tuple[str, ...]]] = {
    # The directive's own words in either language, the same in every country: no choice.
    (Control.ORDER, "nl"): ("Bestelling met betalingsverplichting",),
    (Control.ORDER, "en"): ("Order with obligation to pay",),
    (Control.WITHDRAW, "nl"): (
        "overeenkomst hier herroepen",
        "hier de overeenkomst herroepen",
        "herroep hier de overeenkomst",
    ),
    (Control.WITHDRAW, "en"): ("withdraw from contract here",),
    (Control.CONFIRM_WITHDRAWAL, "nl"): ("herroeping bevestigen", "bevestig herroeping"),
    (Control.CONFIRM_WITHDRAWAL, "en"): ("confirm withdrawal",),
    (Control.CANCEL_SUBSCRIPTION, "nl"): ("abonnement opzeggen", "abonnement hier opzeggen"),
    (Control.CANCEL_SUBSCRIPTION, "en"): ("cancel subscription", "cancel subscription here"),
}
"""The first text of each is used unless a country has another."""

_CHAT: Final[dict[tuple[Control, str], tuple[str, ...]]] = {
    (Control.ORDER, "nl"): ("Bestellen en betalen",),
    (Control.ORDER, "en"): ("Order and pay",),
    (Control.WITHDRAW, "nl"): ("herroep overeenkomst",),
    (Control.WITHDRAW, "en"): ("withdraw contract",),
    (Control.CONFIRM_WITHDRAWAL, "nl"): ("bevestig herroeping",),
    (Control.CONFIRM_WITHDRAWAL, "en"): ("confirm withdrawal",),
    (Control.CANCEL_SUBSCRIPTION, "nl"): ("abonnement opzeggen",),
    (Control.CANCEL_SUBSCRIPTION, "en"): ("cancel subscription",),
}


def allowed(control: Control, channel: Channel, language: str) -> tuple[str, ...]:
    """Give every text that a control may carry; none in a language that we do not speak."""
    table = _CHAT if channel is Channel.CHAT else _LONG
    return table.get((control, language), ())


def accepts(control: Control, language: str, text: str, channel: Channel = Channel.WEB) -> bool:
    """Tell whether a control with this text does what it says, in the eyes of the law."""
    return text in allowed(control, channel, language)


@dataclass(frozen=True, slots=True)
class Choice:
    """Another text of the closed list, for one country."""

    country: str
    control: Control
    channel: Channel
    language: str
    text: str

    def __post_init__(self) -> None:
        texts = allowed(self.control, self.channel, self.language)
        if self.text not in texts:
            said = ", ".join(repr(each) for each in texts) or "nothing in this language"
            raise ValueError(f"{self.text!r} is not on the list; {self.control} may say {said}")


class Labels:
    """The text of every control in one country.

    Args:
        country: ISO 3166-1, two capitals.
        choices: where it differs; those of other countries are passed over.
    """

    def __init__(self, country: str, choices: Iterable[Choice] = ()) -> None:
        self.country = country
        self._chosen = {
            (each.control, each.channel, each.language): each.text
            for each in choices
            if each.country == country
        }

    def text(self, control: Control, language: str, channel: Channel = Channel.WEB) -> str:
        """Give the words on a control. Raises `KeyError` for a language that we do not speak."""
        chosen = self._chosen.get((control, channel, language))
        if chosen is not None:
            return chosen
        table = _CHAT if channel is Channel.CHAT else _LONG
        return table[control, language][0]


ORDER_LABELS: Final = {language: _LONG[Control.ORDER, language][0] for language in LANGUAGES}
"""The only words that the web's confirm control may carry, by language."""
