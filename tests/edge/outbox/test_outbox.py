"""The outbox on real SQLite: what is kept, what leaves, and what survives."""

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_outbox import looking
from zodra_contract.envelope import Receipt, Rejection
from zodra_contract.outcome import RejectReason
from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.errors import OutboxFault
from zodra_edge.link import Lane
from zodra_edge.outbox import Kept, KeptReading, LightRow, MemoryRow, NotKept, Outbox, schema
from zodra_edge.outbox.records import NotKeptReason
from zodra_edge.outbox.store import SETTLED_CARES_MAX
from zodra_edge.settings import OutboxLimits

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ALL_SENT = {Lane.NEED: 10**9, Lane.TELEMETRY: 10**9}


def signal(name: str) -> NeedSignal:
    return NeedSignal(
        signal_id=name,
        device_id="btn-kitchen",
        slot_key="button-1",
        kind=SignalKind.PRESS,
        occurred_at=AT,
        time=TimeNote(boot_id="boot", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1),
        authenticated=True,
    )


def light(name: str, state: str = "kept") -> LightRow:
    return LightRow("btn-kitchen", "button-1", name, state, "", 0)


def reading(value: float, quality: TimeQuality = TimeQuality.SYNCED) -> KeptReading:
    made = Reading(
        device_id="trv-living", kind=ReadingKind.ROOM_TEMPERATURE_C, value=value, observed_at=AT
    )
    return KeptReading(made, quality, 5)


def receipt(buffer_id: str, upto: int, *rejected: Rejection) -> Receipt:
    return Receipt(buffer_id=buffer_id, upto=upto, rejected=rejected, committed_at=AT)


async def keep(outbox: Outbox, name: str, memory: str = "{}") -> Kept | NotKept:
    return await outbox.keep(signal(name), [MemoryRow("btn-kitchen", memory)], light(name), AT)


