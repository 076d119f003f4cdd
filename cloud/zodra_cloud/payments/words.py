"""The words of letters about payments, in Dutch and English. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from babel.numbers import format_currency, get_currency_precision

from zodra_cloud.kit.money import Money
from zodra_cloud.payments.models import PaymentNews

_LOCALES: Final = {"nl": "nl_NL", "en": "en_GB"}

_EN: Final[Mapping[str, str]] = {
    "link_subject": "Approve the payment of your order",
    "link": "Your order waits for your approval of the payment. Without it, nothing is ordered and "
    "nothing is charged.",
    "link_sent": "Your order has been sent, and its payment still waits for your approval.",
    "link_how": "Approve the payment of %(amount)s",
    "link_until": "You approve it on the page of the payment provider; we never see your card. "
    "The link works for a limited time.",
    "not_now_subject": "The payment of your order did not go through yet",
    "not_now": "Your bank did not allow the payment of %(amount)s now. We ask it again later. You "
    "can also pay in another way: see the page of your order.",
    "declined_subject": "The payment of your order was declined",
    "declined": "Your bank declined the payment of %(amount)s. Nothing was ordered and nothing was "
    "charged. Press again to order; you can then pay in another way.",
    "expired_subject": "Your order was not placed",
    "expired": "The payment of %(amount)s was not approved in time. Nothing was ordered and "
    "nothing was charged. Press again if you still need it.",
    "unpaid_subject": "The payment of your order is still due",
    "unpaid": "Your order has been sent, and your bank did not allow the payment of %(amount)s. "
    "You can pay in another way: see the page of your order.",
    "page": "The page of your order",
    "order": "Order",
}

_NL: Final[Mapping[str, str]] = {
    "link_subject": "Keur de betaling van uw bestelling goed",
    "link": "Uw bestelling wacht tot u de betaling goedkeurt. Zonder goedkeuring wordt er niets "
    "besteld en niets afgeschreven.",
    "link_sent": "Uw bestelling is verzonden; de betaling wacht nog op uw goedkeuring.",
    "link_how": "Keur de betaling van %(amount)s goed",
    "link_until": "U keurt de betaling goed op de pagina van de betaaldienst; wij zien uw kaart "
    "nooit. De link werkt een beperkte tijd.",
    "not_now_subject": "De betaling van uw bestelling is nog niet gelukt",
    "not_now": "Uw bank stond de betaling van %(amount)s nu niet toe. We vragen het later opnieuw. "
    "U kunt ook anders betalen: zie de pagina van uw bestelling.",
    "declined_subject": "De betaling van uw bestelling is geweigerd",
    "declined": "Uw bank weigerde de betaling van %(amount)s. Er is niets besteld en niets "
    "afgeschreven. Druk opnieuw om te bestellen; u kunt dan anders betalen.",
    "expired_subject": "Uw bestelling is niet geplaatst",
    "expired": "De betaling van %(amount)s is niet op tijd goedgekeurd. Er is niets besteld en "
    "niets afgeschreven. Druk opnieuw als u het nog nodig hebt.",
    "unpaid_subject": "De betaling van uw bestelling staat nog open",
    "unpaid": "Uw bestelling is verzonden, en uw bank stond de betaling van %(amount)s niet toe. U "
    "kunt anders betalen: zie de pagina van uw bestelling.",
    "page": "De pagina van uw bestelling",
    "order": "Bestelling",
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {"en": _EN, "nl": _NL}

TOLD: Final = frozenset(
    {
        PaymentNews.LINK,
        PaymentNews.NOT_NOW,
        PaymentNews.DECLINED,
        PaymentNews.EXPIRED,
        PaymentNews.UNPAID,
    }
)
"""What the household has to know or do; an order that goes its way has letters of its own."""


def say(language: str, name: str, amount: Money) -> str:
    """Say a sentence in a language; English where there is no other."""
    known = language if language in WORDS else "en"
    return WORDS[known][name] % {"amount": spell(amount, known)}


def spell(amount: Money, language: str) -> str:
    """Write an amount as people of a language do."""
    digits = get_currency_precision(amount.currency)
    value = Decimal(amount.amount_minor).scaleb(-digits)
    return format_currency(value, amount.currency, locale=_LOCALES[language])
