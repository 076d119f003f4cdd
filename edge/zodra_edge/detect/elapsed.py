"""How long something has been going on, added up between reports that say whether it is."""

from dataclasses import dataclass, replace

from zodra_edge.heard import Heard


@dataclass(frozen=True, slots=True)
class Elapsed:
    """A running total for one part of one device."""

    total_s: float = 0.0
    since: str = ""
    """Names the moment this total began, by boot and monotonic clock, so that it is never used
    twice, not even by a gateway that was set up anew."""
    active: bool = False
    """What the last report said."""
    monotonic_ms: int = 0
    """When it said so, in `boot_id`."""
    boot_id: str = ""


def add(state: Elapsed, active: bool, heard: Heard, gap_s_max: float) -> Elapsed:
    """Add the time since the last report, if that report said it was going on.

    Time passes on the monotonic clock, so a wall clock that is set counts for nothing; across a
    reboot nothing is known and nothing is added.

    Args:
        state: the total so far.
        active: what this report says.
        heard: when.
        gap_s_max: a longer silence counts for this much only.
    """
    total_s = state.total_s
    if state.active and state.boot_id == heard.boot_id:
        passed_s = (heard.monotonic_ms - state.monotonic_ms) / 1000
        total_s += min(max(passed_s, 0.0), gap_s_max)
    return Elapsed(
        total_s=total_s,
        since=state.since or f"{heard.boot_id}-{heard.monotonic_ms}",
        active=active,
        monotonic_ms=heard.monotonic_ms,
        boot_id=heard.boot_id,
    )


def start_over(state: Elapsed) -> Elapsed:
    """Begin a new total at the moment of the last report."""
    return replace(state, total_s=0.0, since=f"{state.boot_id}-{state.monotonic_ms}")
