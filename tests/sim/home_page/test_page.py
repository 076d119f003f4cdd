"""The home's page and API: who may, and what is answered."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sim.homes import BABY, BUTTON, STRAP, THERMOSTAT, TOKEN, write_home
from zodra_sim import clock
from zodra_sim.home_page.access import LINK_MS, SESSION_MS, Access
from zodra_sim.home_page.app import HomeApp
from zodra_sim.home_page.words import WORDS
from zodra_sim.household.home import Home
from zodra_sim.household.lights import STEPS
from zodra_sim.household.repository import Light, Store
from zodra_sim.household.settings import read

BASE = "http://127.0.0.1:8090"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@dataclass
class HandClock:
    """A clock that is set by hand."""

    ms: int = 1_800_000_000_000

    def now(self) -> datetime:
        return clock.instant(self.ms)

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


@asynccontextmanager
async def visitor(app: Any) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE) as client:
        yield client


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    config = write_home(tmp_path, BUTTON, STRAP, THERMOSTAT, BABY, mqtt_port=1)
    home = Home(read(config), HandClock())
    yield home
    home.close()


@pytest.fixture
async def client(home: Home) -> AsyncIterator[httpx2.AsyncClient]:
    async with visitor(HomeApp(home).build()) as client:
        yield client


async def signed_in(client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    link = await client.post("/api/sign-in-links", headers=BEARER)
    assert link.status_code == 201
    answer = await client.get(link.json()["url"])
    assert answer.status_code == 303
    assert "httponly" in answer.headers["set-cookie"].lower()
    return client


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/state"),
        ("GET", "/api/truth"),
        ("GET", "/events"),
        ("POST", "/api/sign-in-links"),
        ("POST", "/api/devices/btn-1/press"),
        ("POST", "/api/devices/strap-1/wear"),
    ],
)
@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer "}, {"authorization": "x"}],
    ids=["nothing", "wrong", "empty", "no scheme"],
)
async def test_nothing_without_the_token(
    client: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = await client.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["detail"]


async def test_the_page_opens_once_by_a_link(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/")).status_code == 401
    url = (await client.post("/api/sign-in-links", headers=BEARER)).json()["url"]
    assert (await client.get(url)).status_code == 303
    page = await client.get("/")
    assert page.status_code == 200
    assert "The home" in page.text
    used = await client.get(url)
    assert used.status_code == 401
    assert WORDS["en"]["sign_in_used"] in used.text


async def test_a_visitor_presses_from_our_own_page_only(
    client: httpx2.AsyncClient,
) -> None:
    await signed_in(client)
    path = "/api/devices/trv-1/heat"
    for headers, status in (
        ({"sec-fetch-site": "same-origin"}, 202),
        ({"origin": BASE}, 202),
        ({"sec-fetch-site": "cross-site", "origin": BASE}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({}, 403),
    ):
        answer = await client.post(path, json={"seconds": 1}, headers=headers)
        assert answer.status_code == status, headers


async def test_another_name_for_this_machine_is_not_answered(home: Home) -> None:
    app = HomeApp(home).build()
    async with visitor(app) as client:
        answer = await client.get("/healthz", headers={"host": "evil.example"})
        assert answer.status_code == 400


async def test_the_policy_lets_nothing_inline_run(client: httpx2.AsyncClient) -> None:
    await signed_in(client)
    page = await client.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in page.text
    assert " onclick=" not in page.text
    assert page.text.count("<script") == 2
    for path in ("/static/home.js", "/static/home.css", "/static/icon.svg"):
        assert (await client.get(path)).status_code == 200


async def test_both_languages(client: httpx2.AsyncClient) -> None:
    await signed_in(client)
    assert "Het huis" in (await client.get("/?language=nl")).text
    assert "Het huis" in (await client.get("/")).text
    assert "The home" in (await client.get("/?language=en")).text
    assert (await client.get("/?language=fr")).status_code == 422


def test_the_languages_say_the_same_things() -> None:
    assert WORDS["en"].keys() == WORDS["nl"].keys()
    assert {f"state_{step}" for step in STEPS} <= WORDS["en"].keys()


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("trv-9/heat", {"seconds": 1}, 404, "no device trv-9"),
        ("btn-1/heat", {"seconds": 1}, 409, "btn-1 is a button"),
        ("strap-1/wear", {}, 409, "either seconds or hours"),
        ("strap-1/wear", {"seconds": 1, "hours": 1}, 409, "either seconds or hours"),
        ("strap-1/wear", {"seconds": -1}, 422, "body.seconds: .*greater than or equal to 0"),
        ("strap-1/wear", {"seconds": 1, "for": 2}, 422, "body.for: .*not permitted"),
        ("strap-1/wear", {"seconds": 1, "activity": "fly"}, 422, "'rest', 'walk' or 'run'"),
        ("baby-1/change-diaper", {"count": 51}, 422, "body.count: .*less than or equal to 50"),
        ("baby-1/refill", {"units": 0}, 422, "body.units: .*greater than or equal to 1"),
        ("btn-1/press?kind=push", None, 422, "query.kind: "),
        ("btn-1/press?button=1", None, 409, r"outside 0\.\.0"),
    ],
)
async def test_what_cannot_be_done_is_said(
    client: httpx2.AsyncClient, path: str, body: Any, status: int, sentence: str
) -> None:
    answer = await client.post(f"/api/devices/{path}", json=body, headers=BEARER)
    assert answer.status_code == status
    assert re.search(sentence, answer.json()["detail"])


async def test_what_was_done_is_the_truth(home: Home, client: httpx2.AsyncClient) -> None:
    async def post(path: str, body: Any = None) -> dict[str, Any]:
        answer = await client.post(f"/api/devices/{path}", json=body, headers=BEARER)
        assert answer.status_code == 202
        told: dict[str, Any] = answer.json()
        return told

    assert (await post("baby-1/change-diaper"))["remaining_units"] == 43
    assert (await post("baby-1/refill", {"units": 10}))["remaining_units"] == 53
    assert "worn_until" in await post("strap-1/wear", {"hours": 1, "activity": "walk"})
    assert "heat_until" in await post("trv-1/heat", {"seconds": 5})
    assert "cry_until" in await post("baby-1/cry", {"seconds": 5})
    rows = (await client.get("/api/truth?after=0", headers=BEARER)).json()["rows"]
    assert [(row["device_id"], row["what"]) for row in rows] == [
        ("baby-1", "diaper_change"),
        ("baby-1", "diaper_refill"),
        ("strap-1", "wear"),
        ("trv-1", "heat"),
        ("baby-1", "cry"),
    ]
    assert rows[2]["detail"] == {"for_s": 3600.0, "activity": "walk"}
    state = (await client.get("/api/state", headers=BEARER)).json()
    assert state["truth"]["diaper_changes"] == 1
    facts = {one["device_id"]: one["facts"] for one in state["devices"]}
    assert facts["baby-1"]["crying"]
    assert facts["trv-1"]["running_state"] == "heat"


async def test_a_light_is_told_to_a_page_that_watches(home: Home) -> None:
    app = HomeApp(home)
    watching = app._watch()
    assert (await anext(watching)).startswith("retry:")
    assert '"lights": []' in await anext(watching)
    home._on_light(
        "zodra/gw-1/light/btn-1",
        b'{"device_id":"btn-1","slot_key":"b","signal_id":"p_1","state":"kept","at":"x"}',
    )
    assert '"state": "kept"' in await anext(watching)
    app.close()
    await asyncio.sleep(0)
    assert [chunk async for chunk in watching] == []


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "home.db")
    store.show(Light("p_1", "btn-1", "b", "kept", "", "x", "gw-1"))
    yield store
    store.close()


def test_a_session_ends_after_half_a_day_and_cannot_be_made_up(store: Store) -> None:
    time = HandClock()
    access = Access(TOKEN, store, time)
    token, _ = access.new_link()
    value = access.session_for(token)
    assert value is not None
    assert access.is_session(value)
    assert Access(TOKEN, store, time).is_session(value)
    assert not Access("another-token-altogether", store, time).is_session(value)
    expires, _, signature = value.partition(".")
    for forged in (None, "", ".", f"{int(expires) + 1}.{signature}", f"9{value}", "x.y", "٣.y"):
        assert not access.is_session(forged)
    time.ms += SESSION_MS
    assert not access.is_session(value)


def test_a_link_ends_after_a_quarter_of_an_hour(store: Store) -> None:
    time = HandClock()
    access = Access(TOKEN, store, time)
    token, _ = access.new_link()
    time.ms += LINK_MS
    assert access.session_for(token) is None
