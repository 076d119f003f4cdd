"""The one client for calls to the outside, against real servers that mean it well or ill."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_certificates import write_certificate
from zodra_cloud.kit.outgoing import ANSWER_BYTES_MAX, Answer, Outgoing, OutgoingFault, refusal

Serve = Callable[[socket.socket, bytes], None]
"""Answers one request, whose head and body it is given."""


class Server:
    """Takes connections one by one and answers each with `serve`; remembers what it was asked."""

    def __init__(self, serve: Serve, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[bytes] = []
        self._serve = serve
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _address = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                raw = b""
                while b"\r\n\r\n" not in raw and (more := connection.recv(65_536)):
                    raw += more
                if b"content-length: 8\r\n" in raw.lower():
                    while not raw.endswith(b"}"):
                        raw += connection.recv(65_536)
                self.asked.append(raw)
                self._serve(connection, raw)
        except OSError:
            return

    def close(self) -> None:
        self._listening.close()


def says(text: str) -> Serve:
    return lambda connection, _raw: connection.sendall(text.encode())


OK = says('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-It: "is"\r\n\r\n{}')


@contextmanager
def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(serve, tls)
    try:
        yield server
    finally:
        server.close()


def to(url: str, addresses: list[str] | None = None, **options: object) -> Outgoing:
    resolve = {} if addresses is None else {"resolve": lambda _host, _port: addresses}
    return Outgoing(url, time.monotonic, **{"total_timeout_s": 0.4, **resolve, **options})  # type: ignore[arg-type]  # a test's options


def test_an_allowed_peer_is_asked_once_under_its_own_name() -> None:
    with serving(OK) as server:
        url = f"http://shop.test:{server.port}/base"
        peer = to(url, ["127.0.0.1"], private_allowed=True, headers={"Authorization": "Bearer k"})
        answer = peer.ask("POST", "/orders", body={"a": 1}, query={"reference": "o 1"})
        peer.close()
    assert answer == Answer(200, {"content-length": "2", "x-it": '"is"'}, b"{}")
    (asked,) = server.asked
    assert asked.startswith(b"POST /base/orders?reference=o+1 HTTP/1.1\r\n")
    assert f"Host: shop.test:{server.port}\r\n".encode() in asked
    assert b"Authorization: Bearer k\r\n" in asked
    assert asked.endswith(b'{"a": 1}')


NOT_ALLOWED = [
    pytest.param(["127.0.0.1"], False, id="this machine"),
    pytest.param(["10.1.2.3"], False, id="this network"),
    pytest.param(["::ffff:127.0.0.1"], False, id="this machine in disguise"),
    pytest.param(["169.254.169.254"], True, id="metadata, even where private is allowed"),
    pytest.param(["0.0.0.0"], True, id="any address"),
    pytest.param(["93.184.215.14", "127.0.0.1"], False, id="one of two"),
    pytest.param([], True, id="no address"),
]


@pytest.mark.parametrize(("addresses", "private_allowed"), NOT_ALLOWED)
def test_where_calls_may_not_go_nothing_is_sent(
    addresses: list[str], private_allowed: bool
) -> None:
    with serving(OK) as server:
        peer = to(f"https://shop.test:{server.port}", addresses, private_allowed=private_allowed)
        assert peer.ask("GET", "/") is OutgoingFault.FORBIDDEN_ADDRESS
        peer.close()
    assert server.asked == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "localhost", "0"])
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    with serving(OK) as server:
        peer = to(f"https://{host}:{server.port}")
        assert peer.ask("GET", "/") in (
            OutgoingFault.FORBIDDEN_ADDRESS,
            OutgoingFault.UNREACHABLE,
        )
        peer.close()
    assert server.asked == []


def test_a_name_is_resolved_once_and_its_judged_address_is_used() -> None:
    """A name that answers differently the second time (rebinding) gains nothing."""
    answers = [["127.0.0.1"], ["10.9.9.9"], ["10.9.9.9"]]
    with serving(OK) as server:
        peer = Outgoing(
            f"http://shop.test:{server.port}",
            time.monotonic,
            private_allowed=True,
            resolve=lambda _host, _port: answers.pop(0),
        )
        assert isinstance(peer.ask("GET", "/"), Answer)
        peer.close()
    assert len(answers) == 2


def test_a_key_is_never_sent_in_the_open_to_the_public() -> None:
    peer = to("http://shop.test", ["93.184.215.14"])
    assert peer.ask("GET", "/") is OutgoingFault.FORBIDDEN_ADDRESS
    peer.close()


def test_a_redirect_is_not_followed() -> None:
    with serving(OK) as other:
        moved = says(
            f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{other.port}/\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        with serving(moved) as server:
            peer = to(f"http://127.0.0.1:{server.port}", private_allowed=True)
            assert peer.ask("GET", "/") is OutgoingFault.REDIRECTED
            peer.close()
    assert other.asked == []


def endless_head(connection: socket.socket, _raw: bytes) -> None:
    """Send a byte of the head now and then, each well within the limit of one read."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _byte in range(30):
        connection.sendall(b"x")
        time.sleep(0.05)


