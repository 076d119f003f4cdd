"""How long a press takes to the cloud's receipt while a long backlog drains, and without one.

The backlog is put into the outbox before the agent starts. Then the agent (`zodra-edge run`), two
mosquittos and the service (`zodra-cloud serve` on SQLite) run as users run them, all on this
machine. Buttons on the home's broker are pressed in turn at even intervals, first while readings
drain, and as often again once none are left. Measured from the publish of the press to the arrival
of the receipt that covers it, by a client that listens to the receipts.

Run alone: `python -m bench.edge_backlog`.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench import world
from zodra_contract.envelope import read_receipt
from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import TimeQuality
from zodra_edge.outbox import KeptReading, Outbox
from zodra_edge.settings import OutboxLimits

ROWS_MAX = 900_000
"""A gateway's own maximum is a million."""
ROWS_PER_COMMIT = 5_000
BUTTONS = 100
PRESS_EVERY_S = 0.05
"""So each button rests for five seconds; within four, one without a counter may be bouncing."""
DRAIN_S_MAX = 120.0
SETTLE_S_MAX = 20.0


async def fill(data_dir: Path, rows: int) -> None:
    """Let readings wait in the outbox."""
    now = datetime.now(UTC)
    data_dir.mkdir()
    async with Outbox(data_dir, OutboxLimits()) as outbox:
        for start in range(0, rows, ROWS_PER_COMMIT):
            await outbox.keep_readings(
                [
                    KeptReading(
                        Reading(
                            device_id="trv-0",
                            kind=ReadingKind.ROOM_TEMPERATURE_C,
                            value=18.0 + number % 50 / 10,
                            observed_at=now,
                        ),
                        TimeQuality.SYNCED,
                        20,
                    )
                    for number in range(start, min(rows, start + ROWS_PER_COMMIT))
                ]
            )


