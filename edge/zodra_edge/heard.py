"""When something was heard, and how far that may be trusted. Made by `clock`; plain here."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zodra_contract.signal import TimeNote, TimeQuality

UNKNOWN_ERROR_MS: Final = 10 * 365 * 24 * 3600 * 1000
"""Told as the bound when nothing is known: a decade, the service life of a gateway."""
NO_BOOT: Final = "none"
"""The `boot_id` of a moment that was on none of the gateway's clocks."""


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

    def earlier(self, by: timedelta) -> "Heard":
        """Name the moment that was so long before this one, on both clocks."""
        return replace(
            self,
            at=self.at - by,
            monotonic_ms=max(0, self.monotonic_ms - by // timedelta(milliseconds=1)),
        )

    def waited(self, ms_max: int) -> "Heard":
        """Say of what was heard now that it may have happened up to so much earlier.

        No boot's monotonic clock knows when, so it is not dated again from one.
        """
        error_ms = min(self.error_ms + ms_max, UNKNOWN_ERROR_MS)
        return replace(self, boot_id=NO_BOOT, error_ms=error_ms)
