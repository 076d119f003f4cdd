"""Reading what Medusa says: shape by pydantic, sense by our own sums.

Amounts are whole units with as many decimals as the tax left over (22.9053); what is charged is
that, rounded to cents, so totals are rounded here and compared after it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.http import Garbled, Inconsistent, shaped
from zodra_cloud.merchants.port import (
    STATE_REVISION,
    CataloguePage,
    ShopItem,
    ShopOrder,
    ShopOrderState,
    ShopRefusal,
)
from zodra_cloud.merchants.terms import rounded_money

NOTE: Final = "zodra:"
"""Begins the company line of the delivery address, which Medusa can search; our key follows."""
METADATA: Final = "zodra_reference"

Text = Annotated[str, Field(min_length=1, max_length=200)]
Amount = int | Decimal
Currency = Annotated[str, Field(pattern=r"^[a-z]{3}$")]

_UNDER_WAY: Final = {
    "not_fulfilled": ShopOrderState.PLACED,
    "partially_fulfilled": ShopOrderState.PLACED,
    "fulfilled": ShopOrderState.PLACED,
    "partially_shipped": ShopOrderState.SHIPPED,
    "shipped": ShopOrderState.SHIPPED,
    "partially_delivered": ShopOrderState.SHIPPED,
    "delivered": ShopOrderState.DELIVERED,
    "canceled": ShopOrderState.PLACED,
}
"""A cancelled parcel is made anew as long as the order itself stands."""


class _Part(BaseModel):
    """Unknown fields are ignored: a shop may say more than we read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Address(_Part):
    """Where our account's parcels go; sent back with each cart."""

    first_name: str | None = None
    last_name: str | None = None
    address_1: Text
    address_2: str | None = None
    city: str | None = None
    postal_code: str | None = None
    province: str | None = None
    phone: str | None = None
    country_code: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    is_default_shipping: bool = Field(default=False, exclude=True)


class Customer(_Part):
    """Our account at the shop."""

    id: Text
    email: Text
    addresses: Annotated[list[Address], Field(max_length=50)]


class _Calculated(_Part):
    currency_code: Currency
    calculated_amount: Amount
    calculated_amount_with_tax: Amount | None = None
    is_calculated_price_tax_inclusive: bool = False


class _Variant(_Part):
    id: Text
    title: str | None = None
    manage_inventory: bool = True
    inventory_quantity: int | None = None
    calculated_price: _Calculated | None = None


class _Product(_Part):
    title: Text
    variants: Annotated[list[_Variant], Field(max_length=500)]


class _Products(_Part):
    products: Annotated[list[_Product], Field(max_length=100)]
    count: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    limit: Annotated[int, Field(ge=1)]


class _Line(_Part):
    variant_id: str | None = None
    product_title: str | None = None
    title: Text
    quantity: int
    unit_price: Amount
    is_tax_inclusive: bool = False


class _Method(_Part):
    shipping_option_id: str | None = None


class _Cart(_Part):
    id: Text
    currency_code: Currency
    total: Amount
    tax_total: Amount
    item_total: Amount
    shipping_total: Amount
    items: Annotated[list[_Line], Field(max_length=50)]
    shipping_methods: Annotated[list[_Method], Field(max_length=10)]
    metadata: dict[str, object] | None = None
    completed_at: str | None = None


class _Option(_Part):
    id: Text
    name: Text


class _Company(_Part):
    company: str | None = None


class _Refund(_Part):
    id: Text
    amount: Amount
    note: str | None = None


class _Payment(_Part):
    id: Text
    amount: Amount
    captured_at: str | None = None
    refunds: list[_Refund] | None = None


class _Collection(_Part):
    payments: list[_Payment] | None = None


class _Order(_Part):
    id: Text
    status: Text
    fulfillment_status: str = "not_fulfilled"
    currency_code: Currency
    total: Amount
    shipping_address: _Company | None = None


class _Payments(_Part):
    currency_code: Currency
    payment_collections: list[_Collection] | None = None


@dataclass(frozen=True, slots=True)
class Cart:
    """A cart, reckoned to the cent."""

    cart_id: str
    reference: str
    lines: tuple[tuple[str, int, str], ...]
    """Variant, quantity, title."""
    goods: Money
    shipping: Money
    vat: Money
    total: Money
    has_shipping: bool
    completed: bool


@dataclass(frozen=True, slots=True)
class Payment:
    """What was paid on an order, and what of it was given back under which key."""

    payment_id: str
    amount: Money
    captured: bool
    refunds: dict[str, tuple[str, Money]]

    @property
    def left(self) -> int:
        """How much can still be given back."""
        return self.amount.amount_minor - sum(
            each.amount_minor for _id, each in self.refunds.values()
        )


def read_customer(raw: object) -> Customer:
    """Read our account. Raises `Garbled`."""
    return shaped(Customer, _under(raw, "customer"))


def read_products(raw: object) -> CataloguePage:
    """Read a page of the catalogue: every variant with a price. Raises `Garbled`."""
    page = shaped(_Products, raw)
    items = [
        ShopItem(variant.id, {"": _title(product, variant)}, price, _is_available(variant))
        for product in page.products
        for variant in product.variants
        if (price := _price(variant)) is not None
    ]
    following = page.offset + page.limit
    return CataloguePage(tuple(items), str(following) if following < page.count else None)


