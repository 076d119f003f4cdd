"""Who sent an event, and when: at the signature and at the route."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from cloud_builders import NOON, FakeClock
from zodra_cloud.merchants.events import EVENT_BYTES_MAX, EventRefusal, Signed, check
from zodra_cloud.merchants.port import ShopOrder
from zodra_cloud.merchants.routes import router

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
BODY = b'{"type": "order.placed"}'


def signed(
    body: bytes = BODY, secret: str = SECRET, at: datetime = NOON, event_id: str = "ev-1"
) -> dict[str, str]:
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, at, body.decode()),
    }


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in signed().items() if key != name}


CASES = [
    pytest.param(signed(), Signed("ev-1"), id="signed"),
    pytest.param(
        {**signed(), "webhook-signature": "v1,AAAA " + signed()["webhook-signature"]},
        Signed("ev-1"),
        id="signed with two secrets",
    ),
    pytest.param(signed(at=NOON - timedelta(minutes=5)), Signed("ev-1"), id="five minutes old"),
    pytest.param({}, EventRefusal.UNSIGNED, id="no headers"),
    *(
        pytest.param(without(name), EventRefusal.UNSIGNED, id=f"without {name}")
        for name in signed()
    ),
    pytest.param(
        {**signed(), "webhook-timestamp": "soon"}, EventRefusal.UNSIGNED, id="no time at all"
    ),
    pytest.param(
        {**signed(), "webhook-timestamp": "9" * 40}, EventRefusal.UNSIGNED, id="the end of time"
    ),
    pytest.param(
        signed(at=NOON - timedelta(minutes=5, seconds=1)), EventRefusal.OUTSIDE_WINDOW, id="old"
    ),
    pytest.param(
        signed(at=NOON + timedelta(minutes=6)), EventRefusal.OUTSIDE_WINDOW, id="from the future"
    ),
    pytest.param(signed(secret=OTHER), EventRefusal.FORGED, id="another secret"),
    pytest.param(signed(BODY + b" "), EventRefusal.FORGED, id="another body"),
    pytest.param({**signed(), "webhook-id": "ev-2"}, EventRefusal.FORGED, id="another id"),
    pytest.param(
        {**signed(), "webhook-signature": "no comma"}, EventRefusal.FORGED, id="no signature"
    ),
]


@pytest.mark.parametrize(("headers", "expected"), CASES)
def test_signature(headers: dict[str, str], expected: object) -> None:
    assert check([SECRET], headers, BODY, NOON) == expected


def test_both_secrets_count_while_one_replaces_the_other() -> None:
    assert check([OTHER, SECRET], signed(), BODY, NOON) == Signed("ev-1")


headers = st.dictionaries(
    st.sampled_from(sorted(signed())), st.text(max_size=40) | st.sampled_from([*signed().values()])
)


@given(headers, st.binary(max_size=60))
def test_whatever_comes_is_refused_or_signed(said: dict[str, str], body: bytes) -> None:
    answer = check([SECRET], said, body, NOON)
    assert isinstance(answer, EventRefusal) or (said == signed() and body == BODY)


ORDER: dict[str, Any] = {
    "id": "ord_1",
    "reference": "o_1",
    "status": "placed",
    "revision": 1,
    "currency": "EUR",
    "totals": [
        {"type": "subtotal", "amount": 10},
        {"type": "tax", "amount": 2},
        {"type": "total", "amount": 10},
    ],
}


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def __call__(self, told: ShopOrder, event_id: str, now: datetime) -> bool:
        self.heard.append((told.reference, event_id))
        return True


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def client(listener: Listener) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router(FakeClock(), [SECRET], listener))
    with TestClient(app) as client:
        yield client


def post(client: TestClient, body: bytes, said: dict[str, str]) -> int:
    return int(send(client, body, said).status_code)


def send(client: TestClient, body: bytes, said: dict[str, str]) -> Any:
    return client.post("/merchants/ucp/events", content=body, headers=said)


def test_a_signed_event_is_taken_in(client: TestClient, listener: Listener) -> None:
    body = json.dumps({"type": "order.placed", "data": ORDER}).encode()
    assert post(client, body, signed(body)) == 204
    assert listener.heard == [("o_1", "ev-1")]


def test_an_event_about_something_else_is_passed_over(
    client: TestClient, listener: Listener
) -> None:
    body = json.dumps({"type": "shop.closed", "data": ORDER}).encode()
    assert post(client, body, signed(body)) == 204
    assert listener.heard == []


@pytest.mark.parametrize(
    ("body", "said", "status", "code"),
    [
        pytest.param(BODY, {}, 401, "unsigned", id="unsigned"),
        pytest.param(BODY, signed(secret=OTHER), 401, "forged", id="forged"),
        pytest.param(
            BODY, signed(at=NOON - timedelta(hours=1)), 401, "outside_window", id="replayed later"
        ),
        pytest.param(BODY, signed(), 400, "malformed", id="signed, and no order"),
        pytest.param(b"x" * (EVENT_BYTES_MAX + 1), signed(), 413, "too_large", id="oversized"),
        pytest.param(b"\xff\xfe", signed(), 400, "malformed", id="no text"),
    ],
)
def test_an_event_that_does_not_count(
    client: TestClient,
    listener: Listener,
    body: bytes,
    said: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = send(client, body, said)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    told = answer.json()
    assert (told["code"], told["next"], bool(told["detail"])) == (code, "correct", True)
    assert listener.heard == []
