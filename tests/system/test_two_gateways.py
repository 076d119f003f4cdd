"""A press that two gateways heard is one need at the cloud: real cores, outboxes and ingest."""

import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from cloud_builders import FakeClock, set_up_home
from cloud_messages import read
from edge_frames import BUTTON, heard, press
from zodra_cloud.fleet import service as fleet
from zodra_cloud.ingest.repository import tables
from zodra_cloud.ingest.writer import Writer
from zodra_cloud.kit.changes import Changes
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database
from zodra_cloud.store.migrate import migrate
from zodra_contract.envelope import NeedBatch, read_receipt
from zodra_contract.ids import press_id
from zodra_contract.topics import Address, Down, down
from zodra_edge import core
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.link import Lane
from zodra_edge.outbox import Kept, LightRow, MemoryRow, Outbox
from zodra_edge.settings import OutboxLimits
from zodra_edge.uplink import compose

GATEWAYS = ("gw-1", "gw-2")
ALL_SENT = {Lane.NEED: 10**9, Lane.TELEMETRY: 10**9}


@dataclass
class Cloud:
    """The real ingest on real SQLite."""

    database: Database
    writer: Writer = field(init=False)

    def __post_init__(self) -> None:
        set_up_home(self.database)
        with self.database.write() as connection:
            fleet.add_gateway(connection, "hh-1", "gw-2", now=heard().at)
        self.writer = Writer(self.database, FakeClock(at=heard().at), Changes())

    def needs(self) -> list[str]:
        query = select(tables.need_signals.c.signal_id).order_by(tables.need_signals.c.signal_id)
        with self.database.read() as connection:
            return list(connection.execute(query).scalars())

    def decisions(self) -> int:
        with self.database.read() as connection:
            return len(connection.execute(select(jobs.jobs.c.key)).all())


@dataclass
class Gateway:
    """What one gateway does between radio and wire, without the two."""

    gateway_id: str
    folder: Path
    outbox: Outbox
    memory: core.DeviceMemory = field(default_factory=core.DeviceMemory)

    async def hear(self, frame: BleAdvert) -> list[str]:
        """Take a frame as the agent does; say which signals it kept."""
        after, effects = core.step(self.memory, frame, BUTTON)
        kept = []
        for effect in effects:
            if isinstance(effect, core.KeepSignal):
                signal = effect.signal
                light = LightRow(signal.device_id, signal.slot_key, signal.signal_id, "kept", "", 0)
                memory = [MemoryRow(signal.device_id, effect.memory.to_json())]
                done = await self.outbox.keep(signal, memory, light, frame.heard.at)
                assert isinstance(done, Kept)
                kept.append(signal.signal_id)
        self.memory = after
        return kept

    async def batch(self) -> NeedBatch | None:
        rows = await self.outbox.need_batch(0, 500, heard().at)
        sender = compose.Sender(self.gateway_id, "boot-1")
        return rows and compose.need_batch(sender, rows, heard(60))

    async def send(self, cloud: Cloud, *, receipt_arrives: bool = True) -> None:
        """Send all that waits; without the receipt, the rows wait for another time."""
        batch = await self.batch()
        if batch is None:
            return
        topic = down(Address("hh-1", self.gateway_id), Down.RECEIPT)
        answers = cloud.writer.store([read(batch, gateway_id=self.gateway_id)])
        (payload,) = [answer.payload for answer in answers if answer.topic == topic]
        if receipt_arrives:
            await self.outbox.apply_receipt(read_receipt(payload), ALL_SENT, heard().at)

    async def restart(self) -> None:
        """Come back with what is on the disk alone."""
        await self.outbox.__aexit__()
        self.outbox = await Outbox(self.folder, OutboxLimits()).__aenter__()
        text = (await self.outbox.memories()).get(BUTTON.device_id)
        self.memory = core.DeviceMemory.from_json(text) if text else core.DeviceMemory()


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    database = Database.open(f"sqlite:///{tmp_path / 'cloud.db'}")
    migrate(database)
    yield Cloud(database)
    database.close()


@contextlib.asynccontextmanager
async def home(folder: Path) -> AsyncIterator[list[Gateway]]:
    gateways = []
    for gateway_id in GATEWAYS:
        (folder / gateway_id).mkdir()
        outbox = await Outbox(folder / gateway_id, OutboxLimits()).__aenter__()
        gateways.append(Gateway(gateway_id, folder / gateway_id, outbox))
    try:
        yield gateways
    finally:
        for gateway in gateways:
            await gateway.outbox.__aexit__()


def id_of(counter: int) -> str:
    return press_id(BUTTON.device_id, f"enc-1-{counter}", 0, "press")


async def test_one_press_heard_by_two_gateways_is_one_need(tmp_path: Path, cloud: Cloud) -> None:
    async with home(tmp_path) as (first, second):
        assert await first.hear(press(4711, at=heard(0.00))) == [id_of(4711)]
        assert await second.hear(press(4711, at=heard(0.03), source="hci1")) == [id_of(4711)]
        await second.send(cloud)
        await first.send(cloud)
        assert cloud.needs() == [id_of(4711)]
        assert cloud.decisions() == 1
        # Both are told that it is safe, and neither sends it again.
        assert (await first.batch(), await second.batch()) == (None, None)


async def test_a_recording_played_to_the_other_gateway_adds_no_need(
    tmp_path: Path, cloud: Cloud
) -> None:
    async with home(tmp_path) as (first, second):
        await first.hear(press(4711))
        await first.send(cloud)
        # It was out of reach of the press, so it cannot know the recording for one.
        assert await second.hear(press(4711, at=heard(3_600))) == [id_of(4711)]
        await second.send(cloud)
        assert cloud.needs() == [id_of(4711)]
        assert cloud.decisions() == 1
        # What it heard meanwhile tells it.
        assert await second.hear(press(4713, at=heard(3_700))) == [id_of(4713)]
        assert await second.hear(press(4712, at=heard(3_800))) == []
        await second.restart()
        assert await second.hear(press(4713, at=heard(3_900))) == []
        await second.send(cloud)
        assert cloud.needs() == sorted([id_of(4711), id_of(4713)])


@pytest.mark.parametrize("seed", range(5))
async def test_any_mix_of_hearing_sending_and_restarting_converges(
    tmp_path: Path, cloud: Cloud, seed: int
) -> None:
    dice = random.Random(seed)
    expected: set[str] = set()
    async with home(tmp_path) as gateways:
        for counter in range(100, 160):
            for gateway in gateways:
                if dice.random() < 0.7:
                    at = heard((counter - 100) * 10 + dice.random())
                    for _ in range(dice.randint(1, 4)):
                        expected.update(await gateway.hear(press(counter, at=at)))
                if dice.random() < 0.3:
                    old = dice.randint(100, counter)
                    expected.update(await gateway.hear(press(old, at=heard(counter * 10))))
                if dice.random() < 0.3:
                    await gateway.send(cloud, receipt_arrives=dice.random() < 0.5)
                if dice.random() < 0.1:
                    await gateway.restart()
        for gateway in gateways:
            await gateway.send(cloud)
        assert all([await gateway.batch() is None for gateway in gateways])
    assert expected <= {id_of(counter) for counter in range(100, 160)}
    assert cloud.needs() == sorted(expected)
    assert cloud.decisions() == len(expected)
