"""The only reader of the cloud's clocks. Everything else takes an instant as an argument."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where an instant comes from."""

    def now(self) -> datetime:
        """Give the wall-clock instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Give seconds on a clock that never goes back; for deadlines and ages only."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Give the wall-clock instant, aware, in UTC, as the machine believes it.

        To the millisecond, as it is stored: an answer that is written before the commit and one
        that is read after it tell the same instant in the same words.
        """
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1_000 * 1_000)

    def monotonic(self) -> float:
        """Give seconds since some point in the past; never goes back."""
        return time.monotonic()
