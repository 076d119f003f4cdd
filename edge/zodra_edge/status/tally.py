"""Counts by reason."""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final

REASONS_MAX: Final = 64
"""As many as a health report carries; further reasons are counted as `other`."""


class Tally:
    """Counts what was turned away, from any thread."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._saved: Counter[str] = Counter()

    def add(self, reason: str, count: int = 1) -> int:
        """Count, and say how many there are now."""
        with self._lock:
            if reason not in self._counts and len(self._counts) >= REASONS_MAX - 1:
                reason = "other"
            self._counts[reason] += count
            return self._counts[reason]

    def counts(self) -> dict[str, int]:
        """Say all counts since the start."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def take_unsaved(self) -> dict[str, int]:
        """Say what was counted since this was last asked."""
        with self._lock:
            fresh = self._counts - self._saved
            self._saved = Counter(self._counts)
            return dict(fresh)

    def keep_unsaved(self, counts: Mapping[str, int]) -> None:
        """Take back what `take_unsaved` gave, since it could not be saved."""
        with self._lock:
            self._saved.subtract(counts)
