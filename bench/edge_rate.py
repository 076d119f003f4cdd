"""How many readings a second the gateway carries, from the home's broker to the cloud's receipt.

mosquitto stands at both ends, as on a real gateway. A thermostat as Zigbee2MQTT publishes it sends
five readings a message; each is decoded, judged, committed with full sync, sent, receipted by a
stand-in for the cloud, and deleted. The figure counts receipted readings.

Run alone: `python -m bench.edge_rate`.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import zstandard
from paho.mqtt.enums import CallbackAPIVersion

from zodra_contract import envelope, topics
from zodra_contract.envelope import NeedBatch, Receipt, TelemetryBatch

HOUSEHOLD, GATEWAY = "hh-bench", "gw-bench"
READINGS_PER_MESSAGE = 5
DEVICES = 20
MESSAGES_MAX = 200_000
SECONDS_MAX = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class StandIn:
    """Answers each batch with a receipt, as the cloud does after its commit, and counts rows."""

    def __init__(self, port: int) -> None:
        self.readings = 0
        self.needs: dict[str, int] = {}
        self.last_s = 0.0
        self._upto: dict[str, int] = {}
        self._zstd = zstandard.ZstdDecompressor()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="stand-in")
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(topics.UP_FILTER, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _on_message(self, client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        raw = bytes(message.payload)
        if envelope.is_compressed(raw):
            raw = self._zstd.decompress(raw, max_output_size=envelope.MESSAGE_BYTES_UNPACKED_MAX)
        read = envelope.read_up(raw).message
        if not isinstance(read, NeedBatch | TelemetryBatch):
            return
        upto = self._upto.get(read.buffer_id, read.kept_from - 1)
        for row in read.rows:
            if row.sequence > upto:
                upto = row.sequence
                self.readings += isinstance(read, TelemetryBatch)
        self._upto[read.buffer_id] = upto
        self.last_s = time.monotonic()
        receipt = Receipt(buffer_id=read.buffer_id, upto=upto, committed_at=read.sent_at)
        address = topics.parse_up(message.topic)
        client.publish(topics.down(address, topics.Down.RECEIPT), envelope.to_bytes(receipt), qos=0)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """Run a broker as a child; anonymous, on loopback, with a queue that never drops here."""
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    port = free_port()
    config = folder / f"mosquitto-{port}.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
        "log_type error\nset_tcp_nodelay true\n"
    )
    child = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: connects(port), 10.0)
        yield port
    finally:
        child.terminate()
        child.wait(10)


@contextlib.contextmanager
def gateway(folder: Path, home: int, cloud: int) -> Iterator[subprocess.Popen[bytes]]:
    config = folder / "gateway.toml"
    devices = "".join(
        f'[[devices]]\ndevice_id = "trv-{n}"\nfamily = "thermostat"\nslot_key = "filter"\n'
        f'topic = "zigbee2mqtt/trv-{n}"\n'
        for n in range(DEVICES)
    )
    config.write_text(
        f'gateway_id = "{GATEWAY}"\nhousehold_id = "{HOUSEHOLD}"\n'
        f'data_dir = "{folder / "data"}"\nlog_level = "warning"\n'
        f'[cloud]\nhost = "127.0.0.1"\nport = {cloud}\n'
        f'[home_mqtt]\nhost = "127.0.0.1"\nport = {home}\n{devices}'
    )
    child = subprocess.Popen([sys.executable, "-m", "zodra_edge", "run", "--config", str(config)])
    try:
        wait_for(lambda: status(folder).get("home_mqtt", {}).get("connected", False), 20.0)
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(10)


def status(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "data" / "status.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Any, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError("the bench waited too long for a part to start")
        time.sleep(0.02)


def publish(port: int, messages: int, per_second: float | None) -> None:
    """Publish as fast as asked; in its own process, so that it does not share a lock with us."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="load")
    client.connect("127.0.0.1", port)
    client.loop_start()
    began = time.monotonic()
    for number in range(messages):
        if per_second and number % 20 == 0:
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        payload = json.dumps(
            {
                "local_temperature": 18 + number % 40 / 10,
                "occupied_heating_setpoint": 20.5,
                "pi_heating_demand": number % 101,
                "running_state": "heat" if number // DEVICES % 2 else "idle",
                "battery": 100 - number // 5_000,
                "linkquality": 120,
            }
        )
        client.publish(f"zigbee2mqtt/trv-{number % DEVICES}", payload, qos=0)
        while not per_second and client._out_packet and len(client._out_packet) > 2_000:
            time.sleep(0.001)
    client.disconnect()
    client.loop_stop()


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(messages: int = 20_000, per_second: float | None = None) -> dict[str, float]:
    """Measure once.

    Args:
        messages: sent in all, at most `MESSAGES_MAX`; five readings each.
        per_second: messages a second offered; as fast as the load can if None.

    Returns:
        Receipted readings a second, from the first message sent to the last receipt; how many were
        sent and receipted; memory and processor time of the gateway.
    """
    messages = min(messages, MESSAGES_MAX)
    expected = messages * READINGS_PER_MESSAGE
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = stack.enter_context(mosquitto(folder))
        cloud = stack.enter_context(mosquitto(folder))
        stand_in = StandIn(cloud)
        stack.callback(stand_in.close)
        child = stack.enter_context(gateway(folder, home, cloud))
        cpu_before = cpu_s(child.pid)
        began = time.monotonic()
        load = subprocess.Popen(
            [sys.executable, "-m", "bench.edge_rate", "--load", str(home), str(messages)]
            + ([str(per_second)] if per_second else [])
        )
        peak = 0
        while stand_in.readings < expected and time.monotonic() - began < SECONDS_MAX:
            time.sleep(0.1)
            peak = max(peak, status(folder).get("rss_bytes", 0))
        load.wait(SECONDS_MAX)
        took = stand_in.last_s - began
        return {
            "readings_per_s": stand_in.readings / took,
            "readings_sent": expected,
            "readings_receipted": stand_in.readings,
            "seconds": took,
            "rss_mb": peak / 1e6,
            "cpu_share": (cpu_s(child.pid) - cpu_before) / took,
        }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--load", nargs="+")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--per-second", type=float)
    asked = parser.parse_args()
    if asked.load:
        port, messages, *rate = asked.load
        publish(int(port), int(messages), float(rate[0]) if rate else None)
        return
    for name, value in measure(asked.messages, asked.per_second).items():
        print(f"{name:>20} {value:,.1f}")


if __name__ == "__main__":
    main()
