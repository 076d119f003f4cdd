"""How many readings a second the gateway carries, from the home's broker to the cloud's receipt.

A thermostat as Zigbee2MQTT publishes it sends five readings a message, a plainer device one; each
is decoded, judged, sent, committed with full sync unless its receipt is there before, receipted by
a stand-in for the cloud, and deleted. What arrives is compared with what was sent, one by one. The
load is a process of its own, and always a little ahead of what has arrived. Memory is sampled twice
a second.

Run alone: `python -m bench.edge_rate --readings 2000000`.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench import world

DEVICES = 120
READINGS_MAX = 10_000_000
SECONDS_MAX = 900.0
STUCK_S_MAX = 20.0
"""Without any reading for this long, the measurement is over."""
SAMPLE_S = 0.5
TOLD_S = 0.05
AHEAD_MAX = 50_000
"""Readings that may be on their way. A gateway keeps the newest million, and drops the oldest."""


def publish(port: int, messages: int, *, full: bool) -> None:
    """Publish as fast as it arrives; in its own process, to share no lock with us.

    Standard input says, line by line, how many readings have arrived.
    """
    arrived = 0

    def listen() -> None:
        nonlocal arrived
        for line in sys.stdin:
            arrived = int(line)

    threading.Thread(target=listen, daemon=True).start()
    per_message = 5 if full else 1
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="load")
    client.connect("127.0.0.1", port)
    client.loop_start()
    for number in range(messages):
        device, _ = world.name_of(number, DEVICES)
        payload = world.payload_of(number, DEVICES, full=full)
        client.publish(f"zigbee2mqtt/{device}", payload, qos=0)
        while len(client._out_packet) > 2_000 or number * per_message > arrived + AHEAD_MAX:
            time.sleep(0.001)
    while client._out_packet:
        time.sleep(0.01)
    client.disconnect()
    client.loop_stop()


def share(samples: list[float], first: float, last: float) -> float:
    """Average the samples between two parts of the run."""
    part = samples[int(len(samples) * first) : max(1, int(len(samples) * last))]
    return sum(part) / len(part) if part else 0.0


def measure(readings: int = 100_000, per_message: int = 5, extra: str = "") -> dict[str, float]:
    """Measure once.

    Args:
        readings: sent in all, at most `READINGS_MAX`.
        per_message: five, or one.
        extra: further sections of the agent's settings.

    Returns:
        Readings a second from the first message sent to the last receipt; how many were sent, lost
        and doubled; memory in the first and in the last tenth of the run, in MB; processor time.
    """
    full = per_message == 5
    messages = min(readings, READINGS_MAX) // per_message
    expected = messages * per_message
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zodra-bench-")))
        home = stack.enter_context(world.mosquitto(folder))
        cloud = stack.enter_context(world.mosquitto(folder))
        peer = world.Peer(cloud.port)
        stack.callback(peer.close)
        config = world.settings(folder, home.port, cloud.port, world.thermostats(DEVICES), extra)
        agent = stack.enter_context(world.agent(config))
        cpu_before, began = agent.cpu_s(), time.monotonic()
        words = ["--load", str(home.port), str(messages), "full" if full else "one"]
        load = subprocess.Popen(
            [sys.executable, "-m", "bench.edge_rate", *words], stdin=subprocess.PIPE, text=True
        )
        stack.callback(load.wait)
        stack.callback(load.kill)
        rss: list[float] = []
        sampled_s = began
        while peer.readings < expected and time.monotonic() - began < SECONDS_MAX:
            time.sleep(TOLD_S)
            with contextlib.suppress(BrokenPipeError):
                print(peer.readings, file=load.stdin, flush=True)
            if time.monotonic() - sampled_s >= SAMPLE_S:
                sampled_s = time.monotonic()
                rss.append(agent.rss_mb())
            if time.monotonic() - max(began, peer.last_s) > STUCK_S_MAX:
                break
        took = peer.last_s - began
        time.sleep(SAMPLE_S)
        return {
            "readings_per_s": peer.readings / took,
            "readings_sent": expected,
            "lost": expected - peer.readings + peer.doubled,
            "doubled": peer.doubled,
            "seconds": took,
            "rss_mb_first": share(rss, 0.0, 0.1),
            "rss_mb_last": share(rss, 0.9, 1.0),
            "rss_mb_peak": max(rss),
            "cpu_share": (agent.cpu_s() - cpu_before) / took,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--load", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--readings", type=int, default=100_000)
    parser.add_argument("--per-message", type=int, default=5, choices=(1, 5))
    parser.add_argument("--extra", default="", help="further sections of the agent's settings")
    asked = parser.parse_args()
    if asked.load:
        port, messages, kind = asked.load
        publish(int(port), int(messages), full=kind == "full")
        return
    for name, value in measure(
        asked.readings, asked.per_message, asked.extra.replace("\\n", "\n")
    ).items():
        print(f"{name:>20} {value:,.2f}")


if __name__ == "__main__":
    main()
