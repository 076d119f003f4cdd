"""The only user of smtplib: one connection for a batch of letters, bounded in time and in bytes.

A server is as strange as any other peer: it may be silent, slow, talk for ever, refuse, or hang up
after it was handed a letter. Nothing of that raises; each letter gets its outcome. What a server
says in words is not kept, since it repeats addresses: its three digits are.
"""

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from zodra_cloud.channels.policy import OF_THE_SERVER, Fault, judge_code

CONNECTION_S_MAX: Final = 40.0
"""For one connection and all that it carries: below the lease of the jobs that it does."""
REPLY_BYTES_MAX: Final = 64 * 1024
"""Of one reply, however many lines it has."""

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class MailServer:
    """How the mail server is reached."""

    host: str
    port: int
    security: Security
    username: str | None
    password: str | None
    timeout_s: float
    """For each of its answers."""
    ssl_context: ssl.SSLContext
    """Whose certificates are trusted."""
    own_name: str
    """What we call ourselves at the greeting: the sender's domain."""
    total_s: float = CONNECTION_S_MAX


@dataclass(frozen=True, slots=True)
class Parcel:
    """One letter, ready to go."""

    letter_id: str
    sender: str
    recipient: str
    message: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one parcel."""

    letter_id: str
    fault: Fault | None
    """None if the server took it."""
    code: int | None
    """The server's answer, if it was that which decided."""


class _Failed(Exception):
    def __init__(self, fault: Fault, code: int | None = None) -> None:
        self.fault = fault
        self.code = code
        super().__init__(fault)


class _TooMuch(Exception):
    """The server talks and talks."""


class _Bounded:
    """A connection's reading side that listens to so much and no more."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.left = REPLY_BYTES_MAX

    def readline(self, limit: int) -> bytes:
        line: bytes = self._file.readline(limit)
        self.left -= len(line)
        if self.left < 0:
            raise _TooMuch
        # Half a line is no answer: "250" may have been going to be "250-" or "2500".
        whole = line.endswith(b"\n") or len(line) >= limit
        return line if whole else b""

    def close(self) -> None:
        self._file.close()


class _Careful(smtplib.SMTP):
    """Reads no reply longer than `REPLY_BYTES_MAX`."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        if self.file is not None:
            self.file.left = REPLY_BYTES_MAX
        return super().getreply()