def endless_body(connection: socket.socket, _raw: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _byte in range(30):
        connection.sendall(b" ")
        time.sleep(0.05)


def flood(connection: socket.socket, _raw: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _chunk in range(2 * ANSWER_BYTES_MAX // 65_536):
        connection.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")


def silence(_connection: socket.socket, _raw: bytes) -> None:
    time.sleep(1.0)


FAULTS = [
    pytest.param(silence, OutgoingFault.TIMEOUT, id="says nothing"),
    pytest.param(endless_head, OutgoingFault.TIMEOUT, id="a head without end"),
    pytest.param(endless_body, OutgoingFault.TIMEOUT, id="a byte at a time"),
    pytest.param(flood, OutgoingFault.OVERSIZED, id="a body without end"),
    pytest.param(says(""), OutgoingFault.CONNECTION_LOST, id="hangs up"),
    pytest.param(says("what?\r\n\r\n"), OutgoingFault.CONNECTION_LOST, id="speaks no HTTP"),
    pytest.param(
        says("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        OutgoingFault.CONNECTION_LOST,
        id="hangs up in the middle",
    ),
    pytest.param(
        says("HTTP/1.1 200 OK\r\n" + "X: y\r\n" * 100_000 + "\r\n"),
        OutgoingFault.CONNECTION_LOST,
        id="headers without end",
    ),
]


@pytest.mark.parametrize(("serve", "fault"), FAULTS)
def test_whatever_a_peer_does_the_call_ends(serve: Serve, fault: OutgoingFault) -> None:
    with serving(serve) as server:
        peer = to(f"http://127.0.0.1:{server.port}", private_allowed=True)
        assert peer.ask("GET", "/") is fault
        peer.close()


def test_a_resolver_that_hangs_is_a_timeout() -> None:
    def hangs(_host: str, _port: int) -> list[str]:
        time.sleep(1.0)
        return ["127.0.0.1"]

    peer = to("https://shop.test", resolve=hangs)
    assert peer.ask("GET", "/") is OutgoingFault.TIMEOUT
    peer.close()


def test_nobody_there_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        peer = to(f"http://127.0.0.1:{taken.getsockname()[1]}", private_allowed=True)
        assert peer.ask("GET", "/") is OutgoingFault.UNREACHABLE
        peer.close()
    peer = to("https://no-such-name.invalid", total_timeout_s=3.0)
    assert peer.ask("GET", "/") is OutgoingFault.UNREACHABLE
    peer.close()


def test_a_certificate_must_be_for_the_name_that_was_asked(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path, "shop")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, tmp_path / "shop.key")
    trusting = ssl.create_default_context(cafile=str(certificate))
    with serving(OK, tls) as server:
        for name, expected in (("127.0.0.1", Answer), ("other.test", OutgoingFault)):
            peer = to(
                f"https://{name}:{server.port}",
                ["127.0.0.1"],
                private_allowed=True,
                ssl_context=trusting,
                total_timeout_s=2.0,
            )
            assert isinstance(peer.ask("GET", "/"), expected)
            peer.close()


@pytest.mark.parametrize(
    ("url", "private_allowed", "fine"),
    [
        ("https://shop.example", False, True),
        ("http://shop.example", False, False),
        ("http://127.0.0.1:8090", False, False),
        ("http://127.0.0.1:8090", True, True),
        ("https://[::1]:8090", False, False),
        ("https://localhost", False, False),
        ("http://169.254.169.254", True, False),
        ("https://2130706433", True, False),
    ],
)
def test_settings_that_could_never_work_are_named(
    url: str, private_allowed: bool, fine: bool
) -> None:
    assert (refusal(url, private_allowed=private_allowed) is None) is fine
