"""A django-oscar shop, over oscarapi, with or without our plug-in on its side.

oscar has no quotes and no idempotency keys. A quote is a basket of its own, set aside; the order
carries our key in the note of its delivery address. Before anything is placed, the shop is searched
for that key; oscar itself makes at most one order of a basket, since the order's number is made of
the basket's. So a repeat, a lost answer and a kill end in one order. What two *different* baskets
under one key at the same moment would do, only the plug-in (`deploy/shops/oscar`) rules out; our
own store does so too, since an order keeps its basket.
"""

from datetime import datetime
from typing import Final

from zodra_cloud.kit.money import Money
from zodra_cloud.kit.outgoing import Outgoing
from zodra_cloud.merchants.http import Said, as_expected, path_segment, read_ok, shaped
from zodra_cloud.merchants.oscar import wire
from zodra_cloud.merchants.oscar.api import Account, OscarApi
from zodra_cloud.merchants.port import (
    CataloguePage,
    QuoteRequest,
    Refused,
    ShopFault,
    ShopItem,
    ShopOrder,
    ShopQuote,
    ShopRefund,
    ShopRefusal,
    Unknown,
)
from zodra_cloud.merchants.terms import Terms, decimal_text

ITEMS_PER_PAGE: Final = 10
"""oscarapi tells price and stock of one product at a time: two more calls for each."""
LIST_BYTES_MAX: Final = 4 * 1024 * 1024
"""Without the plug-in a search reads all orders of the account, about 1,100 bytes each."""

_REFUSALS: Final = {
    "session_canceled": ShopRefusal.SESSION_GONE,
    "out_of_stock": ShopRefusal.OUT_OF_STOCK,
    "price_changed": ShopRefusal.PRICE_CHANGED,
    "already_completed": ShopRefusal.ALREADY_COMPLETED,
    "idempotency_conflict": ShopRefusal.KEY_CONFLICT,
    "order_not_found": ShopRefusal.ORDER_NOT_FOUND,
    "too_late": ShopRefusal.TOO_LATE,
    "not_refundable": ShopRefusal.NOT_REFUNDABLE,
    "invalid": ShopRefusal.INVALID,
}


