"""The live streams, over real sockets."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2 as httpx
import pytest

from web_home import Home
from web_served import free_socket, served
from zodra_cloud.households.models import Role

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def address(home: Home) -> Iterator[str]:
    bound = free_socket()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    with served(home.app(url), bound, home.changes):
        yield url


@contextmanager
def signed_in(home: Home, address: str, role: Role = Role.HOUSEHOLD) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=20) as client:
        assert client.post("/sign-in", data={"token": home.link(role)}).status_code == 303
        yield client


@contextmanager
def stream(client: httpx.Client, path: str, **headers: str) -> Iterator[Iterator[dict[str, str]]]:
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer)


def events(answer: httpx.Response) -> Iterator[dict[str, str]]:
    event: dict[str, str] = {}
    for line in answer.iter_lines():
        if not line:
            yield event
            event = {}
            continue
        name, _, value = line.partition(": ")
        event[name or "comment"] = event.get(name, "") + value
    return


def test_a_press_shows_on_the_open_page(home: Home, address: str) -> None:
    with signed_in(home, address) as client, stream(client, "/events") as heard:
        first = next(heard)
        assert "Nothing was needed yet" in first["data"]
        home.press()
        told = next(heard)
        while "Order with obligation to pay" not in told.get("data", ""):
            told = next(heard)
        assert told["id"] != first["id"]


def test_a_page_that_reconnects_to_an_unchanged_home_gets_nothing(home: Home, address: str) -> None:
    with signed_in(home, address) as client:
        with stream(client, "/events") as heard:
            last = next(heard)["id"]
        with stream(client, "/events", **{"Last-Event-ID": last}) as heard:
            assert "data" not in next(heard)


def test_an_operator_hears_of_every_household(home: Home, address: str) -> None:
    with (
        signed_in(home, address, Role.OPERATOR) as client,
        stream(client, "/operator/events") as heard,
    ):
        assert "No household has needed anything yet." in next(heard)["data"]
        home.press()
        told = next(heard)
        while "1 = 0 + 1 + 0 + 0 + 0" not in told.get("data", ""):
            told = next(heard)


def test_a_session_opens_so_many_streams_and_no_more(home: Home, address: str) -> None:
    with (
        signed_in(home, address) as client,
        stream(client, "/events") as one,
        stream(client, "/events") as two,
        stream(client, "/events") as three,
        stream(client, "/events") as four,
    ):
        for each in (one, two, three, four):
            next(each)
        assert client.get("/events").status_code == 429
        assert client.get("/fragments/home").status_code == 200


def test_streams_end_when_the_service_stops(home: Home) -> None:
    bound = free_socket()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    ended = threading.Event()
    with served(home.app(url), bound, home.changes):
        started = threading.Event()

        def read() -> None:
            with signed_in(home, url) as client, stream(client, "/events") as heard:
                next(heard)
                started.set()
                for _ in heard:
                    pass
            ended.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert started.wait(10)
    assert ended.wait(10)
    reader.join(10)


def test_a_stream_ends_with_its_session(home: Home, address: str) -> None:
    with signed_in(home, address) as client, stream(client, "/events") as heard:
        next(heard)
        token = client.get("/").text.split('name="form_token" value="')[1].split('"')[0]
        client.post("/sign-out", data={"form_token": token})
        home.changes.tell(home.household_id)
        assert list(heard) == []
