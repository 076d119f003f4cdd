"""Bad input at every door: counted, visible, and nothing stops."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from bumble.device import AdvertisingType

from demo_runs import DemoRun, ShopBook
from zodra_contract.envelope import NeedBatch, NeedRow, to_bytes
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_sim.demo.parts import BUTTON, BUTTON_ADDRESS
from zodra_sim.demo.person.browser import Browser, Page
from zodra_sim.demo.person.house import House
from zodra_sim.devices import bthome
from zodra_sim.radio.attachment import Radio

pytestmark = pytest.mark.timeout(300)
"""Two walks on a machine that is busy with other tests; alone, one takes about 15 s."""

PATIENCE_S = 40.0


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[DemoRun]:
    with DemoRun(tmp_path / "data") as running:
        running.wait_for("Ctrl-C ends everything")
        yield running


async def on_the_air(demo: DemoRun, service_data: Sequence[bytes]) -> None:
    """Say frames from the button's own address, as a forger next door could."""
    radio = Radio(f"127.0.0.1:{demo.settings['ports']['air']}", BUTTON_ADDRESS)
    device = await radio.device()
    for body in service_data:
        await device.start_advertising(
            advertising_type=AdvertisingType.UNDIRECTED,
            advertising_data=bthome.advertisement(body),
            advertising_interval_min=50,
            advertising_interval_max=50,
        )
        await asyncio.sleep(0.4)
        await device.stop_advertising()
    await radio.close()


@contextlib.asynccontextmanager
async def mqtt(demo: DemoRun, broker: str, user: str, secret: str) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client(
        "127.0.0.1",
        demo.settings["ports"][broker],
        username=user,
        password=demo.secret(secret),
        identifier="forger",
        protocol=aiomqtt.ProtocolVersion.V311,
    ) as client:
        yield client


def of_a_ghost() -> bytes:
    now = datetime.now(UTC)
    need = NeedSignal(
        signal_id="p_ghost",
        device_id="btn-ghost",
        slot_key="button-1",
        kind=SignalKind.PRESS,
        occurred_at=now,
        time=TimeNote(boot_id="b", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1),
        authenticated=True,
    )
    batch = NeedBatch(
        gateway_id="gw-demo",
        boot_id="b",
        sent_at=now,
        buffer_id="ghost",
        kept_from=1,
        rows=(NeedRow(1, need),),
    )
    return to_bytes(batch)


def edge_refusals(demo: DemoRun) -> dict[str, int]:
    status: dict[str, Any] = json.loads((demo.data / "edge" / "status.json").read_text())
    return dict(status["refusals"])


async def until(page_of: Browser, address: str, words: set[str]) -> Page:
    """Open a page until it shows all these refusals."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            page = await page_of.open(address)
            shown = {marks["data-refusal"] for marks in page.marked_with("refusal")}
            if words <= shown:
                return page
            await asyncio.sleep(0.3)


async def test_bad_input_is_counted_and_the_next_press_still_becomes_an_order(
    demo: DemoRun,
) -> None:
    key = bytes.fromhex(demo.secret("btn-kitchen.key"))
    press = bthome.objects(9, 90, [1])
    await on_the_air(
        demo,
        [
            bthome.encrypted(press, BUTTON_ADDRESS, bytes(16), 900),
            bthome.encrypted(press, BUTTON_ADDRESS, key, 901)[:6],
            bthome.plain(press),
        ],
    )
    async with mqtt(demo, "home_broker", "home-devices", "home-devices.password") as home:
        for payload in (b"{", b"\xff\x00", b" " * 70_000, b"[1]", b'{"battery": "full"}'):
            await home.publish("zigbee2mqtt/trv-living", payload, qos=1)
        await home.publish("zodra/home/baby/baby-nursery", b'{"schema": 99}', qos=1)
    async with mqtt(demo, "broker", "gw-demo", "broker-gateway.password") as cloud:
        await cloud.publish("up/hh-demo/gw-demo", b'{"version": 9, "lane": "need"}', qos=1)
        await cloud.publish("up/hh-demo/gw-demo", b"no JSON", qos=1)
        await cloud.publish("up/hh-demo/gw-demo", of_a_ghost(), qos=1)
    async with mqtt(demo, "broker", "gw-demo", "broker-gateway.password") as cloud:
        with contextlib.suppress(aiomqtt.MqttError):
            await cloud.publish("up/hh-other/gw-other", of_a_ghost(), qos=1)
    at_the_edge = {"wrong_bind_key", "plain_text_refused", "not_json", "oversized", "malformed"}
    demo.wait_until(lambda: at_the_edge <= edge_refusals(demo).keys(), "the edge's refusals")
    await the_operator_sees(demo, at_the_edge | {"newer_version", "malformed", "unknown_device"})
    await a_press_becomes_an_order(demo)
    demo.wait_for("The cloud's broker turned something away: on a topic that is not the credential")
    assert "up/hh-other/gw-other" in (demo.data / "logs" / "broker.log").read_text()


async def the_operator_sees(demo: DemoRun, words: set[str]) -> None:
    operator = Browser(f"http://localhost:{demo.settings['ports']['cloud']}", "en")
    await operator.sign_in(demo.link_after("The operator's page"))
    await until(operator, "/operator", words)
    await operator.close()


async def a_press_becomes_an_order(demo: DemoRun) -> None:
    ports = demo.settings["ports"]
    person = Browser(f"http://127.0.0.1:{ports['cloud']}", "en")
    house = House(
        f"http://127.0.0.1:{ports['home_page']}", demo.data / "secrets" / "home-control.token"
    )
    await person.sign_in(demo.link_after("The household's page"))
    await house.press(BUTTON)
    async with asyncio.timeout(PATIENCE_S):
        while not (forms := (page := await person.open("/")).forms_to("/quotes/", "/confirm")):
            await asyncio.sleep(0.2)
    await person.submit(page, forms[0])
    await asyncio.to_thread(demo.wait_for, "The shop accepted the order of paper towels")
    assert ShopBook(demo.data).items() == ["paper-towels-6"]
    await house.close()
    await person.close()
