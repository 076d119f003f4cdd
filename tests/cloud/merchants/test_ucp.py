"""The connector against the real shop process, and against servers that are no shop at all."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from shop_process import ShopProcess, free_port
from zodra_cloud.kit.money import Money
from zodra_cloud.kit.outgoing import ANSWER_BYTES_MAX
from zodra_cloud.merchants.port import (
    QuoteRequest,
    Refused,
    ShopFault,
    ShopOrder,
    ShopOrderState,
    ShopQuote,
    ShopRefusal,
    Unknown,
)
from zodra_cloud.merchants.ucp import UcpShop


@pytest.fixture(scope="module")
def shop_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopProcess]:
    folder = tmp_path_factory.mktemp("shop")
    with ShopProcess(folder, shipped_after_s=86_400) as running:
        yield running


@pytest.fixture
def shop(shop_process: ShopProcess) -> Iterator[ShopProcess]:
    yield shop_process
    shop_process.ask("DELETE", "/faults")


@pytest.fixture
def client(shop: ShopProcess) -> Iterator[UcpShop]:
    client = shop.client()
    yield client
    client.close()


def wish(reference: str, sku: str = "paper-towels-6") -> QuoteRequest:
    return QuoteRequest(reference, "b_1", sku, 1, "EUR", "NL")


def quoted(client: UcpShop, reference: str) -> ShopQuote:
    quote = client.quote(wish(reference), datetime.now(UTC))
    assert isinstance(quote, ShopQuote)
    return quote


def total(quote: ShopQuote) -> Money:
    return Money(quote.total_minor, quote.currency)


def placed(client: UcpShop, reference: str) -> ShopOrder:
    quote = quoted(client, reference)
    order = client.place(quote.session_id, reference, total(quote))
    assert isinstance(order, ShopOrder)
    return order


def test_a_quote_has_everything_that_must_be_shown(client: UcpShop) -> None:
    quote = quoted(client, "o_quote")
    assert quote.goods_minor + quote.shipping_minor == quote.total_minor
    assert 0 < quote.vat_minor < quote.total_minor
    assert quote.titles.keys() == {"", "en", "nl"}
    assert quote.delivery_from_at <= quote.delivery_to_at
    assert quote.returns_days == 14
    assert quote.merchant_name


def test_placing_twice_under_one_key_is_one_order(shop: ShopProcess, client: UcpShop) -> None:
    quote = quoted(client, "o_twice")
    first = client.place(quote.session_id, "o_twice", total(quote))
    second = client.place(quote.session_id, "o_twice", total(quote))
    assert isinstance(first, ShopOrder)
    assert first == second == client.find("o_twice") == client.order(first.order_id)
    assert len(shop.orders("o_twice")) == 1


def test_an_order_can_be_cancelled_before_it_ships(client: UcpShop) -> None:
    order = placed(client, "o_cancel")
    for _again in range(2):
        cancelled = client.cancel(order.order_id)
        assert isinstance(cancelled, ShopOrder)
        assert cancelled.state is ShopOrderState.CANCELLED


def test_what_the_shop_does_not_have_is_a_refusal(client: UcpShop) -> None:
    assert client.find("o_nothing") == Refused(ShopRefusal.ORDER_NOT_FOUND)
    assert client.order("ord_nothing") == Refused(ShopRefusal.ORDER_NOT_FOUND)
    missing = client.place("cs_nothing", "o_x", Money(1, "EUR"))
    assert missing == Refused(ShopRefusal.SESSION_GONE)
    unknown = client.quote(wish("o_x", "caviar"), datetime.now(UTC))
    assert unknown == Refused(ShopRefusal.UNKNOWN_ITEM)


def test_a_second_session_of_a_reference_makes_no_second_order(client: UcpShop) -> None:
    order = placed(client, "o_second")
    again = quoted(client, "o_second")
    refused = client.place(again.session_id, "o_second", total(again))
    assert refused in (
        Refused(ShopRefusal.ALREADY_COMPLETED),
        Refused(ShopRefusal.KEY_CONFLICT),
    )
    assert client.find("o_second") == order


def test_a_wrong_key_is_a_refusal(shop: ShopProcess) -> None:
    client = shop.client(api_key="not-the-key")
    refused = client.quote(wish("o_key"), datetime.now(UTC))
    client.close()
    assert refused == Refused(ShopRefusal.UNAUTHORIZED)


def test_a_changed_price_and_an_empty_shelf_are_refusals(
    shop: ShopProcess, client: UcpShop
) -> None:
    quote = quoted(client, "o_price")
    shop.fault(price_factor=1.5)
    changed = client.place(quote.session_id, "o_price", total(quote))
    assert changed == Refused(ShopRefusal.PRICE_CHANGED)
    shop.fault(out_of_stock=["paper-towels-6"])
    empty = client.quote(wish("o_price"), datetime.now(UTC))
    assert empty == Refused(ShopRefusal.OUT_OF_STOCK)


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        pytest.param({"fail_500": 1}, ShopFault.SERVER_ERROR, id="500"),
        pytest.param({"garbage": 1}, ShopFault.GARBLED, id="a page instead of JSON"),
        pytest.param({"huge": 1}, ShopFault.OVERSIZED, id="five megabytes"),
        pytest.param({"slow_s": 5}, ShopFault.TIMEOUT, id="slow"),
    ],
)
def test_a_shop_that_misbehaves_is_unknown(
    shop: ShopProcess, faults: dict[str, Any], expected: ShopFault
) -> None:
    client = shop.client(timeout_s=0.3)
    shop.fault(**faults)
    answer = client.quote(wish("o_bad"), datetime.now(UTC))
    client.close()
    assert answer == Unknown(expected)


@pytest.mark.parametrize("fault", ["timeout_after_accept", "hang_up_after_accept"])
def test_an_order_taken_without_an_answer_is_found(shop: ShopProcess, fault: str) -> None:
    client = shop.client(timeout_s=0.5)
    reference = f"o_{fault}"
    quote = quoted(client, reference)
    shop.fault(**{fault: 1})
    lost = client.place(quote.session_id, reference, total(quote))
    found = client.find(reference)
    client.close()
    assert isinstance(lost, Unknown)
    assert isinstance(found, ShopOrder)
    assert len(shop.orders(reference)) == 1


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[UcpShop]:
    """Answer one request as told, without any idea of HTTP."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _address = listening.accept()
        with connection:
            _read_request(connection)
            try:
                answer(connection)
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    client = UcpShop(url, "key", time.monotonic, total_timeout_s=0.4, private_allowed=True)
    try:
        yield client
    finally:
        client.close()
        thread.join(5)
        listening.close()


