"""Reading what WooCommerce's REST v3 says: shape by pydantic, sense by our own sums."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.http import Garbled, Inconsistent, shaped
from zodra_cloud.merchants.port import STATE_REVISION, ShopOrder, ShopOrderState
from zodra_cloud.merchants.terms import money

METADATA: Final = "_zodra_reference"

Number = Annotated[int, Field(ge=1, strict=True)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Amount = Annotated[str, Field(max_length=20)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

QUOTED: Final = "pending"
"""An unpaid order is our quote; it becomes an order when it is paid."""

STATES: Final = {
    "processing": ShopOrderState.PLACED,
    "on-hold": ShopOrderState.PLACED,
    "completed": ShopOrderState.DELIVERED,
    "cancelled": ShopOrderState.CANCELLED,
    "refunded": ShopOrderState.CANCELLED,
    "failed": ShopOrderState.CANCELLED,
    "trash": ShopOrderState.CANCELLED,
}
"""WooCommerce knows no parcel on its way: `completed` is when the shop has done its part."""


class _Part(BaseModel):
    """Unknown fields are ignored: a shop may say more than we read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Product(_Part):
    """A product of the catalogue."""

    id: Number
    name: Text
    price: Amount
    purchasable: bool = True
    stock_status: str = "instock"
    stock_quantity: int | None = None
    backorders_allowed: bool = False

    def has(self, quantity: int) -> bool:
        """Tell whether so many can be bought."""
        if not self.purchasable or self.stock_status == "outofstock":
            return False
        counted = self.stock_quantity is not None and not self.backorders_allowed
        return not counted or (self.stock_quantity or 0) >= quantity


class _Meta(_Part):
    key: str
    value: object = None


class _Line(_Part):
    product_id: int
    name: Text
    quantity: Number
    total: Amount
    total_tax: Amount


class _Order(_Part):
    id: Number
    status: Text
    currency: Currency
    total: Amount
    total_tax: Amount
    shipping_total: Amount
    shipping_tax: Amount
    line_items: Annotated[list[_Line], Field(max_length=50)]
    meta_data: Annotated[list[_Meta], Field(max_length=500)] = Field(default_factory=list)


class _Refund(_Part):
    id: Number
    amount: Amount
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """An order document: a quote of ours while unpaid, an order once paid."""

    document_id: int
    reference: str
    status: str
    lines: tuple[tuple[str, int, str], ...]
    """Product, quantity, name."""
    goods: Money
    shipping: Money
    vat: Money
    total: Money

    @property
    def order(self) -> ShopOrder | None:
        """The order that it is; None while it is a quote. Raises `Garbled`."""
        if self.status == QUOTED:
            return None
        state = STATES.get(self.status)
        if state is None:
            raise Garbled("a state that is not agreed")
        return ShopOrder(
            order_id=str(self.document_id),
            reference=self.reference,
            state=state,
            revision=STATE_REVISION[state],
            total=self.total,
            delivery_from_at=None,
            delivery_to_at=None,
            carrier=None,
            tracking_url=None,
            cancel_reason="shop" if state is ShopOrderState.CANCELLED else None,
        )


def read_products(raw: object) -> list[Product]:
    """Read a page of the catalogue. Raises `Garbled`."""
    return shaped(list[Product], raw)


def read_product(raw: object) -> Product:
    """Read one product. Raises `Garbled`."""
    return shaped(Product, raw)


def read_document(raw: object) -> Document:
    """Read an order document. Raises `Garbled` or `Inconsistent`."""
    return _document(shaped(_Order, raw))


def read_documents(raw: object) -> list[Document]:
    """Read a page of order documents. Raises `Garbled` or `Inconsistent`."""
    return [_document(each) for each in shaped(list[_Order], raw)]


def read_refunds(raw: object, currency: str) -> dict[str, tuple[str, Money]]:
    """Read what was given back on an order, by its reason. Raises `Garbled` or `Inconsistent`."""
    return {
        each.reason or f"#{each.id}": (str(each.id), money(each.amount, currency))
        for each in shaped(list[_Refund], raw)
    }


def code(raw: object) -> str:
    """Give the code of an error answer; empty if there is none."""
    told = raw.get("code") if isinstance(raw, dict) else None
    return told if isinstance(told, str) else ""


def is_signed(secret: str, signature: str, body: bytes) -> bool:
    """Tell whether a webhook is the shop's.

    WooCommerce signs the body alone, without a time: an old event can be sent again. So an event is
    taken as a hint to ask how the order stands, never as news itself.

    Args:
        secret: of the webhook.
        signature: header `X-WC-Webhook-Signature`.
        body: exactly as received.
    """
    expected = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    return hmac.compare_digest(expected, signature.encode())


def _document(told: _Order) -> Document:
    currency = told.currency
    total, vat = money(told.total, currency), money(told.total_tax, currency)
    shipping = money(told.shipping_total, currency) + money(told.shipping_tax, currency)
    goods = Money(0, currency)
    for line in told.line_items:
        goods += money(line.total, currency) + money(line.total_tax, currency)
    if goods + shipping != total:
        raise Inconsistent("the total does not add up")
    if total.amount_minor and vat.amount_minor >= total.amount_minor:
        raise Inconsistent("the VAT is no part of the total")
    known = [each.value for each in told.meta_data if each.key == METADATA]
    reference = known[0] if known and isinstance(known[0], str) else ""
    return Document(
        document_id=told.id,
        reference=reference,
        status=told.status,
        lines=tuple((str(each.product_id), each.quantity, each.name) for each in told.line_items),
        goods=goods,
        shipping=shipping,
        vat=vat,
        total=total,
    )
