"""How far the time floor may move: the newest instant that is surely not in the future. Pure.

A gateway without a clock chip boots with a time that is too early, and the floor lifts it. A floor
that is too late does harm for good: every press after it carries an instant that never was. A time
server can be wrong once (GPS week rollovers, a typo on the home's router), so its word alone moves
the floor only as far as the monotonic clock has run. What goes further waits for a second source:
the cloud's receipts, or a day of the same answer without a contradiction.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

STEP_S_MAX: Final = 600.0
"""Beyond what the monotonic clock ran since the last confirmation; a month of a bad quartz is half
of it. Not per call: a source that is wrong by a little each minute must not add up."""
WAIT_S: Final = 24 * 3600.0
"""For this long the kernel must keep to a jump that nobody else has confirmed."""
WAVER_S_MAX: Final = 2.0
"""A jump that moves against the monotonic clock by more than this meanwhile is another jump."""
AGREED_S_MIN: Final = 60.0
"""The floor comes down once receipts have agreed with the clock for this long, or with the kernel:
one wrong receipt must not undo what the time was known to be."""

NO_FLOOR: Final = datetime.min.replace(tzinfo=UTC)


class CloudWord(StrEnum):
    """What the cloud's receipts say about the wall clock."""

    NOTHING = "nothing"
    AGREES = "agrees"
    CONTRADICTS = "contradicts"


class Move(StrEnum):
    """What became of the floor."""

    HELD = "held"
    """The time is not trusted, or not above it."""
    ROSE = "rose"
    WAITS = "waits"
    """It would have to jump, and nobody has confirmed that yet."""
    FELL = "fell"
    """It was in the future."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An instant, and what the monotonic clock of this boot read at it."""

    at: datetime
    monotonic_s: float

    def moved(self, monotonic_s: float) -> datetime:
        """Carry the instant on by the monotonic clock."""
        return self.at + timedelta(seconds=monotonic_s - self.monotonic_s)


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor, and what this boot knows about it."""

    at: datetime = NO_FLOOR
    confirmed: Mark | None = None
    """The last time of this boot that two sources agreed on; nothing in a fresh boot."""
    proposed: Mark | None = None
    """A jump that waits."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the clocks say now."""

    at: datetime
    """The earliest that it can be by the wall clock: its error is taken off already."""
    monotonic_s: float
    trusted: bool
    """By the kernel or by the cloud."""
    cloud: CloudWord = CloudWord.NOTHING
    kernel: bool = False
    """Whether the kernel says that something disciplines the clock."""
    agreed_s: float = 0.0
    """For how long the cloud's receipts have agreed with the clock."""


def move(floor: Floor, told: Told) -> tuple[Floor, Move]:
    """Decide where the floor goes.

    Args:
        floor: as it is; after a start `Floor(at)` with what the file said.
        told: what the clocks say now.
    """
    if told.cloud is CloudWord.AGREES:
        return _with_the_cloud(floor, told)
    if not told.trusted or told.cloud is CloudWord.CONTRADICTS:
        # Two that contradict each other prove nothing, and the wait begins anew.
        return replace(floor, proposed=None), Move.HELD
    if told.at <= floor.at:
        return replace(floor, proposed=None), Move.HELD
    reach = floor.confirmed
    if reach is not None and told.at <= reach.moved(told.monotonic_s) + timedelta(
        seconds=STEP_S_MAX
    ):
        return replace(floor, at=told.at, proposed=None), Move.ROSE
    return _propose(floor, told)


def _with_the_cloud(floor: Floor, told: Told) -> tuple[Floor, Move]:
    here = Mark(told.at, told.monotonic_s)
    if told.at >= floor.at:
        rose = Move.ROSE if told.at > floor.at else Move.HELD
        return Floor(told.at, confirmed=here), rose
    if told.kernel or told.agreed_s >= AGREED_S_MIN:
        if floor.at - told.at <= timedelta(seconds=WAVER_S_MAX):
            # The errors of two clocks, and no floor in the future.
            return replace(floor, confirmed=here, proposed=None), Move.HELD
        return Floor(told.at, confirmed=here), Move.FELL
    return replace(floor, proposed=None), Move.HELD


def _propose(floor: Floor, told: Told) -> tuple[Floor, Move]:
    here = Mark(told.at, told.monotonic_s)
    held = floor.proposed
    if held is None or _wavers(held, here):
        return replace(floor, proposed=here), Move.WAITS
    if told.monotonic_s - held.monotonic_s < WAIT_S:
        return floor, Move.WAITS
    return Floor(told.at, confirmed=here), Move.ROSE


def _wavers(before: Mark, now: Mark) -> bool:
    off = now.at - before.moved(now.monotonic_s)
    # Over a day a quartz drifts by seconds against the time that it is disciplined to.
    return abs(off.total_seconds()) > WAVER_S_MAX + (now.monotonic_s - before.monotonic_s) * 2e-4