def _read_request(connection: socket.socket) -> None:
    """Read all of it: a socket closed over unread bytes resets the connection."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += connection.recv(65_536)
    head, _end, body = raw.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            wanted = int(line.split(b":")[1])
            while len(body) < wanted:
                body += connection.recv(65_536)


def says(text: str) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(text.encode())


def ok(body: str, kind: str = "200 OK", headers: str = "") -> Callable[[socket.socket], None]:
    return says(f"HTTP/1.1 {kind}\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}")


def drip(connection: socket.socket) -> None:
    """Send a byte now and then, each well within the time limit of one read."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _byte in range(20):
        connection.sendall(b" ")
        time.sleep(0.1)


def flood(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"x" * 65_536
    for _chunk in range(2 * ANSWER_BYTES_MAX // len(chunk)):
        connection.sendall(b"10000\r\n" + chunk + b"\r\n")


NO_SHOPS = [
    pytest.param(says(""), ShopFault.CONNECTION_LOST, id="hangs up"),
    pytest.param(says("what?\r\n\r\n"), ShopFault.CONNECTION_LOST, id="speaks no HTTP"),
    pytest.param(
        says("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        ShopFault.CONNECTION_LOST,
        id="hangs up in the middle",
    ),
    pytest.param(ok("{}"), ShopFault.GARBLED, id="says nothing"),
    pytest.param(ok("[" * 100_000), ShopFault.GARBLED, id="nests without end"),
    pytest.param(ok("NaN"), ShopFault.GARBLED, id="not a number"),
    pytest.param(ok("{}", "404 Not Found"), ShopFault.GARBLED, id="a 404 of someone else"),
    pytest.param(
        ok('{"messages": [{"type": "error", "code": "price_changed"}]}', "400 Bad Request"),
        ShopFault.GARBLED,
        id="a code on the wrong status",
    ),
    pytest.param(
        ok("", "307 Temporary Redirect", "Location: http://127.0.0.1:1/\r\n"),
        ShopFault.REDIRECTED,
        id="sends us elsewhere",
    ),
    pytest.param(drip, ShopFault.TIMEOUT, id="a byte at a time"),
    pytest.param(flood, ShopFault.OVERSIZED, id="without end"),
]


@pytest.mark.parametrize(("answer", "expected"), NO_SHOPS)
def test_whatever_answers_is_unknown_and_never_a_no(
    answer: Callable[[socket.socket], None], expected: ShopFault
) -> None:
    with server(answer) as client:
        assert client.place("cs_1", "o_1", Money(1, "EUR")) == Unknown(expected)


def test_a_busy_shop_says_when_to_come_back() -> None:
    with server(ok("", "503 Service Unavailable", "Retry-After: 7\r\n")) as client:
        assert client.find("o_1") == Unknown(ShopFault.BUSY, retry_after_s=7.0)


def test_nobody_there_is_unknown() -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    client = UcpShop(nobody, "key", time.monotonic, 0.5, private_allowed=True)
    answer = client.find("o_1")
    client.close()
    assert answer == Unknown(ShopFault.UNREACHABLE)
