"""A full, read-only or broken disk is a state: told, in a defined order, and left by itself."""

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from edge_outbox import AT, keep, needs, reading, values
from zodra_contract.envelope import Receipt
from zodra_contract.signal import TimeQuality
from zodra_edge.errors import StorageFault
from zodra_edge.link import Lane
from zodra_edge.outbox import (
    Kept,
    NotKept,
    NotKeptReason,
    Outbox,
    StorageState,
    Trouble,
    schema,
)
from zodra_edge.outbox.opening import LaneSpec
from zodra_edge.outbox.room import Room
from zodra_edge.outbox.storage import Disk, DiskLevel, classify, disk_level, verdict
from zodra_edge.outbox.telemetry import TelemetryFile
from zodra_edge.outbox.writer import Writer
from zodra_edge.settings import OutboxLimits

Mount = Callable[[str], Path]
Remount = Callable[[Path, str], None]
SMALL = OutboxLimits(reserve_bytes=2**20, telemetry_bytes_max=2**26)


def fill(place: Path) -> Path:
    """Take every byte that is left, as another program's log would."""
    junk = place / "junk"
    with junk.open("wb", buffering=0) as file:
        for size in (2**20, 4096):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return junk


async def test_telemetry_gives_way_to_needs_on_a_full_disk(small_disk: Mount) -> None:
    place = small_disk("6m")
    async with Outbox(place, SMALL) as outbox:
        for start in range(0, 60_000, 5_000):
            await outbox.keep_readings([reading(start + n) for n in range(5_000)])
        kept = [await keep(outbox, f"p_{number}") for number in range(2_800)]
        assert kept == [Kept(number + 1) for number in range(2_800)], "not one is refused"
        level = outbox.level(Lane.TELEMETRY)
        assert level.dropped > 0
        assert level.depth + level.dropped == 60_000
        # The oldest went: what is left is the newest without a gap.
        assert await values(outbox) == list(range(level.dropped, 60_000))
        assert len(await needs(outbox)) == 2_800


async def test_a_disk_that_others_filled_refuses_visibly_and_is_used_again_by_itself(
    small_disk: Mount,
) -> None:
    place = small_disk("8m")
    async with Outbox(place, SMALL) as outbox:
        await outbox.keep_readings([reading(number) for number in range(2_000)])
        junk = fill(place)
        names: list[str] = []
        while isinstance(answer := await keep(outbox, f"p_{len(names)}"), Kept):
            names.append(f"p_{len(names)}")
            assert len(names) < 10_000
        assert answer == NotKept(NotKeptReason.DISK_FULL)
        assert len(names) > 400, "the reserve makes room for weeks of presses"
        with pytest.raises(StorageFault, match="disk is full"):
            await outbox.keep_readings([reading(1)])
        await outbox.care(AT, is_trusted=True)
        storage = outbox.storage()
        assert (storage.state, storage.reserve) == (StorageState.FULL, False)
        assert storage.need is Trouble.FULL
        # What is kept can still be sent, and a receipt still counts.
        assert await needs(outbox) == names
        junk.unlink()
        await outbox.care(AT, is_trusted=True)
        assert outbox.storage().state is StorageState.OK
        assert (place / "reserve").stat().st_size == SMALL.reserve_bytes
        assert isinstance(await keep(outbox, "p_again"), Kept)
        await outbox.keep_readings([reading(7)])
    async with Outbox(place, SMALL) as outbox:
        assert await needs(outbox) == [*names, "p_again"]


async def test_a_call_to_give_way_that_comes_late_costs_neither_reserve_nor_reading(
    small_disk: Mount,
) -> None:
    # It waits in the other file's queue, and whoever filled the disk may be gone by then.
    place = small_disk("8m")
    room = Room(place, SMALL.reserve_bytes)
    spec = LaneSpec(schema.TELEMETRY, SMALL.telemetry_bytes_max, thorough=False)
    rows = TelemetryFile(1_000, 10, SMALL.telemetry_bytes_max)
    writer = Writer(place / "telemetry.db", rows, spec, room)
    writer.start()
    readings = [reading(number) for number in range(200)]
    await writer.run(lambda connection, file: file.keep(connection, readings))
    await writer.give_way()
    await writer.close()
    assert room.has_reserve
    assert writer.level.depth == 200


