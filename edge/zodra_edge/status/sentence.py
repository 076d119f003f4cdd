"""The status as one sentence, for `systemctl status`. Pure."""

from collections.abc import Sequence

from zodra_edge.status.report import Problem, Status


def sentence(status: Status, found: Sequence[Problem]) -> str:
    """Say how the gateway is.

    Args:
        status: as it is now. Readings are left out: their number is another one every second.
        found: what is wrong, the worst first.
    """
    waiting = status.need.depth
    needs = "no need waits" if not waiting else f"{waiting} need{'s' * (waiting > 1)} waiting"
    if not found:
        return f"Healthy; {needs} for the cloud"
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"Degraded: {found[0]}{more}; {needs} for the cloud (zodra-edge status)"
