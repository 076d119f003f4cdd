"""The one client for calls to the outside: whom it may reach, for how long, and how much it reads.

A name is resolved once for a connection; every address it has is judged, and the connection goes to
a judged address, so that a name cannot mean one host when checked and another when used. There are
no redirects, no proxies of the environment, no cookies, and no decompression.
"""

import json
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpcore2

from zodra_cloud.kit.addresses import Reach, classify

CONNECT_TIMEOUT_S: Final = 3.0
TOTAL_TIMEOUT_S: Final = 10.0
"""For one call as a whole: a peer that sends a byte a second must not hold a worker."""
ANSWER_BYTES_MAX: Final = 256 * 1024
CONNECTIONS_MAX: Final = 64
"""More than there are threads that call (the settings allow 32 for prices and 32 for the rest)."""
CONNECTIONS_KEPT_MAX: Final = 32
ADDRESSES_TRIED_MAX: Final = 4
RESOLVING_MAX: Final = 8
"""Names being looked up at once; the system's resolver can hang, and cannot be stopped."""
PORTS: Final = frozenset({80, 443})
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"

Resolve = Callable[[str, int], list[str]]
"""Gives the addresses of a name; raises `OSError` if it has none."""


class OutgoingFault(StrEnum):
    """Why a call has no answer that counts. A name is never reused."""

    FORBIDDEN_ADDRESS = "forbidden_address"
    """Nothing was sent: the name leads where calls may not go."""
    UNREACHABLE = "unreachable"
    """Nothing was sent: there is no such name, or nobody took the connection."""
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    OVERSIZED = "oversized"
    REDIRECTED = "redirected"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer answered, whatever its status."""

    status: int
    headers: dict[str, str]
    """With names in lower case; of a name that comes twice, the last."""
    body: bytes


class _Forbidden(httpcore2.ConnectError):
    """An address or a port that calls may not go to."""


def system_resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver, which also knows `127.1`, `2130706433` and the like."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def refusal(url: str, *, private_allowed: bool) -> str | None:
    """Say why a base URL could never be called; None if it could. Looks nothing up."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http" and not private_allowed:
        return "http sends the key in the open; use https"
    literal = ":" in host or host.replace(".", "").isdigit()
    if not literal and host != "localhost":
        return None
    reach = Reach.PRIVATE if host == "localhost" else classify(host)
    if reach is Reach.FORBIDDEN or (reach is Reach.PRIVATE and not private_allowed):
        return f"{host} is a {reach.value} address"
    return None


class Outgoing:
    """Calls to one peer. Safe to share between threads; never raises for what a peer does.

    Args:
        base_url: of the peer, for example `https://shop.example`; may have a path.
        monotonic: seconds on a clock that never goes back.
        headers: sent with every call.
        private_allowed: the peer may be on this machine or in this network, and without TLS.
        total_timeout_s: for one call as a whole, looking up the name included.
        resolve: how names are looked up.
        ssl_context: whose certificates are trusted; the system's if not given.
    """

    def __init__(
        self,
        base_url: str,
        monotonic: Callable[[], float],
        *,
        headers: Mapping[str, str] | None = None,
        private_allowed: bool = False,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
        resolve: Resolve = system_resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        parts = urlsplit(base_url)
        self._plain_refused = parts.scheme != "https" and not private_allowed
        self._host = parts.netloc.rpartition("@")[2]
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._total_timeout_s = total_timeout_s
        self._budget = _Budget(monotonic)
        ports = PORTS | ({parts.port} if parts.port else set())
        backend = _Guarded(self._budget, resolve, ports, private_allowed)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl_context or ssl.create_default_context(),
            max_connections=CONNECTIONS_MAX,
            max_keepalive_connections=CONNECTIONS_KEPT_MAX,
            keepalive_expiry=30.0,
            network_backend=backend,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        content: bytes | None = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        bytes_max: int = ANSWER_BYTES_MAX,
    ) -> Answer | OutgoingFault:
        """Send one request, and read its answer.

        Args:
            method: in capitals.
            path: below the base URL, from `/` on, percent-encoded.
            body: sent as JSON; nothing if None.
            content: JSON sent byte for byte instead, as it was signed.
            form: sent as a form instead.
            query: encoded here.
            headers: on top of the ones of every call.
            bytes_max: of the answer's body.
        """
        if self._plain_refused:
            return OutgoingFault.FORBIDDEN_ADDRESS
        url = f"{self._base_url}{path}" + (f"?{urlencode(query)}" if query else "")
        if body is not None:
            content = json.dumps(body, allow_nan=False).encode()
        if form is not None:
            content = urlencode(form).encode()
        said = {"Host": self._host, **self._headers, **(headers or {})}
        # A compressed answer could unpack to far more than it measured on the wire.
        said["Accept-Encoding"] = "identity"
        if content is not None:
            said["Content-Type"] = _JSON if form is None else _FORM
            said["Content-Length"] = str(len(content))
        self._budget.start(self._total_timeout_s)
        try:
            return self._send(method, url, list(said.items()), content, bytes_max)
        except _Forbidden:
            return OutgoingFault.FORBIDDEN_ADDRESS
        except httpcore2.ConnectError:
            return OutgoingFault.UNREACHABLE
        except httpcore2.TimeoutException:
            return OutgoingFault.TIMEOUT
        except (httpcore2.NetworkError, httpcore2.ProtocolError):
            return OutgoingFault.CONNECTION_LOST

    def _send(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[bytes | str, bytes | str]],
        content: bytes | None,
        bytes_max: int,
    ) -> Answer | OutgoingFault:
        seconds = self._total_timeout_s
        timeouts = {"connect": min(CONNECT_TIMEOUT_S, seconds), "read": seconds, "write": seconds}
        extensions = {"timeout": {**timeouts, "pool": seconds}}
        with self._pool.stream(
            method, url, headers=headers, content=content, extensions=extensions
        ) as response:
            if 300 <= response.status < 400:
                return OutgoingFault.REDIRECTED
            raw = bytearray()
            for chunk in response.iter_stream():
                raw += chunk
                if len(raw) > bytes_max:
                    return OutgoingFault.OVERSIZED
            found = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in response.headers
            }
            return Answer(response.status, found, bytes(raw))


