"""When something was heard, and how far that may be trusted. Made by `clock`; plain here."""

from dataclasses import dataclass
from datetime import datetime

from zodra_contract.signal import TimeNote, TimeQuality


@dataclass(frozen=True, slots=True)
class Heard:
    """One moment on the gateway's own clocks."""

    at: datetime
    """Wall clock, aware UTC."""
    monotonic_ms: int
    """Comparable with another moment of the same `boot_id` only."""
    boot_id: str
    quality: TimeQuality
    error_ms: int
    """Bound on the error of `at`, as far as the gateway knows it."""

    def note(self) -> TimeNote:
        """Say on the wire where the instant came from."""
        return TimeNote(
            boot_id=self.boot_id,
            monotonic_ms=self.monotonic_ms,
            quality=self.quality,
            error_ms=self.error_ms,
        )
