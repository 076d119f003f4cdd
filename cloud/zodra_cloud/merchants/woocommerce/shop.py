"""A WooCommerce shop, over REST v3. By contract: see the room's first words.

WooCommerce has no quotes and no idempotency keys. An unpaid order is the quote, with our key in its
metadata; paying it, which twice is the same as once, makes it the order. Before that the account's
orders are searched for our key, in case another quote became the order.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from zodra_cloud.kit.money import Money
from zodra_cloud.kit.outgoing import Outgoing
from zodra_cloud.merchants.http import Garbled, Said, as_expected, ask, path_segment, read, read_ok
from zodra_cloud.merchants.port import (
    CataloguePage,
    QuoteRequest,
    Refused,
    ShopFault,
    ShopItem,
    ShopOrder,
    ShopOrderState,
    ShopQuote,
    ShopRefund,
    ShopRefusal,
    Unknown,
)
from zodra_cloud.merchants.terms import Terms, decimal_text, money
from zodra_cloud.merchants.woocommerce import wire

PRODUCTS_PER_PAGE: Final = 50
ORDERS_PER_PAGE: Final = 50
PAGES_MAX: Final = 20
"""REST v3 cannot search metadata, so a search reads the account's last thousand orders."""
LIST_BYTES_MAX: Final = 4 * 1024 * 1024
ROOT: Final = "/wp-json/wc/v3"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Access:
    """What the shop's owner gave us when it was connected."""

    consumer_key: str
    consumer_secret: str
    customer_id: int
    """Our account."""
    address: dict[str, str]
    """Where orders go, in WooCommerce's own fields; the shop does not fill it in by itself."""
    shipping_method: str
    shipping_title: str
    shipping_net: str
    """Without VAT, in whole units: REST v3 prices no shipping, so it is agreed."""
    currency: str = "EUR"


