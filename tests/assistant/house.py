"""The home around Home Assistant: a broker, simulated devices, and our gateway."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from assistant.hass import wait
from edge_broker import free_port, mosquitto
from zodra_edge.rescue import export

ADDRESS = "A4:C1:38:00:00:01"
KEY = bytes(range(16)).hex()
HALL = "zigbee2mqtt/hall"
BUTTON = f"""
[[devices]]
device_id = "btn-kitchen"
family = "button"
slot_key = "button-1"
address = "{ADDRESS}"
bind_key_file = "button.key"
"""
THERMOSTAT = """
[[devices]]
device_id = "trv-living"
family = "thermostat"
slot_key = "filter"
topic = "zigbee2mqtt/trv-living"
"""
BABY = """
[[devices]]
device_id = "baby-nursery"
family = "baby_monitor"
slot_key = "diapers"
topic = "zodra/home/baby/baby-nursery"
"""
SENSOR = f"""
[[devices]]
device_id = "hall"
family = "sensor"
slot_key = "supply"
topic = "{HALL}"
"""


class House:
    """Everything of a home but Home Assistant."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker_port = free_port()
        self._air, self._page, self._cloud = (free_port() for _ in range(3))
        self._agent: subprocess.Popen[bytes] | None = None
        self._broker = ExitStack()
        for name, text in (("button.key", KEY), ("token", "0123456789abcdef"), ("none", "none")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        (folder / "home.toml").write_text(self._home())
        self.write()

    def _home(self) -> str:
        return (
            'home_id = "home-1"\ndata_dir = "home"\n'
            f"[air]\nport = {self._air}\n"
            f'[mqtt]\nport = {self.broker_port}\nusername = "devices"\npassword_file = "none"\n'
            f'[control]\nport = {self._page}\ntoken_file = "token"\n'
            '[[devices]]\ndevice_id = "btn-kitchen"\nfamily = "button"\n'
            f'address = "{ADDRESS}"\nbind_key_file = "button.key"\n'
            '[[devices]]\ndevice_id = "trv-living"\nfamily = "thermostat"\nreport_period_s = 1\n'
            '[[devices]]\ndevice_id = "baby-nursery"\nfamily = "baby_monitor"\n'
            "report_period_s = 2\n"
        )

    def write(
        self, *devices: str, enabled: bool = True, expire_s: int = 60, home_readings: bool = False
    ) -> None:
        """Write the gateway's settings, with all devices unless some are named."""
        (self.folder / "gateway.toml").write_text(
            'gateway_id = "gw-1"\nhousehold_id = "hh-1"\ndata_dir = "data"\n'
            f'[cloud]\nhost = "127.0.0.1"\nport = {self._cloud}\n'
            f'[home_mqtt]\nhost = "127.0.0.1"\nport = {self.broker_port}\n'
            f"[home_assistant]\nenabled = {str(enabled).lower()}\nexpire_after_s = {expire_s}\n"
            f"show_home_readings = {str(home_readings).lower()}\n"
            '[radio]\nbackend = "zodra_sim.radio.backend:create"\nscanning_mode = "active"\n'
            f'options = {{ air = "127.0.0.1:{self._air}", address = "F0:F1:F2:F3:F4:F5" }}\n'
            + "".join(devices or (BUTTON, THERMOSTAT, BABY, SENSOR))
        )

    def start_agent(self) -> None:
        with (self.folder / "agent.log").open("ab") as log:
            self._agent = subprocess.Popen(self._command("run"), env=os.environ, stderr=log)
        agent = self._agent
        wait(lambda: self.status()["running"] and self.status()["status"]["pid"] == agent.pid)

    def start_anew(self, *devices: str, **settings: bool) -> None:
        """Start the agent again, with other settings."""
        self.write(*devices, **settings)
        self.end_agent()
        self.start_agent()

    def end_agent(self, *, kill: bool = False) -> None:
        if self._agent is not None:
            self._agent.kill() if kill else self._agent.terminate()
            self._agent.wait(20)
        self._agent = None

    def status(self) -> dict[str, Any]:
        said = subprocess.run(
            [*self._command("status"), "--json"], capture_output=True, text=True, check=False
        )
        found: dict[str, Any] = json.loads(said.stdout)
        return found

    def cli(self, *arguments: str) -> None:
        subprocess.run(self._command(*arguments), check=True, capture_output=True)

    def press(self) -> None:
        """Press the button that stands in the simulated home."""
        program = [sys.executable, "-m", "zodra_sim", "press", "btn-kitchen"]
        subprocess.run(
            [*program, "--config", str(self.folder / "home.toml")], check=True, capture_output=True
        )

    def needs(self) -> list[dict[str, Any]]:
        return [row["signal"] for row in export(self.folder / "data") if "signal" in row]

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        with self.listening() as (client, _):
            client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    @contextlib.contextmanager
    def listening(self, *topics: str) -> Iterator[tuple[paho.Client, list[paho.MQTTMessage]]]:
        client = paho.Client(CallbackAPIVersion.VERSION2)
        heard: list[paho.MQTTMessage] = []
        client.on_message = lambda *said: heard.append(said[2])
        client.connect("127.0.0.1", self.broker_port)
        if topics:
            client.subscribe([(topic, 1) for topic in topics])
        client.loop_start()
        try:
            yield client, heard
        finally:
            client.disconnect()
            client.loop_stop()

    def restart_broker(self) -> None:
        """Start the broker, anew if it runs; it keeps nothing."""
        self._broker.close()
        self._broker.enter_context(mosquitto(self.folder, self.broker_port))

    @contextlib.contextmanager
    def standing(self) -> Iterator[None]:
        """Start the broker, the devices and the gateway."""
        with ExitStack() as stack:
            stack.callback(lambda: self._broker.close())
            self.restart_broker()
            with (self.folder / "home.log").open("ab") as log:
                home = subprocess.Popen(
                    [sys.executable, "-m", "zodra_sim", "household", "--config", "home.toml"],
                    cwd=self.folder,
                    stderr=log,
                )
            stack.callback(home.wait)
            stack.callback(home.terminate)
            wait(self._page_answers)
            stack.callback(self.end_agent)
            self.start_agent()
            yield

    def _page_answers(self) -> bool:
        with contextlib.suppress(httpx2.TransportError):
            return httpx2.get(f"http://127.0.0.1:{self._page}/healthz").status_code == 200
        return False

    def _command(self, *arguments: str) -> list[str]:
        config = str(self.folder / "gateway.toml")
        return [sys.executable, "-m", "zodra_edge", *arguments, "--config", config]
