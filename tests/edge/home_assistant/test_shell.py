"""Home Assistant on a real mosquitto: birth, will, what is retained, and cleaning up."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from edge_broker import free_port, mosquitto, until
from edge_frames import BUTTON, press
from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import TimeQuality
from zodra_edge import core
from zodra_edge.buying import Pause
from zodra_edge.errors import LinkFault
from zodra_edge.home_assistant.memory import FILE
from zodra_edge.home_assistant.options import HomeAssistantOptions
from zodra_edge.home_assistant.shell import EVENTS_MAX, HomeAssistant
from zodra_edge.settings import Cloud, HomeMqtt, Settings
from zodra_edge.status import CloudPart, DevicePart, LanePart, LightPart, Status

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
LANE = LanePart(buffer_id="b1", depth=0, oldest_age_s=0, dropped=0, quarantined=0)
KITCHEN = DevicePart(device_id="btn-kitchen", family="button")
STRAP = DevicePart(device_id="strap-chest", family="wearable")
BASE = "zodra/gw-1/ha"


def status(*devices: DevicePart, paused: bool = False, depth: int = 0) -> Status:
    return Status(
        gateway_id="gw-1",
        household_id="hh-1",
        pid=7,
        boot_id="boot",
        written_at=AT,
        written_monotonic_s=1.0,
        started_at=AT,
        uptime_s=600,
        restarts=2,
        rss_bytes=61_000_000,
        clock_quality=TimeQuality.SYNCED,
        clock_error_ms=12,
        cloud=CloudPart(host="h", port=1, state="online", since=AT),
        need=LANE.model_copy(update={"depth": depth}),
        telemetry=LANE,
        devices=devices,
        buying_paused_since=AT if paused else None,
    )


class Home:
    """A gateway's side of it, and all that the broker keeps."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.devices: tuple[DevicePart, ...] = (KITCHEN, STRAP)
        self.depth = 0
        self.pause = Pause(folder)
        self.counts: list[str] = []
        self.heard: list[tuple[str, bytes, bool]] = []

    def make(self, **options: Any) -> HomeAssistant:
        settings = Settings(
            gateway_id="gw-1",
            household_id="hh-1",
            data_dir=self.folder,
            cloud=Cloud(host="h"),
            home_mqtt=HomeMqtt(host="127.0.0.1", port=self.port),
            home_assistant=HomeAssistantOptions(**({"enabled": True} | options)),
        )
        return HomeAssistant(settings, "1.2.3", self._status, self._switch, self.counts.append)

    def _status(self) -> Status:
        return status(*self.devices, paused=self.pause.since is not None, depth=self.depth)

    def _switch(self, paused: bool) -> None:
        self.pause.switch(paused, AT)

    async def retained(self) -> dict[str, bytes]:
        """All that a newcomer would be told, such as Home Assistant after a restart."""
        kept: dict[str, bytes] = {}
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            await client.subscribe(
                [("homeassistant/#", 1), ("ha/#", 1), ("zodra/#", 1), ("end", 1)]
            )
            await client.publish("end", b"now", qos=1)
            async for message in client.messages:
                if message.topic.value == "end":
                    break
                if message.retain:
                    assert isinstance(message.payload, bytes)
                    kept[message.topic.value] = message.payload
        return kept

    async def holds(self, wanted: Callable[[dict[str, bytes]], bool]) -> dict[str, bytes]:
        async with asyncio.timeout(20):
            while not wanted(kept := await self.retained()):
                await asyncio.sleep(0.05)
        return kept

    def payloads(self, topic: str) -> list[bytes]:
        return [payload for where, payload, _ in self.heard if where == topic]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    port = free_port()
    with mosquitto(tmp_path, port):
        yield Home(tmp_path, port)


