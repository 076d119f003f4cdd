"""What an honest reduction is measured against: the lowest price of the thirty days before. Pure.

Source: Directive 98/6, article 6a (by 2019/2161), as the CJEU reads it in C-330/23: a percentage
is of that lowest price too, not of any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Seen:
    """A price at the moment at which a shop named it."""

    observed_at: datetime
    unit_price_minor: int


@dataclass(frozen=True, slots=True)
class Reduction:
    """A price that is lower than every one of the thirty days before it."""

    before_minor: int
    """The lowest price of those days; what a page must show beside the new one."""
    now_minor: int
    since: datetime
    """When the new price was first seen."""

    @property
    def percent(self) -> int:
        """Give how much lower it is, rounded down."""
        return (self.before_minor - self.now_minor) * 100 // self.before_minor


def reduction(history: Sequence[Seen], now_minor: int, now: datetime) -> Reduction | None:
    """Say whether a price may be shown as a reduction; None if it may not.

    Only where the whole thirty days before are known. A price that nobody asked for in between is
    taken to have stood: that can only make the comparison stricter.

    Args:
        history: prices of one thing at one shop in one currency, in any order.
        now_minor: today's.
        now: the instant; what is later is not looked at.
    """
    seen = sorted(
        (each for each in history if each.observed_at <= now),
        key=lambda each: (each.observed_at, each.unit_price_minor),
    )
    before, run = _split(seen, now_minor)
    since = run[0].observed_at if run else now
    lowest = _lowest(before, since)
    if lowest is None or now_minor >= lowest or lowest <= 0:
        return None
    return Reduction(lowest, now_minor, since)


def _split(seen: Sequence[Seen], now_minor: int) -> tuple[Sequence[Seen], Sequence[Seen]]:
    """Part the prices before the present one from its own unbroken run."""
    start = len(seen)
    while start and seen[start - 1].unit_price_minor == now_minor:
        start -= 1
    return seen[:start], seen[start:]


def _lowest(before: Sequence[Seen], since: datetime) -> int | None:
    begins = since - WINDOW
    inside = [each.unit_price_minor for each in before if each.observed_at > begins]
    standing = [each.unit_price_minor for each in before if each.observed_at <= begins]
    if not standing:
        # Nobody looked thirty days ago, so nobody knows that it was dearer all the time.
        return None
    return min([standing[-1], *inside])
