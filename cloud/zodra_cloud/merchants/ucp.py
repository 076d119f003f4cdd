"""A shop with the UCP checkout surface, over HTTP.

Only answers that the surface names count. Whatever else comes back, however it is spelled, is
`Unknown`: a shop that is down, slow, hostile or half updated must not look like one that said no.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

import httpx2

from zodra_cloud.kit.money import Money
from zodra_cloud.merchants import wire
from zodra_cloud.merchants.port import (
    QuoteRequest,
    Refused,
    ShopFault,
    ShopOrder,
    ShopQuote,
    ShopRefusal,
    Unknown,
)

CONNECT_TIMEOUT_S: Final = 3.0
TOTAL_TIMEOUT_S: Final = 10.0
"""For one answer as a whole: a shop that sends a byte a second must not hold a worker."""
RESPONSE_BYTES_MAX: Final = 256 * 1024
RETRY_AFTER_S_MAX: Final = 3_600.0

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
    (410, "session_expired"): ShopRefusal.SESSION_EXPIRED,
    (402, "payment_declined"): ShopRefusal.PAYMENT_DECLINED,
}

_T = TypeVar("_T")


class UcpShop:
    """One UCP-shaped shop. Safe to share between threads.

    Args:
        base_url: for example `https://shop.example`; no path.
        api_key: the bearer token of our account there.
        monotonic: seconds on a clock that never goes back, for the limit on a whole answer.
        total_timeout_s: the limit.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        monotonic: Callable[[], float],
        total_timeout_s: float = TOTAL_TIMEOUT_S,
    ) -> None:
        self._monotonic = monotonic
        self._total_timeout_s = total_timeout_s
        self._client = httpx2.Client(
            base_url=base_url,
            headers={
                "Authorization": f"Bearer {api_key}",
                "UCP-Agent": 'profile="zodra"',
                "Accept": "application/json",
                # A compressed answer could unpack to far more than it measured on the wire.
                "Accept-Encoding": "identity",
            },
            timeout=httpx2.Timeout(
                total_timeout_s, connect=min(CONNECT_TIMEOUT_S, total_timeout_s)
            ),
            follow_redirects=False,
            # The shop is the one in the settings; a proxy of the environment would see the key.
            trust_env=False,
            limits=httpx2.Limits(max_connections=16, max_keepalive_connections=4),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

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
        return _read(answer, lambda raw: wire.read_quote(raw, request, now))

    def place(
        self, session_id: str, order_key: str, expected_total: Money
    ) -> ShopOrder | Refused | Unknown:
        """Order what was quoted; see `Shop.place`."""
        answer = self._ask(
            "POST",
            f"/checkout-sessions/{wire.path_segment(session_id)}/complete",
            body={
                "expected_total": {
                    "amount": expected_total.amount_minor,
                    "currency": expected_total.currency,
                }
            },
            headers={"Idempotency-Key": order_key},
        )
        placed = _read(answer, wire.read_order)
        if isinstance(placed, ShopOrder) and (
            placed.reference != order_key or placed.total != expected_total
        ):
            return Unknown(ShopFault.INCONSISTENT)
        return placed

    def order(self, order_id: str) -> ShopOrder | Refused | Unknown:
        """Ask how an order stands; see `Shop.order`."""
        found = _read(self._ask("GET", f"/orders/{wire.path_segment(order_id)}"), wire.read_order)
        if isinstance(found, ShopOrder) and found.order_id != order_id:
            return Unknown(ShopFault.INCONSISTENT)
        return found

    def find(self, reference: str) -> ShopOrder | Refused | Unknown:
        """Ask for the order that carries our key; see `Shop.find`."""
        answer = self._ask("GET", "/orders", query={"reference": reference})
        found = _read(answer, wire.read_orders)
        if isinstance(found, Refused | Unknown):
            return found
        if not found:
            return Refused(ShopRefusal.ORDER_NOT_FOUND)
        if len(found) != 1 or found[0].reference != reference:
            return Unknown(ShopFault.INCONSISTENT)
        return found[0]

    def cancel(self, order_id: str) -> ShopOrder | Refused | Unknown:
        """Cancel an order that has not been shipped; see `Shop.cancel`."""
        path = f"/orders/{wire.path_segment(order_id)}/cancel"
        return _read(self._ask("POST", path, body={}), wire.read_order)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> object | Refused | Unknown:
        """Send one request; give the JSON of a 2xx answer, or what else came of it."""
        try:
            with self._client.stream(
                method, path, json=body, params=query, headers=headers
            ) as response:
                raw = self._body(response)
        except httpx2.ConnectError:
            return Unknown(ShopFault.UNREACHABLE)
        except httpx2.TimeoutException:
            return Unknown(ShopFault.TIMEOUT)
        except httpx2.RequestError:
            return Unknown(ShopFault.CONNECTION_LOST)
        if isinstance(raw, Unknown):
            return raw
        return _judge(response, raw)

    def _body(self, response: httpx2.Response) -> bytes | Unknown:
        deadline = self._monotonic() + self._total_timeout_s
        raw = bytearray()
        for chunk in response.iter_raw():
            raw += chunk
            if len(raw) > RESPONSE_BYTES_MAX:
                return Unknown(ShopFault.OVERSIZED)
            if self._monotonic() > deadline:
                return Unknown(ShopFault.TIMEOUT)
        return bytes(raw)


def _judge(response: httpx2.Response, raw: bytes) -> object | Refused | Unknown:
    status = response.status_code
    if status == httpx2.codes.TOO_MANY_REQUESTS or status == httpx2.codes.SERVICE_UNAVAILABLE:
        return Unknown(ShopFault.BUSY, _retry_after_s(response))
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR:
        return Unknown(ShopFault.SERVER_ERROR)
    if httpx2.codes.MULTIPLE_CHOICES <= status < httpx2.codes.BAD_REQUEST:
        return Unknown(ShopFault.REDIRECTED)
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        return Unknown(ShopFault.GARBLED)
    if status in (httpx2.codes.OK, httpx2.codes.CREATED):
        return answer  # type: ignore[no-any-return]
    refusal = _REFUSALS.get((status, wire.error_code(answer)))
    return Unknown(ShopFault.GARBLED) if refusal is None else Refused(refusal)


def _read(
    answer: object | Refused | Unknown, read: Callable[[object], _T]
) -> _T | Refused | Unknown:
    if isinstance(answer, Refused | Unknown):
        return answer
    try:
        return read(answer)
    except wire.Garbled:
        return Unknown(ShopFault.GARBLED)
    except wire.Inconsistent:
        return Unknown(ShopFault.INCONSISTENT)


def _retry_after_s(response: httpx2.Response) -> float | None:
    said = response.headers.get("retry-after", "")
    return min(float(said), RETRY_AFTER_S_MAX) if said.isascii() and said.isdigit() else None
