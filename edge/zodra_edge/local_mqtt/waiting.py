"""How long a message may have waited in the broker's session before it was handed out.

MQTT 3.1.1 does not mark such a message, so those that come right after a session was taken up
again are all taken for one. Pure: the caller reads the clock.
"""

from typing import Final

from zodra_edge.heard import UNKNOWN_ERROR_MS

SETTLED_MS: Final = 10_000
"""A broker hands out what waited in a session as fast as it is taken; this long a pause ends it.
Longer than a full frame queue can make it wait."""
SETTLING_MS_MAX: Final = 60_000
"""In a home that never pauses, it has ended after this."""
NOTICED_MS_MAX: Final = 40_000
"""How long a dead connection may have been taken for a live one: two pings of paho's."""


class Waiting:
    """Follows one broker's connections, on one monotonic clock in milliseconds."""

    def __init__(self) -> None:
        """Start unknowing: what an earlier run of the gateway left behind may be of any age."""
        self._last_ms: int | None = None
        self._began_ms = 0
        self._heard_ms = 0
        self._is_connected = False
        self._settling = False
        self.away_ms_max = UNKNOWN_ERROR_MS
        """How long nobody listened before this connection."""

    def connected(self, session_present: bool, now_ms: int) -> None:
        """Note that the broker took us in.

        Args:
            session_present: it had kept our session, and with it perhaps messages.
            now_ms: the moment.
        """
        self._is_connected = True
        self.away_ms_max = UNKNOWN_ERROR_MS
        if self._last_ms is not None:
            self.away_ms_max = min(now_ms - self._last_ms, UNKNOWN_ERROR_MS)
        self._settling = session_present
        self._began_ms = self._heard_ms = now_ms

    def lost(self, now_ms: int) -> None:
        """Note that the connection ended, which is noticed some time after it did.

        If it ended before all that waited was handed out, the rest is as old as before.
        """
        self.ms_max(now_ms)
        if self._is_connected and not self._settling:
            self._last_ms = max(self._began_ms, now_ms - NOTICED_MS_MAX)
        self._is_connected = False

    def ms_max(self, now_ms: int) -> int:
        """Say how long a message heard at this moment may have waited; 0 for one heard live."""
        if not self._settling:
            return 0
        paused = now_ms - self._heard_ms > SETTLED_MS
        if paused or now_ms - self._began_ms > SETTLING_MS_MAX:
            self._settling = False
            return 0
        self._heard_ms = now_ms
        if self._last_ms is None:
            return UNKNOWN_ERROR_MS
        return min(now_ms - self._last_ms, UNKNOWN_ERROR_MS)
