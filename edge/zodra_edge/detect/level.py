"""What is left on a scale, in units of its slot; when more are needed, the cloud judges."""

from typing import Final

from zodra_edge.decode.profile import Limits

_REMAINING_MAX: Final = 100_000.0


def remaining_units(weight_kg: float, limits: Limits) -> float | None:
    """Say how many units a weight is; None unless the settings say what one weighs.

    Args:
        weight_kg: of goods and what holds them.
        limits: with what one unit weighs, and what stays on the scale when all are gone.
    """
    if limits.unit_kg is None:
        return None
    left = round((weight_kg - limits.empty_kg) / limits.unit_kg, 2)
    # Less than nothing is a scale from which the jar was taken as well.
    return min(max(left, 0.0), _REMAINING_MAX)
