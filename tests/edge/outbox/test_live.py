"""Readings that are sent from memory, and are written when their receipt takes longer."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edge_outbox import AT, looking, reading, values
from zodra_contract.envelope import Receipt, Rejection
from zodra_contract.outcome import RejectReason
from zodra_contract.signal import TimeQuality
from zodra_edge.link import Lane
from zodra_edge.outbox import Outbox
from zodra_edge.outbox.live import RESERVED
from zodra_edge.settings import OutboxLimits

SENT = {Lane.NEED: 0, Lane.TELEMETRY: 10**9}


def stored(folder: Path) -> list[tuple[int, float]]:
    with looking(folder / "telemetry.db") as db:
        return db.execute("SELECT sequence, value FROM reading ORDER BY sequence").fetchall()


def found_damaged(times: list[bool]) -> Any:
    """Say what SQLite says when it comes upon a damaged page."""

    def job(connection: sqlite3.Connection, _: Any) -> None:
        if times:
            times.pop()
            fault = sqlite3.DatabaseError("database disk image is malformed")
            fault.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise fault

    return job


async def receipt(outbox: Outbox, upto: int, rejected: Sequence[Rejection] = ()) -> None:
    buffer_id = outbox.level(Lane.TELEMETRY).buffer_id
    said = Receipt(buffer_id=buffer_id, upto=upto, rejected=tuple(rejected), committed_at=AT)
    assert await outbox.apply_receipt(said, SENT, AT) is not None


async def test_a_reading_whose_receipt_comes_in_time_is_never_written(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.hold_readings([reading(number) for number in range(3)])
        assert outbox.level(Lane.TELEMETRY).depth == 3
        assert await values(outbox) == [0, 1, 2]
        await receipt(outbox, 2)
        assert await values(outbox) == [2]
        await receipt(outbox, 3)
        await outbox.write_live()
        assert outbox.level(Lane.TELEMETRY).depth == 0
        assert stored(tmp_path) == []


async def test_a_reading_that_waited_is_written_under_the_name_it_was_sent_with(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.hold_readings([reading(number) for number in range(3)])
        sent = await outbox.reading_batch(0, 100, AT)
        assert sent is not None
        await outbox.write_live()
        again = await outbox.reading_batch(0, 100, AT)
        assert again == sent
        assert [sequence for sequence, _ in stored(tmp_path)] == [1, 2, 3]
        await receipt(outbox, 3)
        assert stored(tmp_path) == []


async def test_what_is_on_the_disk_goes_first(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.keep_readings([reading(1)])
        await outbox.hold_readings([reading(2)])
        level = outbox.level(Lane.TELEMETRY)
        assert (level.depth, level.next_sequence) == (2, 2)
        assert await values(outbox) == [1]
        await receipt(outbox, 1)
        assert outbox.level(Lane.TELEMETRY).next_sequence == 3
        assert await values(outbox) == [2]


async def test_a_receipt_during_the_writing_leaves_nothing_behind(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.hold_readings([reading(number) for number in range(500)])
        await asyncio.gather(outbox.write_live(), receipt(outbox, 500))
        assert outbox.level(Lane.TELEMETRY).depth == 0
        assert stored(tmp_path) == []


async def test_no_sequence_is_used_twice_when_the_memory_is_lost(tmp_path: Path) -> None:
    lost = Outbox(tmp_path, OutboxLimits())
    await lost.__aenter__()
    await lost.hold_readings([reading(number) for number in range(5)])
    # As after a SIGKILL: the threads end, and nothing is written any more.
    await lost._need.close()
    await lost._telemetry.close()
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.hold_readings([reading(9)])
        batch = await outbox.reading_batch(0, 10, AT)
        assert batch is not None
        assert [row.sequence for row in batch.rows] == [RESERVED + 1]


async def test_a_stop_writes_everything_and_skips_no_sequence(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.hold_readings([reading(number) for number in range(5)])
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.hold_readings([reading(5)])
        await outbox.write_live()
        assert stored(tmp_path) == [(number + 1, number) for number in range(6)]


async def test_a_reading_that_the_cloud_refuses_is_set_aside_from_memory_too(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.hold_readings([reading(number) for number in range(3)])
        await receipt(outbox, 3, [Rejection(2, RejectReason.UNKNOWN_DEVICE)])
        level = outbox.level(Lane.TELEMETRY)
        assert (level.depth, level.quarantined) == (0, 1)
        await outbox.hold_readings([reading(3)])
        buffer_id = outbox.level(Lane.TELEMETRY).buffer_id
        await outbox.set_aside(Lane.TELEMETRY, buffer_id, 4, RejectReason.OVERSIZED, AT)
        level = outbox.level(Lane.TELEMETRY)
        assert (level.depth, level.quarantined) == (0, 2)


async def test_readings_of_two_time_qualities_are_two_batches(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.hold_readings([reading(1, TimeQuality.UNSYNCED), reading(2), reading(3)])
        first = await outbox.reading_batch(0, 10, AT)
        assert first is not None
        assert [row.value for row in first.rows] == [1]
        second = await outbox.reading_batch(1, 1, AT)
        assert second is not None
        assert [row.value for row in second.rows] == [2]


@pytest.mark.parametrize("count", [10, RESERVED + 10], ids=["some", "more than were reserved"])
async def test_readings_in_memory_outlive_a_file_that_is_found_damaged(
    tmp_path: Path, count: int
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.keep_readings([reading(-1 - number) for number in range(2_000)])
        before = outbox.level(Lane.TELEMETRY).buffer_id
        await receipt(outbox, 1_999)
        await outbox.hold_readings([reading(number) for number in range(count)])
        await outbox._telemetry.run(found_damaged([True]))
        await outbox.write_live()
        await outbox.hold_readings([reading(count)])
        level = outbox.level(Lane.TELEMETRY)
        assert level.buffer_id != before
        assert level.depth >= count + 1
        await outbox.write_live()
        found = [value for _, value in stored(tmp_path)]
        assert found[-count - 1 :] == list(range(count + 1))


async def test_what_was_just_sent_is_not_written_with_what_has_lingered(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.keep_readings([reading(0)])
        await outbox.hold_readings([reading(1)])
        lingering = outbox.live_below
        await outbox.hold_readings([reading(2)])
        await outbox.write_live(lingering)
        assert stored(tmp_path) == [(1, 0), (2, 1)]
        assert outbox.live == 1
