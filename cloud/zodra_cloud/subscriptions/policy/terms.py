"""What a household agrees to when it joins: one value, and one hash of all of it."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter

from zodra_cloud.law import labels
from zodra_cloud.law.labels import Control
from zodra_cloud.subscriptions.policy.dates import Cadence

QUANTITY_MAX: Final = 99
PRE_NOTICE_DAYS_MIN: Final = 1
TERM_MONTHS_MAX: Final = 12
"""A longer first term may not bind a consumer (Dutch Civil Code, article 6:236 j and k)."""

CANCEL_LABELS: Final = {
    language: labels.allowed(Control.CANCEL_SUBSCRIPTION, labels.Channel.WEB, language)[0]
    for language in labels.LANGUAGES
}
"""The words of a page's control that cancels, by language; see `law.labels` for other countries."""


class Channel(StrEnum):
    """Where a household said something. A name is never reused."""

    PAGE = "page"
    CHAT = "chat"
    MAIL = "mail"
    API = "api"
    SUPPORT = "support"
    """An operator wrote down what the household asked for."""
    SERVICE = "service"
    """Nobody said it: a date came, or a forecast changed within what was agreed."""


_CONTROLS_IN: Final = {
    Channel.PAGE: labels.Channel.WEB,
    Channel.API: labels.Channel.WEB,
    Channel.CHAT: labels.Channel.CHAT,
}
"""Where there is a control that carries words, and of which list."""


def carries(control: Control, channel: Channel, language: str, label: str) -> bool:
    """Tell whether a control may carry these words; where there is none, any word counts."""
    where = _CONTROLS_IN.get(channel)
    return where is None or labels.accepts(control, language, label, where)


@dataclass(frozen=True, slots=True)
class Item:
    """What is delivered each time."""

    sku: str
    quantity: int
    titles: dict[str, str]
    """By language; under `""` the one for every other language; empty until a shop named it."""

    def title(self, language: str) -> str:
        """Give the product's title in a language, the shop's own, or its SKU."""
        return self.titles.get(language) or self.titles.get("") or self.sku


@dataclass(frozen=True, slots=True)
class Price:
    """The agreed rule of price, for one delivery in all, VAT and shipping included."""

    agreed_minor: int
    """What it cost when it was agreed."""
    ceiling_minor: int
    """The most that is charged without asking; the same as agreed, unless the household set it."""
    currency: str


@dataclass(frozen=True, slots=True)
class Follow:
    """Within which cadences the dates may follow the forecast."""

    days_min: int
    days_max: int


@dataclass(frozen=True, slots=True)
class Terms:
    """A subscription as it is shown before the household joins."""

    subscription_id: str
    device_id: str
    slot_key: str
    merchant_id: str
    merchant_name: str
    item: Item
    unit_price_minor: int
    shipping_minor: int
    vat_minor: int
    price: Price
    cadence: Cadence
    first_on: date
    """The date of the first order, in the household's time zone."""
    time_zone: str
    term_months: int
    """The first term; 0 if it can be cancelled from the first day."""
    cancel_notice_days: int
    pre_notice_days: int
    """How long before each charge the household is told."""
    follow: Follow | None
    """None: the dates stay, whatever a forecast says."""
    withdrawal_days: int
    """The right to withdraw from the contract itself, from the day of joining."""
    returns_days: int
    returns_sealed_only: bool
    terms_url: str | None
    returns_url: str | None
    channel: Channel
    """Where it was asked for and is joined, and so where it can be cancelled."""

    def to_json(self) -> Any:
        """Give plain values."""
        return _TERMS.dump_python(self, mode="json")

    def sha256(self) -> str:
        """Give the hash of everything shown, 64 hexadecimal characters."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def with_price(self, item: Item, price: Price) -> "Terms":
        """Give these terms as they are with another price rule, to be shown and agreed to."""
        return replace(self, item=item, price=price)


_TERMS: Final = TypeAdapter(Terms)


def quantity_fault(quantity: int) -> str | None:
    """Say which rule a quantity breaks; None if it is usable."""
    return None if 1 <= quantity <= QUANTITY_MAX else f"from 1 to {QUANTITY_MAX}"
