"""What a standing agreement says, as one value with one hash, and which terms can be. Pure."""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from zodra_cloud.households.models import Slot
from zodra_cloud.kit.money import Money

AGREEMENT_LABELS: Final = {
    "en": "Conclude agreement with obligation to pay",
    "nl": "Afspraak aangaan met betalingsverplichting",
}
"""The only words the control may carry that concludes one, by language."""

ORDERS_MAX: Final = 100
WINDOW_DAYS_MAX: Final = 366
NOTICE_S_MAX: Final = 14 * 86_400


@dataclass(frozen=True, slots=True)
class Terms:
    """What a press may order without another yes, how dear, how often, and after which notice."""

    household_id: str
    device_id: str
    slot_key: str
    sku: str
    title: str
    """What the product was called where the agreement was shown."""
    quantity: int
    currency: str
    price_ceiling_minor: int
    """Of one order in all, VAT and shipping included; above it the household is asked."""
    orders_max: int
    """At most so many orders ..."""
    window_days: int
    """... in so many days."""
    notice_s: int
    """Between telling the household of an order and asking the shop; until then it cancels."""

    @property
    def price_ceiling(self) -> Money:
        """The ceiling as money."""
        return Money(self.price_ceiling_minor, self.currency)

    def to_json(self) -> dict[str, Any]:
        """Write it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Terms":
        """Read what `to_json` wrote."""
        return cls(**stored)

    def sha256(self) -> str:
        """Give the hash of all of it, 64 hexadecimal characters: what was shown and agreed to."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


class AgreementState(StrEnum):
    """Where an agreement stands."""

    LIVE = "live"
    ENDED = "ended"
    """Withdrawn by the household; orders that were placed go on."""


class AgreementRefusal(StrEnum):
    """Why no agreement was concluded, in order of precedence. A name is never reused."""

    MARKET = "market"
    """The law of the country, as the settings say, does not let a press order."""
    SLOT_OFF = "slot_off"
    """The slot does not allow call-off, or is bound to another product."""
    NO_CONSENT = "no_consent"
    MAY_NOT_CONFIRM = "may_not_confirm"
    BAD_TERMS = "bad_terms"
    """A ceiling, frequency or notice out of its range."""
    CHANGED = "changed"
    """What the person saw is not what would be concluded."""
    WRONG_LABEL = "wrong_label"
    ALREADY_CONCLUDED = "already_concluded"
    """The slot has a live one; it is ended first."""


def fits(terms: Terms, slot: Slot | None) -> bool:
    """Tell whether a slot allows call-off, of this very product and quantity."""
    return (
        slot is not None
        and slot.call_off
        and (terms.sku, terms.quantity, terms.currency) == (slot.sku, slot.quantity, slot.currency)
    )


def in_range(terms: Terms) -> bool:
    """Tell whether the numbers of an agreement can be."""
    return (
        terms.price_ceiling_minor > 0
        and 1 <= terms.orders_max <= ORDERS_MAX
        and 1 <= terms.window_days <= WINDOW_DAYS_MAX
        and 0 <= terms.notice_s <= NOTICE_S_MAX
    )
