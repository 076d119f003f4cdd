"""The service as users run it, behind a real broker, and a gateway that talks to it."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from zodra_cloud import home as homes
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Role
from zodra_cloud.store.engine import Database
from zodra_cloud.store.migrate import migrate
from zodra_contract.envelope import Receipt, UpMessage, read_receipt, to_bytes
from zodra_contract.topics import Address, Down, down, up

PATIENCE_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: Callable[[], bool], said: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {said}"
        time.sleep(0.02)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Serving:
    """Broker and service in a folder; every process is ended by `close`."""

    folder: Path
    database_url: str
    mqtt_port: int = field(default_factory=free_port)
    web_port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("cloud", "gw-1"):
            self.write(f"{name}.password", f"secret-of-{name}")
        self.write("shop.key", "x" * 32)
        self.write("shop.webhook", "whsec_" + "A" * 32)
        self.write(
            "broker.toml",
            f'kind = "amqtt"\nport = {self.mqtt_port}\ndata_dir = "broker"\n'
            '[[users]]\nusername = "cloud"\npassword_file = "cloud.password"\nrole = "cloud"\n'
            '[[users]]\nusername = "gw-1"\npassword_file = "gw-1.password"\nrole = "gateway"\n',
        )
        self.write(
            "cloud.toml",
            f'database_url = "{self.database_url}"\ndata_dir = "cloud"\n'
            f'[web]\nport = {self.web_port}\npublic_url = "http://127.0.0.1:{self.web_port}"\n'
            f'[broker]\nport = {self.mqtt_port}\npassword_file = "cloud.password"\n'
            f'[shop]\nbase_url = "http://127.0.0.1:{free_port()}"\napi_key_file = "shop.key"\n'
            'webhook_secret_file = "shop.webhook"\nprivate_address_allowed = true\n',
        )
        self.write(
            "home.toml",
            'household_id = "hh-1"\ngateways = ["gw-1"]\n'
            '[[slots]]\ndevice_id = "btn-kitchen"\nfamily = "button"\nslot_key = "button-1"\n'
            'metering = "press"\n'
            '[[slots]]\ndevice_id = "trv-living"\nfamily = "thermostat"\nslot_key = "filter"\n'
            'metering = "usage"\n',
        )

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def set_up(self) -> None:
        """Introduce the home; in this process, since starting another takes a second."""
        database = Database.open(self.database_url)
        migrate(database)
        with database.write() as connection:
            homes.install(connection, homes.read(self.folder / "home.toml"), datetime.now(UTC))
        database.close()

    def sign_in_token(self) -> str:
        database = Database.open(self.database_url)
        with database.write() as connection:
            token = households.sign_in_link(
                connection, role=Role.HOUSEHOLD, household_id="hh-1", now=datetime.now(UTC)
            )
        database.close()
        return token

    def start_broker(self) -> None:
        self._run("broker", "zodra_sim", "broker", "--config", str(self.folder / "broker.toml"))
        until(lambda: listens(self.mqtt_port), "the broker listens")

    def start(self) -> None:
        connected = len(self.events("broker_connected"))
        self._run("cloud", "zodra_cloud", "serve", "--config", str(self.folder / "cloud.toml"))
        until(lambda: self.is_up() or self.has_ended("cloud"), "the service answers")
        assert not self.has_ended("cloud"), self.said()
        until(lambda: len(self.events("broker_connected")) > connected, "it is subscribed")

    def is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def terminate(self, name: str = "cloud") -> int:
        """End a process politely; give its exit code. One that does not end is a failure."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE_S)

    def has_ended(self, name: str) -> bool:
        return self.processes[name].poll() is not None

    def said(self) -> str:
        log = self.folder / "cloud.log"
        return log.read_text() if log.exists() else ""

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [line for line in self.said().splitlines() if line.startswith("{")]
        return [each for each in map(json.loads, lines) if each.get("event") == name]

    def close(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def _run(self, name: str, module: str, *words: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", module, *words], stdout=log, stderr=log
            )


class TalkingGateway:
    """The account of gw-1 at the broker; remembers its receipts."""

    def __init__(self, port: int) -> None:
        self.address = Address("hh-1", "gw-1")
        self.receipts: list[Receipt] = []
        self.heard: list[tuple[str, bytes]] = []
        self.ready = False
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="gw-1")
        self.client.username_pw_set("gw-1", "secret-of-gw-1")
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.connect_async("127.0.0.1", port)
        self.client.loop_start()
        until(lambda: self.ready, "the gateway is connected")

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe(f"down/{self.address.household_id}/{self.address.gateway_id}/+", 1)

    def _on_subscribe(self, *_: Any) -> None:
        self.ready = True

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == down(self.address, Down.RECEIPT):
            self.receipts.append(read_receipt(bytes(message.payload)))
        self.heard.append((message.topic, bytes(message.payload)))

    def send(self, message: UpMessage | bytes) -> None:
        raw = message if isinstance(message, bytes) else to_bytes(message)
        self.client.publish(up(self.address), raw, qos=1)

    def upto(self, buffer_id: str) -> int:
        return max(
            (each.upto for each in list(self.receipts) if each.buffer_id == buffer_id), default=0
        )

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