async def test_a_receipt_makes_room_on_a_full_disk(small_disk: Mount) -> None:
    place = small_disk("4m")
    async with Outbox(place, SMALL) as outbox:
        for number in range(600):
            await keep(outbox, f"p_{number}")
        fill(place)
        for number in range(600, 800):
            await keep(outbox, f"p_{number}")
        level = outbox.level(Lane.NEED)
        receipt = Receipt(buffer_id=level.buffer_id, upto=600, committed_at=AT)
        sent = {Lane.NEED: level.next_sequence, Lane.TELEMETRY: 0}
        assert await outbox.apply_receipt(receipt, sent, AT) is not None
        assert outbox.level(Lane.NEED).depth == level.depth - 600
        assert isinstance(await keep(outbox, "p_more"), Kept)


async def test_a_gateway_starts_on_a_read_only_disk_and_keeps_again_once_it_can(
    small_disk: Mount, remount: Remount
) -> None:
    place = small_disk("16m")
    async with Outbox(place, SMALL) as outbox:
        await keep(outbox, "p_1", "memory")
    remount(place, "ro")
    async with Outbox(place, SMALL) as outbox:
        assert outbox.storage().state is StorageState.READ_ONLY
        assert isinstance(await keep(outbox, "p_2"), NotKept)
        with pytest.raises(StorageFault):
            await outbox.memories()
        await outbox.care(AT, is_trusted=True)
        assert outbox.storage().state is StorageState.READ_ONLY
        remount(place, "rw")
        await outbox.care(AT, is_trusted=True)
        assert outbox.storage().state is StorageState.OK
        assert await outbox.memories() == {"btn-kitchen": "memory"}
        assert await keep(outbox, "p_3") == Kept(2)
        assert await needs(outbox) == ["p_1", "p_3"]


async def test_a_disk_without_room_at_the_start_is_a_state_too(small_disk: Mount) -> None:
    place = small_disk("4m")
    junk = fill(place)
    async with Outbox(place, SMALL) as outbox:
        assert outbox.storage().state is StorageState.FULL
        assert await keep(outbox, "p_1") == NotKept(NotKeptReason.DISK_FULL)
        junk.unlink()
        await outbox.care(AT, is_trusted=True)
        assert await keep(outbox, "p_1") == Kept(1)
        assert outbox.storage().state is StorageState.OK


