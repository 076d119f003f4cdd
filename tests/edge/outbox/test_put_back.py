"""Rows of the quarantine go back in the order of all rows, while others come and go."""

import asyncio
from pathlib import Path

import pytest

from edge_outbox import AT, keep, needs, reading
from zodra_contract.envelope import Receipt, Rejection
from zodra_contract.outcome import RejectReason
from zodra_edge.link import Lane
from zodra_edge.outbox import Outbox
from zodra_edge.settings import OutboxLimits


def everything(_lane: str, _row: int, _reason: str) -> bool:
    return True


async def receipt(outbox: Outbox, lane: Lane, upto: int, *rejected: int) -> None:
    said = Receipt(
        buffer_id=outbox.level(lane).buffer_id,
        upto=upto,
        rejected=tuple(Rejection(one, RejectReason.UNKNOWN_DEVICE) for one in rejected),
        committed_at=AT,
    )
    await outbox.apply_receipt(said, dict.fromkeys(Lane, upto), AT)


async def waiting(outbox: Outbox) -> list[tuple[int, float]]:
    rows: list[tuple[int, float]] = []
    after = 0
    while (batch := await outbox.reading_batch(after, 100, AT)) is not None:
        rows += [(row.sequence, row.value) for row in batch.rows]
        after = batch.rows[-1].sequence
    return rows


async def test_a_receipt_for_a_row_put_back_stands_for_no_reading_made_later(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.keep_readings([reading(1.0), reading(2.0)])
        await receipt(outbox, Lane.TELEMETRY, 2, 1)
        await outbox.hold_readings([reading(3.0)])
        (done,) = await outbox.put_back(everything)
        await outbox.hold_readings([reading(4.0)])
        assert done.sequence is not None
        await outbox.write_live()
        assert [value for _, value in sorted(await waiting(outbox))] == [3.0, 1.0, 4.0]
        await receipt(outbox, Lane.TELEMETRY, done.sequence)
        assert [value for _, value in await waiting(outbox)] == [4.0]
        assert outbox.level(Lane.TELEMETRY).quarantined == 0


async def test_readings_that_come_meanwhile_keep_their_own_sequences(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.keep_readings([reading(float(n)) for n in range(50)])
        await receipt(outbox, Lane.TELEMETRY, 50, *range(1, 51))

        async def come() -> None:
            for n in range(100, 150):
                await outbox.hold_readings([reading(float(n))])

        done, _ = await asyncio.gather(outbox.put_back(everything), come())
        await outbox.write_live()
        rows = await waiting(outbox)
    assert len(done) == 50
    assert len({sequence for sequence, _ in rows}) == 100
    assert sorted(value for _, value in rows) == [*range(50), *range(100, 150)]


@pytest.mark.parametrize("lane", ["need", "telemetry", None])
async def test_only_what_is_meant_goes_back(tmp_path: Path, lane: str | None) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await keep(outbox, "p_1")
        await outbox.keep_readings([reading(1.0)])
        for each in Lane:
            await receipt(outbox, each, 1, 1)
        done = await outbox.put_back(lambda of, _row, _reason: lane in (None, of))
        assert [row.lane for row in done] == ([lane] if lane else ["need", "telemetry"])
        assert await needs(outbox) == (["p_1"] if lane != "telemetry" else [])
        again = await outbox.put_back(everything)
        assert len(again) == 2 - len(done)


async def test_a_row_put_back_survives_a_restart(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await outbox.keep_readings([reading(1.0)])
        await receipt(outbox, Lane.TELEMETRY, 1, 1)
        await outbox.put_back(everything)
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert [value for _, value in await waiting(outbox)] == [1.0]
        await outbox.keep_readings([reading(2.0)])
        assert [value for _, value in await waiting(outbox)] == [1.0, 2.0]
        assert outbox.storage().salvages == ()
