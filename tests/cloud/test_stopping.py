"""What a signal may do: it comes between any two steps, also of the thread that it interrupts."""

import asyncio
import signal

import uvicorn

from zodra_cloud.kit.changes import Changes
from zodra_cloud.serving import _Server


async def test_a_signal_waits_for_no_lock_that_its_own_thread_holds() -> None:
    """A parent's death and its SIGTERM come as two; the second once stopped the first for good."""
    changes = Changes()

    async def listen() -> list[bool]:
        return [heard async for heard in changes.listen("hh-1")]

    page = asyncio.create_task(listen())
    await asyncio.sleep(0)
    server = _Server(uvicorn.Config(app=""), changes)
    with changes._lock:
        server.handle_exit(signal.SIGTERM, None)
        server.handle_exit(signal.SIGTERM, None)
    assert await page == []
    assert server.should_exit


def test_a_signal_before_there_is_a_loop_is_heard() -> None:
    server = _Server(uvicorn.Config(app=""), Changes())
    server.handle_exit(signal.SIGTERM, None)
    assert server.should_exit