class _Budget(threading.local):
    """What is left of the time of the call that this thread is making."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._deadline = 0.0

    def start(self, seconds: float) -> None:
        self._deadline = self._monotonic() + seconds

    def left(self, wanted: float | None) -> float:
        """Give at most `wanted` seconds; 0 or less if the time is up."""
        left = self._deadline - self._monotonic()
        return left if wanted is None else min(left, wanted)


class _Guarded(httpcore2.NetworkBackend):
    """Looks a name up once, judges its addresses, and connects to one of them."""

    def __init__(
        self, budget: _Budget, resolve: Resolve, ports: frozenset[int], private_allowed: bool
    ) -> None:
        self._budget = budget
        self._resolve = resolve
        self._ports = ports
        self._allowed = {Reach.PUBLIC, Reach.PRIVATE} if private_allowed else {Reach.PUBLIC}
        self._sockets = httpcore2.SyncBackend()
        self._resolving = threading.BoundedSemaphore(RESOLVING_MAX)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to one of a name's addresses, all of which must be allowed."""
        if port not in self._ports:
            raise _Forbidden(f"port {port}")
        addresses = self._look_up(host, port)
        if not addresses or any(classify(each) not in self._allowed for each in addresses):
            raise _Forbidden(host)
        failed: httpcore2.ConnectError | None = None
        for address in addresses[:ADDRESSES_TRIED_MAX]:
            left = self._budget.left(timeout)
            if left <= 0:
                break
            try:
                stream = self._sockets.connect_tcp(
                    address, port, left, local_address, socket_options
                )
            except httpcore2.ConnectError as fault:
                failed = fault
            else:
                return _Bounded(stream, self._budget)
        raise failed or httpcore2.ConnectTimeout()

    def _look_up(self, host: str, port: int) -> list[str]:
        left = self._budget.left(CONNECT_TIMEOUT_S)
        if left <= 0 or not self._resolving.acquire(timeout=left):
            raise httpcore2.ConnectTimeout()
        found: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                found.put(self._resolve(host, port))
            except (OSError, UnicodeError) as fault:
                found.put(OSError(str(fault)))
            finally:
                self._resolving.release()

        threading.Thread(target=look_up, daemon=True, name="look-up").start()
        try:
            answer = found.get(timeout=max(0.0, self._budget.left(CONNECT_TIMEOUT_S)))
        except queue.Empty:
            raise httpcore2.ConnectTimeout() from None
        if isinstance(answer, OSError):
            raise httpcore2.ConnectError(str(answer))
        return answer


class _Bounded(httpcore2.NetworkStream):
    """A connection on which no read or write outlasts the call it belongs to."""

    def __init__(self, stream: httpcore2.NetworkStream, budget: _Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, in the time that is left."""
        left = self._budget.left(timeout)
        if left <= 0:
            raise httpcore2.ReadTimeout()
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it, in the time that is left."""
        left = self._budget.left(timeout)
        if left <= 0:
            raise httpcore2.WriteTimeout()
        self._stream.write(buffer, left)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """Begin TLS under the name that was asked for, not the address."""
        left = self._budget.left(timeout)
        if left <= 0:
            raise httpcore2.ConnectTimeout()
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, left), self._budget)

    def get_extra_info(self, info: str) -> Any:
        """Tell what the connection knows of itself."""
        return self._stream.get_extra_info(info)
