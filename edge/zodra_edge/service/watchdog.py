"""Feeds the service manager's watchdog, for as long as what brings a need to the cloud moves.

Fed by a timer it would only say that the process is there. A cloud, a home broker or a radio that
is away is nothing that a restart would help against, and does not starve it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from zodra_edge.errors import OutboxFault

ROUNDS: Final = 3
"""In one period of the watchdog: one may come late on a busy machine."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Vital:
    """What has to move, counted."""

    frames_busy: bool
    """Whether the consumer has frames in hand, rather than waits for some."""
    frames_turns: int
    """Times that it took some."""
    online: bool
    """Whether the cloud's broker is connected."""
    uplink_turns: int
    """Times that the uplink looked for what there is to send."""


def standing_still(before: Vital, after: Vital) -> str:
    """Name what did not move between two looks; empty if all did.

    Args:
        before: the uplink was woken right after it.
        after: seconds later.
    """
    if before.frames_busy and after.frames_busy and before.frames_turns == after.frames_turns:
        return "frames"
    if before.online and after.online and before.uplink_turns == after.uplink_turns:
        return "uplink"
    return ""


class Watchdog:
    """One of the supervised parts; `run` does one round."""

    def __init__(
        self,
        period_s: float,
        look: Callable[[], Vital],
        wake: Callable[[], None],
        answer: Callable[[], Awaitable[None]],
        feed: Callable[[], None],
    ) -> None:
        """Take the parts.

        Args:
            period_s: within which it must be fed.
            look: counts what moves.
            wake: has the uplink look for something to send.
            answer: returns once both of the outbox's threads have answered. One that hangs in a
                system call does not, and then this part waits here, and feeds nobody.
            feed: tells the service manager.
        """
        self._round_s = period_s / ROUNDS
        self._look = look
        self._wake = wake
        self._answer = answer
        self._feed = feed

    async def run(self) -> None:
        """Look twice, ask the outbox, and feed if all is well."""
        before = self._look()
        self._wake()
        await asyncio.sleep(self._round_s)
        try:
            await self._answer()
        except OutboxFault:
            log.error("outbox_does_not_answer")
            return
        if still := standing_still(before, self._look()):
            log.error("stands_still", part=still)
            return
        self._feed()
