"""A double of WooCommerce's REST v3: by contract, written from its public documentation.

There is no WooCommerce in any package registry, so this is no real shop: it answers in the shapes
and with the codes of the documentation, and keeps its orders in memory.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from merchants.peers import TERMS, Connector, Peer, to
from merchants.proxy import Proxy
from zodra_cloud.merchants.woocommerce.shop import Access, WooShop
from zodra_cloud.merchants.woocommerce.wire import METADATA

KEY, SECRET = "ck_test", "cs_test"
VAT = Decimal("0.21")
ROOT = "/wp-json/wc/v3"
ADDRESS = {"address_1": "Dorpsstraat 1", "postcode": "3511AA", "city": "Utrecht", "country": "NL"}

Reply = tuple[int, Any]


def _cents(value: Decimal) -> str:
    return str(value.quantize(Decimal("0.01"), "ROUND_HALF_UP"))


class Woo:
    """The double's memory and its doors."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.products: dict[int, dict[str, Any]] = {
            number: {
                "id": number,
                "name": name,
                "sku": sku,
                "price": price,
                "purchasable": True,
                "manage_stock": True,
                "stock_quantity": stock,
                "stock_status": "instock",
                "backorders_allowed": False,
            }
            for number, sku, name, price, stock in (
                (11, "paper-towels-6", "Paper towels, 6 rolls", "7.99", 100_000),
                (12, "soap-refill", "Hand soap, refill", "4.95", 2),
            )
        }
        self.orders: dict[int, dict[str, Any]] = {}
        self.refunds: dict[int, list[dict[str, Any]]] = {}

    def answer(self, method: str, target: str, body: Any) -> Reply:
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        path = parts.path.removeprefix(ROOT).strip("/").split("/")
        with self.lock:
            match (method, *path):
                case ("GET", "products"):
                    return 200, list(self.products.values()) if query["page"] == "1" else []
                case ("GET", "products", number):
                    return self._product(number)
                case ("POST", "orders"):
                    return self._open(body)
                case ("GET", "orders"):
                    return 200, self._listed(query)
                case (_, "orders", number, *rest):
                    return self._order(method, number, rest, body)
        return 404, {"code": "rest_no_route", "message": "No route.", "data": {"status": 404}}

    def _product(self, number: str) -> Reply:
        found = self.products.get(int(number)) if number.isdigit() else None
        gone = {"code": "woocommerce_rest_product_invalid_id", "message": "Invalid ID."}
        return (200, found) if found else (404, gone)

    def _open(self, body: dict[str, Any]) -> Reply:
        (line,) = body["line_items"]
        (shipping,) = body["shipping_lines"]
        product = self.products[line["product_id"]]
        gross = Decimal(product["price"]) * line["quantity"]
        net = gross / (1 + VAT)
        shipping_net = Decimal(shipping["total"])
        shipping_tax = (shipping_net * VAT).quantize(Decimal("0.01"))
        tax = gross - Decimal(_cents(net))
        number = 100 + len(self.orders)
        self.orders[number] = {
            "id": number,
            "number": str(number),
            "status": body["status"],
            "currency": body["currency"],
            "customer_id": body["customer_id"],
            "prices_include_tax": True,
            "shipping_total": _cents(shipping_net),
            "shipping_tax": _cents(shipping_tax),
            "total": _cents(gross + shipping_net + shipping_tax),
            "total_tax": _cents(tax + shipping_tax),
            "line_items": [
                {
                    "id": 1,
                    "name": product["name"],
                    "product_id": product["id"],
                    "quantity": line["quantity"],
                    "total": _cents(net),
                    "total_tax": _cents(tax),
                }
            ],
            "meta_data": [{"id": 1, **each} for each in body["meta_data"]],
            "date_paid_gmt": None,
        }
        return 201, self.orders[number]

    def _listed(self, query: dict[str, str]) -> list[dict[str, Any]]:
        size, page = int(query["per_page"]), int(query["page"])
        newest = sorted(self.orders.values(), key=lambda each: -each["id"])
        return newest[(page - 1) * size : page * size]

    def _order(self, method: str, number: str, rest: list[str], body: Any) -> Reply:
        order = self.orders.get(int(number)) if number.isdigit() else None
        if order is None:
            return 404, {"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID."}
        given = self.refunds.setdefault(order["id"], [])
        if rest == ["refunds"] and method == "GET":
            return 200, given
        if rest == ["refunds"]:
            given.append({"id": 900 + len(given), **body})
            return 201, given[-1]
        if method == "PUT" and body.get("set_paid") and order["status"] == "pending":
            order["status"] = "processing"
            for line in order["line_items"]:
                self.products[line["product_id"]]["stock_quantity"] -= line["quantity"]
        if method == "PUT" and "status" in body:
            order["status"] = body["status"]
        return 200, order


def serve(woo: Woo) -> ThreadingHTTPServer:
    expected = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def _do(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") != expected:
                status, said = 401, {"code": "woocommerce_rest_cannot_view", "message": "No."}
            else:
                status, said = woo.answer(self.command, self.path, json.loads(raw or b"null"))
            answer = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = _do

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@contextmanager
def woocommerce() -> Iterator[Peer]:
    woo = Woo()
    server = serve(woo)
    proxy = Proxy(server.server_address[1])

    def connect(timeout_s: float, secret: str = SECRET) -> Connector:
        access = Access(KEY, secret, 7, ADDRESS, "flat_rate", "Parcel post", "2.44")
        return WooShop(to(proxy, timeout_s), access, TERMS)

    def count(reference: str) -> int:
        mark = {"key": METADATA, "value": reference}
        return sum(
            mark.items() <= each["meta_data"][0].items() and each["status"] != "pending"
            for each in woo.orders.values()
        )

    def reprice(up: bool) -> None:
        woo.products[11]["price"] = "11.98" if up else "7.99"

    def empty(gone: bool) -> None:
        woo.products[11]["stock_quantity"] = 0 if gone else 100_000

    opening = "POST .*/orders$"
    try:
        yield Peer(
            proxy=proxy,
            connect=connect,
            sku="11",
            scarce=("12", 3),
            placing=r"PUT .*/orders/\d+",
            count=count,
            reprice=reprice,
            empty=empty,
            tampers={
                "currency": (opening, "EUR", "USD"),
                "negative": (opening, r'"total": "', '"total": "-'),
                "quantity": (opening, r'"quantity": \d+', '"quantity": 1'),
            },
            holds_price=True,
            wrong_key=lambda: connect(5.0, "cs_wrong"),
        )
    finally:
        proxy.close()
        server.shutdown()
        server.server_close()