@contextlib.asynccontextmanager
async def running(shell: HomeAssistant) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(shell.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def listening(home: Home) -> AsyncIterator[aiomqtt.Client]:
    """Home Assistant's own connection."""

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            home.heard.append((message.topic.value, message.payload, message.retain))

    async with aiomqtt.Client("127.0.0.1", home.port) as client:
        await client.subscribe([("homeassistant/device/#", 1), (f"{BASE}/#", 1)])
        task = asyncio.create_task(listen(client))
        yield client
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def pressed(counter: int = 4711) -> core.Effect:
    _, effects = core.step(core.DeviceMemory(), press(counter), BUTTON)
    return next(effect for effect in effects if isinstance(effect, core.KeepSignal))


def value(kind: ReadingKind, said: float, device_id: str = "strap-chest") -> Reading:
    return Reading(device_id=device_id, kind=kind, value=said, observed_at=AT)


def is_online(kept: dict[str, bytes]) -> bool:
    return kept.get(f"{BASE}/availability") == b"online"


async def test_everybody_is_introduced_and_a_press_is_told_and_never_kept(home: Home) -> None:
    shell = home.make()
    async with listening(home), running(shell):
        kept = await home.holds(is_online)
        configs = [topic for topic in kept if topic.startswith("homeassistant/device/")]
        assert len(configs) == 3
        assert kept[f"{BASE}/device/btn-kitchen/availability"] == b"online"
        shell.see(pressed())
        await until(lambda: home.payloads(f"{BASE}/device/btn-kitchen/press"))
        (told,) = home.payloads(f"{BASE}/device/btn-kitchen/press")
        assert json.loads(told) == {"event_type": "press", "button": 1, "slot": "button-1"}
        assert f"{BASE}/device/btn-kitchen/press" not in await home.retained()
        home.depth = 3
        await home.holds(lambda kept: kept.get(f"{BASE}/gateway/needs_waiting") == b"3")


async def test_home_assistant_starts_again_and_is_told_everything_again(home: Home) -> None:
    async with listening(home) as assistant, running(home.make()):
        await home.holds(is_online)
        topic = f"{BASE}/gateway/paused"
        await until(lambda: home.payloads(topic))
        before = len(home.payloads(topic))
        await assistant.publish("homeassistant/status", b"online", qos=1)
        await until(lambda: len(home.payloads(topic)) == before + 1)
        configs = {where for where, _, _ in home.heard if where.endswith("/config")}
        assert all(len(home.payloads(config)) >= 2 for config in configs)


async def test_a_gateway_that_dies_or_leaves_is_shown_as_gone(home: Home) -> None:
    async with running(home.make()) as task:
        await home.holds(is_online)
        task.cancel()
        await home.holds(lambda kept: kept[f"{BASE}/availability"] == b"offline")
    async with running(home.make()):
        await home.holds(is_online)
        # A second connection under the same name: the broker throws the first out, as if it died.
        async with aiomqtt.Client("127.0.0.1", home.port, identifier="zodra-gw-1-ha"):
            await home.holds(lambda kept: kept[f"{BASE}/availability"] == b"offline")


async def test_a_device_that_leaves_the_settings_is_taken_away(home: Home) -> None:
    async with running(home.make()):
        await home.holds(is_online)
    home.devices = (KITCHEN,)
    async with running(home.make()):
        kept = await home.holds(lambda kept: not any("strap-chest" in topic for topic in kept))
    assert sum(topic.endswith("/config") for topic in kept) == 2


async def test_switched_off_nothing_is_left_behind(home: Home) -> None:
    async with running(home.make(prefix="ha")):
        kept = await home.holds(is_online)
        assert any(topic.startswith("ha/device/") for topic in kept)
    off = home.make(enabled=False)
    assert off.is_needed
    async with running(off):
        await home.holds(lambda kept: not kept)
        await until(lambda: not (home.folder / FILE).exists())
    assert not home.make(enabled=False).is_needed
    assert (await home.retained()) == {}


async def test_what_stays_home_is_not_shown_unless_the_household_says_so(home: Home) -> None:
    pulse, worn = value(ReadingKind.HEART_RATE_BPM, 71), value(ReadingKind.WORN_HOURS, 3.5)
    topics = [
        f"{BASE}/device/strap-chest/reading/{name}" for name in ("heart_rate_bpm", "worn_hours")
    ]
    async with running(shell := home.make()):
        shell.see(core.StayedHome(1, (pulse,)))
        shell.see(core.KeepReadings((worn,)))
        kept = await home.holds(lambda kept: topics[1] in kept)
        assert kept[topics[1]] == b"3.5"
        assert topics[0] not in kept
        assert not any(b"heart_rate" in payload for payload in kept.values())
    async with running(shell := home.make(show_home_readings=True)):
        shell.see(core.StayedHome(1, (pulse,)))
        kept = await home.holds(lambda kept: kept.get(topics[0]) == b"71")
        # What nobody heard since the start is not kept as if it were new.
        assert kept[topics[1]] == b"None"
    async with running(home.make()):
        await home.holds(lambda kept: is_online(kept) and topics[0] not in kept)
        kept = await home.retained()
        (config,) = (kept[topic] for topic in kept if "strap-chest" in topic and "config" in topic)
        assert json.loads(config)["cmps"]["heart_rate_bpm"] == {"platform": "sensor"}
        assert "worn_hours" in json.loads(config)["cmps"]


async def test_buying_is_paused_by_the_switch_and_not_by_what_the_broker_remembers(
    home: Home,
) -> None:
    async with aiomqtt.Client("127.0.0.1", home.port) as other:
        await other.publish(f"{BASE}/pause/set", b"ON", qos=1, retain=True)
        async with running(home.make()):
            await home.holds(is_online)
            assert home.pause.since is None
            await other.publish(f"{BASE}/pause/set", b"maybe", qos=1)
            await other.publish(f"{BASE}/pause/set", b"ON", qos=1)
            await home.holds(lambda kept: kept[f"{BASE}/gateway/paused"] == b"ON")
            assert Pause(home.folder).since == AT
            await other.publish(f"{BASE}/pause/set", b"OFF", qos=1)
            await home.holds(lambda kept: kept[f"{BASE}/gateway/paused"] == b"OFF")
            assert home.counts == ["home_assistant_command_unknown"]


async def test_without_a_broker_nothing_waits_and_no_old_press_is_told_later(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path, free_port())
    shell = home.make()
    with pytest.raises(LinkFault):
        await shell.run()
    for counter in range(EVENTS_MAX + 5):
        shell.see(pressed(counter))
    assert home.counts == ["home_assistant_event_dropped"] * 5
    with mosquitto(tmp_path, home.port):
        async with listening(home), running(shell):
            await home.holds(is_online)
            shell.see(pressed(9_000))
            await until(lambda: home.payloads(f"{BASE}/device/btn-kitchen/press"))
            assert len(home.payloads(f"{BASE}/device/btn-kitchen/press")) == 1


async def test_the_newest_order_of_the_home_and_of_each_device_is_told(home: Home) -> None:
    def light(state: str, after_s: float) -> LightPart:
        at = AT + timedelta(seconds=after_s)
        return LightPart(slot_key="s", state=state, reason="", at=at, signal_id="p_1")

    lights = (light("asked", 1), light("ordered", 5), light("practice", 9))
    home.devices = (KITCHEN.model_copy(update={"lights": lights}), STRAP)
    async with running(home.make()):
        kept = await home.holds(is_online)
    assert kept[f"{BASE}/gateway/last_order"] == b"ordered"
    assert kept[f"{BASE}/device/btn-kitchen/order"] == b"ordered"
    assert f"{BASE}/device/strap-chest/order" not in kept


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)
