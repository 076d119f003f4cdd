"""Live tracking, over real sockets: told as it happens, and nothing missed in between."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2 as httpx
import pytest
from jsonschema_rs import validator_for

from api_home import ApiHome, Caller
from cloud_builders import FakeClock
from web_served import free_socket, served
from zodra_cloud.api import policy, repository
from zodra_cloud.api import service as api
from zodra_cloud.api.surface import described
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import At

pytestmark = pytest.mark.enable_socket
DAY_S = 86_400


@pytest.fixture
def client(home: ApiHome) -> Iterator[httpx.Client]:
    bound = free_socket()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    headers = {"authorization": f"Bearer {home.token()[0]}"}
    with (
        served(home.surface(), bound, home.changes),
        httpx.Client(base_url=url, timeout=20, headers=headers) as made,
    ):
        yield made


@contextmanager
def stream(
    client: httpx.Client, path: str = "/events", after: int | None = None
) -> Iterator[Iterator[dict[str, Any]]]:
    headers = {} if after is None else {"last-event-id": str(after)}
    with client.stream("GET", f"/api/v1{path}", headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer)


def events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in answer.iter_lines():
        if not line and "data" in event:
            yield {**event, "id": int(event["id"]), "data": json.loads(event["data"])}
        if not line:
            event = {}
            continue
        name, _, value = line.partition(": ")
        event[name] = value


def confirm(home: ApiHome) -> str:
    """Say yes to the quote that waits, and let the shop take the order."""
    with home.database.write(home.household_id) as connection:
        (quote,) = replenish.open_quotes(connection, home.household_id)
        replenish.confirm(
            connection,
            home.household_id,
            quote.quote_id,
            snapshot_hash=quote.snapshot_hash or "",
            label="Order with obligation to pay",
            language="en",
            person_id="u-1",
            now=home.clock.now(),
            changes=home.changes,
        )
    home.work()
    return quote.order_key


def kinds(told: list[dict[str, Any]]) -> list[str]:
    return [each["event"] for each in told]


def test_an_order_is_followed_to_the_door(home: ApiHome, client: httpx.Client) -> None:
    with stream(client) as heard:
        first = next(heard)
        assert (first["event"], first["data"]) == ("standing", {"orders": []})
        home.press()
        key = confirm(home)
        home.deliver(ShopOrderState.SHIPPED)
        home.deliver(ShopOrderState.DELIVERED)
        told = [next(heard) for _ in range(6)]
    assert kinds(told) == [
        "quote.open",
        "quote.confirmed",
        "order.confirmed",
        "order.placed",
        "order.shipped",
        "order.delivered",
    ]
    assert [each["id"] for each in told] == list(range(1, 7))
    assert {each["data"]["order_key"] for each in told[2:]} == {key}
    assert told[4]["data"]["promised_to_at"] is not None
    schemas = described()["components"]["schemas"]
    for each in told:
        name = "OrderTold" if each["event"].startswith("order.") else "QuoteTold"
        whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        assert list(validator_for(whole).iter_errors(each["data"])) == []


def test_a_stream_goes_on_where_it_broke_off(home: ApiHome, client: httpx.Client) -> None:
    with stream(client) as heard:
        next(heard)
        home.press()
        seen = next(heard)["id"]
    confirm(home)
    with stream(client, after=seen) as heard:
        assert kinds([next(heard) for _ in range(3)]) == [
            "quote.confirmed",
            "order.confirmed",
            "order.placed",
        ]


def test_one_order_is_followed_alone(home: ApiHome, client: httpx.Client) -> None:
    home.press()
    key = confirm(home)
    with stream(client, f"/orders/{key}/events") as heard:
        (order,) = next(heard)["data"]["orders"]
        assert (order["order_key"], order["state"]) == (key, "placed")
        home.deliver(ShopOrderState.SHIPPED)
        home.deliver(ShopOrderState.DELIVERED)
        home.press()
        assert kinds([next(heard), next(heard)]) == ["order.shipped", "order.delivered"]
    with stream(client, f"/orders/{key}/events", after=0) as heard:
        assert kinds([next(heard) for _ in range(4)])[0] == "order.confirmed"
    unknown = client.get("/api/v1/orders/o_none/events")
    assert unknown.json()["code"] == "not_found"


def test_a_late_promise_is_told_before_anyone_asks(
    home: ApiHome, client: httpx.Client, clock: FakeClock
) -> None:
    with stream(client) as heard:
        next(heard)
        home.press()
        confirm(home)
        for _ in range(10):
            clock.advance(DAY_S)
            home.work()
        told = next(heard)
        while told["event"] != "order.late":
            told = next(heard)
    assert told["data"]["late_at"] is not None
    assert told["data"]["promised_to_at"] < told["data"]["late_at"]
    assert told["data"]["state"] == "placed"


def test_more_than_was_kept_is_said_to_be_missed(home: ApiHome, client: httpx.Client) -> None:
    home.press()
    confirm(home)
    with home.database.write(home.household_id) as connection:
        repository.forget_events(connection, home.household_id, 2)
    with stream(client, after=0) as heard:
        first = next(heard)
        assert (first["event"], first["data"]) == ("missed", {"since": 0})
        assert next(heard)["id"] == 3
    with stream(client, after=2) as heard:
        assert next(heard)["id"] == 3
    with stream(client, after=99) as heard:
        assert next(heard)["event"] == "missed", "of a database that was set back"


def test_a_token_has_only_so_many_streams(home: ApiHome, client: httpx.Client) -> None:
    with stream(client), stream(client), stream(client), stream(client):
        refused = client.get("/api/v1/events")
        assert refused.json()["code"] == "too_many_streams"
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")


def test_a_stream_ends_with_its_token(home: ApiHome, client: httpx.Client) -> None:
    with stream(client) as heard:
        next(heard)
        with home.database.write(home.household_id) as connection:
            for each in api.tokens(connection, home.household_id):
                now = home.clock.now()
                api.revoke_token(connection, home.household_id, each.token_id, now=now)
        home.changes.tell(home.household_id)
        assert list(heard) == []


def test_streams_end_when_the_service_does(home: ApiHome) -> None:
    bound = free_socket()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    headers = {"authorization": f"Bearer {home.token()[0]}"}
    open_now, ended = threading.Event(), threading.Event()

    def follow() -> None:
        with httpx.Client(base_url=url, timeout=20, headers=headers) as client, stream(client) as h:
            next(h)
            open_now.set()
            assert list(h) == []
            ended.set()

    thread = threading.Thread(target=follow)
    with served(home.surface(), bound, home.changes):
        thread.start()
        assert open_now.wait(20)
    thread.join(20)
    assert ended.is_set()


def test_an_id_that_is_none_is_refused(caller: Caller) -> None:
    for last in ("x", "-1", "1.5", str(2**60)):
        answer = caller.get("/api/v1/events", headers={"last-event-id": last})
        assert answer.json()["code"] == "invalid_request", last


def test_only_so_many_events_are_kept_and_none_without_a_token(home: ApiHome) -> None:
    """A household that uses no API leaves nothing there."""

    def numbers() -> tuple[int, int]:
        with home.database.read() as connection:
            return repository.numbers(connection, home.household_id)

    home.press()
    assert numbers() == (0, 0)
    home.token()
    with home.database.write(home.household_id) as connection:
        (quote,) = replenish.open_quotes(connection, home.household_id)
        at = At(home.clock.now(), home.changes)
        for _ in range(policy.EVENTS_KEPT + 150):
            api.note_quotes(connection, [quote], at)
    first, last = numbers()
    assert last == policy.EVENTS_KEPT + 150
    assert last - first < policy.EVENTS_KEPT + 100