class _CarefulTls(_Careful, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""


def deliver(server: MailServer, parcels: Iterable[Parcel]) -> Iterator[Sent]:
    """Hand letters over, one after the other, on one connection.

    Each outcome is given before the next letter is begun. After a fault of the server the rest is
    not tried, and has no outcome.
    """
    client = _make(server)
    # A reply may come byte by byte, each within the limit of one read: the end of all patience is
    # a second thread that closes the connection.
    watch = threading.Timer(server.total_s, _cut, [client])
    watch.daemon = True
    watch.start()
    waiting = iter(parcels)
    try:
        fault = _attempt(lambda: _open(client, server), Fault.LOST)
        for parcel in waiting:
            if fault is None:
                sent = _send(client, parcel)
                yield sent
                if sent.fault in OF_THE_SERVER:
                    return
            else:
                yield Sent(parcel.letter_id, fault.fault, fault.code)
                return
    finally:
        watch.cancel()
        with contextlib.suppress(smtplib.SMTPException, OSError, _TooMuch):
            client.quit()
        client.close()


def _make(server: MailServer) -> _Careful:
    if server.security == "tls":
        return _CarefulTls(
            local_hostname=server.own_name, timeout=server.timeout_s, context=server.ssl_context
        )
    return _Careful(local_hostname=server.own_name, timeout=server.timeout_s)


def _cut(client: smtplib.SMTP) -> None:
    sock = client.sock
    if sock is not None:
        with contextlib.suppress(OSError):
            # Below TLS: closing it in order would wait for the very peer that does not answer.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _open(client: _Careful, server: MailServer) -> None:
    # Set for the name in the certificate, which smtplib otherwise takes from its constructor.
    client._host = server.host  # type: ignore[attr-defined]
    try:
        code, _said = client.connect(server.host, server.port)
    except ssl.SSLError as fault:
        raise _Failed(Fault.TLS_FAILED) from fault
    except (TimeoutError, smtplib.SMTPException):
        raise
    except OSError as fault:
        raise _Failed(Fault.UNREACHABLE) from fault
    if code != 220:
        raise _Failed(Fault.NOT_GREETED, code)
    client.ehlo_or_helo_if_needed()
    if server.security == "starttls":
        _start_tls(client, server)
    if server.username is not None:
        try:
            client.login(server.username, server.password or "")
        except smtplib.SMTPAuthenticationError as fault:
            raise _Failed(Fault.LOGIN_REFUSED, fault.smtp_code) from fault
        except smtplib.SMTPNotSupportedError as fault:
            raise _Failed(Fault.LOGIN_REFUSED) from fault


def _start_tls(client: _Careful, server: MailServer) -> None:
    try:
        client.starttls(context=server.ssl_context)
    except smtplib.SMTPNotSupportedError as fault:
        raise _Failed(Fault.STARTTLS_MISSING) from fault
    except smtplib.SMTPResponseException as fault:
        raise _Failed(Fault.STARTTLS_MISSING, fault.smtp_code) from fault
    except ssl.SSLError as fault:
        raise _Failed(Fault.TLS_FAILED) from fault
    client.ehlo()


def _send(client: _Careful, parcel: Parcel) -> Sent:
    failed = _attempt(lambda: _hand_over(client, parcel), Fault.LOST)
    if failed is None:
        failed = _attempt(lambda: _judge(*client.getreply()), Fault.UNSURE)
    if failed is None:
        return Sent(parcel.letter_id, None, None)
    if failed.fault in (Fault.REFUSED, Fault.REFUSED_FOR_NOW):
        _attempt(lambda: _judge(*client.rset()), Fault.LOST)
    return Sent(parcel.letter_id, failed.fault, failed.code)


def _hand_over(client: _Careful, parcel: Parcel) -> None:
    """Send the letter up to its last byte; what breaks in here has not delivered it."""
    _judge(*client.mail(parcel.sender))
    _judge(*client.rcpt(parcel.recipient))
    client.putcmd("data")
    code, _said = client.getreply()
    if code != 354:
        _judge(code, b"")
        raise _Failed(Fault.GARBLED, code)
    # RFC 5321, 4.5.2: a line that is a dot would end the letter.
    ended = parcel.message if parcel.message.endswith(b"\r\n") else parcel.message + b"\r\n"
    client.send(ended.replace(b"\r\n.", b"\r\n..") + b".\r\n")


def _judge(code: int, _said: bytes) -> None:
    fault = judge_code(code)
    if fault is not None:
        raise _Failed(fault, code)


def _attempt(do: Any, broken: Fault) -> _Failed | None:
    """Do one step; give why it failed, and `broken` for a connection that did not last."""
    try:
        do()
    except _Failed as failed:
        return failed
    except _TooMuch:
        return _Failed(Fault.OVERSIZED)
    except smtplib.SMTPServerDisconnected as fault:
        slow = isinstance(fault.__context__, TimeoutError) and broken is not Fault.UNSURE
        return _Failed(Fault.TIMEOUT if slow else broken)
    except smtplib.SMTPResponseException as fault:
        return _Failed(broken if broken is Fault.UNSURE else Fault.GARBLED, fault.smtp_code)
    except smtplib.SMTPException:
        return _Failed(broken if broken is Fault.UNSURE else Fault.GARBLED)
    except TimeoutError:
        return _Failed(broken if broken is Fault.UNSURE else Fault.TIMEOUT)
    except OSError:
        return _Failed(broken)
    return None
