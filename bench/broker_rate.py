"""What each broker carries, takes and needs to start, as `zodra-sim broker` runs it.

One gateway publishes at QoS 1 with 64 messages under way, from a process of its own; the cloud
subscribes at QoS 1. The figure counts what arrived, from the first message that came to the last.
Passwords and topic rights are on, as always.

Run alone: `python -m bench.broker_rate --kind nats`.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psutil
from paho.mqtt.enums import CallbackAPIVersion

from bench.world import connects, free_port, wait_for

KINDS = ("amqtt", "mosquitto", "nats")
PASSWORD = "password-of-the-bench"
TOPIC = "up/hh-bench/gw-bench"
PAYLOAD_BYTES = 128
UNDER_WAY = 64
MESSAGES_MAX = 100_000
SECONDS_MAX = 60.0
REST_S = 1.0


def client_of(username: str, port: int) -> paho.Client:
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=f"bench-{username}", protocol=paho.MQTTv311
    )
    client.username_pw_set(username, PASSWORD)
    client.max_inflight_messages_set(UNDER_WAY)
    client.connect("127.0.0.1", port)
    return client


@contextlib.contextmanager
def broker(kind: str, folder: Path) -> Iterator[tuple[int, psutil.Process, float]]:
    """Run one; give its port, its process, and after how many seconds it listened."""
    port = free_port()
    (folder / "password").write_text(PASSWORD)
    users = "".join(
        f'[[users]]\nusername = "{name}"\npassword_file = "password"\nrole = "{role}"\n'
        for name, role in (("cloud", "cloud"), ("gw-bench", "gateway"))
    )
    config = folder / "broker.toml"
    config.write_text(f'kind = "{kind}"\nport = {port}\ndata_dir = "data"\n{users}')
    command = [str(Path(sys.executable).with_name("zodra-sim")), "broker", "--config", str(config)]
    began = time.monotonic()
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(lambda: connects(port), 20.0)
        yield port, psutil.Process(child.pid), time.monotonic() - began
    finally:
        child.terminate()
        child.wait(10)


def publish(port: int, messages: int) -> None:
    """Publish as fast as acknowledgements come; in its own process, to share no lock with us."""
    client = client_of("gw-bench", port)
    room = threading.Semaphore(UNDER_WAY)
    client.on_publish = lambda *_: room.release()
    client.loop_start()
    for _ in range(messages):
        if not room.acquire(timeout=SECONDS_MAX):
            break
        client.publish(TOPIC, bytes(PAYLOAD_BYTES), qos=1)
    for _ in range(UNDER_WAY):
        room.acquire(timeout=5)
    client.disconnect()
    client.loop_stop()


class Counter:
    """The cloud's side: counts what arrives."""

    def __init__(self, port: int) -> None:
        self.received, self.first_s, self.last_s = 0, 0.0, 0.0
        self._ready = threading.Event()
        self._client = client_of("cloud", port)
        self._client.on_connect = lambda client, *_: client.subscribe("up/+/+", 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.loop_start()
        assert self._ready.wait(20), "the broker did not answer the subscription"

    def _on_message(self, *_: Any) -> None:
        self.received += 1
        self.last_s = time.monotonic()
        self.first_s = self.first_s or self.last_s

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def measure(kind: str, messages: int = 10_000) -> dict[str, float]:
    """Measure one broker once.

    Args:
        kind: one of `KINDS`.
        messages: sent in all, at most `MESSAGES_MAX`; given up after `SECONDS_MAX`.

    Returns:
        Messages a second that arrived, how many were sent and arrived, memory at rest with one
        client in MB, and after how many seconds the broker listened.
    """
    messages = min(messages, MESSAGES_MAX)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zodra-bench-")))
        port, process, start_s = stack.enter_context(broker(kind, folder))
        counter = Counter(port)
        stack.callback(counter.close)
        time.sleep(REST_S)
        rss = sum(each.memory_info().rss for each in [process, *process.children(recursive=True)])
        began = time.monotonic()
        load = subprocess.Popen(
            [sys.executable, "-m", "bench.broker_rate", "--load", str(port), str(messages)]
        )
        stack.callback(load.kill)
        while counter.received < messages and time.monotonic() - began < SECONDS_MAX:
            time.sleep(0.05)
        # From the first that came: the load's own start is Python's, not the broker's.
        took = counter.last_s - counter.first_s
    return {
        "messages_per_s": (counter.received - 1) / took if took else 0.0,
        "messages_sent": messages,
        "messages_received": counter.received,
        "rss_mb": rss / 1e6,
        "start_s": start_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--load", nargs=2, type=int)
    parser.add_argument("--kind", default="amqtt", choices=KINDS)
    parser.add_argument("--messages", type=int, default=10_000)
    asked = parser.parse_args()
    if asked.load:
        publish(*asked.load)
        return
    for name, value in measure(asked.kind, asked.messages).items():
        print(f"{name:>20} {value:,.1f}")


if __name__ == "__main__":
    main()
