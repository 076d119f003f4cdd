"""How many readings and need-moments a second the cloud takes in, each receipted after its commit.

`zodra-cloud serve` runs as users run it, behind a broker started as users start it. Simulated
gateways in processes of their own keep a window of batches under way and send the next when a
receipt comes, as a real gateway with a backlog does. What is counted is receipted rows; the time
of a batch runs from its publish to the receipt that covers it. All of it shares one machine.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import zstandard
from paho.mqtt.enums import CallbackAPIVersion

from zodra_contract.envelope import read_receipt
from zodra_contract.topics import Address, Down, down, up

GATEWAYS = 16
PROCESSES = 2
WINDOW = 8
READINGS_PER_BATCH = 100
NEEDS_PER_BATCH = 50
WARM_UP_S = 1.0
SECONDS_MAX = 120.0
ROWS_MAX = 5_000_000
"""A gateway sends at most its share of these, however fast the cloud is."""
DEVICES = ("btn-kitchen", "trv-living")
KINDS = ("room_temperature_c", "heating_demand_percent", "battery_percent")


@dataclass(frozen=True)
class Plan:
    """What one publishing process does."""

    port: int
    gateways: list[str]
    lane: str
    rows_per_batch: int
    seconds: float
    rows_max: int


class Gateway:
    """One gateway with a backlog that never ends."""

    def __init__(self, gateway_id: str, plan: Plan) -> None:
        self.id = gateway_id
        self.plan = plan
        self.address = Address(f"hh-{gateway_id}", gateway_id)
        self.sequence = 0
        self.upto = 0
        self.sent: deque[tuple[int, float]] = deque()
        self.done: list[tuple[float, float, int]] = []
        self.wake = threading.Condition()
        self.packer = zstandard.ZstdCompressor(level=3)
        self.buffer = f"b{os.getpid()}-{time.time_ns() % 10**9}"
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=gateway_id)
        self.client.username_pw_set(gateway_id, secret(gateway_id))
        self.client.max_inflight_messages_set(WINDOW * 2)
        self.client.on_message = self.on_message
        self.client.connect("127.0.0.1", plan.port)
        self.client.subscribe(down(self.address, Down.RECEIPT), 0)
        self.client.loop_start()

    def on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        receipt = read_receipt(bytes(message.payload))
        now = time.monotonic()
        assert receipt.refused is None, receipt
        assert not receipt.rejected, receipt
        with self.wake:
            self.upto = max(self.upto, receipt.upto)
            while self.sent and self.sent[0][0] <= self.upto:
                _, sent_at = self.sent.popleft()
                self.done.append((now, now - sent_at, self.plan.rows_per_batch))
            self.wake.notify()

    def run(self, until: float) -> None:
        while time.monotonic() < until and self.sequence < self.plan.rows_max:
            payload = self.batch()
            with self.wake:
                while len(self.sent) >= WINDOW and time.monotonic() < until:
                    self.wake.wait(0.5)
                self.sent.append((self.sequence, time.monotonic()))
            self.client.publish(up(self.address), payload, qos=1)
        self.client.disconnect()
        self.client.loop_stop()

    def batch(self) -> bytes:
        first = self.sequence + 1
        self.sequence += self.plan.rows_per_batch
        row = self.need_row if self.plan.lane == "need" else self.reading_row
        rows = ",".join(row(number) for number in range(first, self.sequence + 1))
        now = datetime.now(UTC).isoformat()
        rest = (
            ""
            if self.plan.lane == "need"
            else (f'"base_at":"{now}","quality":"synced","error_ms":20,')
        )
        text = (
            f'{{"version":1,"lane":"{self.plan.lane}","gateway_id":"{self.id}","boot_id":"boot-1",'
            f'"sent_at":"{now}","buffer_id":"{self.buffer}","kept_from":{self.upto + 1},{rest}'
            f'"rows":[{rows}]}}'
        )
        return self.packer.compress(text.encode())

    def reading_row(self, number: int) -> str:
        value = 19.0 + number % 37 / 10
        device, kind = DEVICES[number % len(DEVICES)], KINDS[number % len(KINDS)]
        return f'[{number},"{device}","{kind}",{value:.1f},{number * 7}]'

    def need_row(self, number: int) -> str:
        # The thermostat's filter is bound to nothing: decided at once, without asking a shop.
        return (
            f'[{number},{{"signal_id":"p_{self.buffer}_{number}","device_id":"trv-living",'
            f'"slot_key":"filter","kind":"service_due","occurred_at":"2026-11-22T08:00:00Z",'
            f'"time":{{"boot_id":"boot-1","monotonic_ms":{number},"quality":"synced",'
            f'"error_ms":20}},"evidence":{{"hours":{number}}},"authenticated":true}}]'
        )


def secret(gateway_id: str) -> str:
    return f"secret-of-{gateway_id}"


def publish(plan: Plan) -> dict[str, Any]:
    """Run one publishing process."""
    gateways = [Gateway(each, plan) for each in plan.gateways]
    started = time.monotonic()
    threads = [
        threading.Thread(target=each.run, args=(started + plan.seconds,)) for each in gateways
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = sorted(entry for each in gateways for entry in each.done)
    counted = [entry for entry in done if entry[0] - started >= WARM_UP_S]
    if not counted:
        return {"rows": 0, "span_s": 0.0, "times_ms": []}
    times_ms = [round(took * 1_000, 3) for _, took, _ in counted]
    return {
        "rows": sum(rows for _, _, rows in counted),
        "span_s": counted[-1][0] - started - WARM_UP_S,
        "times_ms": times_ms[:: max(1, len(times_ms) // 20_000)],
    }


def measure(database_url: str, broker: str, seconds: float) -> dict[str, Any]:
    """Measure both lanes, one after the other, on an empty database.

    Args:
        database_url: of an empty database.
        broker: `amqtt`, `mosquitto` or `nats`.
        seconds: for each lane, with the first `WARM_UP_S` not counted; at most `SECONDS_MAX`.

    Returns:
        Rates, and the times from publish to receipt in milliseconds.
    """
    seconds = min(seconds, SECONDS_MAX)
    with tempfile.TemporaryDirectory(prefix="zodra-bench-") as folder:
        world = World(Path(folder), database_url, broker)
        try:
            world.start()
            readings = world.lane("telemetry", READINGS_PER_BATCH, seconds)
            needs = world.lane("need", NEEDS_PER_BATCH, seconds)
            return {
                "database": database_url.split(":", 1)[0].split("+")[0],
                "broker": broker,
                "gateways": GATEWAYS,
                "readings_per_batch": READINGS_PER_BATCH,
                **{f"readings_{name}": value for name, value in readings.items()},
                **{f"needs_{name}": value for name, value in needs.items()},
                "service_rss_mb": world.rss_mb(),
            }
        finally:
            world.stop()


class World:
    """The broker and the service under measurement."""

    def __init__(self, folder: Path, database_url: str, broker: str) -> None:
        self.folder = folder
        self.gateways = [f"gw-{number}" for number in range(GATEWAYS)]
        self.mqtt_port, self.web_port = free_port(), free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.write("cloud.password", "secret-of-cloud")
        self.write("shop.key", "x" * 32)
        self.write("shop.webhook", "whsec_" + "A" * 32)
        users = [("cloud", "cloud"), *((each, "gateway") for each in self.gateways)]
        for name, _ in users:
            self.write(f"{name}.password", secret(name))
        self.write(
            "broker.toml",
            f'kind = "{broker}"\nport = {self.mqtt_port}\ndata_dir = "broker"\n'
            + "".join(
                f'[[users]]\nusername = "{name}"\npassword_file = "{name}.password"\n'
                f'role = "{role}"\n'
                for name, role in users
            ),
        )
        self.write(
            "cloud.toml",
            f'database_url = "{database_url}"\ndata_dir = "cloud"\nlog_level = "warning"\n'
            f"[web]\nport = {self.web_port}\n"
            f'[broker]\nport = {self.mqtt_port}\npassword_file = "cloud.password"\n'
            '[shop]\nbase_url = "http://127.0.0.1:9"\napi_key_file = "shop.key"\n'
            'webhook_secret_file = "shop.webhook"\nprivate_address_allowed = true\n',
        )
        for each in self.gateways:
            self.write(f"{each}.toml", home(each))

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def start(self) -> None:
        for each in self.gateways:
            self.cloud("set-up", "--home", str(self.folder / f"{each}.toml"))
        self.run("zodra_sim", "broker", "--config", str(self.folder / "broker.toml"))
        wait_for(self.mqtt_port)
        self.run("zodra_cloud", "serve", "--config", str(self.folder / "cloud.toml"))
        wait_for(self.web_port)

    def cloud(self, command: str, *words: str) -> None:
        config = str(self.folder / "cloud.toml")
        argv = [sys.executable, "-m", "zodra_cloud", command, "--config", config, *words]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)

    def run(self, module: str, *words: str) -> None:
        with (self.folder / f"{module}.log").open("ab") as log:
            argv = [sys.executable, "-m", module, *words]
            self.processes.append(subprocess.Popen(argv, stdout=log, stderr=log))

    def lane(self, lane: str, rows_per_batch: int, seconds: float) -> dict[str, float]:
        shares = [self.gateways[number::PROCESSES] for number in range(PROCESSES)]
        plans = [
            Plan(
                self.mqtt_port, share, lane, rows_per_batch, seconds + WARM_UP_S,
                ROWS_MAX // GATEWAYS,
            )
            for share in shares
        ]  # fmt: skip
        publishers = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "bench.ingest_rate",
                    "--publisher",
                    json.dumps(asdict(plan)),
                ],
                stdout=subprocess.PIPE,
            )
            for plan in plans
        ]
        results = []
        for publisher in publishers:
            out, _ = publisher.communicate(timeout=seconds + 60)
            if publisher.returncode != 0:
                raise RuntimeError(f"a publisher failed; the service said: {self.said()}")
            results.append(json.loads(out))
        times_ms = sorted(took for each in results for took in each["times_ms"])
        if len(times_ms) < 2:
            raise RuntimeError(f"nothing was receipted; the service said: {self.said()}")
        cuts = statistics.quantiles(times_ms, n=100)
        span_s = max(each["span_s"] for each in results)
        return {
            "per_s": round(sum(each["rows"] for each in results) / span_s),
            "p50_ms": round(cuts[49], 1),
            "p99_ms": round(cuts[98], 1),
        }

    def said(self) -> str:
        log = self.folder / "zodra_cloud.log"
        return log.read_text()[-1_000:] if log.exists() else "nothing"

    def rss_mb(self) -> int:
        status = Path(f"/proc/{self.processes[-1].pid}/status").read_text()
        kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        return round(int(kib) / 1024)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def home(gateway_id: str) -> str:
    slots = "".join(
        f'[[slots]]\ndevice_id = "{device}"\nfamily = "{family}"\nslot_key = "{slot}"\n'
        f'metering = "usage"\n'
        for device, family, slot in (
            ("btn-kitchen", "button", "button-1"),
            ("trv-living", "thermostat", "filter"),
        )
    )
    return f'household_id = "hh-{gateway_id}"\ngateways = ["{gateway_id}"]\n{slots}'


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"nothing listens on port {port}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--publisher", help=argparse.SUPPRESS)
    parser.add_argument("--database", default="", help="URL; a fresh SQLite file if not given")
    parser.add_argument("--broker", default="mosquitto")
    parser.add_argument("--seconds", type=float, default=5.0)
    args = parser.parse_args()
    if args.publisher:
        print(json.dumps(publish(Plan(**json.loads(args.publisher)))))
        return
    with tempfile.TemporaryDirectory(prefix="zodra-bench-db-") as folder:
        database_url = args.database or f"sqlite:///{folder}/cloud.db"
        print(json.dumps(measure(database_url, args.broker, args.seconds), indent=2))


if __name__ == "__main__":
    main()
