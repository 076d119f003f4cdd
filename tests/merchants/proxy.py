"""What stands between a connector and its shop, and breaks what passes."""

import re
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANG_S_MAX = 5.0


@dataclass
class Fault:
    """One way to break the requests whose `METHOD /path` matches."""

    kind: str
    match: str = ""
    times: int = 1
    pattern: str = ""
    becomes: str = ""


class Quiet(ThreadingHTTPServer):
    """A connector that hangs up, as it may, is no news."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Proxy:
    """Passes requests to the shop at `port`; `break_next` says what goes wrong.

    Kinds: `lose` (the shop never hears), `drop` (the shop acts, and nobody hears it), `hang` (the
    same, slowly), `fail`, `garble`, `huge`, `redirect` (instead of the shop), `rewrite` (the
    shop's answer, changed).
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.seen: list[str] = []
        self.cut_after: int | None = None
        """So many more requests are answered; then the shop acts once more, and it is over."""
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._server = Quiet(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def break_next(self, kind: str, match: str = "", times: int = 1, **how: str) -> None:
        with self._lock:
            self._faults.append(Fault(kind, match, times, **how))

    def mend(self) -> None:
        with self._lock:
            self._faults.clear()
            self.seen.clear()
            self.cut_after = None

    def next_fault(self, request: str) -> Fault | None:
        with self._lock:
            self.seen.append(request)
            if self.cut_after is not None:
                self.cut_after -= 1
                if self.cut_after < 0:
                    return Fault("drop" if self.cut_after == -1 else "lose")
            for fault in self._faults:
                if fault.times and re.search(fault.match, request):
                    fault.times -= 1
                    return fault
            return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # One packet an answer: two would wait 40 ms for an acknowledgement.
            wbufsize = -1
            disable_nagle_algorithm = True

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = proxy.next_fault(f"{self.command} {self.path}")
                kind = "" if fault is None else fault.kind
                if kind in instead_of:
                    instead_of[kind](self)
                    return
                if kind == "lose":
                    self._hang_up()
                    return
                status, headers, raw = self._ask(body)
                if kind in ("drop", "hang"):
                    if kind == "hang":
                        time.sleep(HANG_S_MAX)
                    self._hang_up()
                    return
                if fault is not None and kind == "rewrite":
                    raw = re.sub(fault.pattern, fault.becomes, raw.decode()).encode()
                self.answer(status, raw, headers)

            def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
                connection = HTTPConnection("127.0.0.1", proxy.target, timeout=30)
                headers = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in ("content-length", "connection")
                }
                try:
                    connection.request(self.command, self.path, body or None, headers)
                    answer = connection.getresponse()
                    kept = {"Content-Type": answer.headers.get("Content-Type", "")}
                    if wait := answer.headers.get("Retry-After"):
                        kept["Retry-After"] = wait
                    return answer.status, kept, answer.read()
                except (OSError, HTTPException):
                    return 502, {}, b"bad gateway"
                finally:
                    connection.close()

            def answer(self, status: int, raw: bytes, headers: dict[str, str]) -> None:
                with suppress(OSError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)

            def _hang_up(self) -> None:
                self.close_connection = True
                with suppress(OSError):
                    self.connection.shutdown(2)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass

        def instead(handler: Handler, status: int, raw: bytes) -> None:
            handler.answer(status, raw, {"Content-Type": "application/json"})

        huge = b'{"padding": "' + b"x" * (5 * 1024 * 1024) + b'"}'
        elsewhere = {"Location": "http://127.0.0.1:1/", "Content-Type": "text/html"}
        instead_of: dict[str, Callable[[Handler], None]] = {
            "fail": lambda handler: instead(handler, 500, b"Internal Server Error"),
            "garble": lambda handler: instead(handler, 200, b"<html>Back soon.</html>"),
            "nonsense": lambda handler: instead(handler, 200, b'{"id": 1, "orders": "none"}'),
            "huge": lambda handler: instead(handler, 200, huge),
            "redirect": lambda handler: handler.answer(302, b"", elsewhere),
        }
        return Handler
