"""A shop that does as it is told: quotes everything, and moves its orders when it is told to."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zodra_cloud.kit.clock import Clock
from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.port import (
    CataloguePage,
    QuoteRequest,
    Refused,
    ShopItem,
    ShopOrder,
    ShopOrderState,
    ShopQuote,
    ShopRefund,
    ShopRefusal,
    Unknown,
)

_TITLES: Final = {
    "paper-towels-6": ("Paper towels, 6 rolls", "Keukenrol, 6 rollen"),
    "diapers-size3-44": ("Diapers size 3, 44 pieces", "Luiers maat 3, 44 stuks"),
    "trv-filter": ("Heating filter", "Filter voor de verwarming"),
    "hr-strap": ("Chest strap", "Borstband"),
}


@dataclass
class ObedientShop:
    """Quotes everything, and moves its orders when it is told to."""

    clock: Clock
    refuses: ShopRefusal | None = None
    unclear: Unknown | None = None

    def __post_init__(self) -> None:
        self.orders: dict[str, ShopOrder] = {}

    def quote(self, request: QuoteRequest, now: datetime) -> ShopQuote | Refused | Unknown:
        if self.refuses is not None:
            return Refused(self.refuses)
        english, dutch = _TITLES[request.sku]
        goods = 749 * request.quantity
        return ShopQuote(
            session_id=f"s-{request.reference}",
            merchant_id="corner",
            merchant_name="Corner Shop B.V.",
            titles={"": english, "en": english, "nl": dutch},
            sku=request.sku,
            quantity=request.quantity,
            currency="EUR",
            unit_price_minor=749,
            goods_minor=goods,
            shipping_minor=295,
            vat_minor=round((goods + 295) * 21 / 121),
            total_minor=goods + 295,
            delivery_title="Standard",
            delivery_from_at=now + timedelta(days=2),
            delivery_to_at=now + timedelta(days=3),
            returns_days=14,
            returns_sealed_only=request.sku.startswith("diapers"),
            terms_url=None,
            returns_url=None,
            expires_at=now + timedelta(minutes=15),
        )

    def place(
        self, session_id: str, order_key: str, expected_total: Money
    ) -> ShopOrder | Refused | Unknown:
        if self.unclear is not None:
            return self.unclear
        placed = ShopOrder(
            order_id=f"2026-{417 + len(self.orders):06}",
            reference=order_key,
            state=ShopOrderState.PLACED,
            revision=1,
            total=expected_total,
            delivery_from_at=self.clock.now() + timedelta(days=2),
            delivery_to_at=self.clock.now() + timedelta(days=3),
            carrier=None,
            tracking_url=None,
            cancel_reason=None,
        )
        return self.orders.setdefault(placed.order_id, placed)

    def order(self, order_id: str) -> ShopOrder | Refused | Unknown:
        return self.orders[order_id]

    def find(self, reference: str) -> ShopOrder | Refused | Unknown:
        for each in self.orders.values():
            if each.reference == reference:
                return each
        return self.unclear or Refused(ShopRefusal.ORDER_NOT_FOUND)

    def catalogue(self, cursor: str | None = None) -> CataloguePage | Refused | Unknown:
        return CataloguePage(
            tuple(
                ShopItem(sku, {"en": english, "nl": dutch}, Money(749, "EUR"), available=True)
                for sku, (english, dutch) in _TITLES.items()
            ),
            None,
        )

    def refund(
        self, order_id: str, refund_key: str, amount: Money
    ) -> ShopRefund | Refused | Unknown:
        return ShopRefund(f"re-{refund_key}", order_id, amount)

    def cancel(self, order_id: str) -> ShopOrder | Refused | Unknown:
        return self.orders[order_id]

    def move(self, state: ShopOrderState) -> ShopOrder:
        """Move the newest order."""
        newest = list(self.orders)[-1]
        moved = replace(self.orders[newest], state=state, revision=self.orders[newest].revision + 1)
        self.orders[newest] = moved
        return moved
