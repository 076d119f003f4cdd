"""How long a reading takes from the home's broker to the uplink's broker, at a steady rate.

Measured from the publish to the moment at which a subscriber of the uplink's broker has the batch
with it, in one process with one clock. mosquitto's own bridge carries the same messages at the same
time between the same two brokers, from memory to memory: the shortest way there is.

Run alone: `python -m bench.edge_latency`.
"""

import argparse
import contextlib
import tempfile
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench import world

DEVICES = 20
WARM_UP_S = 1.0
SETTLE_S_MAX = 15.0
BRIDGE = "bridged/"


class Bridged:
    """Notes when each message came over mosquitto's bridge."""

    def __init__(self, port: int) -> None:
        self.arrived_s: list[float] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bridged")
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(f"{BRIDGE}#", 0)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _on_message(self, *_: Any) -> None:
        self.arrived_s.append(time.monotonic())

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def bridge_to(port: int) -> str:
    return (
        f"connection uplink\naddress 127.0.0.1:{port}\nbridge_protocol_version mqttv311\n"
        f"notifications false\ntopic # out 0 zigbee2mqtt/ {BRIDGE}\n"
    )


def measure(per_second: float = 100.0, seconds: float = 10.0, extra: str = "") -> dict[str, float]:
    """Measure once.

    Args:
        per_second: messages, of one reading each.
        seconds: for so long, after a second that is not counted.
        extra: further sections of the agent's settings.

    Returns:
        Both percentiles, of the agent and of the bridge, in milliseconds; how many readings were
        lost and doubled; the agent's processor time, and bytes written a reading.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zodra-bench-")))
        cloud = stack.enter_context(world.mosquitto(folder))
        home = stack.enter_context(world.mosquitto(folder, bridge_to(cloud.port)))
        peer = world.Peer(cloud.port)
        peer.timed = True
        stack.callback(peer.close)
        bridged = Bridged(cloud.port)
        stack.callback(bridged.close)
        config = world.settings(folder, home.port, cloud.port, world.thermostats(DEVICES), extra)
        agent = stack.enter_context(world.agent(config))
        load = world.Load(home.port, DEVICES)
        stack.callback(load.close)
        cpu_before, written_before = agent.cpu_s(), agent.written_bytes()
        load.run(per_second, WARM_UP_S + seconds)
        cpu_s = agent.cpu_s() - cpu_before
        sent_s = load.sent_s
        with contextlib.suppress(TimeoutError):
            world.wait_for(lambda: peer.readings >= len(sent_s), SETTLE_S_MAX)
        time.sleep(0.5)
        written = agent.written_bytes() - written_before
        spans = [
            peer.arrived_s[name] - at_s
            for number, at_s in enumerate(sent_s)
            if number >= per_second * WARM_UP_S
            and (name := world.name_of(number, DEVICES)) in peer.arrived_s
        ]
        # One broker hands one client's messages on in order.
        others = [there - here for here, there in zip(sent_s, bridged.arrived_s, strict=False)]
        p50, p99 = world.percentiles_ms(spans)
        bridge_p50, bridge_p99 = world.percentiles_ms(others[int(per_second * WARM_UP_S) :])
        return {
            "p50_ms": p50,
            "p99_ms": p99,
            "bridge_p50_ms": bridge_p50,
            "bridge_p99_ms": bridge_p99,
            "lost": len(sent_s) - len(peer.numbers),
            "doubled": peer.doubled,
            "cpu_share": cpu_s / (WARM_UP_S + seconds),
            "bytes_a_reading": written / len(sent_s),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-second", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--extra", default="", help="further sections of the agent's settings")
    asked = parser.parse_args()
    extra = asked.extra.replace("\\n", "\n")
    for name, value in measure(asked.per_second, asked.seconds, extra).items():
        print(f"{name:>20} {value:,.2f}")


if __name__ == "__main__":
    main()
