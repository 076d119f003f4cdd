"""What the measurements of the gateway share: brokers, a running agent, the cloud's other end.

The agent is `zodra-edge run` as users run it, in a process of its own; the brokers are mosquitto,
as on a real gateway. Figures about the agent's process come from `/proc`.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import zstandard
from paho.mqtt.enums import CallbackAPIVersion

from zodra_contract import envelope, topics
from zodra_contract.envelope import NeedBatch, Receipt, TelemetryBatch
from zodra_edge.status import look

HOUSEHOLD, GATEWAY = "hh-bench", "gw-bench"
START_S_MAX = 30.0
LOWEST_C, STEPS = -55.0, 17_000
"""A message is told from all others by its device and its temperature, in hundredths of a degree
from here on: what arrives at the other end is compared with what was sent, reading by reading."""
NUMBERED = "room_temperature_c"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Callable[[], Any], seconds: float, what: str = "a part to start") -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"the bench waited in vain for {what}")
        time.sleep(0.02)


def percentiles_ms(spans_s: Sequence[float]) -> tuple[float, float]:
    """Say the 50th and the 99th, in milliseconds; there must be at least two."""
    cuts = statistics.quantiles(spans_s, n=100, method="inclusive")
    return cuts[49] * 1000, cuts[98] * 1000


class Broker:
    """mosquitto as a child; anonymous, on loopback, with a queue that never drops here."""

    def __init__(self, folder: Path, extra: str = "") -> None:
        self.port = free_port()
        self._config = folder / f"mosquitto-{self.port}.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
            f"log_type error\nset_tcp_nodelay true\n{extra}"
        )
        self._child: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def pid(self) -> int:
        """Of the running child."""
        assert self._child is not None
        return self._child.pid

    def start(self) -> float:
        """Start it; returns the moment at which it could be connected to."""
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._child = subprocess.Popen(
            [program, "-c", str(self._config)], stderr=subprocess.DEVNULL
        )
        wait_for(lambda: connects(self.port), 10.0, "mosquitto")
        return time.monotonic()

    def stop(self) -> None:
        if self._child is not None:
            self._child.terminate()
            self._child.wait(10)
            self._child = None


@contextlib.contextmanager
def mosquitto(folder: Path, extra: str = "") -> Iterator[Broker]:
    broker = Broker(folder, extra)
    try:
        yield broker
    finally:
        broker.stop()


def thermostats(count: int) -> str:
    return "".join(
        f'[[devices]]\ndevice_id = "trv-{n}"\nfamily = "thermostat"\nslot_key = "filter"\n'
        f'topic = "zigbee2mqtt/trv-{n}"\n'
        for n in range(count)
    )


def settings(
    folder: Path, home: int, cloud: int, devices: str, extra: str = "", top: str = ""
) -> Path:
    """Write the agent's settings; `extra` holds further sections, `top` lines before them."""
    config = folder / "gateway.toml"
    config.write_text(
        f'gateway_id = "{GATEWAY}"\nhousehold_id = "{HOUSEHOLD}"\n'
        f'data_dir = "{folder / "data"}"\nlog_level = "error"\n{top}'
        f'[cloud]\nhost = "127.0.0.1"\nport = {cloud}\n'
        f'[home_mqtt]\nhost = "127.0.0.1"\nport = {home}\n'
        # A hundred devices stand for what a thousand would send.
        f"device_messages_per_s_max = 1000000\n{extra}{devices}"
    )
    return config


def status(folder: Path) -> dict[str, Any]:
    """Read what the agent says about itself; empty before it said anything."""
    found = look(folder / "data").status
    return {} if found is None else found.model_dump(mode="json")