class OscarShop:
    """One oscar shop, through one account. Safe to share between threads.

    Args:
        outgoing: to the shop's root; close it when done.
        account: at the shop.
        terms: what the merchant promised.
        plugin: whether `zodra_oscar` is installed there.
        api_path: where oscarapi is mounted.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        account: Account,
        terms: Terms,
        *,
        plugin: bool = False,
        api_path: str = "/api",
    ) -> None:
        self._api = OscarApi(outgoing, account, api_path)
        self._terms = terms
        self._plugin = plugin

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def catalogue(self, cursor: str | None = None) -> CataloguePage | Refused | Unknown:
        """Look up what the shop sells; see `Shop.catalogue`."""
        said = self._api.ask("GET", self._api.link("/products/"), bytes_max=LIST_BYTES_MAX)
        products = read_ok(said, wire.read_products)
        if isinstance(products, Refused | Unknown):
            return products
        first = int(cursor) if cursor is not None and cursor.isdigit() else 0
        following = first + ITEMS_PER_PAGE
        items: list[ShopItem] = []
        for product in sorted(products, key=lambda each: each.id)[first:following]:
            price = self._api.get(f"/products/{product.id}/price/", wire.read_price)
            stock = self._api.get(f"/products/{product.id}/availability/", wire.read_available)
            if not isinstance(price, Money):
                return price
            if not isinstance(stock, int):
                return stock
            items.append(ShopItem(str(product.id), {"": product.title}, price, stock > 0))
        more = following < len(products)
        return CataloguePage(tuple(items), str(following) if more else None)

    def quote(self, request: QuoteRequest, now: datetime) -> ShopQuote | Refused | Unknown:
        """Fill a basket and set it aside; see `Shop.quote`."""
        if not request.sku.isdigit():
            return Refused(ShopRefusal.UNKNOWN_ITEM)
        product = self._api.get(
            f"/products/{request.sku}/",
            lambda raw: shaped(wire.Product, raw),
            ShopRefusal.UNKNOWN_ITEM,
        )
        if isinstance(product, Refused | Unknown):
            return product
        address = self._api.address(request.country)
        if isinstance(address, Refused | Unknown):
            return address
        filled = self._api.fill(request)
        if isinstance(filled, Refused | Unknown):
            return filled
        return self._priced(request, product, *filled, now)

    def place(
        self, session_id: str, order_key: str, expected_total: Money
    ) -> ShopOrder | Refused | Unknown:
        """Order a basket, unless there is an order under the key; see `Shop.place`."""
        known = self.find(order_key)
        if known != Refused(ShopRefusal.ORDER_NOT_FOUND):
            return as_expected(known, order_key, expected_total)
        basket_id, _dot, code = session_id.partition(".")
        unfit = self._unfit(basket_id)
        if unfit is not None:
            return self._second_look(unfit, order_key, expected_total)
        address = self._api.address(None)
        if isinstance(address, Refused | Unknown):
            return self._second_look(address, order_key, expected_total)
        body = {
            "basket": self._api.link(f"/baskets/{basket_id}/"),
            "total": decimal_text(expected_total),
            "shipping_method_code": code,
            "shipping_address": {
                **address.model_dump(exclude={"id", "is_default_for_shipping"}),
                "notes": f"{wire.NOTE}{order_key}",
            },
        }
        path = "/zodra/checkout/" if self._plugin else self._api.link("/checkout/")
        said = self._api.ask("POST", path, body=body, headers={"Idempotency-Key": order_key})
        answer = _judged_checkout(said)
        if isinstance(answer, Refused):
            return self._second_look(answer, order_key, expected_total)
        placed = read_ok(answer, wire.read_order)
        return as_expected(placed, order_key, expected_total)

    def order(self, order_id: str) -> ShopOrder | Refused | Unknown:
        """Ask how an order stands; see `Shop.order`."""
        found = self._api.get(
            f"/orders/{path_segment(order_id)}/", wire.read_order, ShopRefusal.ORDER_NOT_FOUND
        )
        if isinstance(found, ShopOrder) and found.order_id != order_id:
            return Unknown(ShopFault.INCONSISTENT)
        return found

    def find(self, reference: str) -> ShopOrder | Refused | Unknown:
        """Search the account's orders for our key; see `Shop.find`."""
        path = "/zodra/orders/" if self._plugin else self._api.link("/orders/")
        query = {"reference": reference} if self._plugin else None
        said = self._api.ask("GET", path, query=query, bytes_max=LIST_BYTES_MAX)
        found = read_ok(said, lambda raw: [wire.read_order_under(raw, reference)])
        if isinstance(found, Refused | Unknown):
            return found
        return found[0] or Refused(ShopRefusal.ORDER_NOT_FOUND)

    def cancel(self, order_id: str) -> ShopOrder | Refused | Unknown:
        """Cancel an order, where the plug-in is installed; see `Shop.cancel`."""
        if not self._plugin:
            return Refused(ShopRefusal.UNSUPPORTED)
        said = self._api.ask("POST", f"/zodra/orders/{path_segment(order_id)}/cancel/", body={})
        return read_ok(_judged(said), wire.read_order)

    def refund(
        self, order_id: str, refund_key: str, amount: Money
    ) -> ShopRefund | Refused | Unknown:
        """Give money back, where the plug-in is installed; see `Shop.refund`."""
        if not self._plugin:
            return Refused(ShopRefusal.UNSUPPORTED)
        said = self._api.ask(
            "POST",
            f"/zodra/orders/{path_segment(order_id)}/refunds/",
            body={"amount": decimal_text(amount), "currency": amount.currency},
            headers={"Idempotency-Key": refund_key},
        )
        given = read_ok(_judged(said), wire.read_refund)
        if isinstance(given, ShopRefund) and (given.order_id, given.amount) != (order_id, amount):
            return Unknown(ShopFault.INCONSISTENT)
        return given

    def _priced(
        self,
        request: QuoteRequest,
        product: wire.Product,
        basket: wire.Basket,
        method: wire.Method,
        now: datetime,
    ) -> ShopQuote | Refused | Unknown:
        goods, vat, unit = (
            basket.goods,
            basket.vat,
            self._api.get(f"/products/{request.sku}/price/", wire.read_price),
        )
        if not isinstance(unit, Money):
            return unit
        if goods is None or vat is None:
            return Unknown(ShopFault.INCONSISTENT)
        if {goods.currency, method.price.currency, unit.currency} != {request.currency}:
            return Unknown(ShopFault.INCONSISTENT)
        total = goods + method.price
        dearer = goods.exceeds(unit * request.quantity)
        if dearer or not 0 <= (vat + method.vat).amount_minor < total.amount_minor:
            return Unknown(ShopFault.INCONSISTENT)
        terms = self._terms
        from_at, to_at = terms.window(now)
        return ShopQuote(
            session_id=f"{basket.basket_id}.{method.code}",
            merchant_id=terms.merchant_id,
            merchant_name=terms.merchant_name,
            titles={"": product.title},
            sku=request.sku,
            quantity=request.quantity,
            currency=request.currency,
            unit_price_minor=unit.amount_minor,
            goods_minor=goods.amount_minor,
            shipping_minor=method.price.amount_minor,
            vat_minor=(vat + method.vat).amount_minor,
            total_minor=total.amount_minor,
            delivery_title=method.title,
            delivery_from_at=from_at,
            delivery_to_at=to_at,
            returns_days=terms.returns_days,
            returns_sealed_only=terms.returns_sealed_only,
            terms_url=terms.terms_url,
            returns_url=terms.returns_url,
            expires_at=now + terms.quote_holds,
        )

    def _unfit(self, basket_id: str) -> Refused | Unknown | None:
        """Say why a basket cannot be ordered as it is; None if it can.

        oscarapi's checkout checks the total, and sells what is out of stock; so stock is ours.
        """
        if not basket_id.isdigit():
            return Refused(ShopRefusal.SESSION_GONE)
        path = f"/baskets/{basket_id}/lines/"
        lines = self._api.get(path, wire.read_lines, ShopRefusal.SESSION_GONE)
        if not isinstance(lines, list):
            return lines
        for sku, quantity in lines:
            stock = self._api.get(
                f"/products/{sku}/availability/", wire.read_available, ShopRefusal.UNKNOWN_ITEM
            )
            if not isinstance(stock, int):
                return stock
            if stock < quantity:
                return Refused(ShopRefusal.OUT_OF_STOCK)
        return None

    def _second_look(
        self, no: Refused | Unknown, order_key: str, expected_total: Money
    ) -> ShopOrder | Refused | Unknown:
        """After a no, see whether an attempt at the same moment was the one that succeeded."""
        if isinstance(no, Unknown):
            return no
        found = self.find(order_key)
        if found == Refused(ShopRefusal.ORDER_NOT_FOUND):
            return no
        return as_expected(found, order_key, expected_total)


def _judged(said: Said | Refused | Unknown) -> Said | Refused | Unknown:
    """Read a refusal of the plug-in's; any other no is `Unknown` later."""
    if not isinstance(said, Said) or said.ok:
        return said
    reason = _REFUSALS.get(wire.code(said.raw))
    return said if reason is None else Refused(reason)


def _judged_checkout(said: Said | Refused | Unknown) -> Said | Refused | Unknown:
    """Read a refusal of oscarapi's own checkout, or of the plug-in's."""
    if isinstance(said, Said) and said.status == 401:
        # The basket is no longer to be edited: it has been ordered, or given up.
        return Refused(ShopRefusal.SESSION_GONE)
    if isinstance(said, Said) and said.status == 406:
        return Refused(ShopRefusal.PRICE_CHANGED)
    return _judged(said)