async def test_a_kept_need_is_there_after_a_reopen_with_its_memory_and_light(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await keep(outbox, "p_1", '{"counter": 7}') == Kept(1)
        buffer_id = outbox.level(Lane.NEED).buffer_id
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        batch = await outbox.need_batch(0, 10, AT)
        assert batch is not None
        assert [row.signal_id for _, row in batch.rows] == ["p_1"]
        assert await outbox.memories() == {"btn-kitchen": '{"counter": 7}'}
        assert await outbox.lights() == [light("p_1")]
        assert outbox.level(Lane.NEED).buffer_id == buffer_id
        assert outbox.level(Lane.NEED).restarts == 1


async def test_a_file_of_an_earlier_build_is_brought_up_to_date_with_what_it_holds(
    tmp_path: Path,
) -> None:
    with sqlite3.connect(tmp_path / "need.db") as connection:
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        schema.NEED.apply(connection, stop_before="0002_round")
        connection.execute(
            "INSERT INTO light (signal_id, device_id, slot_key, state, reason, at_ms) "
            "VALUES ('p_1', 'btn-kitchen', 'button-1', 'asked', '', 5)"
        )
    connection.close()
    asked_anew = LightRow("btn-kitchen", "button-1", "p_1", "asked", "price_changed", 9, 2)
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await outbox.lights() == [
            LightRow("btn-kitchen", "button-1", "p_1", "asked", "", 5, 1)
        ]
        await outbox.shine(asked_anew)
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await outbox.lights() == [asked_anew]


async def test_only_a_receipt_lets_a_row_go_and_sequences_are_never_used_again(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        for number in range(3):
            await keep(outbox, f"p_{number}")
        buffer_id = outbox.level(Lane.NEED).buffer_id
        applied = await outbox.apply_receipt(receipt(buffer_id, 3), ALL_SENT, AT)
        assert applied is not None
        assert applied.deleted == 3
        assert await outbox.need_batch(0, 10, AT) is None
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await keep(outbox, "p_9") == Kept(4)
        batch = await outbox.need_batch(0, 10, AT)
        assert batch is not None
        assert batch.kept_from == 4


async def test_a_receipt_cannot_let_go_of_what_was_never_sent(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        for number in range(3):
            await keep(outbox, f"p_{number}")
        buffer_id = outbox.level(Lane.NEED).buffer_id
        await outbox.apply_receipt(receipt(buffer_id, 999), {Lane.NEED: 1, Lane.TELEMETRY: 0}, AT)
        assert outbox.level(Lane.NEED).depth == 2


async def test_a_receipt_for_another_buffer_changes_nothing(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await keep(outbox, "p_1")
        assert await outbox.apply_receipt(receipt("other", 1), ALL_SENT, AT) is None
        assert outbox.level(Lane.NEED).depth == 1


@pytest.mark.parametrize("lane", Lane)
async def test_a_rejected_row_goes_aside_with_its_reason_and_a_retry_row_stays(
    tmp_path: Path, lane: Lane
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        for number in range(3):
            await keep(outbox, f"p_{number}")
        await outbox.keep_readings([reading(number) for number in range(3)])
        await outbox.apply_receipt(
            receipt(
                outbox.level(lane).buffer_id,
                3,
                Rejection(1, RejectReason.UNKNOWN_DEVICE),
                Rejection(2, RejectReason.NEWER_VERSION),
            ),
            ALL_SENT,
            AT,
        )
        level = outbox.level(lane)
        assert (level.depth, level.quarantined) == (1, 1)
    with sqlite3.connect(tmp_path / f"{lane}.db") as connection:
        kept = connection.execute("SELECT sequence, reason FROM quarantine").fetchall()
    connection.close()
    assert kept == [(1, "unknown_device")]


async def test_a_full_need_lane_refuses_the_new_and_keeps_the_memory_as_it_was(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits(need_rows_max=1)) as outbox:
        await keep(outbox, "p_1", "first")
        assert await keep(outbox, "p_2", "second") == NotKept(NotKeptReason.FULL)
        assert await outbox.memories() == {"btn-kitchen": "first"}


async def test_full_telemetry_drops_the_oldest_and_counts_them(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits(telemetry_rows_max=100)) as outbox:
        await outbox.keep_readings([reading(number) for number in range(100)])
        dropped = await outbox.keep_readings([reading(100)])
        batch = await outbox.reading_batch(0, 1000, AT)
        assert batch is not None
        assert dropped == outbox.level(Lane.TELEMETRY).dropped == 10
        assert batch.kept_from == 11
        assert batch.rows[-1].value == 100


async def test_a_batch_holds_readings_of_one_time_quality(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.keep_readings(
            [reading(1), reading(2), reading(3, TimeQuality.UNSYNCED), reading(4)]
        )
        sizes = []
        after = 0
        while (batch := await outbox.reading_batch(after, 10, AT)) is not None:
            sizes.append((len(batch.rows), batch.quality))
            after = batch.rows[-1].sequence
    assert sizes == [
        (2, TimeQuality.SYNCED),
        (1, TimeQuality.UNSYNCED),
        (1, TimeQuality.SYNCED),
    ]


async def test_a_flipped_bit_is_found_before_sending(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await keep(outbox, "p_1")
        await keep(outbox, "p_2")
        await outbox.keep_readings([reading(1), reading(2)])
    for name, change in (
        ("need", "UPDATE need SET body = replace(body, 'button-1', 'button-2') WHERE sequence = 1"),
        ("telemetry", "UPDATE reading SET value = value + 1 WHERE sequence = 1"),
    ):
        connection = sqlite3.connect(tmp_path / f"{name}.db", isolation_level=None)
        connection.execute(change)
        connection.close()
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        need = await outbox.need_batch(0, 1, AT)
        readings = await outbox.reading_batch(0, 1, AT)
        assert need is not None
        assert readings is not None
        assert (need.kept_from, readings.kept_from) == (2, 2)
        assert outbox.level(Lane.NEED).quarantined == 1
        assert outbox.level(Lane.TELEMETRY).quarantined == 1


async def test_callers_that_wait_together_are_committed_together_and_in_order(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        kept = await asyncio.gather(*(keep(outbox, f"p_{number}") for number in range(200)))
        assert kept == [Kept(number + 1) for number in range(200)]
        assert outbox.level(Lane.NEED).depth == 200


async def test_one_bad_job_does_not_take_its_company_with_it(tmp_path: Path) -> None:
    def breaks(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("INSERT INTO nowhere VALUES (1)")

    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        results = await asyncio.gather(
            keep(outbox, "p_1"),
            outbox._need.run(breaks),
            keep(outbox, "p_2"),
            return_exceptions=True,
        )
        assert isinstance(results[1], OutboxFault)
        assert (results[0], results[2]) == (Kept(1), Kept(2))
        assert outbox.level(Lane.NEED).depth == 2


async def test_space_is_given_back_after_a_drain(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        for _ in range(10):
            await outbox.keep_readings([reading(number) for number in range(2_000)])
        buffer_id = outbox.level(Lane.TELEMETRY).buffer_id
        await outbox.apply_receipt(receipt(buffer_id, 20_000), ALL_SENT, AT)
    with sqlite3.connect(tmp_path / "telemetry.db") as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert connection.execute("PRAGMA page_count").fetchone()[0] < 40
    connection.close()


async def test_a_database_of_another_program_is_never_touched(tmp_path: Path) -> None:
    stranger = tmp_path / "need.db"
    connection = sqlite3.connect(stranger)
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    before = stranger.read_bytes()
    with pytest.raises(OutboxFault, match="another program"):
        Outbox(tmp_path, OutboxLimits())
    assert stranger.read_bytes() == before


async def test_lights_of_old_needs_are_forgotten(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        for number in range(20):
            await keep(outbox, f"p_{number}")
        await outbox.shine(light("p_19", "ordered"))
        lights = await outbox.lights()
    assert [row.signal_id for row in lights] == [f"p_{number}" for number in range(12, 20)]
    assert lights[-1].state == "ordered"


async def test_refusals_add_up_over_restarts(tmp_path: Path) -> None:
    for _ in range(2):
        async with Outbox(tmp_path, OutboxLimits()) as outbox:
            await outbox.remember([], {"malformed": 2})
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert outbox.level(Lane.NEED).counts == {"malformed": 4}


async def test_a_closed_outbox_says_so(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        pass
    assert await keep(outbox, "p_1") == NotKept(NotKeptReason.STORAGE)
    with pytest.raises(OutboxFault, match="closed"):
        await outbox.keep_readings([reading(1)])


async def test_the_time_of_the_oldest_row_is_known(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert outbox.level(Lane.NEED).oldest_ms is None
        later = AT + timedelta(seconds=1)
        await outbox.keep(signal("p_1"), [], light("p_1"), AT)
        await outbox.keep(signal("p_2"), [], light("p_2"), later)
        assert outbox.level(Lane.NEED).oldest_ms == AT.timestamp() * 1000


def rows_in_file(folder: Path) -> list[int]:
    with looking(folder / "need.db") as connection:
        return [row[0] for row in connection.execute("SELECT sequence FROM need ORDER BY sequence")]


async def test_a_receipted_need_is_gone_at_once_and_deleted_with_the_next_write(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await keep(outbox, "p_1")
        await outbox.apply_receipt(receipt(outbox.level(Lane.NEED).buffer_id, 1), ALL_SENT, AT)
        assert (outbox.level(Lane.NEED).depth, outbox.level(Lane.NEED).settled) == (0, 1)
        assert await outbox.need_batch(0, 10, AT) is None
        assert rows_in_file(tmp_path) == [1], "deleting it now would cost the card as much again"
        await keep(outbox, "p_2")
        assert rows_in_file(tmp_path) == [2]
        await outbox.apply_receipt(receipt(outbox.level(Lane.NEED).buffer_id, 2), ALL_SENT, AT)
        for _ in range(SETTLED_CARES_MAX):
            assert rows_in_file(tmp_path) == [2]
            await outbox.care(AT, is_trusted=False)
        assert rows_in_file(tmp_path) == []
        await keep(outbox, "p_3")
        await outbox.apply_receipt(receipt(outbox.level(Lane.NEED).buffer_id, 3), ALL_SENT, AT)
    assert rows_in_file(tmp_path) == [], "a clean stop leaves nothing behind"


async def test_a_file_with_large_pages_gets_small_ones_and_keeps_what_it_holds(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await keep(outbox, "p_1", '{"counter": 7}')
    path = tmp_path / "need.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("VACUUM")
        assert schema.page_bytes(connection) == 4096
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await outbox.memories() == {"btn-kitchen": '{"counter": 7}'}
        assert await outbox.lights() == [light("p_1")]
        assert await keep(outbox, "p_2") == Kept(2)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert schema.page_bytes(connection) == schema.PAGE_BYTES
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


async def test_the_newest_lights_of_a_slot_are_remembered_in_order(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        for number in range(40):
            await keep(outbox, f"p_{number}")
        await outbox.shine(light("p_35", "asked"))
        shown = [(row.signal_id, row.state) for row in await outbox.lights()]
    expected = [(f"p_{n}", "asked" if n == 35 else "kept") for n in range(32, 40)]
    assert shown == expected
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert [(row.signal_id, row.state) for row in await outbox.lights()] == expected
