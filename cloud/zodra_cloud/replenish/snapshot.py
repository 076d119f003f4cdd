"""What the household is shown before it orders: one value, and one hash of all of it.

The hash travels with the confirmation, so that what was confirmed is what was shown, to the cent
and to the sentence about returns.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from zodra_cloud.kit.money import Money

DEFAULT_LANGUAGE: Final = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A quote as shown. Amounts in minor units of the currency, VAT included."""

    quote_id: str
    sku: str
    titles: dict[str, str]
    """By language; `""` serves every other one. Use `title`."""
    quantity: int
    currency: str
    unit_price_minor: int
    goods_minor: int
    shipping_minor: int
    vat_minor: int
    """Contained in the total."""
    total_minor: int
    delivery_title: str
    delivery_from_at: datetime
    delivery_to_at: datetime
    returns_days: int
    returns_sealed_only: bool
    terms_url: str | None
    returns_url: str | None
    merchant_id: str
    merchant_name: str
    expires_at: datetime

    @property
    def total(self) -> Money:
        """What the household pays in all."""
        return Money(self.total_minor, self.currency)

    def title(self, language: str) -> str:
        """Give the product's title in a language, or the shop's own."""
        return self.titles.get(language) or self.titles[DEFAULT_LANGUAGE]

    def to_json(self) -> dict[str, Any]:
        """Write it as JSON values; instants as RFC 3339."""
        return {
            name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Snapshot":
        """Read what `to_json` wrote."""
        instants = {
            name: datetime.fromisoformat(stored[name])
            for name in ("delivery_from_at", "delivery_to_at", "expires_at")
        }
        return cls(**{**stored, **instants})

    def sha256(self) -> str:
        """Give the hash of everything shown, 64 hexadecimal characters."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()
