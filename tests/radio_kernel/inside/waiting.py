"""Waiting for what becomes true in another process."""

import os
import time
from collections.abc import Callable
from typing import Final

UNTIL_S: Final = float(os.environ.get("UNTIL_S", "240"))
"""Only so that a failure ends: the processor may be emulated, on a machine that is busy."""


def until(condition: Callable[[], object]) -> float:
    """Wait for something to become true, and say after how many seconds it was."""
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < UNTIL_S, "it did not become true"
        time.sleep(0.05)
    return time.monotonic() - began_s
