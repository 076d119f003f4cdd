"""The only place in the simulator that reads a clock."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the simulator may ask about time."""

    def now(self) -> datetime:
        """Give the wall-clock instant, aware and in UTC."""
        ...

    def now_ms(self) -> int:
        """Give the wall clock in milliseconds since 1970; plans kept in it survive a restart."""
        ...

    def monotonic(self) -> float:
        """Give seconds that never run backwards, for intervals within one process."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Give the wall-clock instant, aware and in UTC."""
        return datetime.now(UTC)

    def now_ms(self) -> int:
        """Give the wall clock in milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Give seconds that never run backwards."""
        return time.monotonic()


def instant(ms: int) -> datetime:
    """Turn milliseconds since 1970 into an aware instant."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def text(at: datetime) -> str:
    """Write an instant as RFC 3339 with Z and milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
