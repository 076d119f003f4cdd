"""A maker's endpoint for trials: takes signed notifications, and says no to all others."""

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from standardwebhooks import Webhook, WebhookVerificationError

from zodra_sim.errors import AddressInUse

BODY_BYTES_MAX: Final = 64 * 1024


def serve(port: int, secret: str, say: Callable[[str], None]) -> None:
    """Take notifications until the process is ended.

    Args:
        port: on 127.0.0.1.
        secret: `whsec_...`.
        say: gets each notification's body, as one line.

    Raises:
        AddressInUse: the port is taken.
    """
    webhook = Webhook(secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isdigit() or int(length) > BODY_BYTES_MAX:
                self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                return
            body = self.rfile.read(int(length))
            try:
                webhook.verify(body, {name.lower(): said for name, said in self.headers.items()})
            except WebhookVerificationError:
                self._answer(HTTPStatus.UNAUTHORIZED)
                return
            say(body.decode())
            self._answer(HTTPStatus.NO_CONTENT)

        def _answer(self, status: HTTPStatus) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing but the notifications."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as fault:
        raise AddressInUse(f"port {port} on 127.0.0.1 is taken: {fault.strerror}") from fault
    with server:
        server.serve_forever()