async def test_writes_that_fail_are_refusals_until_they_work_again(tmp_path: Path) -> None:
    """A limit of the process on the size of files: SQLite reports an I/O error, not a full disk."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("writer_with_limit.py")),
        str(tmp_path),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await child.communicate()
    assert child.returncode == 0
    said = json.loads(out)
    assert said["refused"] == "storage_fault"
    assert said["state"] == "io_error"
    assert said["kept"] > 0
    assert said["there"] == [*(f"p_{n}" for n in range(said["kept"])), "p_again"]
    assert said["state_after"] == "ok"


async def test_needs_stop_below_the_limit_of_their_file_and_all_else_goes_on(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits(need_bytes_max=2**20)) as outbox:
        kept = 0
        while isinstance(answer := await keep(outbox, f"p_{kept}"), Kept):
            kept += 1
        assert answer == NotKept(NotKeptReason.FULL)
        assert kept > 500
        await outbox.remember([], {"replay": 1})
        assert outbox.storage().state is StorageState.OK
        buffer_id = outbox.level(Lane.NEED).buffer_id
        receipt = Receipt(buffer_id=buffer_id, upto=100, committed_at=AT)
        await outbox.apply_receipt(receipt, {Lane.NEED: kept, Lane.TELEMETRY: 0}, AT)
        assert isinstance(await keep(outbox, "p_more"), Kept)
    assert (tmp_path / "need.db").stat().st_size <= 2**20


async def test_readings_stay_below_the_limit_of_their_file(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits(telemetry_bytes_max=2**20)) as outbox:
        for start in range(0, 40_000, 1_000):
            await outbox.keep_readings([reading(start + n) for n in range(1_000)])
        level = outbox.level(Lane.TELEMETRY)
        assert level.depth + level.dropped == 40_000
        assert await values(outbox) == list(range(level.dropped, 40_000))
        assert outbox.storage().state is StorageState.OK
        assert (tmp_path / "telemetry.db-wal").stat().st_size < 2 * 2**20
    assert (tmp_path / "telemetry.db").stat().st_size <= 2**20


async def test_readings_older_than_their_age_go_and_needs_never_do(tmp_path: Path) -> None:
    limits = OutboxLimits(telemetry_age_s_max=3_600)
    async with Outbox(tmp_path, limits) as outbox:
        await keep(outbox, "p_1")
        # Within a second of the limit on both sides: milliseconds taken for seconds would show.
        for minutes, seconds in ((90, 0), (60, 1), (59, 59), (0, 0)):
            at = AT - timedelta(minutes=minutes, seconds=seconds)
            await outbox.keep_readings([reading(minutes, at=at)])
        await outbox.care(AT, is_trusted=False)
        assert len(await values(outbox)) == 4, "a clock that nobody trusts makes nothing old"
        await outbox.care(AT, is_trusted=True)
        assert await values(outbox) == [59, 0]
        level = outbox.level(Lane.TELEMETRY)
        assert (level.expired, level.dropped, level.depth) == (2, 0, 2)
        assert await needs(outbox) == ["p_1"]
    connection = sqlite3.connect(tmp_path / "telemetry.db")
    assert connection.execute("SELECT min(observed_ms) FROM reading").fetchone() == (
        int((AT - timedelta(minutes=59, seconds=59)).timestamp() * 1000),
    )
    connection.close()


async def test_a_reading_of_1970_is_as_old_as_those_kept_after_it(tmp_path: Path) -> None:
    limits = OutboxLimits(telemetry_age_s_max=3_600)
    boot = AT.replace(year=1970)
    async with Outbox(tmp_path, limits) as outbox:
        await outbox.keep_readings([reading(1, TimeQuality.UNSYNCED, boot)])
        await outbox.keep_readings([reading(2, at=AT - timedelta(hours=2))])
        await outbox.keep_readings([reading(3, TimeQuality.UNSYNCED, boot)])
        await outbox.care(AT, is_trusted=True)
        assert await values(outbox) == [3]


@pytest.mark.parametrize(
    ("used", "level"),
    [
        (69.9, DiskLevel.OK),
        (70.0, DiskLevel.FILLING),
        (84.9, DiskLevel.FILLING),
        (85.0, DiskLevel.LOW),
        (95.0, DiskLevel.CRITICAL),
        (100.0, DiskLevel.CRITICAL),
    ],
)
def test_each_level_of_the_disk_has_its_bound(used: float, level: DiskLevel) -> None:
    assert disk_level(used) is level


GOOD = Disk(50.0, 10**9)


@pytest.mark.parametrize(
    ("disk", "reserve", "troubles", "aside", "state"),
    [
        (GOOD, True, (None, None), (), StorageState.OK),
        (GOOD, True, (None, None), ("need.db.damaged-1",), StorageState.SALVAGED),
        (Disk(85.0, 10**9), True, (None, None), ("x",), StorageState.LOW),
        (Disk(99.0, 0), False, (None, None), (), StorageState.FULL),
        (GOOD, True, (None, Trouble.FULL), (), StorageState.FULL),
        (Disk(99.0, 0, read_only=True), False, (None, None), (), StorageState.READ_ONLY),
        (Disk(50.0, 0, read_only=True), True, (Trouble.IO_ERROR, None), (), StorageState.READ_ONLY),
        (GOOD, False, (Trouble.FULL, Trouble.IO_ERROR), (), StorageState.IO_ERROR),
    ],
)
def test_the_worst_that_is_true_is_said(
    disk: Disk,
    reserve: bool,
    troubles: tuple[Trouble | None, ...],
    aside: tuple[str, ...],
    state: StorageState,
) -> None:
    assert verdict(disk, reserve, troubles, aside) is state


def test_a_statement_that_is_wrong_is_no_trouble_of_the_storage() -> None:
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("SELECT nothing FROM nowhere")
    connection.close()
    assert classify(caught.value) is None
