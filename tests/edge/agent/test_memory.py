"""What devices are remembered by, when the file that holds it is damaged or cannot be read."""

import sqlite3
from pathlib import Path

import pytest

from edge_frames import BUTTON, press
from zodra_contract.signal import NeedSignal
from zodra_edge.agent.consumer import Consumer
from zodra_edge.agent.intake import Arrival, nothing
from zodra_edge.clock import Clock
from zodra_edge.decode.frame import Frame
from zodra_edge.errors import StorageFault
from zodra_edge.feedback import Lights
from zodra_edge.link import Lane
from zodra_edge.outbox import Outbox, StorageState
from zodra_edge.outbox.need import NeedFile
from zodra_edge.outbox.storage import DamagedFile
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import Tally


class Home:
    """The consumer on a real outbox."""

    def __init__(self, folder: Path, outbox: Outbox) -> None:
        self.said: list[bytes] = []
        self.tally = Tally()
        self.outbox = outbox
        self.consumer = Consumer(
            [BUTTON],
            outbox,
            Lights("gw-1", lambda _, payload: self.said.append(payload)),
            self.tally,
            Clock(folder / "floor"),
            OutboxLimits(),
            wake=nothing,
        )

    async def hear(self, *frames: Frame) -> None:
        for frame in frames:
            await self.consumer._consume(Arrival(frame, nothing))

    async def needs(self) -> list[NeedSignal]:
        batch = await self.outbox.need_batch(0, 100, Clock(Path("nowhere")).now().at)
        return [] if batch is None else [need for _, need in batch.rows]

    @property
    def states(self) -> list[str]:
        return [line.split(b'"state":"')[1].split(b'"')[0].decode() for line in self.said]


def breaks(_: sqlite3.Connection, __: NeedFile) -> None:
    raise DamagedFile("found by a test")


async def test_damage_found_while_it_runs_costs_no_device_its_memory(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        home = Home(tmp_path, outbox)
        await home.consumer.restore()
        await home.hear(press(100))
        before = outbox.level(Lane.NEED).buffer_id
        with pytest.raises(StorageFault):
            await outbox._need.run(breaks)
        assert outbox.level(Lane.NEED).buffer_id != before
        await home.hear(press(100), press(101))
        await home.consumer.flush()
        assert [need.authenticated for need in await home.needs()] == [True, True]
        assert outbox.storage().need is None
        assert not outbox.level(Lane.NEED).memory_lost
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        later = Home(tmp_path, outbox)
        await later.consumer.restore()
        await later.hear(press(101))
        assert len(await later.needs()) == 2
        assert not later.consumer.has_lost_counter(BUTTON.device_id)


async def test_nothing_is_kept_before_what_was_remembered_can_be_read(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        home = Home(tmp_path, outbox)
        await home.consumer.restore()
        await home.hear(press(100))
        await home.consumer.flush()
    (tmp_path / "need.db").rename(tmp_path / "elsewhere")
    (tmp_path / "need.db").mkdir()
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert outbox.storage().state is StorageState.IO_ERROR
        home = Home(tmp_path, outbox)
        # Both frames were heard long ago; without its counter the gateway cannot know.
        await home.hear(press(99), press(100))
        assert home.states == ["not_kept", "not_kept"]
        assert home.tally.counts()["storage_fault"] == 2
        (tmp_path / "need.db").rmdir()
        (tmp_path / "elsewhere").rename(tmp_path / "need.db")
        await outbox.care(Clock(tmp_path / "floor").now().at, is_trusted=True)
        assert outbox.storage().state is StorageState.OK
        await home.hear(press(99), press(100), press(101))
        assert home.states == ["not_kept", "not_kept", "kept"]
        assert len(await home.needs()) == 2
        assert home.tally.counts()["replay"] == 1


async def test_memory_that_does_not_match_its_checksum_is_a_lost_counter(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        home = Home(tmp_path, outbox)
        await home.consumer.restore()
        await home.hear(press(100))
    connection = sqlite3.connect(tmp_path / "need.db", isolation_level=None)
    connection.execute("UPDATE memory SET memory = replace(memory, '100', '1')")
    connection.close()
    for _ in range(2):
        async with Outbox(tmp_path, OutboxLimits()) as outbox:
            home = Home(tmp_path, outbox)
            await home.consumer.restore()
            assert home.consumer.has_lost_counter(BUTTON.device_id), "also after a restart"
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        home = Home(tmp_path, outbox)
        await home.consumer.restore()
        await home.hear(press(50))
        assert [need.authenticated for need in await home.needs()] == [True, False]
