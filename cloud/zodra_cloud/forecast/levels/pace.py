"""How fast a container empties, whether it still does, and how sure one can be of it."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from zodra_cloud.forecast.levels.readings import Curve, pauses, rate, visible_use

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
    lapse_day: float
    """Probability a day that use stops."""


@dataclass(frozen=True, slots=True)
class Own:
    """What a household's readings say alone, or nearly so."""

    rate: float | None
    """Units a day; None when nothing was seen to be used."""
    days: float
    """For how long that was seen, less where noise hides it."""
    stopped: float


def own_of(of: Curve, population: LevelPopulation) -> Own:
    """Give what the readings say. Of the population, only pauses and a rough pace count."""
    seen, used = 0.0, max(float(of.used[-1]), 0.0)
    if used > 0:
        seen = float(of.active[-1]) * used / (used + 6.0 * of.noise)
    return Own(rate(of), seen, stopped_given(of, population))


def pace_of(of: Curve, own: Own, population: LevelPopulation) -> Pace:
    """Weigh the household's own pace against the category's, on a log scale."""
    share = own.days / (own.days + population.days_trust) if own.rate is not None else 0.0
    usual = population.log_rate
    mixed = share * math.log(own.rate) + (1.0 - share) * usual if own.rate is not None else usual
    per_day = math.exp(min(max(mixed, -40.0), 40.0))
    lapse_day = population.lapse / (visible_use(of) / per_day + 1.0)
    return Pace(per_day, own.rate, share, of.last, own.stopped, lapse_day)


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


def facts(of: Curve, pace: Pace, ahead: float, slack: float, turn: float) -> list[float]:
    """Give what the error of a run-out depends on, one number for each of `errors.FACTS`.

    Args:
        of: the readings.
        pace: what is made of them.
        ahead: days until it is said to run out.
        slack: days that cannot be told apart.
        turn: log of the season ahead over the season that was read, as by `season.turn`.
    """
    far = min(max(math.log((ahead + slack) / 20.0), -3.0), 3.0)
    recent = _recent(of, pace.per_day, min(max(ahead, 7.0), 60.0))
    doubt = 3.0 * of.noise + 0.01 * abs(pace.left)
    low = min(math.log1p(doubt / max(pace.left, doubt / 20.0, 1e-300)), 3.0) if doubt > 0 else 0.0
    return [
        1.0,
        far,
        far * far / 2.0,
        pace.share - 0.8,
        recent,
        abs(recent),
        _uneven(of),
        low,
        pace.stopped,
        turn,
        abs(turn),
    ]


def _recent(of: Curve, per_day: float, days: float) -> float:
    """Log of the pace of late over the usual one; three days at the usual pace count with it."""
    if len(of.days) < 3:
        return 0.0
    begin = int(np.searchsorted(of.active, of.active[-1] - days))
    begin = min(begin, len(of.active) - 2)
    span = float(of.active[-1] - of.active[begin])
    used = max(float(of.used[-1] - of.used[begin]), 0.0)
    some = 3.0 * per_day + 3.0 * of.noise
    return min(max(math.log((used + some) / (per_day * span + some)), -2.0), 2.0)


def _uneven(of: Curve) -> float:
    """Log of how far use swings from one part of what is known to the next, over noise."""
    parts = min(12, (len(of.days) - 1) // 3)
    if parts < 3 or of.active[-1] <= 0:
        return 0.0
    grid = np.linspace(0.0, float(of.active[-1]), parts + 1)
    steps = np.diff(np.interp(grid, of.active, of.used))
    mean = float(steps.mean())
    if mean <= 0:
        return 0.0
    length = float(grid[1])
    swing = max(float(steps.var(ddof=1)) - 2.0 * of.noise**2, 0.0) / mean**2 * length
    return (parts - 1) / (parts + 5) * min(math.log((swing + 0.1) / 2.0), 4.0)
