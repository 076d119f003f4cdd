"""The household as a process, with a real broker and a real radio."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from sim.brokers.brokers import RunningBroker, cloud, free_port, running, until
from sim.homes import BABY, BUTTON, PATIENCE_S, STRAP, THERMOSTAT, running_home, write_home
from zodra_sim.devices import beacon
from zodra_sim.household.neighbour import Neighbour
from zodra_sim.radio.air import Air
from zodra_sim.radio.backend import create

HOME_USERS = (
    ("gw-1", "home-gateway", None),
    ("home-devices", "home-device", ["zigbee2mqtt/#", "zodra/home/#"]),
)
HOME_TOPICS = ("zigbee2mqtt/#", "zodra/home/#")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    with running("amqtt", tmp_path / "broker", HOME_USERS) as started:
        yield started


def payloads(heard: list[tuple[str, bytes]], topic: str) -> list[dict[str, Any]]:
    return [json.loads(body) for where, body in heard if where == topic]


def diaper_events(heard: list[tuple[str, bytes]]) -> list[str]:
    reports = payloads(heard, "zodra/home/baby/baby-1")
    return [one["event_id"] for one in reports if "diaper" in one]


def states(heard: list[tuple[str, bytes]]) -> list[str]:
    """What the thermostat said it does, without repeats."""
    said = [one["running_state"] for one in payloads(heard, "zigbee2mqtt/trv-1")]
    return [state for state, _ in groupby(said)]


def test_a_button_goes_on_counting_after_it_was_killed(tmp_path: Path) -> None:
    port = free_port()
    with running_home(write_home(tmp_path, BUTTON, control_port=port), port) as home:
        counters = [home.post("/api/devices/btn-1/press")["counter"] for _ in range(2)]
        home.end(signal.SIGKILL)
        home.start_again()
        counters.append(home.post("/api/devices/btn-1/press?kind=long_press")["counter"])
        assert counters == [1, 2, 3]
        assert home.device("btn-1")["pressed"] == 3
        rows = home.get("/api/truth?after=0")["rows"]
        assert [(row["what"], row["detail"]["counter"]) for row in rows] == [
            ("press", 1),
            ("press", 2),
            ("press", 3),
        ]
        assert home.end() == 0
        assert "Traceback" not in home.log()


async def test_a_press_cut_short_by_a_kill_is_said_again(tmp_path: Path) -> None:
    control, air = free_port(), free_port()
    slow = BUTTON + "advert_gap_ms = 1000\n"
    config = write_home(tmp_path, slow, control_port=control, air_port=air)
    heard: list[bytes] = []

    def hear(device: BLEDevice, advert: AdvertisementData) -> None:
        heard.extend(advert.service_data.values())

    backends = await create({"air": f"127.0.0.1:{air}", "address": "F0:F1:F2:F3:F4:F5"})
    with running_home(config, control) as home:
        home.post("/api/devices/btn-1/press")
        home.end(signal.SIGKILL)
        home.start_again()
        async with BleakScanner(hear, backend=backends.scanner):
            async with asyncio.timeout(PATIENCE_S):
                while not heard:
                    await asyncio.sleep(0.02)
        assert home.device("btn-1")["facts"]["last_counter"] == 1
        assert {one[-8:-4] for one in heard} == {b"\x01\x00\x00\x00"}
    await backends.close()


async def test_a_neighbours_beacon_is_on_the_air_unless_it_is_switched_off(
    tmp_path: Path,
) -> None:
    ports = free_port(), free_port()
    config = write_home(tmp_path, BUTTON, control_port=ports[0], air_port=ports[1])
    text = config.read_text()
    config.write_text(text.replace("[air]", "[air]\nneighbour_period_s = 0.1"))
    heard: list[tuple[str, bytes]] = []

    def hear(device: BLEDevice, advert: AdvertisementData) -> None:
        heard.extend((device.address, data) for data in advert.manufacturer_data.values())

    with running_home(config, ports[0]) as home:
        backends = await create({"air": f"127.0.0.1:{ports[1]}", "address": "F0:F1:F2:F3:F4:F5"})
        async with BleakScanner(hear, backend=backends.scanner):
            async with asyncio.timeout(PATIENCE_S):
                while len(heard) < 2:
                    await asyncio.sleep(0.02)
        await backends.close()
        assert home.get("/api/truth?after=0")["rows"] == []
    assert {address for address, _ in heard} == {beacon.ADDRESS}
    assert {data[:2] for _, data in heard} == {b"\x02\x15"}
    # A neighbour without a beacon is done at once.
    await Neighbour(Air(Random(1)), 0).run()


def test_mqtt_devices_report_what_was_done_to_them(tmp_path: Path, broker: RunningBroker) -> None:
    port = free_port()
    config = write_home(tmp_path, THERMOSTAT, BABY, mqtt_port=broker.port, control_port=port)
    with (
        cloud(broker.port, username="gw-1", topics=HOME_TOPICS) as gateway,
        running_home(config, port) as home,
    ):
        until(lambda: home.get("/api/state")["mqtt_connected"], "the home is connected")
        home.post("/api/devices/trv-1/heat", {"seconds": 0.5})
        until(lambda: states(gateway.heard)[-2:] == ["heat", "idle"], "it heats and stops")
        told = home.post("/api/devices/baby-1/change-diaper", {"count": 3})
        assert told["remaining_units"] == 41
        until(lambda: diaper_events(gateway.heard) == told["event_ids"], "each change is heard")
        truth = home.get("/api/state")["truth"]
        assert truth["diaper_changes"] == 3
        assert truth["heating_s"] >= 0.5
        online = ("zigbee2mqtt/trv-1/availability", b'{"state":"online"}')
        assert online in gateway.heard
        assert home.end() == 0
        offline = ("zigbee2mqtt/trv-1/availability", b'{"state":"offline"}')
        until(lambda: offline in gateway.heard, "it says goodbye")


def test_events_wait_for_the_broker_and_a_light_is_shown(
    tmp_path: Path, broker: RunningBroker
) -> None:
    port = free_port()
    config = write_home(tmp_path, BABY, mqtt_port=broker.port, control_port=port)
    with running_home(config, port) as home:
        until(lambda: home.device("baby-1")["online"], "the monitor is connected")
        broker.end(signal.SIGKILL)
        until(lambda: not home.device("baby-1")["online"], "the monitor notices")
        told = home.post("/api/devices/baby-1/change-diaper")
        home.end(signal.SIGKILL)
        broker.start()
        with cloud(broker.port, username="gw-1", topics=HOME_TOPICS) as gateway:
            home.start_again()
            until(lambda: diaper_events(gateway.heard) == told["event_ids"], "it comes late")
            light = {
                "device_id": "baby-1",
                "slot_key": "diapers",
                "signal_id": "l_1",
                "state": "asked",
                "reason": "",
                "at": "2026-11-22T06:00:00.000Z",
            }
            until(lambda: home.get("/api/state")["mqtt_connected"], "the lights are listened to")
            gateway.publish("zodra/gw-1/light/baby-1", json.dumps(light).encode())
            until(lambda: bool(home.device("baby-1")["lights"]), "the light is shown")
        (shown,) = home.device("baby-1")["lights"]
        assert (shown["state"], shown["gateway_id"]) == ("asked", "gw-1")
        assert home.device("baby-1")["facts"]["unsent_events"] == 0


@pytest.mark.parametrize("what", ["settings", "air", "control", "file"])
def test_what_cannot_start_says_why_in_one_sentence(tmp_path: Path, what: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = write_home(
            tmp_path,
            STRAP,
            air_port=port if what == "air" else 0,
            control_port=port if what == "control" else 0,
            more='language = "fr"' if what == "settings" else "",
        )
        if what == "file":
            (config.parent / "data").write_text("in the way")
        ended = subprocess.run(
            [sys.executable, "-m", "zodra_sim", "household", "--config", str(config)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
    sentence = {
        "settings": "language",
        "air": f"air.port = {port}",
        "control": f"control.port = {port}",
        "file": "data_dir",
    }[what]
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_commands_talk_to_a_running_home(tmp_path: Path) -> None:
    port = free_port()
    config = write_home(tmp_path, BUTTON, control_port=port)

    def command(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "zodra_sim", *words, "--config", str(config)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    assert "no home answers" in command("press", "btn-1").stderr
    with running_home(config, port) as home:
        assert json.loads(command("press", "btn-1").stdout)["counter"] == 1
        unknown = command("press", "btn-9")
        assert (unknown.returncode, unknown.stdout) == (1, "")
        assert "no device btn-9" in unknown.stderr
        assert command("link").stdout.startswith(f"{home.url}/?token=")
