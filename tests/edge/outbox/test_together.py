"""Callers who wait together are committed together, and none of them pays for another."""

import asyncio
from pathlib import Path
from typing import Any

from edge_outbox import AT, keep, needs, signal
from zodra_edge.errors import OutboxFault
from zodra_edge.link import Lane
from zodra_edge.outbox import Kept, LightRow, MemoryRow, NotKept, Outbox
from zodra_edge.outbox.line import QUEUED_JOBS_MAX
from zodra_edge.outbox.need import PRESS_BYTES_MAX
from zodra_edge.outbox.records import NotKeptReason
from zodra_edge.outbox.rows.lights import LIGHTS_PER_SLOT_MAX
from zodra_edge.outbox.rows.many import ROWS_A_STATEMENT
from zodra_edge.settings import OutboxLimits

FULL = NotKept(NotKeptReason.FULL)


def light(name: str, state: str = "kept") -> LightRow:
    return LightRow("btn-kitchen", "button-1", name, state, "", 0)


async def press_all(outbox: Outbox, count: int) -> list[Kept | NotKept]:
    return await asyncio.gather(
        *(keep(outbox, f"p_{number}", str(number)) for number in range(count))
    )


async def test_those_that_fit_are_kept_in_their_order_and_the_others_hear_so(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits(need_rows_max=5)) as outbox:
        assert await press_all(outbox, 8) == [*map(Kept, range(1, 6)), FULL, FULL, FULL]
        assert await needs(outbox) == [f"p_{number}" for number in range(5)]
        assert await outbox.memories() == {"btn-kitchen": "4"}
        assert [row.signal_id for row in await outbox.lights()] == await needs(outbox)


async def test_close_to_the_size_of_the_file_they_are_kept_up_to_it(tmp_path: Path) -> None:
    limits = OutboxLimits(need_bytes_max=2**20)
    async with Outbox(tmp_path, limits) as outbox:
        said = [one for _ in range(60) for one in await press_all(outbox, 100)]
        kept = said.count(FULL)
        assert 0 < kept < len(said)
        assert said == sorted(said, key=lambda one: one == FULL)
        assert outbox.level(Lane.NEED).depth == len(said) - kept
        assert outbox.storage().need is None
    assert 2**20 - 2 * PRESS_BYTES_MAX - 2**17 < (tmp_path / "need.db").stat().st_size <= 2**20


async def test_one_that_the_database_refuses_takes_nobody_with_it(tmp_path: Path) -> None:
    nothing: Any = None
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        wrong = outbox.keep(signal("p_wrong"), [MemoryRow("btn", nothing)], light("p_wrong"), AT)
        said = [*await asyncio.gather(keep(outbox, "p_1"), wrong, keep(outbox, "p_2"))]
        assert said == [Kept(1), NotKept(NotKeptReason.STORAGE), Kept(2)]
        assert await needs(outbox) == ["p_1", "p_2"]
        assert [row.signal_id for row in await outbox.lights()] == ["p_1", "p_2"]
        assert await keep(outbox, "p_3") == Kept(3)
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await needs(outbox) == ["p_1", "p_2", "p_3"]


async def test_of_very_many_too_only_the_wrong_one_is_refused(tmp_path: Path) -> None:
    nothing: Any = None
    count = 3 * ROWS_A_STATEMENT + 5
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        wrong = outbox.keep(signal("p_wrong"), [MemoryRow("btn", nothing)], light("p_wrong"), AT)
        refused, kept = await asyncio.gather(wrong, press_all(outbox, count))
        assert refused == NotKept(NotKeptReason.STORAGE)
        assert kept == [*map(Kept, range(1, count + 1))]
        assert await needs(outbox) == [f"p_{number}" for number in range(count)]
        assert await outbox.memories() == {"btn-kitchen": f"{count - 1}"}
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert len(await needs(outbox)) == count, "each with the checksum that it is read with"


async def test_a_caller_who_went_away_is_not_waited_for(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        gone = asyncio.create_task(keep(outbox, "p_gone"))
        stays = asyncio.create_task(keep(outbox, "p_stays"))
        asyncio.get_running_loop().call_soon(gone.cancel)
        assert await stays == Kept(1)
        assert gone.cancelled()
        assert await needs(outbox) == ["p_stays"]


async def test_many_needs_of_one_slot_at_once_leave_the_lights_of_the_newest(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await press_all(outbox, 40)
        newest = [f"p_{number}" for number in range(40 - LIGHTS_PER_SLOT_MAX, 40)]
        assert [row.signal_id for row in await outbox.lights()] == newest
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert [row.signal_id for row in await outbox.lights()] == newest
        await asyncio.gather(keep(outbox, "p_40"), outbox.shine(light("p_40", "asked")))
        assert (await outbox.lights())[-1] == light("p_40", "asked")


async def test_more_callers_than_may_wait_are_refused_at_once(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        asked = [outbox.memories() for _ in range(QUEUED_JOBS_MAX + 3)]
        said = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(one, OutboxFault) for one in said].count(True) == 3
        assert await keep(outbox, "p_1") == Kept(1), "there is room again"


async def test_who_asks_in_the_turn_in_which_it_closes_is_still_served(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, OutboxLimits())
    async with outbox:
        last = asyncio.create_task(keep(outbox, "p_last"))
        await asyncio.sleep(0)
    assert await last == Kept(1)
    assert await keep(outbox, "p_late") == NotKept(NotKeptReason.STORAGE)
