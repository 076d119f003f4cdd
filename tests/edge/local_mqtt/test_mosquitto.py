"""Devices of several dialects on a real mosquitto: each press once, and no ghost for one."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiomqtt
import pytest

from edge_broker import free_port, mosquitto, until
from zodra_contract.reading import Reading
from zodra_edge import core
from zodra_edge.clock import Clock
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.filters import Routes
from zodra_edge.decode.mqtt.registry import subscriptions
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.spoken import Dialect, Spoken
from zodra_edge.local_mqtt import connections
from zodra_edge.settings import HomeMqtt

GEN1 = "shellies/shellyix3-A4CF12F474C7"
PLUS = "shellyplusi4-a8032abc7158"
OMG = "home/OpenMQTTGateway/BTtoMQTT/4C33A6603C79"
BIRTH = (
    "CNLig7n6MhINCgViZFNlcRABIAhYWBIcChROb2RlIENvbnRyb2wvUmViaXJ0aBACIAtwABIaCgtUZW1wZXJhdHVyZRBk"
    "IAppAAAAAACANUAYAA=="
)
DATA_AFTER_A_GAP = "CNLig7n6MhINEGQgCmkAAAAAAAA7QBgF"


def button(device_id: str, topic: str, **spoken: object) -> DeviceProfile:
    said = Spoken(**spoken)  # type: ignore[arg-type]  # a test's short form
    return DeviceProfile(device_id, Family.BUTTON, "button-1", topic=topic, spoken=said)


BUTTONS = (
    button("gen1", GEN1),
    button("plus", PLUS),
    button("tasmota", "stat/kitchen"),
    button("zigbee", "zigbee2mqtt/hall"),
    button("theengs", OMG),
    button("bell", "esp-door", dialect=Dialect.ESPHOME, part="bell"),
)


class Home:
    """What the agent does with frames, without its disk."""

    def __init__(self, port: int, profiles: tuple[DeviceProfile, ...], folder: Path) -> None:
        self.signals: list[str] = []
        self.refused: list[str] = []
        self.readings: list[Reading] = []
        self.counts: list[str] = []
        self.heard = 0
        self._memory: dict[str, core.DeviceMemory] = {}
        self._routes = Routes((t, p) for p in profiles for t in subscriptions(p))
        settings, clock = HomeMqtt(host="127.0.0.1", port=port), Clock(folder / "floor")
        made = connections(settings, "gw-1", profiles, clock, self._take, self.counts.append)
        self.broker, self.sparkplug = made

    def _take(self, frame: MqttMessage, done: Callable[[], None]) -> bool:
        self.heard += 1
        for profile in self._routes.of(frame.topic):
            before = self._memory.get(profile.device_id, core.DeviceMemory())
            self._memory[profile.device_id], effects = core.step(before, frame, profile)
            for effect in effects:
                match effect:
                    case core.KeepSignal(signal, _):
                        self.signals.append(signal.device_id)
                    case core.Refuse(reason, _):
                        self.refused.append(reason)
                    case core.KeepReadings(readings):
                        self.readings.extend(readings)
        done()
        return True

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        brokers = [broker for broker in (self.broker, self.sparkplug) if broker is not None]
        tasks = [asyncio.create_task(broker.run()) for broker in brokers]
        try:
            await until(lambda: all(broker.status.connected for broker in brokers))
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with mosquitto(tmp_path, port):
        yield port


def rpc(ts: float) -> str:
    event = {"component": "input:0", "id": 0, "event": "single_push", "ts": ts}
    return json.dumps({"method": "NotifyEvent", "params": {"ts": ts, "events": [event]}})


STANDS = (
    (f"{GEN1}/input_event/0", '{"event":"S","event_cnt":4}'),
    ("esp-door/binary_sensor/bell/state", "OFF"),
)
"""Where counts and states stand, as devices tell when they connect."""
PRESSES = (
    (f"{GEN1}/input_event/0", '{"event":"S","event_cnt":5}'),
    (f"{PLUS}/events/rpc", rpc(1_790_000_000.5)),
    ("stat/kitchen/RESULT", '{"Button1":{"Action":"SINGLE"}}'),
    ("zigbee2mqtt/hall", '{"action":"single","battery":90}'),
    ("zigbee2mqtt/hall/action", "single"),
    (OMG, '{"model_id":"SBBT-002C","packet":12,"button":1}'),
    ("esp-door/binary_sensor/bell/state", "ON"),
)
EVERYBODY = sorted(profile.device_id for profile in BUTTONS)


async def say(client: aiomqtt.Client, told: tuple[tuple[str, str], ...], *, retain: bool) -> None:
    for topic, payload in told:
        await client.publish(topic, payload, qos=1, retain=retain)


async def test_one_press_of_each_dialect_is_one_press_and_stays_one_after_a_reconnect(
    port: int, tmp_path: Path
) -> None:
    home = Home(port, BUTTONS, tmp_path)
    async with aiomqtt.Client("127.0.0.1", port) as devices:
        async with home.running():
            await say(devices, STANDS, retain=False)
            await say(devices, PRESSES, retain=False)
            await until(lambda: home.heard == len(STANDS) + len(PRESSES))
            assert sorted(home.signals) == EVERYBODY
        # A device that connects anew tells its last event again; so does a bridge.
        async with home.running():
            await say(devices, PRESSES, retain=False)
            await until(lambda: home.heard == len(STANDS) + 2 * len(PRESSES))
    assert sorted(home.signals) == EVERYBODY


async def test_what_the_broker_kept_is_no_press(port: int, tmp_path: Path) -> None:
    home = Home(port, BUTTONS, tmp_path)
    async with aiomqtt.Client("127.0.0.1", port) as devices:
        await say(devices, PRESSES, retain=True)
        async with home.running():
            await until(lambda: home.heard == len(PRESSES))
    assert home.signals == []
    assert home.refused == ["retained_action"] * len(PRESSES)


async def test_a_flood_of_one_device_is_held_back_and_counted_and_another_is_heard(
    port: int, tmp_path: Path
) -> None:
    profiles = (*BUTTONS, DeviceProfile("wild", Family.SENSOR, "s-1", topic="zigbee2mqtt/wild"))
    home = Home(port, profiles, tmp_path)
    async with aiomqtt.Client("127.0.0.1", port) as devices, home.running():
        for number in range(1_500):
            await devices.publish("zigbee2mqtt/wild", f'{{"battery":{number % 100}}}', qos=0)
        await devices.publish("stat/kitchen/RESULT", '{"Button1":{"Action":"SINGLE"}}', qos=1)
        await until(lambda: home.signals)
    assert home.signals == ["tasmota"]
    assert "flood" in home.counts
    assert home.heard + home.counts.count("flood") == 1_501


async def test_a_gap_in_a_sparkplug_nodes_count_asks_for_its_births(
    port: int, tmp_path: Path
) -> None:
    scale = DeviceProfile("node", Family.SENSOR, "s-1", topic="spBv1.0/home/node1")
    home = Home(port, (scale,), tmp_path)
    async with aiomqtt.Client("127.0.0.1", port) as node, home.running():
        await node.subscribe("spBv1.0/home/NCMD/node1", qos=1)
        await node.publish("spBv1.0/home/NBIRTH/node1", base64.b64decode(BIRTH))
        await node.publish("spBv1.0/home/NDATA/node1", base64.b64decode(DATA_AFTER_A_GAP))
        asked = await anext(aiter(node.messages))
        assert b"Node Control/Rebirth" in bytes(asked.payload)
        await until(lambda: len(home.readings) == 2)
    assert [reading.value for reading in home.readings] == [21.5, 27.0]
    assert home.counts == ["rebirth_asked"]


async def test_a_sparkplug_host_says_that_it_is_there_and_when_it_is_gone(
    port: int, tmp_path: Path
) -> None:
    scale = DeviceProfile("node", Family.SENSOR, "s-1", topic="spBv1.0/home/node1")
    home = Home(port, (scale,), tmp_path)
    async with aiomqtt.Client("127.0.0.1", port) as node:
        await node.subscribe("spBv1.0/STATE/zodra-gw-1", qos=1)
        said = aiter(node.messages)
        async with home.running():
            birth = json.loads(bytes((await anext(said)).payload))
        death = json.loads(bytes((await anext(said)).payload))
    assert birth["online"] is True
    assert death == {"online": False, "timestamp": birth["timestamp"]}


async def test_a_homie_devices_description_says_what_its_numbers_are(
    port: int, tmp_path: Path
) -> None:
    described = {
        "homie": "5.0",
        "version": 1,
        "nodes": {"room": {"properties": {"temperature": {"datatype": "float", "unit": "°F"}}}},
    }
    profile = DeviceProfile("homie", Family.SENSOR, "s-1", topic="homie/5/room-1")
    home = Home(port, (profile,), tmp_path)
    async with aiomqtt.Client("127.0.0.1", port) as device:
        await device.publish("homie/5/room-1/$description", json.dumps(described), retain=True)
        async with home.running():
            await until(lambda: home.heard)
            await device.publish("homie/5/room-1/room/temperature", "68.0")
            await until(lambda: home.readings)
    assert [reading.value for reading in home.readings] == [20.0]
