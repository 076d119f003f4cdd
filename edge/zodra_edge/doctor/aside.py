"""Work that may hang, on threads that nobody waits for when the time is over."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from zodra_edge.errors import EdgeError

Result = TypeVar("Result")


def said(fault: OSError) -> str:
    """Say a fault of the system in its own words; asyncio puts an address in their place."""
    return os.strerror(fault.errno) if fault.errno else str(fault)


async def aside(work: Callable[[], Result]) -> Result:
    """Do blocking work on a thread of its own.

    The pool that asyncio offers is waited for at the end of a program, so a name server that
    never answers, or a card that hangs, would hold the whole examination back.
    """
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except (OSError, ValueError, sqlite3.Error) as fault:
            done.set_exception(fault)
        finally:
            # Reached by a fault in our own code too: nobody may wait for ever on a dead thread.
            if not done.done():
                done.set_exception(EdgeError("the check broke off"))

    threading.Thread(target=run, name="doctor", daemon=True).start()
    return await asyncio.wrap_future(done)