def read_cart(raw: object) -> Cart:
    """Read a cart. Raises `Garbled` or `Inconsistent`."""
    told = shaped(_Cart, _under(raw, "cart"))
    currency = told.currency_code.upper()
    total, goods = rounded_money(told.total, currency), rounded_money(told.item_total, currency)
    vat = rounded_money(told.tax_total, currency)
    # A cent that rounding left over goes to the shipping, so that the parts add up to the total.
    shipping = total.amount_minor - goods.amount_minor
    told_shipping = rounded_money(told.shipping_total, currency).amount_minor
    if shipping < 0 or abs(shipping - told_shipping) > 1:
        raise Inconsistent("the total does not add up")
    if not 0 <= vat.amount_minor <= total.amount_minor:
        raise Inconsistent("the VAT is no part of the total")
    reference = (told.metadata or {}).get(METADATA)
    return Cart(
        cart_id=told.id,
        reference=reference if isinstance(reference, str) else "",
        lines=tuple(
            (each.variant_id or "", each.quantity, each.product_title or each.title)
            for each in told.items
        ),
        goods=goods,
        shipping=Money(shipping, currency),
        vat=vat,
        total=total,
        has_shipping=bool(told.shipping_methods),
        completed=told.completed_at is not None,
    )


def read_options(raw: object) -> list[tuple[str, str]]:
    """Read the ways to ship: id and name. Raises `Garbled`."""
    options = shaped(list[_Option], _under(raw, "shipping_options"))
    return [(each.id, each.name) for each in options]


def read_collection(raw: object) -> str:
    """Read the id of a payment collection. Raises `Garbled`."""
    told = _under(raw, "payment_collection")
    return shaped(str, told.get("id") if isinstance(told, dict) else None)


def read_completed(raw: object) -> ShopOrder | ShopRefusal:
    """Read the answer to a completed cart: an order, or the cart and why it is none.

    Raises:
        Garbled: it is neither, or a reason that is not agreed.
        Inconsistent: an amount makes no sense.
    """
    kind = raw.get("type") if isinstance(raw, dict) else None
    if kind == "order":
        return read_order(raw)
    error = raw.get("error") if isinstance(raw, dict) and kind == "cart" else None
    refusal = refusal_of(error)
    if refusal is None:
        raise Garbled("neither an order nor why there is none")
    return refusal


def refusal_of(error: object) -> ShopRefusal | None:
    """Translate one of Medusa's errors; None if it says no more than that something failed."""
    if not isinstance(error, dict):
        return None
    said = {error.get("type"), error.get("code")}
    # A completion that finds the shelf empty says so in its text alone (2.21.2).
    empty = str(error.get("message")).startswith("Not enough stock available")
    if "insufficient_inventory" in said or (empty and "not_allowed" in said):
        return ShopRefusal.OUT_OF_STOCK
    if said & {"payment_authorization_error", "payment_requires_more_error"}:
        return ShopRefusal.PAYMENT_DECLINED
    return None


def read_order(raw: object) -> ShopOrder:
    """Read an order. Raises `Garbled` or `Inconsistent`."""
    return _order(shaped(_Order, _under(raw, "order")))


def read_order_under(raw: object, reference: str) -> ShopOrder | None:
    """Read what a search found, and give the order under exactly our key.

    Raises:
        Garbled: it is no list of orders.
        Inconsistent: there are two under our key, which is never to happen.
    """
    orders = [_order(each) for each in shaped(list[_Order], _under(raw, "orders"))]
    found = [each for each in orders if each.reference == reference]
    if len(found) > 1:
        raise Inconsistent("two orders under one key")
    return found[0] if found else None


def read_payment(raw: object) -> Payment:
    """Read what was paid on an order. Raises `Garbled` or `Inconsistent`."""
    told = shaped(_Payments, _under(raw, "order"))
    currency = told.currency_code.upper()
    payments = [
        payment
        for collection in told.payment_collections or []
        for payment in collection.payments or []
    ]
    if len(payments) != 1:
        raise Inconsistent("not one payment")
    (payment,) = payments
    return Payment(
        payment_id=payment.id,
        amount=rounded_money(payment.amount, currency),
        captured=payment.captured_at is not None,
        refunds={
            each.note or each.id: (each.id, rounded_money(each.amount, currency))
            for each in payment.refunds or []
        },
    )


def _order(told: _Order) -> ShopOrder:
    if told.status == "canceled":
        state = ShopOrderState.CANCELLED
    elif told.fulfillment_status in _UNDER_WAY:
        state = _UNDER_WAY[told.fulfillment_status]
    else:
        raise Garbled("a state that is not agreed")
    note = (told.shipping_address.company if told.shipping_address else None) or ""
    return ShopOrder(
        order_id=told.id,
        reference=note.removeprefix(NOTE) if note.startswith(NOTE) else "",
        state=state,
        revision=STATE_REVISION[state],
        total=rounded_money(told.total, told.currency_code.upper()),
        delivery_from_at=None,
        delivery_to_at=None,
        carrier=None,
        tracking_url=None,
        cancel_reason="shop" if state is ShopOrderState.CANCELLED else None,
    )


def _price(variant: _Variant) -> Money | None:
    price = variant.calculated_price
    if price is None:
        return None
    currency = price.currency_code.upper()
    if price.is_calculated_price_tax_inclusive:
        return rounded_money(price.calculated_amount, currency)
    if price.calculated_amount_with_tax is None:
        return None
    return rounded_money(price.calculated_amount_with_tax, currency)


def _is_available(variant: _Variant) -> bool:
    return not variant.manage_inventory or (variant.inventory_quantity or 0) > 0


def _title(product: _Product, variant: _Variant) -> str:
    plain = variant.title in (None, "", "Default variant", "One", product.title)
    return product.title if plain else f"{product.title}, {variant.title}"


def _under(raw: object, name: str) -> object:
    return raw.get(name) if isinstance(raw, dict) else None
