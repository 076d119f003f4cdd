"""How fast a container empties, whether it still does, and how sure one can be of it."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from zodra_cloud.forecast.readings import Curve, now_left, pauses, rate

TAIL: Final = np.linspace(0.0, 1.0, 9)
TAIL_SHARES: Final = 0.1 * np.exp(-math.log(100.0) * TAIL)
"""Shares of pauses, from one in ten to one in a thousand, of which the length is learned."""
GUESS_LAPSE: Final = 0.002


@dataclass(frozen=True, slots=True)
class LevelPopulation:
    """What is typical of a category's use."""

    log_rate: float = 0.0
    """Mean log units a day."""
    spread: float = 1.0
    """Log standard deviation of that between households."""
    days_trust: float = 10.0
    """After so many days of readings the household's own pace counts as much as the category's."""
    households: int = 0
    lapse: float = GUESS_LAPSE
    """Probability, after each visible use, that it was the last."""
    pauses: tuple[float, ...] = tuple(float(5.0 * math.exp(3.0 * place)) for place in TAIL)
    """How long pauses are, in multiples of the expected, that one in ten to one in a
    thousand exceed."""


GUESS: Final = LevelPopulation()


@dataclass(frozen=True, slots=True)
class Pace:
    """What is used a day by the household, as far as its own readings say, and what is left."""

    per_day: float
    own: float | None
    share: float
    left: float
    """At the last reading."""
    stopped: float


def pace_of(of: Curve, population: LevelPopulation) -> Pace:
    """Weigh the household's own pace against the category's, on a log scale."""
    own = rate(of)
    share = 0.0
    if own is not None:
        seen = float(of.active[-1])
        used = max(float(of.used[-1]), 0.0)
        seen *= used / (used + 6.0 * of.noise) if used > 0 else 0.0
        share = seen / (seen + population.days_trust)
    usual = population.log_rate
    mixed = share * math.log(own) + (1.0 - share) * usual if own is not None else usual
    per_day = math.exp(min(max(mixed, -40.0), 40.0))
    stopped = stopped_given(of, population)
    return Pace(per_day, own, share, now_left(of, per_day), stopped)


def stopped_given(of: Curve, population: LevelPopulation) -> float:
    """Give the probability that use has stopped, from the silence at the end of the readings."""
    return gone_after(pauses(of, slow_pace(population))[1], population)


def slow_pace(population: LevelPopulation) -> float:
    """Units a day of a slow household of the category; silence is judged by it at first."""
    return math.exp(min(max(population.log_rate - population.spread, -40.0), 40.0))


def gone_after(silent: float, population: LevelPopulation) -> float:
    """Give the probability that use has stopped, from how long ago the last one was."""
    longer, at = -np.log(TAIL_SHARES), np.log(np.array(population.pauses))
    log = math.log(max(silent, 1e-9))
    if log <= at[0]:
        left = 1.0 - 0.9 * math.exp(min(log - float(at[0]), 0.0))
    elif log <= at[-1]:
        left = math.exp(-float(np.interp(log, at, longer)))
    else:
        # Nobody's pause was this long: beyond, half as long again is a tenth as likely.
        left = float(TAIL_SHARES[-1]) * math.exp(-5.7 * (log - float(at[-1])))
    return population.lapse / (population.lapse + (1.0 - population.lapse) * left + 1e-300)


def slack_days(of: Curve, per_day: float) -> float:
    """Days below which a run-out cannot be told from another: the reading's noise, or a day."""
    return min(1.0 + of.noise / per_day, 30.0)
