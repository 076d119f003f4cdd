"""Open pages hear that their household changed, and nobody else's."""

import asyncio
from contextlib import aclosing

from zodra_cloud.kit.changes import Changes


async def _first(
    changes: Changes, household_id: str | None, heartbeat_s: float = 5.0
) -> bool | None:
    async with aclosing(changes.listen(household_id, heartbeat_s)) as heard:  # type: ignore[type-var]
        return await anext(heard, None)


async def _listening(changes: Changes, household_id: str | None) -> "asyncio.Task[bool | None]":
    task = asyncio.create_task(_first(changes, household_id))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_a_page_hears_its_own_household() -> None:
    changes = Changes()
    mine, theirs = await _listening(changes, "hh-1"), await _listening(changes, "hh-2")
    operator = await _listening(changes, None)
    await asyncio.to_thread(changes.tell, "hh-1")
    assert await mine is True
    assert await operator is True
    assert not theirs.done()
    changes.close()
    assert await theirs is None


async def test_a_quiet_stream_gives_a_heartbeat() -> None:
    assert await _first(Changes(), "hh-1", heartbeat_s=0.01) is False


async def test_many_changes_are_heard_as_one() -> None:
    changes = Changes()
    async with aclosing(changes.listen("hh-1", 0.05)) as heard:  # type: ignore[type-var]
        first = asyncio.ensure_future(anext(heard))
        await asyncio.sleep(0.01)
        for _ in range(100):
            changes.tell("hh-1")
        assert await first is True
        assert await anext(heard) is False


async def test_after_the_end_nobody_listens() -> None:
    changes = Changes()
    changes.close()
    assert await _first(changes, "hh-1") is None
