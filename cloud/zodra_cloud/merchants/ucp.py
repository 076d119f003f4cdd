"""A shop with the UCP checkout surface, over HTTP.

Only answers that the surface names count. Whatever else comes back, however it is spelled, is
`Unknown`: a shop that is down, slow, hostile or half updated must not look like one that said no.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from zodra_cloud.kit.money import Money
from zodra_cloud.kit.outgoing import TOTAL_TIMEOUT_S, Outgoing
from zodra_cloud.merchants import wire
from zodra_cloud.merchants.http import Said, ask, path_segment, read_ok
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

_REFUSALS: Final = {
    (401, "unauthorized"): ShopRefusal.UNAUTHORIZED,
    (400, "invalid"): ShopRefusal.INVALID,
    (400, "idempotency_key_missing"): ShopRefusal.INVALID,
    (404, "unknown_item"): ShopRefusal.UNKNOWN_ITEM,
    (404, "session_not_found"): ShopRefusal.SESSION_GONE,
    (404, "order_not_found"): ShopRefusal.ORDER_NOT_FOUND,
    (409, "out_of_stock"): ShopRefusal.OUT_OF_STOCK,
    (409, "price_changed"): ShopRefusal.PRICE_CHANGED,
    (409, "session_canceled"): ShopRefusal.SESSION_GONE,
    (409, "already_completed"): ShopRefusal.ALREADY_COMPLETED,
    (409, "idempotency_conflict"): ShopRefusal.KEY_CONFLICT,
    (409, "too_late"): ShopRefusal.TOO_LATE,
    (409, "not_refundable"): ShopRefusal.NOT_REFUNDABLE,
    (410, "session_expired"): ShopRefusal.SESSION_EXPIRED,
    (402, "payment_declined"): ShopRefusal.PAYMENT_DECLINED,
}


class UcpShop:
    """One UCP-shaped shop. Safe to share between threads.

    Args:
        base_url: for example `https://shop.example`; no path.
        api_key: the bearer token of our account there.
        monotonic: seconds on a clock that never goes back, for the limit on a whole answer.
        total_timeout_s: the limit.
        private_allowed: the shop may be on this machine or in this network, and without TLS.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        monotonic: Callable[[], float],
        total_timeout_s: float = TOTAL_TIMEOUT_S,
        *,
        private_allowed: bool = False,
    ) -> None:
        self._outgoing = Outgoing(
            base_url,
            monotonic,
            headers={"Authorization": f"Bearer {api_key}", "UCP-Agent": 'profile="zodra"'},
            private_allowed=private_allowed,
            total_timeout_s=total_timeout_s,
        )

    def close(self) -> None:
        """Close the connections."""
        self._outgoing.close()

    def catalogue(self, cursor: str | None = None) -> CataloguePage | Refused | Unknown:
        """Look up what the shop sells; see `Shop.catalogue`."""
        query = {} if cursor is None else {"cursor": cursor}
        return read_ok(self._ask("GET", "/products", query=query), wire.read_catalogue)

    def quote(self, request: QuoteRequest, now: datetime) -> ShopQuote | Refused | Unknown:
        """Ask a price; see `Shop.quote`."""
        body = {
            "line_items": [{"item": {"id": request.sku}, "quantity": request.quantity}],
            "currency": request.currency,
            "reference": request.reference,
            "buyer": {"reference": request.buyer_reference},
            "context": {"address_country": request.country},
        }
        answer = self._ask("POST", "/checkout-sessions", body=body)
        return read_ok(answer, lambda raw: wire.read_quote(raw, request, now))

    def place(
        self, session_id: str, order_key: str, expected_total: Money
    ) -> ShopOrder | Refused | Unknown:
        """Order what was quoted; see `Shop.place`."""
        answer = self._ask(
            "POST",
            f"/checkout-sessions/{path_segment(session_id)}/complete",
            body={
                "expected_total": {
                    "amount": expected_total.amount_minor,
                    "currency": expected_total.currency,
                }
            },
            headers={"Idempotency-Key": order_key},
        )
        placed = read_ok(answer, wire.read_order)
        if isinstance(placed, ShopOrder) and (
            placed.reference != order_key or placed.total != expected_total
        ):
            return Unknown(ShopFault.INCONSISTENT)
        return placed

    def order(self, order_id: str) -> ShopOrder | Refused | Unknown:
        """Ask how an order stands; see `Shop.order`."""
        found = read_ok(self._ask("GET", f"/orders/{path_segment(order_id)}"), wire.read_order)
        if isinstance(found, ShopOrder) and found.order_id != order_id:
            return Unknown(ShopFault.INCONSISTENT)
        return found

    def find(self, reference: str) -> ShopOrder | Refused | Unknown:
        """Ask for the order that carries our key; see `Shop.find`."""
        answer = self._ask("GET", "/orders", query={"reference": reference})
        found = read_ok(answer, wire.read_orders)
        if isinstance(found, Refused | Unknown):
            return found
        if not found:
            return Refused(ShopRefusal.ORDER_NOT_FOUND)
        if len(found) != 1 or found[0].reference != reference:
            return Unknown(ShopFault.INCONSISTENT)
        return found[0]

    def cancel(self, order_id: str) -> ShopOrder | Refused | Unknown:
        """Cancel an order that has not been shipped; see `Shop.cancel`."""
        path = f"/orders/{path_segment(order_id)}/cancel"
        cancelled = read_ok(self._ask("POST", path, body={}), wire.read_order)
        if isinstance(cancelled, ShopOrder) and cancelled.order_id != order_id:
            return Unknown(ShopFault.INCONSISTENT)
        return cancelled

    def refund(
        self, order_id: str, refund_key: str, amount: Money
    ) -> ShopRefund | Refused | Unknown:
        """Ask for money back; see `Shop.refund`."""
        said = self._ask(
            "POST",
            f"/orders/{path_segment(order_id)}/refunds",
            body={"amount": {"amount": amount.amount_minor, "currency": amount.currency}},
            headers={"Idempotency-Key": refund_key},
        )
        given = read_ok(said, wire.read_refund)
        if isinstance(given, ShopRefund) and (given.order_id, given.amount) != (order_id, amount):
            return Unknown(ShopFault.INCONSISTENT)
        return given

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Said | Refused | Unknown:
        """Send one request; only the refusals that the surface names are a no."""
        said = ask(self._outgoing, method, path, body=body, query=query, headers=headers)
        if isinstance(said, Unknown) or said.ok:
            return said
        refusal = _REFUSALS.get((said.status, wire.error_code(said.raw)))
        return Unknown(ShopFault.GARBLED) if refusal is None else Refused(refusal)
