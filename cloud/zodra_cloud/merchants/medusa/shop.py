"""A Medusa 2 shop, over its store interface, and its admin interface for orders.

A quote is a cart with its address, shipping and our key in it; Medusa keeps the cart's prices.
Completing a cart twice gives the same order (measured with 2.21.2), and before that the shop is
searched for our key, in case another cart became the order. What two *different* carts under one
key at the same moment would do, our own store rules out, since an order keeps its cart.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from zodra_cloud.kit.money import Money
from zodra_cloud.kit.outgoing import Outgoing
from zodra_cloud.merchants.http import Said, as_expected, ask, path_segment, read_ok
from zodra_cloud.merchants.medusa import wire
from zodra_cloud.merchants.port import (
    CataloguePage,
    QuoteRequest,
    Refused,
    ShopFault,
    ShopOrder,
    ShopQuote,
    ShopRefund,
    ShopRefusal,
    Unknown,
)
from zodra_cloud.merchants.terms import Terms, decimal_text

PRODUCTS_PER_PAGE: Final = 20
FOUND_MAX: Final = 20
ORDER_FIELDS: Final = "id,status,fulfillment_status,currency_code,total,shipping_address.company"
PAYMENT_FIELDS: Final = (
    "id,currency_code,*payment_collections.payments,*payment_collections.payments.refunds"
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Access:
    """What the shop's owner gave us when it was connected."""

    publishable_key: str
    secret_key: str
    customer_id: str
    """Our account; its delivery address is where orders go."""
    region_id: str
    payment_provider_id: str = "pp_system_default"


