"""Real servers and strange ones: what becomes of a letter is known, and nothing hangs or raises."""

import socket
import ssl
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from edge_certificates import write_certificate
from mail_server import Mailbox, mail_server, reached, script, strange_server, tls_of
from zodra_cloud.channels.policy import Fault
from zodra_cloud.channels.smtp import REPLY_BYTES_MAX, MailServer, Parcel, deliver

LETTER = b"From: a@zodra.test\r\nTo: b@home.example\r\nSubject: x\r\n\r\n.dot\r\n..two\r\nbody\r\n"


def parcels(*names: str, recipient: str = "b@home.example") -> list[Parcel]:
    return [Parcel(name, "a@zodra.test", recipient, LETTER) for name in names]


def sent(server: MailServer, *names: str) -> list[tuple[str, Fault | None, int | None]]:
    return [(each.letter_id, each.fault, each.code) for each in deliver(server, parcels(*names))]


def test_letters_share_one_connection_and_arrive_byte_for_byte() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        assert sent(reached(port), "l1", "l2", "l3") == [
            ("l1", None, None),
            ("l2", None, None),
            ("l3", None, None),
        ]
    assert mailbox.raw == [LETTER] * 3
    assert mailbox.connections == 1


@pytest.mark.parametrize(
    ("command", "answer", "fault"),
    [
        ("RCPT", "550 5.1.1 no such user", Fault.REFUSED),
        ("RCPT", "451 4.3.0 try later", Fault.REFUSED_FOR_NOW),
        ("DATA", "554 5.7.1 not wanted", Fault.REFUSED),
        ("DATA", "452 4.2.2 full", Fault.REFUSED_FOR_NOW),
    ],
)
def test_a_letter_that_is_refused_does_not_hold_up_those_behind_it(
    command: str, answer: str, fault: Fault
) -> None:
    mailbox = Mailbox(answers={command: [answer]})
    with mail_server(mailbox) as port:
        found = sent(reached(port), "l1", "l2")
    assert found == [("l1", fault, int(answer[:3])), ("l2", None, None)]
    assert len(mailbox.taken) == 1


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    path = write_certificate(folder, "mail")
    trusting = ssl.create_default_context(cafile=str(path))
    return tls_of(path, folder / "mail.key"), trusting


def test_a_letter_travels_under_tls_with_a_login(tmp_path: Path) -> None:
    serving, trusting = certificate(tmp_path)
    mailbox = Mailbox()
    with mail_server(mailbox, tls=serving, login=True) as port:
        facts: dict[str, Any] = {"security": "starttls", "ssl_context": trusting}
        right = reached(port, **facts, username="zodra", password="mail-secret")
        wrong = reached(port, **facts, username="zodra", password="guess")
        stranger = reached(port, security="starttls", username="zodra", password="mail-secret")
        assert sent(right, "l1") == [("l1", None, None)]
        assert sent(wrong, "l2", "l3") == [("l2", Fault.LOGIN_REFUSED, 535)]
        assert sent(stranger, "l4") == [("l4", Fault.TLS_FAILED, None)]
    assert len(mailbox.taken) == 1


def test_where_tls_is_required_nothing_is_said_in_the_open() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        server = reached(port, security="starttls", username="zodra", password="mail-secret")
        assert sent(server, "l1", "l2") == [("l1", Fault.STARTTLS_MISSING, None)]
    assert mailbox.raw == []


HELLO = b"220 mail.test\r\n"
EHLO = b"250 mail.test\r\n"
OK = b"250 OK\r\n"
GO = b"354 go on\r\n"


def chatter(connection: socket.socket) -> None:
    for _ in range(REPLY_BYTES_MAX):
        connection.sendall(b"220-" + b"x" * 500 + b"\r\n")


def one_endless_line(connection: socket.socket) -> None:
    connection.sendall(b"220 " + b"x" * 100_000 + b"\r\n")


def drip(connection: socket.socket) -> None:
    # For twenty minutes, if nobody cuts it off: then the test itself runs into its limit.
    for _ in range(60_000):
        connection.sendall(b"2")
        connection.settimeout(0.02)
        try:
            connection.recv(1)
        except TimeoutError:
            continue


def silent(connection: socket.socket) -> None:
    connection.recv(1)


@pytest.mark.parametrize(
    ("talk", "faults"),
    [
        pytest.param(script(), {Fault.LOST}, id="hangs up at once"),
        pytest.param(script(b"554 go away\r\n"), {Fault.NOT_GREETED}, id="not greeted"),
        pytest.param(script(b"421 busy\r\n"), {Fault.NOT_GREETED}, id="busy"),
        pytest.param(script(b"HTTP/1.1 400 Bad\r\n\r\n"), {Fault.NOT_GREETED}, id="no mail server"),
        pytest.param(chatter, {Fault.OVERSIZED}, id="banner without end"),
        pytest.param(one_endless_line, {Fault.GARBLED}, id="endless line"),
        pytest.param(silent, {Fault.TIMEOUT}, id="silent"),
        pytest.param(drip, {Fault.LOST, Fault.TIMEOUT}, id="a byte now and then"),
        pytest.param(script(HELLO, EHLO, OK), {Fault.LOST}, id="lost before the letter"),
        pytest.param(script(HELLO, EHLO, OK, OK, GO, None), {Fault.UNSURE}, id="lost after DATA"),
        pytest.param(script(HELLO, EHLO, OK, OK, b"250 what\r\n"), {Fault.GARBLED}, id="no 354"),
        pytest.param(
            script(HELLO, EHLO, OK, OK, GO, None, b"nonsense\r\n"), {Fault.GARBLED}, id="no number"
        ),
    ],
)
def test_a_strange_server_costs_one_letter_one_attempt(
    talk: Callable[[socket.socket], None], faults: set[Fault]
) -> None:
    with strange_server(talk) as port:
        ((letter_id, fault, _code),) = sent(reached(port, timeout_s=0.4, total_s=0.8), "l1", "l2")
    assert letter_id == "l1"
    assert fault in faults


def test_a_server_that_is_silent_after_the_letter_leaves_it_unsure() -> None:
    def talk(connection: socket.socket) -> None:
        script(HELLO, EHLO, OK, OK, GO, None)(connection)
        connection.recv(1)

    with strange_server(talk) as port:
        assert sent(reached(port, timeout_s=0.3), "l1") == [("l1", Fault.UNSURE, None)]


def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    assert sent(reached(port), "l1", "l2") == [("l1", Fault.UNREACHABLE, None)]


def test_a_long_letter_arrives_whole() -> None:
    mailbox = Mailbox()
    body = b"".join(b".%06d\r\n" % number for number in range(20_000))
    whole = b"Subject: long\r\n\r\n" + body
    with mail_server(mailbox) as port:
        (only,) = deliver(reached(port), [Parcel("l1", "a@zodra.test", "b@home.example", whole)])
    assert only.fault is None
    assert message_from_bytes(mailbox.raw[0]).get_payload() == body.decode()
