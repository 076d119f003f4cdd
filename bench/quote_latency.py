"""From a need to the quote that the household sees, while needs come at a steady rate.

Gateways of many homes publish presses through mosquitto; `zodra-cloud serve` takes them in, decides
and asks `zodra-sim shop`, each a process as users start it. Every press is of another slot, since
a slot with an open quote gets no second one. The time of a need runs from the instant at which its
gateway publishes it to the one at which another connection reads that its quote is open, so after
the commit; both on this machine's clock. Processor time is the kernel's count for each process,
from the first need to the last quote, shared among the needs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.world import cpu_s, free_port, mosquitto, percentiles_ms, wait_for
from postgresql_server import PostgresqlMissing, PostgresqlServer
from shop_process import ShopProcess
from zodra_cloud.store.engine import Database
from zodra_cloud.store.migrate import migrate
from zodra_contract.ids import derived_id
from zodra_contract.topics import Address, up

HOMES: Final = 400
WARM_UP_S: Final = 5.0
LATE_S_MAX: Final = 30.0
"""For what is still on its way when the last need was sent."""
LOOK_EVERY_S: Final = 0.01
LOOK_BACK: Final = 2_000
"""Jobs: on PostgreSQL a unit of work may commit after one that took its numbers later."""
SETTINGS: Final = """
database_url = "{url}"
data_dir = "cloud"
log_level = "warning"
[web]
port = {web}
[broker]
port = {mqtt}
password_file = "api.key"
[shop]
base_url = "{shop}"
api_key_file = "api.key"
webhook_secret_file = "webhook.secret"
private_address_allowed = true
"""
CATALOGUE: Final = """
[merchant]
id = "demo-shop"
name = "Demo shop"
currency = "EUR"
countries = ["NL"]
[shipping]
id = "standard"
title = "Standard"
price = 295
free_from = 2500
vat_percent = 21
[[items]]
sku = "towels"
title = { en = "Towels", nl = "Doekjes" }
price = 799
vat_percent = 21
stock = 1000000
"""


def furnish(url: str, slots: int) -> None:
    """Store the homes: each with a gateway, its consent and so many bound buttons."""
    database, at_ms = Database.open(url), int(time.time() * 1_000)
    migrate(database)
    homes = [f"hh-{number}" for number in range(HOMES)]
    buttons = [(home, f"btn-{number}") for home in homes for number in range(slots)]
    rows: list[tuple[str, list[tuple[Any, ...]]]] = [
        (
            "INSERT INTO households (household_id, language, time_zone, created_at)"
            " VALUES (?, 'nl', 'Europe/Amsterdam', ?)",
            [(home, at_ms) for home in homes],
        ),
        (
            "INSERT INTO gateways (gateway_id, household_id, secret_hash, created_at)"
            " VALUES (?, ?, '-', ?)",
            [(f"gw-{home}", home, at_ms) for home in homes],
        ),
        (
            "INSERT INTO consents (household_id, purpose, granted, person_id, recorded_at,"
            " notice_version, language, method)"
            " VALUES (?, 'replenish', 1, 'u-1', ?, '1', 'nl', 'page')",
            [(home, at_ms) for home in homes],
        ),
        (
            "INSERT INTO devices (household_id, device_id, family, label, created_at)"
            " VALUES (?, ?, 'button', '', ?)",
            [(*button, at_ms) for button in buttons],
        ),
        (
            "INSERT INTO slots (household_id, device_id, slot_key, metering, sku, quantity,"
            " currency, staleness_limit_s, updated_at)"
            " VALUES (?, ?, 'b-1', 'press', 'towels', 1, 'EUR', 86400, ?)",
            [(*button, at_ms) for button in buttons],
        ),
    ]
    with database.write() as connection:
        for sql, values in rows:
            connection.exec_driver_sql(
                sql if database.dialect == "sqlite" else sql.replace("?", "%s"), values
            )
    if database.dialect == "postgresql":
        with database.write() as connection:
            connection.exec_driver_sql("ANALYZE")
    database.close()


def batch(number: int) -> tuple[str, bytes]:
    """Make the message of one press: its topic and itself."""
    slot, home = divmod(number, HOMES)
    now = datetime.now(UTC).isoformat()
    need = {
        "signal_id": f"p_{number}",
        "device_id": f"btn-{slot}",
        "slot_key": "b-1",
        "kind": "press",
        "occurred_at": now,
        "time": {"boot_id": "boot-1", "monotonic_ms": number, "quality": "synced", "error_ms": 20},
        "evidence": {"event": "press"},
        "authenticated": True,
    }
    message = {
        "version": 1,
        "lane": "need",
        "gateway_id": f"gw-hh-{home}",
        "boot_id": "boot-1",
        "sent_at": now,
        "buffer_id": "b-1",
        "kept_from": slot + 1,
        "rows": [[slot + 1, need]],
    }
    return up(Address(f"hh-{home}", f"gw-hh-{home}")), json.dumps(message).encode()


@dataclass
class Watch:
    """Sees quotes open as any other process does: by reading what was committed.

    An open quote is stored with the job that lets it expire; new jobs have the highest numbers, so
    that looking costs the same however many quotes there are.
    """

    database: Database
    published_s: dict[str, float] = field(default_factory=dict)
    """By quote; filled by whoever sends."""
    spans_s: dict[str, float] = field(default_factory=dict)
    _seen_to: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def looking(self) -> Iterator[None]:
        thread = threading.Thread(target=self._look_often, name="watch")
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _look_often(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        with self.database.read() as connection:
            found = connection.exec_driver_sql(
                "SELECT job_id, key FROM jobs WHERE job_id > "
                f"{self._seen_to - LOOK_BACK} AND kind = 'expire_quote'"
            ).fetchall()
        seen_s = time.time()
        for job_id, key in found:
            self._seen_to = max(self._seen_to, job_id)
            quote_id = key.split(":")[2]
            if quote_id not in self.spans_s:
                self.spans_s[quote_id] = seen_s - self.published_s[quote_id]


def send(port: int, rate: int, needs: int, published_s: dict[str, float]) -> None:
    """Publish so many needs at a steady rate, and note when each went out."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="homes")
    client.max_inflight_messages_set(1_000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    begun_s = time.monotonic()
    for number in range(needs):
        time.sleep(max(0.0, begun_s + number / rate - time.monotonic()))
        topic, payload = batch(number)
        quote_id = derived_id("q", f"hh-{number % HOMES}", f"p_{number}", 1)
        published_s[quote_id] = time.time()
        client.publish(topic, payload, qos=1)
    client.disconnect()
    client.loop_stop()


@contextmanager
def service(folder: Path, url: str, workers: int) -> Iterator[tuple[int, dict[str, list[int]]]]:
    """Run broker, shop and service; gives the broker's port, and the processes by what they are."""
    (folder / "catalogue.toml").write_text(CATALOGUE)
    with ExitStack() as stack:
        broker = stack.enter_context(mosquitto(folder))
        shop = ShopProcess(
            folder, catalogue_file=str(folder / "catalogue.toml"), shipped_after_s=86_400
        )
        stack.enter_context(shop)
        web, config = free_port(), folder / "cloud.toml"
        config.write_text(SETTINGS.format(url=url, web=web, mqtt=broker.port, shop=shop.url))
        commands = [["serve"], *(["work", "--name", str(number)] for number in range(workers))]
        pids: dict[str, list[int]] = {"shop": [shop.pid], "broker": [broker.pid]}
        for command in commands:
            running = subprocess.Popen(
                [sys.executable, "-m", "zodra_cloud", *command, "--config", str(config)],
                stdout=subprocess.DEVNULL,
            )
            pids.setdefault(command[0], []).append(running.pid)
            stack.callback(running.wait, 20)
            stack.callback(running.terminate)
        wait_for(lambda: _listens(web), 30.0, "the service")
        time.sleep(3.0)  # until the workers and the subscription are there
        yield broker.port, pids


def _listens(port: int) -> bool:
    return any(
        line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
    )


@dataclass(frozen=True)
class Figures:
    """What came out."""

    needs: int
    quoted: int
    p50_ms: float
    p99_ms: float
    cpu_ms: dict[str, float]
    """Of each part, for a need."""
    load: float
    """Of the machine, over the last minute."""


def measure(
    url: str,
    rate: int,
    seconds: float,
    workers: int = 0,
    others: dict[str, list[int]] | None = None,
) -> Figures:
    """Send the needs and wait for their quotes.

    Args:
        url: of the database; empty.
        rate: needs a second.
        seconds: for how long, after `WARM_UP_S` that do not count.
        workers: processes beside the one that serves.
        others: processes of the database.
    """
    needs = int(rate * (WARM_UP_S + seconds))
    furnish(url, -(-needs // HOMES))
    database = Database.open(url)
    watch = Watch(database)
    with (
        tempfile.TemporaryDirectory(prefix="zodra-bench-") as folder,
        service(Path(folder), url, workers) as (port, pids),
        watch.looking(),
    ):
        pids = {**pids, **(others or {})}
        before = _used_s(pids)
        send(port, rate, needs, watch.published_s)
        until_s = time.monotonic() + LATE_S_MAX
        while len(watch.spans_s) < needs and time.monotonic() < until_s:
            time.sleep(0.1)
        used_s = _used_s(pids) - before
    database.close()
    counted = set(list(watch.published_s)[int(rate * WARM_UP_S) :])
    spans_s = [span_s for name, span_s in watch.spans_s.items() if name in counted]
    p50_ms, p99_ms = percentiles_ms(spans_s)
    cpu_ms = {name: spent_s / needs * 1_000 for name, spent_s in used_s.items()}
    return Figures(needs, len(watch.spans_s), p50_ms, p99_ms, cpu_ms, os.getloadavg()[0])


def _used_s(pids: dict[str, list[int]]) -> Counter[str]:
    """Say how much processor time each part has used, with the processes that it started."""
    return Counter({name: sum(map(_family_s, of_part)) for name, of_part in pids.items()})


def _family_s(pid: int) -> float:
    spent_s = cpu_s(pid)
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(FileNotFoundError):  # it ended meanwhile
            spent_s += cpu_s(int(child))
    return spent_s


def table(name: str, figures: Figures, rate: int) -> list[tuple[str, str]]:
    """Write the figures as rows."""
    spent = "; ".join(f"{part} {ms:.1f}" for part, ms in sorted(figures.cpu_ms.items()))
    return [
        (
            f"need to quote, {name}, {rate} needs/s, p50 / p99",
            f"{figures.p50_ms:.0f} / {figures.p99_ms:.0f} ms",
        ),
        (
            f"need to quote, {name}: needs without a quote",
            f"{figures.needs - figures.quoted} of {figures.needs:,}",
        ),
        (
            f"need to quote, {name}: processor time of a need, ms (load {figures.load:.1f})",
            f"{sum(figures.cpu_ms.values()):.1f}: {spent}",
        ),
    ]


def sqlite(rate: int, seconds: float) -> list[tuple[str, str]]:
    """Measure on SQLite with full sync."""
    with tempfile.TemporaryDirectory(prefix="zodra-bench-") as folder:
        figures = measure(f"sqlite:///{folder}/cloud.db", rate, seconds)
    return table("SQLite FULL", figures, rate)


def postgresql(rate: int, seconds: float, workers: int) -> list[tuple[str, str]]:
    """Measure on a durable PostgreSQL."""
    try:
        with PostgresqlServer(durable=True) as server:
            others = {"database": [server.pid]}
            figures = measure(server.create("quotes"), rate, seconds, workers, others)
    except PostgresqlMissing as missing:
        return [("need to quote, PostgreSQL", f"not measured: {missing}")]
    return table(f"PostgreSQL, {workers} more workers", figures, rate)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=0, help="beside serve, on PostgreSQL")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    asked = parser.parse_args()
    if asked.only != "postgresql":
        print(*sqlite(asked.rate, asked.seconds), sep="\n")
    if asked.only != "sqlite":
        print(*postgresql(asked.rate, asked.seconds, asked.workers), sep="\n")


if __name__ == "__main__":
    main()
