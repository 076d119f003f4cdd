"""Reading what oscarapi says: shape by pydantic, sense by our own sums."""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.http import Garbled, Inconsistent, shaped
from zodra_cloud.merchants.port import STATE_REVISION, ShopOrder, ShopOrderState, ShopRefund
from zodra_cloud.merchants.terms import money

NOTE: Final = "zodra:"
"""Begins the note on a delivery address; our key follows."""

Text = Annotated[str, Field(min_length=1, max_length=200)]
Link = Annotated[str, Field(max_length=500)]
Amount = Annotated[str, Field(max_length=20)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

_STATES: Final = {
    "new": ShopOrderState.PLACED,
    "pending": ShopOrderState.PLACED,
    "being processed": ShopOrderState.PLACED,
    "authorized": ShopOrderState.PLACED,
    "paid": ShopOrderState.PLACED,
    "shipped": ShopOrderState.SHIPPED,
    "complete": ShopOrderState.DELIVERED,
    "completed": ShopOrderState.DELIVERED,
    "delivered": ShopOrderState.DELIVERED,
    "cancelled": ShopOrderState.CANCELLED,
    "canceled": ShopOrderState.CANCELLED,
}
"""oscar leaves the names of an order's states to each shop; these are the usual ones."""


class _Part(BaseModel):
    """Unknown fields are ignored: a shop may say more than we read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Product(_Part):
    """A product of the catalogue."""

    id: Annotated[int, Field(ge=1, strict=True)]
    title: Text


class _Price(_Part):
    currency: Currency
    incl_tax: Amount
    tax: Amount


class _Availability(_Part):
    is_available_to_buy: bool
    num_available: Annotated[int, Field(strict=True)] | None = None


class Address(_Part):
    """An address of the account, as it is sent back with an order."""

    id: Annotated[int, Field(ge=1, strict=True)]
    title: str = ""
    first_name: str = ""
    last_name: str = ""
    line1: str
    line2: str = ""
    line3: str = ""
    line4: str = ""
    state: str = ""
    postcode: str = ""
    phone_number: str = ""
    country: Annotated[str, Field(pattern=r"/[A-Za-z0-9]+/?$", max_length=500)]
    is_default_for_shipping: bool = False


class _Basket(_Part):
    id: Annotated[int, Field(ge=1, strict=True)]
    total_incl_tax: Amount | None
    total_tax: Amount | None
    currency: Currency | None


class _Line(_Part):
    product: Link
    quantity: Annotated[int, Field(ge=0, strict=True)]


class _Method(_Part):
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
    name: Text
    price: _Price


class _Noted(_Part):
    notes: str = ""


class _Order(_Part):
    url: Link
    currency: Currency
    total_incl_tax: Amount
    status: Text
    shipping_address: _Noted | None = None
    reference: str | None = None


class _Refund(_Part):
    id: Annotated[int, Field(ge=1, strict=True)]
    order: Annotated[int, Field(ge=1, strict=True)]
    amount: Amount
    currency: Currency


@dataclass(frozen=True, slots=True)
class Basket:
    """A basket and what is to pay for its goods."""

    basket_id: int
    goods: Money | None
    """None while the basket is empty, or its tax is not known."""
    vat: Money | None


@dataclass(frozen=True, slots=True)
class Method:
    """A way to ship, and its price."""

    code: str
    title: str
    price: Money
    vat: Money


def read_products(raw: object) -> list[Product]:
    """Read the catalogue: a list, or a page of one. Raises `Garbled`."""
    if isinstance(raw, dict):
        raw = raw.get("results")
    return shaped(list[Product], raw)


def read_price(raw: object) -> Money:
    """Read a price with its tax. Raises `Garbled` or `Inconsistent`."""
    price = shaped(_Price, raw)
    return money(price.incl_tax, price.currency)


def read_available(raw: object) -> int:
    """Read how many can be bought; a great number if the shop does not count. Raises `Garbled`."""
    told = shaped(_Availability, raw)
    if not told.is_available_to_buy:
        return 0
    return 10**6 if told.num_available is None else max(0, told.num_available)


def read_addresses(raw: object) -> list[Address]:
    """Read the account's addresses. Raises `Garbled`."""
    return shaped(list[Address], raw)


def read_basket(raw: object) -> Basket:
    """Read a basket. Raises `Garbled` or `Inconsistent`."""
    told = shaped(_Basket, raw)
    if told.currency is None or told.total_incl_tax is None or told.total_tax is None:
        return Basket(told.id, None, None)
    goods, vat = money(told.total_incl_tax, told.currency), money(told.total_tax, told.currency)
    return Basket(told.id, goods, vat)


def read_lines(raw: object) -> list[tuple[str, int]]:
    """Read the lines of a basket: product and quantity. Raises `Garbled`."""
    return [(last_id(line.product), line.quantity) for line in shaped(list[_Line], raw)]


def read_methods(raw: object) -> list[Method]:
    """Read the ways to ship. Raises `Garbled` or `Inconsistent`."""
    return [
        Method(
            each.code,
            each.name,
            money(each.price.incl_tax, each.price.currency),
            money(each.price.tax, each.price.currency),
        )
        for each in shaped(list[_Method], raw)
    ]


def read_order(raw: object) -> ShopOrder:
    """Read an order. Raises `Garbled` or `Inconsistent`."""
    return _order(shaped(_Order, raw))


def read_order_under(raw: object, reference: str) -> ShopOrder | None:
    """Read the account's orders, and give the one under our key.

    Raises:
        Garbled: it is no list of orders.
        Inconsistent: there are two under our key, which is never to happen.
    """
    if isinstance(raw, dict):
        raw = raw.get("results")
    found = [each for each in shaped(list[_Order], raw) if _reference(each) == reference]
    if len(found) > 1:
        raise Inconsistent("two orders under one key")
    return _order(found[0]) if found else None


def read_refund(raw: object) -> ShopRefund:
    """Read a refund. Raises `Garbled` or `Inconsistent`."""
    told = shaped(_Refund, raw)
    return ShopRefund(str(told.id), str(told.order), money(told.amount, told.currency))


def code(raw: object) -> str:
    """Give the plug-in's code of a refusal; empty if there is none."""
    told = raw.get("code") if isinstance(raw, dict) else None
    return told if isinstance(told, str) else ""


def last_id(link: str) -> str:
    """Give the id that a link of oscarapi's ends with. Raises `Garbled`."""
    found = re.search(r"/([A-Za-z0-9]+)/?$", link)
    if found is None:
        raise Garbled("no link to a thing")
    return found[1]


def _order(told: _Order) -> ShopOrder:
    state = _STATES.get(told.status.casefold())
    if state is None:
        raise Garbled("a state that is not agreed")
    return ShopOrder(
        order_id=last_id(told.url),
        reference=_reference(told),
        state=state,
        revision=STATE_REVISION[state],
        total=money(told.total_incl_tax, told.currency),
        delivery_from_at=None,
        delivery_to_at=None,
        carrier=None,
        tracking_url=None,
        cancel_reason="shop" if state is ShopOrderState.CANCELLED else None,
    )


def _reference(told: _Order) -> str:
    if told.reference is not None:
        return told.reference
    note = "" if told.shipping_address is None else told.shipping_address.notes
    return note.removeprefix(NOTE) if note.startswith(NOTE) else ""
