"""Firmware that knows only the classic verbs, over real sockets, with a real endpoint over TLS."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from click.testing import CliRunner

from dash_world import MAKER, REDIRECT, Endpoint, World
from edge_certificates import write_certificate
from web_reading import form, text_of
from web_served import free_socket, served
from zodra_cloud.dash.telling import MakerTeller
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.store.engine import Database
from zodra_sim.dash.cli import dash_device
from zodra_sim.dash.firmware import CallRefused, Firmware, Memory
from zodra_sim.errors import ActRefused


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[Endpoint, ssl.SSLContext]]:
    """An endpoint over TLS, and whom to trust for it."""
    certificate = write_certificate(tmp_path, "maker")
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate, tmp_path / "maker.key")
    endpoint = Endpoint(own)
    yield endpoint, ssl.create_default_context(cafile=str(certificate))
    endpoint.close()


@pytest.fixture
def world(database: Database, secured: tuple[Endpoint, ssl.SSLContext]) -> World:
    endpoint, trusted = secured
    made = World(database, event_url=endpoint.url)
    made.follow(MakerTeller(database, made.clock, private_allowed=True, ssl_context=trusted))
    return made


@pytest.fixture
def service(world: World) -> Iterator[str]:
    bound = free_socket()
    with served(world.app(), bound, world.home.changes):
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def memory(service: str, **changed: Any) -> Memory:
    facts = {
        "service": service,
        "client_id": MAKER,
        "redirect_uri": REDIRECT,
        "model": "Crema-2",
        "serial": "SN-1",
    }
    return Memory(**(facts | changed))


def person(service: str, world: World) -> httpx2.Client:
    """A browser in which somebody of the household is signed in."""
    client = httpx2.Client(base_url=service, trust_env=False, headers={"accept-language": "en"})
    client.post("/sign-in", data={"token": world.home.link()})
    return client


def agree(browser: httpx2.Client, address: str, **picks: str) -> str:
    """Do what a person does on the page; give where the browser is sent."""
    asked = browser.get(address)
    assert asked.status_code == 200, asked.text
    token = asked.text.split('name="form_token" value="')[1].split('"')[0]
    chosen = {f"slot-{slot}": sku for slot, sku in picks.items()}
    yes = {"form_token": token, "answer": "connect", "slot-water": "", **chosen}
    answer = browser.post(address, data=yes)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def kinds(endpoint: Endpoint, world: World) -> list[str]:
    world.work()
    told = endpoint.verified(world.event_secret, world.clock.now())
    return sorted(each["notificationInfo"]["notificationType"] for each in told)


def test_from_a_box_to_a_parcel(
    world: World, service: str, secured: tuple[Endpoint, ssl.SSLContext], tmp_path: Path
) -> None:
    endpoint, _trusted = secured
    flash = tmp_path / "flash.json"
    device = Firmware(memory(service), flash)
    browser = person(service, world)
    landed = agree(browser, device.login_address("s-1"), beans="paper-towels-6")
    device.redeem(parse_qs(urlsplit(landed).query)["code"][0])
    assert flash.stat().st_mode & 0o077 == 0
    assert kinds(endpoint, world) == [
        "DeviceRegisteredNotification",
        "SubscriptionChangedNotification",
    ]
    assert device.subscriptions()["slotsSubscriptionStatus"]["beans"]["subscribed"]
    device.device_status("2026-11-22")
    device.slot_status("water", remainingQuantityInUnit=40.0)

    first = device.replenish("beans")
    assert first["detailCode"] == "STANDARD_ORDER_PLACED"
    world.work()
    home = browser.get("/").text
    assert "€10.44" in text_of(home)
    action, fields = form(home, "/confirm")
    assert browser.post(action, data=fields).status_code == 303
    assert kinds(endpoint, world) == ["OrderPlacedNotification"]
    world.deliver(ShopOrderState.SHIPPED)
    assert kinds(endpoint, world) == ["ItemShippedNotification"]
    assert device.replenish("beans") == {
        "eventInstanceId": first["eventInstanceId"],
        "detailCode": "ORDER_INPROGRESS",
    }
    info = device.order_info(first["eventInstanceId"])["orderInfoData"]["orderItems"][0]
    assert info["status"] == "Shipped"

    # An hour later its token is over; it refreshes and goes on, also after a power cut.
    world.clock.advance(3_700)
    woken = Firmware(Memory.read(flash), flash)
    assert woken.replenish("beans")["detailCode"] == "ORDER_INPROGRESS"
    woken.deregister()
    assert kinds(endpoint, world) == ["DeviceDeregisteredNotification"]
    with pytest.raises(ActRefused, match="not logged in"):
        woken.replenish("beans")
    with pytest.raises(CallRefused) as refused:
        device.replenish("beans")
    assert refused.value.status == 400
    for each in (device, woken, browser):
        each.close()


def test_the_command_line_of_the_device(world: World, service: str, tmp_path: Path) -> None:
    flash = str(tmp_path / "device.json")

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(dash_device, [words[0], "--device", flash, *words[1:]])
        assert done.exit_code == code, done.output
        # The service runs in this process, and its log would be taken for the device's words.
        own = [line for line in done.output.splitlines() if "] dash_" not in line]
        return "\n".join(line for line in own if "] oauth_" not in line and "] grant_" not in line)

    assert "begin with `login`" in run("replenish", "beans", code=1)
    address = run(
        *("login", "--service", service, "--client-id", MAKER, "--redirect-uri", REDIRECT),
        *("--model", "Crema-2", "--serial", "SN-2", "--test"),
    )
    browser = person(service, world)
    landed = agree(browser, address, beans="paper-towels-6")
    browser.close()
    assert run("redeem", landed) == "Logged in."
    assert "invalid_grant" in run("redeem", landed, code=1)
    # A replayed code ends what came of it: somebody else may have it.
    assert "400" in run("replenish", "beans", code=1)
    address = run(
        *("login", "--service", service, "--client-id", MAKER, "--redirect-uri", REDIRECT),
        *("--model", "Crema-2", "--serial", "SN-2", "--test"),
    )
    browser = person(service, world)
    run("redeem", agree(browser, address, beans="paper-towels-6"))
    browser.close()
    placed = json.loads(run("replenish", "beans", "--event", "boot-1:1"))
    assert placed["detailCode"] == "TEST_ORDER_PLACED"
    assert json.loads(run("replenish", "beans", "--event", "boot-1:1")) == placed
    assert "Processing" in run("order-info", placed["eventInstanceId"])
    assert "NO_ORDER_IN_PROGRESS" in run("cancel-tests", "--slot", "beans")
    assert json.loads(run("subscriptions", "--version", "1.0")) == {
        "slotsSubscriptionStatus": {"beans": True, "water": False}
    }
    assert run("slot-status", "water", "--remaining", "3") == "{}"
    assert run("device-status", "2026-11-22T11:00:00Z") == "{}"
    assert run("deregister") == "Deregistered."


def test_a_device_whose_service_is_away_says_so() -> None:
    bound = free_socket()
    gone = f"http://127.0.0.1:{bound.getsockname()[1]}"
    bound.close()
    device = Firmware(memory(gone, access_token="zat_x"))
    with pytest.raises(ActRefused, match="cannot be reached"):
        device.replenish("beans")
    device.close()
