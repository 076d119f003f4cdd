"""Mail servers to send to: aiosmtpd in a thread of its own, and sockets that misbehave."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as SmtpServer
from aiosmtpd.smtp import AuthResult, LoginPassword

from zodra_cloud.channels.smtp import MailServer


@dataclass
class Mailbox:
    """What the server took, and what it shall answer instead, by command."""

    taken: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    """Under `RCPT` and `DATA`: replies to give, once each, instead of taking the letter."""
    connections: int = 0

    @property
    def subjects(self) -> list[str]:
        """The subject of each letter, in the order in which they came."""
        return [str(message["Subject"]) for message in self.taken]

    async def handle_EHLO(
        self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if session.ssl is None:
            self.connections += 1
        return responses

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if self.answers.get("RCPT"):
            return self.answers["RCPT"].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.answers.get("DATA"):
            return self.answers["DATA"].pop(0)
        self.raw.append(envelope.content)
        message = message_from_bytes(envelope.content, policy=policy.SMTP)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        self.recipients += envelope.rcpt_tos
        return "250 OK"


def _login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        b"zodra",
        b"mail-secret",
    )
    return AuthResult(success=right, handled=False)


@contextlib.contextmanager
def mail_server(
    mailbox: Mailbox, *, tls: ssl.SSLContext | None = None, login: bool = False
) -> Iterator[int]:
    """Run a server on a free port of this machine; with TLS it requires STARTTLS."""
    options: dict[str, Any] = {}
    if tls is not None:
        options |= {"tls_context": tls, "require_starttls": True}
    if login:
        options |= {"authenticator": _login, "auth_required": True}

    def factory() -> SmtpServer:
        return SmtpServer(mailbox, hostname="mail.test", **options)

    controller = Controller(mailbox, hostname="127.0.0.1", port=_free_port())
    controller.factory = factory  # type: ignore[method-assign]
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def strange_server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server that treats every connection as `talk` says, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        open_ones: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _address = listening.accept()
                except OSError:
                    return
                open_ones.append(connection)
                with connection, contextlib.suppress(OSError):
                    talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
        for each in open_ones:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def script(*turns: bytes | None) -> Callable[[socket.socket], None]:
    """Say each turn after what the client says; None reads on until the end of a letter."""

    def talk(connection: socket.socket) -> None:
        file = connection.makefile("rb")
        for turn in turns:
            if turn is None:
                while file.readline() not in (b".\r\n", b""):
                    pass
            else:
                connection.sendall(turn)
                if turn.startswith((b"2", b"3")) and not turn.startswith(b"354"):
                    file.readline()

    return talk


def reached(port: int, **facts: Any) -> MailServer:
    """How a server on this machine is reached."""
    given: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "username": None,
        "password": None,
        "timeout_s": 5.0,
        "ssl_context": ssl.create_default_context(),
        "own_name": "zodra.test",
        "total_s": 10.0,
    }
    return MailServer(**(given | facts))


def tls_of(certificate: Path, key: Path) -> ssl.SSLContext:
    """Make the context of a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
