"""What goes into a forecast and what comes out: plain values, in days and the slot's own unit.

A day is a float on any axis that the caller keeps to (days since 1970-01-01 UTC is the usual one).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

HORIZONS_DAYS: Final = (7, 14, 30, 60, 90)
LEVELS: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
"""The first and the last of these are the 80 % band."""
DAYS_AHEAD_MAX: Final = 3650.0
"""No quantile lies further ahead; ten years is as good as never for anything bought in a shop."""
STOPPED_FROM: Final = 0.5
"""The probability of having lapsed from which a slot counts as no longer needed."""


class State(StrEnum):
    """What the history says about the slot as a whole. Derived each time; never stored."""

    COLD = "cold"
    """Too little seen here: what is said is what other households of the category do."""
    ACTIVE = "active"
    OVERDUE = "overdue"
    """Silent for longer than nine in ten of its gaps, but more probably late than gone."""
    STOPPED = "stopped"
    """More probably no longer needed than late. One new need makes it active again."""


@dataclass(frozen=True, slots=True)
class History:
    """The needs of one household for one slot: presses or purchases."""

    days: Sequence[float]
    """When each need was seen, in any order. Needs within half a day of each other are one."""
    quantities: Sequence[float] | None = None
    """How much was bought each time, in units or contents. None: always the same."""
    until_days: float | None = None
    """For `fit`: the day up to which silence is known; None is the last need of all households."""


@dataclass(frozen=True, slots=True)
class LevelHistory:
    """The readings of one household's level slot, or of a usage slot by `of_usage`."""

    days: Sequence[float]
    remaining: Sequence[float]
    """What was left at each of these instants. Noise, refills and outliers are expected."""
    empty_at: float = 0.0
    """The remaining amount at which the slot counts as run out."""

    @staticmethod
    def of_usage(days: Sequence[float], used: Sequence[float], limit: float) -> "LevelHistory":
        """Turn a counter that rises to a limit (hours worn, hours run) into what is left of it.

        A counter that was set back, because the part was replaced, becomes a refill.
        """
        return LevelHistory(tuple(days), tuple(limit - each for each in used))


@dataclass(frozen=True, slots=True)
class Explanation:
    """The facts behind a forecast, enough for a page to say why in any language."""

    basis: str
    """`gaps` between needs or `rate` of depletion."""
    count: int
    """How many gaps (or how many pairs of readings a refill apart) were used."""
    typical: float | None
    """Days between two needs at the last quantity, or units used a day; None if unknown."""
    spread: float | None
    """Half of its gaps lie between typical / spread and typical x spread; at least 1."""
    last_days: float | None
    """The day of the last need or of the last reading."""
    elapsed_days: float | None
    """From then until now."""
    last_quantity: float | None
    """What was bought last, or what remains now by this forecast."""
    share_household: float
    """How far the household's own history decides, 0 to 1; the rest is the category's."""
    households: int
    """How many households stand behind the category's share; 0 for a guess of ours."""
    stopped_probability: float
    """Probability that the need is gone, given the silence."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """When it is needed next, as probabilities. Never a promise of a day."""

    quantiles: dict[float, float]
    """Days from now by level, if it is needed again at all; never falling; see `LEVELS`."""
    within: dict[int, float]
    """Probability of being needed within so many days from now, having stopped included."""
    state: State
    explanation: Explanation

    def to_json(self) -> dict[str, Any]:
        """Give plain values, keys as strings."""
        return {
            "quantiles": {str(level): days for level, days in self.quantiles.items()},
            "within": {str(days): p for days, p in self.within.items()},
            "state": self.state.value,
            "explanation": asdict(self.explanation),
        }
