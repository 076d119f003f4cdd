"""A small cloud on a real broker, which stores and then receipts; and the edge that talks to it."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiomqtt

from edge_broker import PASSWORD, USER
from faults import worlds
from faults.ledger import Ledger
from zodra_contract import topics
from zodra_contract.command import Command, CommandOutcome
from zodra_contract.envelope import HealthReport, to_bytes
from zodra_contract.outcome import SignalOutcome
from zodra_contract.signal import TimeQuality
from zodra_contract.topics import Address, Down
from zodra_edge.clock import Clock
from zodra_edge.outbox import Kept, Outbox
from zodra_edge.settings import Settings
from zodra_edge.uplink import Hooks, Uplink


@dataclass
class SmallCloud:
    """Commits each batch in one transaction, and says so after."""

    path: Path
    address: Address
    client: aiomqtt.Client
    ledger: Ledger = field(default_factory=Ledger)

    async def serve(self) -> None:
        store = sqlite3.connect(self.path)
        store.execute("CREATE TABLE IF NOT EXISTS need (signal_id TEXT PRIMARY KEY, place INTEGER)")
        async for message in self.client.messages:
            assert isinstance(message.payload, bytes)
            receipt = self.ledger.take(self.address.gateway_id, message.payload, datetime.now(UTC))
            with store:
                store.executemany(
                    "INSERT OR IGNORE INTO need VALUES (?, ?)",
                    [(name, place) for name, (_, _, place) in self.ledger.needs.items()],
                )
            if receipt is not None:
                topic = topics.down(self.address, Down.RECEIPT)
                await self.client.publish(topic, to_bytes(receipt), qos=1)

    def stored(self) -> dict[str, int]:
        store = sqlite3.connect(self.path)
        rows = dict(store.execute("SELECT signal_id, place FROM need ORDER BY place"))
        store.close()
        return rows


@contextlib.asynccontextmanager
async def small_cloud(port: int, address: Address, path: Path) -> AsyncIterator[SmallCloud]:
    """Serve until the end of the block."""
    async with aiomqtt.Client(
        "127.0.0.1", port, username=USER, password=PASSWORD, timeout=20
    ) as client:
        await client.subscribe(topics.up(address), qos=1)
        served = SmallCloud(path, address, client)
        task = asyncio.create_task(served.serve())
        try:
            yield served
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert not served.ledger.faults


@dataclass
class Edge:
    """The real outbox and uplink."""

    outbox: Outbox
    uplink: Uplink
    counts: list[str]

    async def press(self, name: str) -> None:
        kept = await self.outbox.keep(
            worlds.signal(name), [worlds.memory(name)], worlds.light(name), worlds.AT
        )
        assert isinstance(kept, Kept)
        self.uplink.wake()


def settings(
    port: int, data_dir: Path, receipt_timeout_s: float = 1.0, keepalive_s: int = 20
) -> Settings:
    """Settings of a gateway that is quick to try again."""
    data_dir.mkdir(exist_ok=True)
    return Settings.model_validate(
        {
            "gateway_id": "gw-1",
            "household_id": "hh-1",
            "data_dir": data_dir,
            "cloud": {
                "host": "127.0.0.1",
                "port": port,
                "username": USER,
                "password": PASSWORD,
            },
            "uplink": {
                "backoff_s_max": 0.3,
                "receipt_timeout_s": receipt_timeout_s,
                "keepalive_s": keepalive_s,
            },
        }
    )


@contextlib.asynccontextmanager
async def edge(wanted: Settings) -> AsyncIterator[Edge]:
    """Run until the end of the block."""
    counts: list[str] = []
    clock = Clock(wanted.data_dir / "floor")

    async def outcome(_: SignalOutcome) -> None:
        """Nobody decides here."""

    def command(_: Command) -> CommandOutcome:
        return CommandOutcome.UNSUPPORTED

    def health() -> HealthReport:
        return HealthReport(
            gateway_id=wanted.gateway_id,
            boot_id="boot",
            sent_at=clock.now().at,
            uptime_s=1,
            need_depth=0,
            need_oldest_age_s=0,
            telemetry_depth=0,
            quarantine_depth=0,
            refusals={},
            adapters=(),
            clock_quality=TimeQuality.SYNCED,
            rss_bytes=1,
            local_mqtt_connected=False,
        )

    hooks = Hooks(health, outcome, command, counts.append, lambda: None, lambda: 0.5)
    async with Outbox(wanted.data_dir, wanted.outbox) as outbox:
        made = Edge(outbox, Uplink(wanted, outbox, clock, hooks), counts)
        task = asyncio.create_task(made.uplink.run())
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