class WooShop:
    """One WooCommerce shop, through one account. Safe to share between threads.

    Args:
        outgoing: to the shop's root; closed by `close`.
        access: keys, account and shipping.
        terms: what the merchant promised.
    """

    def __init__(self, outgoing: Outgoing, access: Access, terms: Terms) -> None:
        self._outgoing = outgoing
        self._access = access
        self._terms = terms
        pair = base64.b64encode(f"{access.consumer_key}:{access.consumer_secret}".encode())
        self._headers = {"Authorization": f"Basic {pair.decode()}"}

    def close(self) -> None:
        """Close the connections."""
        self._outgoing.close()

    def catalogue(self, cursor: str | None = None) -> CataloguePage | Refused | Unknown:
        """Look up what the shop sells; see `Shop.catalogue`."""
        page = int(cursor) if cursor is not None and cursor.isdigit() else 1
        query = {
            "per_page": str(PRODUCTS_PER_PAGE),
            "page": str(page),
            "status": "publish",
            "orderby": "id",
            "order": "asc",
        }
        said = self._ask("GET", "/products", query=query)
        return read_ok(said, lambda raw: self._page(wire.read_products(raw), page))

    def quote(self, request: QuoteRequest, now: datetime) -> ShopQuote | Refused | Unknown:
        """Open an unpaid order; see `Shop.quote`."""
        access = self._access
        if request.currency != access.currency or access.address.get("country") != request.country:
            return Refused(ShopRefusal.INVALID)
        if not request.sku.isdigit():
            return Refused(ShopRefusal.UNKNOWN_ITEM)
        lacking = self._lacking(request.sku, request.quantity)
        if lacking is not None:
            return lacking
        shipping = {
            "method_id": access.shipping_method,
            "method_title": access.shipping_title,
            "total": access.shipping_net,
        }
        body = {
            "status": wire.QUOTED,
            "set_paid": False,
            "currency": access.currency,
            "customer_id": access.customer_id,
            "billing": access.address,
            "shipping": access.address,
            "line_items": [{"product_id": int(request.sku), "quantity": request.quantity}],
            "shipping_lines": [shipping],
            "meta_data": [{"key": wire.METADATA, "value": request.reference}],
        }
        opened = read_ok(self._ask("POST", "/orders", body=body), wire.read_document)
        if not isinstance(opened, wire.Document):
            return opened
        return self._quoted(request, opened, now)

    def place(
        self, session_id: str, order_key: str, expected_total: Money
    ) -> ShopOrder | Refused | Unknown:
        """Pay an unpaid order, unless there is an order under the key; see `Shop.place`."""
        known = self.find(order_key)
        if known != Refused(ShopRefusal.ORDER_NOT_FOUND):
            return as_expected(known, order_key, expected_total)
        quoted = self._document(session_id, ShopRefusal.SESSION_GONE)
        if not isinstance(quoted, wire.Document):
            return quoted
        if quoted.reference != order_key:
            return Refused(ShopRefusal.KEY_CONFLICT)
        if quoted.status == wire.QUOTED:
            if quoted.total != expected_total:
                return Refused(ShopRefusal.PRICE_CHANGED)
            for sku, quantity, _name in quoted.lines:
                lacking = self._lacking(sku, quantity)
                if lacking is not None:
                    return lacking
        path = f"/orders/{path_segment(session_id)}"
        paid = read_ok(self._ask("PUT", path, body={"set_paid": True}), _read_order)
        return as_expected(paid, order_key, expected_total)

    def order(self, order_id: str) -> ShopOrder | Refused | Unknown:
        """Ask how an order stands; see `Shop.order`."""
        found = self._document(order_id, ShopRefusal.ORDER_NOT_FOUND)
        if not isinstance(found, wire.Document):
            return found
        if str(found.document_id) != order_id or found.status == wire.QUOTED:
            return Unknown(ShopFault.INCONSISTENT)
        return read(found, lambda _found: _placed(found))

    def find(self, reference: str) -> ShopOrder | Refused | Unknown:
        """Search the account's orders for our key; see `Shop.find`."""
        found: list[ShopOrder] = []
        for page in range(1, PAGES_MAX + 1):
            query = {
                "customer": str(self._access.customer_id),
                "status": "any",
                "per_page": str(ORDERS_PER_PAGE),
                "page": str(page),
            }
            said = self._ask("GET", "/orders", query=query)
            page_of = read_ok(said, lambda raw: _orders_under(raw, reference))
            if isinstance(page_of, Refused | Unknown):
                return page_of
            orders, read_so_many = page_of
            found += orders
            if read_so_many < ORDERS_PER_PAGE:
                break
        else:
            if not found:
                return Unknown(ShopFault.OVERSIZED)
        if len(found) > 1:
            return Unknown(ShopFault.INCONSISTENT)
        return found[0] if found else Refused(ShopRefusal.ORDER_NOT_FOUND)

    def cancel(self, order_id: str) -> ShopOrder | Refused | Unknown:
        """Cancel an order that the shop has not done its part for; see `Shop.cancel`."""
        before = self.order(order_id)
        if not isinstance(before, ShopOrder) or before.state is ShopOrderState.CANCELLED:
            return before
        if before.state is not ShopOrderState.PLACED:
            return Refused(ShopRefusal.TOO_LATE)
        path = f"/orders/{path_segment(order_id)}"
        return read_ok(self._ask("PUT", path, body={"status": "cancelled"}), _read_order)

    def refund(
        self, order_id: str, refund_key: str, amount: Money
    ) -> ShopRefund | Refused | Unknown:
        """Give money back; see `Shop.refund`. The key is the refund's reason, looked up first."""
        order = self.order(order_id)
        if not isinstance(order, ShopOrder):
            return order
        path, currency = f"/orders/{path_segment(order_id)}/refunds", order.total.currency
        given = read_ok(self._ask("GET", path), lambda raw: wire.read_refunds(raw, currency))
        if not isinstance(given, dict):
            return given
        if refund_key in given:
            refund_id, before = given[refund_key]
            if before != amount:
                return Refused(ShopRefusal.KEY_CONFLICT)
            return ShopRefund(refund_id, order_id, amount)
        left = order.total.amount_minor - sum(each.amount_minor for _id, each in given.values())
        if amount.currency != currency or not 0 < amount.amount_minor <= left:
            return Refused(ShopRefusal.NOT_REFUNDABLE)
        body = {"amount": decimal_text(amount), "reason": refund_key}
        made = read_ok(
            self._ask("POST", path, body=body), lambda raw: wire.read_refunds([raw], currency)
        )
        if not isinstance(made, dict):
            return made
        if refund_key not in made or made[refund_key][1] != amount:
            return Unknown(ShopFault.INCONSISTENT)
        return ShopRefund(made[refund_key][0], order_id, amount)

    def _page(self, products: list[wire.Product], page: int) -> CataloguePage:
        items = tuple(
            ShopItem(
                str(each.id), {"": each.name}, money(each.price, self._access.currency), each.has(1)
            )
            for each in products
        )
        more = len(products) == PRODUCTS_PER_PAGE
        return CataloguePage(items, str(page + 1) if more else None)

    def _quoted(
        self, request: QuoteRequest, opened: wire.Document, now: datetime
    ) -> ShopQuote | Unknown:
        answered = ([line[:2] for line in opened.lines], opened.reference, opened.total.currency)
        asked = ([(request.sku, request.quantity)], request.reference, request.currency)
        if answered != asked or opened.status != wire.QUOTED or not opened.total.amount_minor:
            return Unknown(ShopFault.INCONSISTENT)
        unit, odd = divmod(opened.goods.amount_minor, request.quantity)
        terms = self._terms
        from_at, to_at = terms.window(now)
        return ShopQuote(
            session_id=str(opened.document_id),
            merchant_id=terms.merchant_id,
            merchant_name=terms.merchant_name,
            titles={"": opened.lines[0][2]},
            sku=request.sku,
            quantity=request.quantity,
            currency=request.currency,
            unit_price_minor=unit + (1 if odd else 0),
            goods_minor=opened.goods.amount_minor,
            shipping_minor=opened.shipping.amount_minor,
            vat_minor=opened.vat.amount_minor,
            total_minor=opened.total.amount_minor,
            delivery_title=self._access.shipping_title,
            delivery_from_at=from_at,
            delivery_to_at=to_at,
            returns_days=terms.returns_days,
            returns_sealed_only=terms.returns_sealed_only,
            terms_url=terms.terms_url,
            returns_url=terms.returns_url,
            expires_at=now + terms.quote_holds,
        )

    def _lacking(self, sku: str, quantity: int) -> Refused | Unknown | None:
        """Say why so much of a product cannot be had; None if it can."""
        said = self._ask("GET", f"/products/{path_segment(sku)}")
        if _is_missing(said):
            return Refused(ShopRefusal.UNKNOWN_ITEM)
        product = read_ok(said, wire.read_product)
        if not isinstance(product, wire.Product):
            return product
        return None if product.has(quantity) else Refused(ShopRefusal.OUT_OF_STOCK)

    def _document(
        self, document_id: str, missing: ShopRefusal
    ) -> wire.Document | Refused | Unknown:
        said = self._ask("GET", f"/orders/{path_segment(document_id)}")
        return Refused(missing) if _is_missing(said) else read_ok(said, wire.read_document)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> Said | Refused | Unknown:
        said = ask(
            self._outgoing,
            method,
            f"{ROOT}{path}",
            body=body,
            query=query,
            headers=self._headers,
            bytes_max=LIST_BYTES_MAX,
        )
        if isinstance(said, Said) and said.status in (401, 403):
            return Refused(ShopRefusal.UNAUTHORIZED)
        return said


def _is_missing(said: Said | Refused | Unknown) -> bool:
    gone = ("woocommerce_rest_shop_order_invalid_id", "woocommerce_rest_product_invalid_id")
    return isinstance(said, Said) and said.status == 404 and wire.code(said.raw) in gone


def _read_order(raw: object) -> ShopOrder:
    return _placed(wire.read_document(raw))


def _placed(document: wire.Document) -> ShopOrder:
    order = document.order
    if order is None:
        raise Garbled("still unpaid")
    return order


def _orders_under(raw: object, reference: str) -> tuple[list[ShopOrder], int]:
    """Give the orders under our key on a page of documents, and how many it holds in all."""
    documents = wire.read_documents(raw)
    ours = [each for each in documents if each.reference == reference]
    return [_placed(each) for each in ours if each.status != wire.QUOTED], len(documents)
