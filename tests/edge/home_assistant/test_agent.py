"""A whole gateway and Home Assistant's side of the broker: a press seen, buying paused, and off."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edge_broker import free_port, mosquitto
from zodra_edge.rescue import export

BASE = "zodra/gw-1/ha"
PRESS = f"{BASE}/device/btn-hall/press"


class Home:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.config = folder / "gateway.toml"
        self.data = folder / "data"
        self.heard: dict[str, bytes] = {}

    def write(self, *, enabled: bool) -> None:
        self.config.write_text(
            'gateway_id = "gw-1"\nhousehold_id = "hh-1"\ndata_dir = "data"\n'
            f'[cloud]\nhost = "127.0.0.1"\nport = {free_port()}\n'
            f'[home_mqtt]\nhost = "127.0.0.1"\nport = {self.port}\n'
            f"[home_assistant]\nenabled = {str(enabled).lower()}\n"
            '[[devices]]\ndevice_id = "btn-hall"\nfamily = "button"\nslot_key = "button-1"\n'
            'topic = "zigbee2mqtt/hall"\n'
        )

    def parts(self) -> dict[str, str]:
        """Say what each part of the agent has to complain about."""
        return {part["name"]: part["fault"] for part in self.status().get("parts", ())}

    def status(self) -> dict[str, Any]:
        status = self.data / "status.json"
        said: dict[str, Any] = json.loads(status.read_text()) if status.exists() else {}
        return said

    def needs(self) -> list[dict[str, Any]]:
        return [row["signal"] for row in export(self.data) if "signal" in row]

    @contextmanager
    def running(self) -> Iterator[None]:
        child = subprocess.Popen(
            [sys.executable, "-m", "zodra_edge", "run", "--config", str(self.config)],
            env=os.environ,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            child.terminate()
            child.wait()

    @contextmanager
    def listening(self) -> Iterator[paho.Client]:
        client = paho.Client(CallbackAPIVersion.VERSION2)

        def on_message(_: object, __: object, message: paho.MQTTMessage) -> None:
            self.heard[message.topic] = bytes(message.payload)

        client.on_message = on_message
        client.connect("127.0.0.1", self.port)
        client.subscribe([("homeassistant/#", 1), ("zodra/#", 1)])
        client.loop_start()
        try:
            yield client
        finally:
            client.disconnect()
            client.loop_stop()


def wait(until: Callable[[], object]) -> None:
    for _ in range(1_200):
        if until():
            return
        time.sleep(0.025)
    raise AssertionError("it never came to that")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_it_waits_for_its_broker_tells_a_press_pauses_buying_and_takes_all_of_it_away(
    home: Home,
) -> None:
    home.write(enabled=True)
    with ExitStack() as agent:
        agent.enter_context(home.running())
        wait(lambda: home.parts().get("home_assistant"))
        assert home.parts()["uplink"] == home.parts()["frames"] == ""
        with mosquitto(home.folder, home.port), home.listening() as assistant:
            wait(lambda: home.heard.get(f"{BASE}/availability") == b"online")
            # Over a connection of its own; what comes before its first is lost.
            wait(lambda: home.status()["home_mqtt"]["connected"])
            assistant.publish("zigbee2mqtt/hall", '{"action":"single"}', qos=1)
            wait(lambda: PRESS in home.heard)
            assert json.loads(home.heard[PRESS])["event_type"] == "press"
            wait(lambda: len(home.needs()) == 1)
            assistant.publish(f"{BASE}/pause/set", "ON", qos=1)
            wait(lambda: home.heard[f"{BASE}/gateway/paused"] == b"ON")
            assistant.publish("zigbee2mqtt/hall", '{"action":"double"}', qos=1)
            wait(lambda: len(home.needs()) == 2)
            agent.close()
            wait(lambda: home.heard[f"{BASE}/availability"] == b"offline")
            assert "buying_paused" not in home.needs()[0]["evidence"]
            assert home.needs()[1]["authenticated"] is False
            home.write(enabled=False)
            with home.running():
                wait(lambda: home.heard[f"{BASE}/availability"] == b"")
                configs = [topic for topic in home.heard if topic.endswith("/config")]
                assert len(configs) == 2
                wait(lambda: all(home.heard[topic] == b"" for topic in configs))