class MedusaShop:
    """One Medusa shop, through one account. Safe to share between threads.

    Args:
        outgoing: to the shop's root; closed by `close`.
        access: keys and account.
        terms: what the merchant promised.
    """

    def __init__(self, outgoing: Outgoing, access: Access, terms: Terms) -> None:
        self._outgoing = outgoing
        self._access = access
        self._terms = terms
        pair = base64.b64encode(f"{access.secret_key}:".encode()).decode()
        self._admin = {"Authorization": f"Basic {pair}"}
        self._store = {"x-publishable-api-key": access.publishable_key}

    def close(self) -> None:
        """Close the connections."""
        self._outgoing.close()

    def catalogue(self, cursor: str | None = None) -> CataloguePage | Refused | Unknown:
        """Look up what the shop sells; see `Shop.catalogue`."""
        query = {
            "region_id": self._access.region_id,
            "limit": str(PRODUCTS_PER_PAGE),
            "offset": cursor if cursor is not None and cursor.isdigit() else "0",
            "order": "id",
            "fields": "title,*variants.calculated_price,+variants.inventory_quantity",
        }
        return read_ok(self._ask("GET", "/store/products", query=query), wire.read_products)

    def quote(self, request: QuoteRequest, now: datetime) -> ShopQuote | Refused | Unknown:
        """Fill a cart and price its way home; see `Shop.quote`."""
        customer = self._customer(request.country)
        if isinstance(customer, Refused | Unknown):
            return customer
        email, address = customer
        body = {
            "region_id": self._access.region_id,
            "email": email,
            "items": [{"variant_id": request.sku, "quantity": request.quantity}],
            "metadata": {wire.METADATA: request.reference},
            "shipping_address": {**address, "company": f"{wire.NOTE}{request.reference}"},
        }
        said = self._ask("POST", "/store/carts", body=body)
        cart = read_ok(_judged_item(said), wire.read_cart)
        if not isinstance(cart, wire.Cart):
            return cart
        query = {"cart_id": cart.cart_id}
        options = read_ok(
            self._ask("GET", "/store/shipping-options", query=query), wire.read_options
        )
        if not isinstance(options, list):
            return options
        if not options:
            return Refused(ShopRefusal.INVALID)
        option_id, title = options[0]
        path = f"/store/carts/{path_segment(cart.cart_id)}/shipping-methods"
        priced = read_ok(self._ask("POST", path, body={"option_id": option_id}), wire.read_cart)
        if not isinstance(priced, wire.Cart):
            return priced
        return self._quoted(request, priced, title, now)

    def place(
        self, session_id: str, order_key: str, expected_total: Money
    ) -> ShopOrder | Refused | Unknown:
        """Complete a cart, unless there is an order under the key; see `Shop.place`."""
        known = self.find(order_key)
        if known != Refused(ShopRefusal.ORDER_NOT_FOUND):
            return as_expected(known, order_key, expected_total)
        path = f"/store/carts/{path_segment(session_id)}"
        cart = self._read("GET", path, wire.read_cart, missing=ShopRefusal.SESSION_GONE)
        if not isinstance(cart, wire.Cart):
            return cart
        if cart.reference != order_key:
            return Refused(ShopRefusal.KEY_CONFLICT)
        if cart.total != expected_total:
            return Refused(ShopRefusal.PRICE_CHANGED)
        if not cart.completed:
            paying = self._begin_payment(cart.cart_id)
            if paying is not None:
                return paying
        said = self._ask("POST", f"{path}/complete", body={})
        answer = read_ok(_judged(said), wire.read_completed)
        if isinstance(answer, ShopRefusal):
            return Refused(answer)
        return as_expected(answer, order_key, expected_total)

    def order(self, order_id: str) -> ShopOrder | Refused | Unknown:
        """Ask how an order stands; see `Shop.order`."""
        found = self._order(order_id, ORDER_FIELDS, wire.read_order)
        if isinstance(found, ShopOrder) and found.order_id != order_id:
            return Unknown(ShopFault.INCONSISTENT)
        return found

    def find(self, reference: str) -> ShopOrder | Refused | Unknown:
        """Search the orders for our key; see `Shop.find`."""
        query = {
            "q": f"{wire.NOTE}{reference}",
            "limit": str(FOUND_MAX),
            "fields": ORDER_FIELDS,
        }
        said = self._ask("GET", "/admin/orders", query=query)
        found = read_ok(said, lambda raw: [wire.read_order_under(raw, reference)])
        if isinstance(found, Refused | Unknown):
            return found
        return found[0] or Refused(ShopRefusal.ORDER_NOT_FOUND)

    def cancel(self, order_id: str) -> ShopOrder | Refused | Unknown:
        """Cancel an order that has not been shipped; see `Shop.cancel`.

        Medusa gives back what was captured, and refuses a second cancel; hence the look first.
        """
        before = self.order(order_id)
        if not isinstance(before, ShopOrder) or before.cancel_reason is not None:
            return before
        said = self._ask("POST", f"/admin/orders/{path_segment(order_id)}/cancel", body={})
        after = self.order(order_id)
        refused = isinstance(said, Said) and said.status == 400
        if isinstance(after, ShopOrder) and after.cancel_reason is None:
            return Refused(ShopRefusal.TOO_LATE) if refused else Unknown(ShopFault.SERVER_ERROR)
        return after

    def refund(
        self, order_id: str, refund_key: str, amount: Money
    ) -> ShopRefund | Refused | Unknown:
        """Give money back; see `Shop.refund`.

        Medusa has no key for it: the key is the refund's note, looked up before anything is given.
        """
        payment = self._payment(order_id)
        if not isinstance(payment, wire.Payment):
            return payment
        given = payment.refunds.get(refund_key)
        if given is not None:
            same = given[1] == amount
            if not same:
                return Refused(ShopRefusal.KEY_CONFLICT)
            return ShopRefund(given[0], order_id, amount)
        if amount.currency != payment.amount.currency or amount.amount_minor > payment.left:
            return Refused(ShopRefusal.NOT_REFUNDABLE)
        path = f"/admin/payments/{path_segment(payment.payment_id)}"
        if not payment.captured:
            captured = read_ok(self._ask("POST", f"{path}/capture", body={}), bool)
            if isinstance(captured, Refused | Unknown):
                return captured
        body = {"amount": float(decimal_text(amount)), "note": refund_key}
        said = read_ok(self._ask("POST", f"{path}/refund", body=body), bool)
        if isinstance(said, Refused | Unknown):
            return said
        after = self._payment(order_id)
        if not isinstance(after, wire.Payment):
            return after
        found = after.refunds.get(refund_key)
        if found is None or found[1] != amount:
            return Unknown(ShopFault.INCONSISTENT)
        return ShopRefund(found[0], order_id, amount)

    def _quoted(
        self, request: QuoteRequest, cart: wire.Cart, title: str, now: datetime
    ) -> ShopQuote | Unknown:
        asked = (request.sku, request.quantity)
        if [line[:2] for line in cart.lines] != [asked] or not cart.has_shipping:
            return Unknown(ShopFault.INCONSISTENT)
        if (cart.reference, cart.total.currency) != (request.reference, request.currency):
            return Unknown(ShopFault.INCONSISTENT)
        unit, odd = divmod(cart.goods.amount_minor, request.quantity)
        terms = self._terms
        from_at, to_at = terms.window(now)
        return ShopQuote(
            session_id=cart.cart_id,
            merchant_id=terms.merchant_id,
            merchant_name=terms.merchant_name,
            titles={"": cart.lines[0][2]},
            sku=request.sku,
            quantity=request.quantity,
            currency=request.currency,
            # Two for 9.99 are 4.995 each; shown as 5.00, and the sum is what counts.
            unit_price_minor=unit + (1 if odd else 0),
            goods_minor=cart.goods.amount_minor,
            shipping_minor=cart.shipping.amount_minor,
            vat_minor=cart.vat.amount_minor,
            total_minor=cart.total.amount_minor,
            delivery_title=title,
            delivery_from_at=from_at,
            delivery_to_at=to_at,
            returns_days=terms.returns_days,
            returns_sealed_only=terms.returns_sealed_only,
            terms_url=terms.terms_url,
            returns_url=terms.returns_url,
            expires_at=now + terms.quote_holds,
        )

    def _customer(self, country: str) -> tuple[str, dict[str, Any]] | Refused | Unknown:
        """Give our account's e-mail and delivery address, which must be in `country`."""
        path = f"/admin/customers/{path_segment(self._access.customer_id)}"
        query = {"fields": "id,email,*addresses"}
        customer = self._read("GET", path, wire.read_customer, query, ShopRefusal.INVALID)
        if not isinstance(customer, wire.Customer):
            return customer
        addresses = sorted(customer.addresses, key=lambda each: not each.is_default_shipping)
        if not addresses or addresses[0].country_code.upper() != country:
            return Refused(ShopRefusal.INVALID)
        return customer.email, addresses[0].model_dump(exclude_none=True)

    def _begin_payment(self, cart_id: str) -> Refused | Unknown | None:
        """Prepare the payment that the completion authorizes; repeats are harmless."""
        said = self._ask("POST", "/store/payment-collections", body={"cart_id": cart_id})
        collection = read_ok(said, wire.read_collection)
        if not isinstance(collection, str):
            return collection
        path = f"/store/payment-collections/{path_segment(collection)}/payment-sessions"
        body = {"provider_id": self._access.payment_provider_id}
        begun = read_ok(self._ask("POST", path, body=body), wire.read_collection)
        return begun if isinstance(begun, Refused | Unknown) else None

    def _payment(self, order_id: str) -> wire.Payment | Refused | Unknown:
        return self._order(order_id, PAYMENT_FIELDS, wire.read_payment)

    def _order(
        self, order_id: str, fields: str, reader: Callable[[object], _T]
    ) -> _T | Refused | Unknown:
        path, query = f"/admin/orders/{path_segment(order_id)}", {"fields": fields}
        return self._read("GET", path, reader, query, ShopRefusal.ORDER_NOT_FOUND)

    def _read(
        self,
        method: str,
        path: str,
        reader: Callable[[object], _T],
        query: dict[str, str] | None = None,
        missing: ShopRefusal | None = None,
    ) -> _T | Refused | Unknown:
        said = self._ask(method, path, query=query)
        not_there = isinstance(said, Said) and _kind(said.raw) == "not_found"
        if isinstance(said, Said) and said.status == 404 and not_there and missing is not None:
            return Refused(missing)
        return read_ok(said, reader)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> Said | Refused | Unknown:
        headers = self._admin if path.startswith("/admin/") else self._store
        said = ask(self._outgoing, method, path, body=body, query=query, headers=headers)
        if isinstance(said, Said) and said.status == 401:
            return Refused(ShopRefusal.UNAUTHORIZED)
        return said


def _kind(raw: object) -> str:
    told = raw.get("type") if isinstance(raw, dict) else None
    return told if isinstance(told, str) else ""


def _judged(said: Said | Refused | Unknown) -> Said | Refused | Unknown:
    """Read a refusal that Medusa names; a conflict is another attempt under way."""
    if not isinstance(said, Said) or said.ok:
        return said
    if said.status == 409:
        return Unknown(ShopFault.BUSY)
    refusal = wire.refusal_of(said.raw)
    return said if refusal is None else Refused(refusal)


def _judged_item(said: Said | Refused | Unknown) -> Said | Refused | Unknown:
    """Read why a cart could not be filled with a variant."""
    if isinstance(said, Said) and said.status == 400 and _kind(said.raw) == "invalid_data":
        return Refused(ShopRefusal.UNKNOWN_ITEM)
    return _judged(said)
