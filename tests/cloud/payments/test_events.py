"""The provider's events: signed, recent, bounded, and never more than a hint."""

import hashlib
import hmac
import json
import queue
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from cloud_builders import FakeClock
from paying.home import PayingHome
from paying.peer import GOOD, SECRET, Stripe
from zodra_cloud.payments.routes import router
from zodra_cloud.payments.stripe.events import EVENT_BYTES_MAX, EventRefusal, Signed, check

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OLD = "whsec_before_that"


def event(kind: str = "payment_intent.succeeded", **thing: Any) -> bytes:
    about = {"id": "pi_1", "object": "payment_intent", **thing}
    return json.dumps({"id": "evt_1", "type": kind, "data": {"object": about}}).encode()


def signed(body: bytes, secret: str = SECRET, at: datetime = NOW, stamp: str = "") -> str:
    sent = stamp or str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), sent.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={sent},v1={digest}"


def test_a_signed_event_names_what_it_is_about() -> None:
    body = event("charge.refunded", id="ch_1", payment_intent="pi_1")
    assert check([SECRET], signed(body), body, NOW) == Signed(
        "evt_1", "charge.refunded", ("ch_1", "pi_1")
    )


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        (None, EventRefusal.UNSIGNED),
        ("", EventRefusal.UNSIGNED),
        ("v1=abc", EventRefusal.UNSIGNED),
        ("t=1,t=2,v1=abc", EventRefusal.UNSIGNED),
        ("t=-5,v1=abc", EventRefusal.UNSIGNED),
        ("t=٣,v1=abc", EventRefusal.UNSIGNED),
        ("t=9999999999999,v1=abc", EventRefusal.UNSIGNED),
        (f"t={int(NOW.timestamp())}", EventRefusal.UNSIGNED),
        (f"t={int(NOW.timestamp())},v0=" + "0" * 64, EventRefusal.UNSIGNED),
        ("t=1,v1=" + "0" * 2_000, EventRefusal.UNSIGNED),
        (f"t={int(NOW.timestamp())},v1=" + "0" * 64, EventRefusal.FORGED),
        (f"t={int(NOW.timestamp())},v1=é", EventRefusal.FORGED),
        (signed(event(), secret="whsec_of_somebody"), EventRefusal.FORGED),
        (signed(b"{}"), EventRefusal.FORGED),
    ],
)
def test_what_is_not_signed_by_the_provider_is_refused(
    header: str | None, refusal: EventRefusal
) -> None:
    assert check([SECRET], header, event(), NOW) is refusal


@pytest.mark.parametrize("seconds", [-301, 301])
def test_an_event_outside_the_window_is_a_replay(seconds: int) -> None:
    at = datetime.fromtimestamp(NOW.timestamp() + seconds, UTC)
    body = event()
    assert check([SECRET], signed(body, at=at), body, NOW) is EventRefusal.OUTSIDE_WINDOW


def test_a_secret_can_be_replaced_while_events_come() -> None:
    body = event()
    both = signed(body, secret=OLD) + "," + signed(body).partition(",")[2]
    for secrets in ([SECRET], [OLD], [SECRET, OLD]):
        assert isinstance(check(secrets, both, body, NOW), Signed)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"\xff", b'{"id": 1}', b"[" * 5_000, event().replace(b"evt_1", b"../x")],
)
def test_a_signed_event_that_makes_no_sense_is_malformed(body: bytes) -> None:
    assert check([SECRET], signed(body), body, NOW) is EventRefusal.MALFORMED


@pytest.mark.parametrize("thing", [{"id": None}, {"id": 5, "payment_intent": {"id": "pi_1"}}])
def test_an_event_of_a_kind_that_nobody_reads_is_taken(thing: dict[str, Any]) -> None:
    body = event("balance.available", **thing)
    assert check([SECRET], signed(body), body, NOW) == Signed("evt_1", "balance.available", ())


@given(st.text(max_size=200), st.binary(max_size=200))
def test_no_header_and_no_body_raises(header: str, body: bytes) -> None:
    assert isinstance(check([SECRET], header, body, NOW), EventRefusal)
    assert isinstance(check([SECRET], signed(body), body, NOW), EventRefusal | Signed)


def client(clock: FakeClock, home: PayingHome) -> TestClient:
    app = FastAPI()
    app.include_router(router(clock, [SECRET], home.cashier.hear_event))
    return TestClient(app)


def send(web: TestClient, body: bytes, header: str) -> int:
    headers = {"Stripe-Signature": header}
    answer = web.post("/payments/stripe/events", content=body, headers=headers)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] in {"too_large", *EventRefusal}
        assert "Stripe-Signature" in answer.json()["detail"] or answer.status_code != 401
    return answer.status_code


def test_an_event_makes_us_look_at_once_and_is_believed_in_nothing(
    home: PayingHome, peer: Stripe
) -> None:
    clock = home.clock
    key = home.ordered()
    home.do_jobs()
    session = home.link(key).rsplit("/", 1)[1]
    web = client(clock, home)

    def tell(event_id: str) -> int:
        body = event("checkout.session.completed", id=session).replace(b"evt_1", event_id.encode())
        return send(web, body, signed(body, at=clock.now()))

    assert tell("evt_lie") == 204
    home.do_jobs()
    assert home.state(key) == "action"
    peer.counter.fill_in(home.link(key), GOOD)
    # The one that was taken already changes nothing; the new one makes us look.
    assert tell("evt_lie") == 204
    home.do_jobs()
    assert home.state(key) == "action"
    for again in range(2):
        assert tell("evt_true") == 204, again
        home.do_jobs()
        assert home.state(key) == "authorized"


def test_events_that_do_not_count_leave_nothing(sqlite_home: PayingHome) -> None:
    home = sqlite_home
    web = client(home.clock, home)
    body = event()
    at = home.clock.now()
    assert send(web, body, "") == 401
    assert send(web, body, signed(body, secret=OLD, at=at)) == 401
    assert send(web, b"{}", signed(b"{}", at=at)) == 400
    huge = event(padding="x" * EVENT_BYTES_MAX)
    assert send(web, huge, signed(huge, at=at)) == 413
    assert send(web, body, signed(body, at=at)) == 204
    assert home.count("provider_events") == 0


def test_what_localstripe_signs_is_believed(sqlite_home: PayingHome, peer: Stripe) -> None:
    """The scheme as somebody else wrote it: sent by the peer itself, a second after the charge."""
    home = sqlite_home
    caught: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            caught.put((self.headers["Stripe-Signature"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        ours = {"url": url, "secret": SECRET, "events[]": "payment_intent.succeeded"}
        peer.counter.ask("POST", "/_config/webhooks/ours", ours)
        home.gives_mandate(peer.counter, GOOD)
        key = home.ordered()
        home.do_jobs()
        home.ship(key)
        charge_id = home.payment(key).charge_id
        header, body = caught.get(timeout=30)
        while charge_id is not None and charge_id.encode() not in body:
            # Of a test before this one.
            header, body = caught.get(timeout=30)
        server.shutdown()
    event = check([SECRET], header, body, datetime.now(UTC))
    assert isinstance(event, Signed)
    assert (event.kind, event.about) == ("payment_intent.succeeded", (charge_id,))
    assert check([SECRET], header, body + b" ", datetime.now(UTC)) is EventRefusal.FORGED