@contextlib.contextmanager
def cloud(folder: Path, broker_port: int) -> Iterator[None]:
    """Run the service with one household, whose slots are bound to nothing."""
    web = world.free_port()
    for name, text in (
        ("cloud.password", "secret"),
        ("shop.key", "x" * 32),
        ("shop.webhook", "whsec_" + "A" * 32),
        (
            "cloud.toml",
            f'database_url = "sqlite:///{folder}/cloud.db"\ndata_dir = "cloud"\n'
            f'log_level = "error"\n[web]\nport = {web}\n'
            f'[broker]\nport = {broker_port}\npassword_file = "cloud.password"\n'
            '[shop]\nbase_url = "http://127.0.0.1:9"\nprivate_address_allowed = true\n'
            'api_key_file = "shop.key"\n'
            'webhook_secret_file = "shop.webhook"\n',
        ),
        (
            "home.toml",
            f'household_id = "{world.HOUSEHOLD}"\ngateways = ["{world.GATEWAY}"]\n'
            + slot("trv-0", "thermostat", "filter", "usage")
            + "".join(slot(f"btn-{n}", "button", "button-1", "press") for n in range(BUTTONS)),
        ),
    ):
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "zodra_cloud"]
    config = ["--config", str(folder / "cloud.toml")]
    subprocess.run(
        [*command, "set-up", *config, "--home", str(folder / "home.toml")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with (folder / "cloud.log").open("wb") as log:
        child = subprocess.Popen([*command, "serve", *config], stdout=log, stderr=log)
    try:
        world.wait_for(lambda: world.connects(web), world.START_S_MAX, "the service")
        yield
    finally:
        child.terminate()
        child.wait(20)


def slot(device: str, family: str, key: str, metering: str) -> str:
    return (
        f'[[slots]]\ndevice_id = "{device}"\nfamily = "{family}"\nslot_key = "{key}"\n'
        f'metering = "{metering}"\n'
    )


def buttons() -> str:
    return world.thermostats(1) + "".join(
        f'[[devices]]\ndevice_id = "btn-{n}"\nfamily = "button"\nslot_key = "button-1"\n'
        f'topic = "zigbee2mqtt/btn-{n}"\n'
        for n in range(BUTTONS)
    )


class Receipts:
    """Notes how far each buffer is receipted, and since when."""

    def __init__(self, port: int) -> None:
        self._marks: dict[str, list[tuple[float, int]]] = {}
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="receipts")
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe("down/+/+/receipt", 0)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not self._ready.wait(10):
            raise TimeoutError("the broker did not answer a subscription")

    def _on_message(self, _: Any, __: Any, message: paho.MQTTMessage) -> None:
        now_s = time.monotonic()
        receipt = read_receipt(bytes(message.payload))
        if receipt.buffer_id is not None:
            self._marks.setdefault(receipt.buffer_id, []).append((now_s, receipt.upto))

    def upto(self, buffer_id: str) -> int:
        return max((upto for _, upto in self._marks.get(buffer_id, [])), default=0)

    def at_s(self, buffer_id: str, upto: int) -> float:
        """Say when a buffer was receipted up to there."""
        return next((at_s for at_s, mark in self._marks.get(buffer_id, []) if mark >= upto), 0.0)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Presser:
    """Presses the buttons in turn."""

    def __init__(self, port: int) -> None:
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="buttons")
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.pressed_s: list[float] = []

    def press(self) -> None:
        """Press the next one, when it is time."""
        if self.pressed_s:
            time.sleep(max(0.0, self.pressed_s[-1] + PRESS_EVERY_S - time.monotonic()))
        button = len(self.pressed_s) % BUTTONS
        self.pressed_s.append(time.monotonic())
        self._client.publish(f"zigbee2mqtt/btn-{button}", b'{"action":"single"}', qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def measure(rows: int = 600_000, presses_min: int = 250) -> dict[str, float]:
    """Measure once.

    Args:
        rows: that wait, at most `ROWS_MAX`.
        presses_min: without a backlog; with one, as many as fit.

    Returns:
        Percentiles with and without a backlog in milliseconds, how many presses they rest on, how
        long the draining took, and how many presses never got a receipt.
    """
    rows = min(rows, ROWS_MAX)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zodra-bench-")))
        asyncio.run(fill(folder / "data", rows))
        home = stack.enter_context(world.mosquitto(folder))
        uplink = stack.enter_context(world.mosquitto(folder))
        stack.enter_context(cloud(folder, uplink.port))
        receipts = Receipts(uplink.port)
        stack.callback(receipts.close)
        agent = stack.enter_context(
            world.agent(world.settings(folder, home.port, uplink.port, buttons()))
        )
        began = time.monotonic()
        need, telemetry = (agent.status()[lane]["buffer_id"] for lane in ("need", "telemetry"))
        presser = Presser(home.port)
        stack.callback(presser.close)
        while receipts.upto(telemetry) < rows and time.monotonic() - began < DRAIN_S_MAX:
            presser.press()
        drained = receipts.upto(telemetry) >= rows
        with_backlog = len(presser.pressed_s)
        time.sleep(1.0)
        for _ in range(presses_min):
            presser.press()
        presses = len(presser.pressed_s)
        with contextlib.suppress(TimeoutError):
            world.wait_for(lambda: receipts.upto(need) >= presses, SETTLE_S_MAX)
        # Each press is the next row of a new file.
        spans = [
            receipts.at_s(need, number + 1) - at_s
            for number, at_s in enumerate(presser.pressed_s[: receipts.upto(need)])
        ]
        p50, p99 = world.percentiles_ms(spans[:with_backlog])
        alone_p50, alone_p99 = world.percentiles_ms(spans[with_backlog:])
        return {
            "backlog_p50_ms": p50,
            "backlog_p99_ms": p99,
            "backlog_presses": with_backlog,
            "alone_p50_ms": alone_p50,
            "alone_p99_ms": alone_p99,
            "ratio_p99": p99 / alone_p99,
            "drained_s": receipts.at_s(telemetry, rows) - began if drained else float("nan"),
            "presses_without_receipt": presses - receipts.upto(need),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=600_000)
    for name, value in measure(parser.parse_args().rows).items():
        print(f"{name:>24} {value:,.2f}")


if __name__ == "__main__":
    main()