def cpu_s(pid: int) -> float:
    """Say how much processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Agent:
    """The process under measurement."""

    def __init__(self, config: Path) -> None:
        self._folder = config.parent
        self._child = subprocess.Popen(
            [sys.executable, "-m", "zodra_edge", "run", "--config", str(config)],
            cwd=Path(__file__).parents[1],
        )
        self.pid = self._child.pid

    def status(self) -> dict[str, Any]:
        found = status(self._folder)
        return found if found.get("pid") == self.pid else {}

    def is_up(self) -> bool:
        """Whether both brokers have taken it in."""
        if self._child.poll() is not None:
            raise RuntimeError(f"the agent ended with {self._child.returncode}")
        found = self.status()
        home = found.get("home_mqtt") or {}
        return bool(home.get("connected")) and found["cloud"]["state"] == "online"

    def cpu_s(self) -> float:
        return cpu_s(self.pid)

    def rss_mb(self) -> float:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def written_bytes(self) -> int:
        """Count what it made dirty on a real file system, less what was dropped unwritten."""
        lines = Path(f"/proc/{self.pid}/io").read_text().splitlines()
        found = {name: int(value) for name, _, value in (line.partition(":") for line in lines)}
        return found["write_bytes"] - found["cancelled_write_bytes"]

    def stop(self) -> None:
        self._child.send_signal(signal.SIGTERM)
        self._child.wait(20)


@contextlib.contextmanager
def agent(config: Path) -> Iterator[Agent]:
    running = Agent(config)
    try:
        wait_for(running.is_up, START_S_MAX, "the agent")
        yield running
    finally:
        running.stop()


class Peer:
    """Stands in for the cloud: receipts each batch as the cloud does after its commit, counts."""

    def __init__(self, port: int, *, receipts: bool = True) -> None:
        self.readings = 0
        self.kinds: Counter[str] = Counter()
        self.numbers: Counter[tuple[str, int]] = Counter()
        self.arrived_s: dict[tuple[str, int], float] = {}
        """When a numbered reading came first."""
        self.timed = False
        """Whether to note that."""
        self.needs = 0
        self.last_s = 0.0
        self.resent = 0
        """Rows that came again; the cloud knows them by their sequence, and so does this."""
        self._upto: dict[str, int] = {}
        self._receipts = receipts
        self._subscribed = threading.Event()
        self._zstd = zstandard.ZstdDecompressor()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="stand-in")
        self._client.reconnect_delay_set(0.02, 0.02)  # type: ignore[arg-type] # any number does
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(topics.UP_FILTER, 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not self._subscribed.wait(10):
            raise TimeoutError("the broker did not answer a subscription")

    def _on_message(self, client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        now_s = time.monotonic()
        raw = bytes(message.payload)
        if envelope.is_compressed(raw):
            raw = self._zstd.decompress(raw, max_output_size=envelope.MESSAGE_BYTES_UNPACKED_MAX)
        read = envelope.read_up(raw).message
        if not isinstance(read, NeedBatch | TelemetryBatch):
            return
        upto = self._upto.get(read.buffer_id, read.kept_from - 1)
        for row in read.rows:
            if row.sequence <= upto:
                self.resent += 1
                continue
            upto = row.sequence
            if isinstance(read, NeedBatch):
                self.needs += 1
            else:
                self._count(row, now_s)
        self._upto[read.buffer_id] = upto
        self.last_s = time.monotonic()
        if not self._receipts:
            return
        receipt = Receipt(buffer_id=read.buffer_id, upto=upto, committed_at=read.sent_at)
        address = topics.parse_up(message.topic)
        client.publish(topics.down(address, topics.Down.RECEIPT), envelope.to_bytes(receipt), qos=0)

    def _count(self, row: Any, now_s: float) -> None:
        self.readings += 1
        self.kinds[row.kind] += 1
        if row.kind == NUMBERED:
            name = row.device_id, round((row.value - LOWEST_C) * 100)
            self.numbers[name] += 1
            if self.timed:
                self.arrived_s.setdefault(name, now_s)

    @property
    def doubled(self) -> int:
        """Count numbered readings that are there twice."""
        return self.numbers.total() - len(self.numbers)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def name_of(number: int, devices: int) -> tuple[str, int]:
    """Name a message by its device and its step; see `LOWEST_C`."""
    if number >= devices * STEPS:
        raise ValueError(f"{devices} devices can tell {devices * STEPS} messages apart")
    return f"trv-{number % devices}", number // devices


def payload_of(number: int, devices: int, *, full: bool) -> bytes:
    """Write a thermostat's message; of five readings, or of its temperature alone."""
    told: dict[str, Any] = {
        "local_temperature": round(LOWEST_C + number // devices / 100, 2),
        "linkquality": 120,
    }
    if full:
        told |= {
            "occupied_heating_setpoint": 20.5,
            "pi_heating_demand": number % 101,
            "running_state": "heat" if number // devices % 2 else "idle",
            "battery": 100 - number // 5_000 % 100,
        }
    return json.dumps(told).encode()


class Load:
    """Publishes at a steady rate from a thread, and notes when."""

    def __init__(self, port: int, devices: int) -> None:
        self._devices = devices
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="load")
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._stop = threading.Event()
        self.sent_s: list[float] = []

    def run(self, per_second: float, seconds: float, *, full: bool = False) -> None:
        """Publish until the time is over, or `close`."""
        began, start = time.monotonic(), len(self.sent_s)
        for count in range(int(per_second * seconds)):
            pause = began + count / per_second - time.monotonic()
            if self._stop.wait(max(0.0, pause)):
                return
            number = start + count
            payload = payload_of(number, self._devices, full=full)
            device, _ = name_of(number, self._devices)
            self.sent_s.append(time.monotonic())
            self._client.publish(f"zigbee2mqtt/{device}", payload, qos=0)

    def close(self) -> None:
        self._stop.set()
        self._client.disconnect()
        self._client.loop_stop()
