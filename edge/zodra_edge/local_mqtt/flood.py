"""How many messages one device may send. Pure: the caller reads the clock.

A device gone wild is held back before the queue that all devices share; a burst, such as what
waited in the broker's session, is let through.
"""

from typing import Final

BURST_S: Final = 10
"""So many seconds' worth may come at once."""
DEVICES_MAX: Final = 1_024


class Flood:
    """One bucket of tokens a device."""

    def __init__(self, messages_per_s_max: int) -> None:
        """Take how many messages a second a device may send for long."""
        self._per_s = messages_per_s_max
        self._burst = float(messages_per_s_max * BURST_S)
        self._left: dict[str, tuple[float, int]] = {}

    def lets(self, device: str, now_ms: int) -> bool:
        """Whether a device's message is let through."""
        left, at_ms = self._left.pop(device, (self._burst, now_ms))
        left = min(self._burst, left + max(0, now_ms - at_ms) * self._per_s / 1000)
        lets = left >= 1.0
        self._left[device] = (left - 1.0 if lets else left), now_ms
        if len(self._left) > DEVICES_MAX:
            del self._left[next(iter(self._left))]
        return lets
