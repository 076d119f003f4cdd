"""How far off a run-out is said to be, and how that depends on what was known when it was said.

What came, over what was said, in logarithms: its centre and its spread follow from some facts (how
far ahead, how long the household is known, whether its pace changed of late, how uneven its use is,
how low the container, what season comes). Both are learned by censored likelihood; the shape of
what remains is taken as it was seen, and nothing is assumed about it.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from zodra_cloud.forecast.calibration import survivors
from zodra_cloud.forecast.gaps import Floats

SHARES: Final = np.concatenate([[0.005], np.linspace(0.02, 0.98, 33), [0.995]])
FACTS: Final = (
    "one",
    "ahead",
    "ahead squared",
    "share",
    "recent",
    "changed",
    "uneven",
    "low",
    "stopped",
    "turn",
    "turned",
)
_WIDE: Final = 0.8 / 1.7
"""Before any outcome is known: right within a factor of two, half of the time."""
_RIDGE: Final = 8.0
_STEPS: Final = 40
_SCALE_MIN, _SCALE_MAX = -3.5, 1.5
CENTRE_MAX: Final = 2.5
SCORES_MIN: Final = 60
"""With fewer outcomes than this the shape stays the guessed one."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Centre and log spread of the log ratio, as weights of `FACTS`, and the shape around them."""

    centre: tuple[float, ...] = (0.0,) * len(FACTS)
    spread: tuple[float, ...] = (math.log(_WIDE),) + (0.0,) * (len(FACTS) - 1)
    shape: tuple[float, ...] = tuple(float(math.log(p / (1.0 - p))) for p in SHARES)
    """Quantiles of the ratio, once centred and divided by its spread, at `SHARES`."""


GUESS: Final = Errors()


def located(errors: Errors, facts: Floats) -> tuple[Floats, Floats]:
    """Give the centre and the spread of the log ratio for rows of facts."""
    centre = np.clip(facts @ np.array(errors.centre), -CENTRE_MAX, CENTRE_MAX)
    spread = np.exp(np.clip(facts @ np.array(errors.spread), _SCALE_MIN, _SCALE_MAX))
    return centre, spread


def quantile(errors: Errors, shares: Floats) -> Floats:
    """Give the centred ratios below which these shares lie."""
    found: Floats = np.interp(shares, SHARES, np.array(errors.shape))
    return found


def below(errors: Errors, scores: Floats) -> Floats:
    """Give the probability of a centred ratio below each of `scores`."""
    shape = np.array(errors.shape)
    p = np.interp(scores, shape, SHARES)
    # Beyond the outermost shares the tails fall off like those of the logistic distribution.
    over, under = np.maximum(scores - shape[-1], 0.0), np.minimum(scores - shape[0], 0.0)
    p = np.where(over > 0, 1.0 - (1.0 - SHARES[-1]) * np.exp(-over), p)
    result: Floats = np.where(under < 0, SHARES[0] * np.exp(under), p)
    return result


def _judged(
    weights: Floats, facts: Floats, ratio: Floats, came: Floats, counts: Floats
) -> tuple[float, Floats]:
    """Log likelihood of a logistic distribution, and its slope for each outcome."""
    half = facts.shape[1]
    log_spread = np.clip(facts @ weights[half:], _SCALE_MIN, _SCALE_MAX)
    z = np.clip((ratio - facts @ weights[:half]) / np.exp(log_spread), -40.0, 40.0)
    later = np.logaddexp(0.0, z)
    value = np.where(came > 0, z - 2.0 * later - log_spread, -later)
    up = 1.0 / (1.0 + np.exp(-z))
    by_z = np.where(came > 0, 1.0 - 2.0 * up, -up)
    by_centre = -by_z / np.exp(log_spread)
    by_spread = -by_z * z - came
    slopes = np.concatenate([facts * by_centre[:, None], facts * by_spread[:, None]], axis=1)
    return float((counts * value).sum()), slopes * counts[:, None]


def _searched(facts: Floats, ratio: Floats, came: Floats, counts: Floats) -> Floats:
    """Climb to the likeliest weights, drawn towards the guess."""
    start = np.concatenate([np.array(GUESS.centre), np.array(GUESS.spread)])
    weights, trust = start.copy(), 1.0
    value, slopes = _judged(weights, facts, ratio, came, counts)
    for _ in range(_STEPS):
        pull = slopes.sum(axis=0) - _RIDGE * (weights - start)
        bend = slopes.T @ slopes + _RIDGE * np.eye(len(start))
        step = np.linalg.solve(bend, pull)
        for _ in range(8):
            moved = weights + trust * step
            tried, found = _judged(moved, facts, ratio, came, counts)
            gain = (
                tried
                - value
                - 0.5
                * _RIDGE
                * float(((moved - start) ** 2).sum() - ((weights - start) ** 2).sum())
            )
            if gain > 0:
                break
            trust *= 0.5
        else:
            break
        weights, value, slopes, trust = moved, tried, found, min(trust * 2.0, 1.0)
        if gain < 1e-3:
            break
    return weights


def learn(facts: Floats, ratio: Floats, came: Floats, counts: Floats) -> Errors:
    """Learn from past instants how far off their run-outs were.

    Args:
        facts: shape (instants, `FACTS`).
        ratio: log of what came to what was said, or the least that it can be.
        came: 1 where it came, 0 where it was not seen to.
        counts: how much each counts; a silence counts as far as use had not stopped.
    """
    if came.sum() < SCORES_MIN:
        return GUESS
    weights = _searched(facts, ratio, came, counts)
    half = facts.shape[1]
    errors = Errors(tuple(weights[:half].tolist()), tuple(weights[half:].tolist()))
    centre, spread = located(errors, facts)
    return Errors(errors.centre, errors.spread, _shape((ratio - centre) / spread, came, counts))


def _shape(scores: Floats, came: Floats, counts: Floats) -> tuple[float, ...]:
    """Quantiles of scores, some of which are only known to be larger, one outcome wider."""
    values, left = survivors(scores, came, counts)
    n = max(float(came.sum()), 2.0)
    levels = np.clip(0.5 + (SHARES - 0.5) * (n + 1.0) / n, 0.0, 1.0)
    reached = 1.0 - left
    places = np.searchsorted(reached, levels)
    # Above what was ever seen to come, the tail goes on as the logistic distribution's does.
    last = int(np.searchsorted(reached, reached[-1]))
    sure = np.clip(levels, 1e-4, 1.0 - 1e-4)
    beyond = np.log(sure / (1.0 - sure))
    known = float(np.clip(reached[-1], 1e-3, 1.0 - 1e-3))
    tail = values[last] + np.maximum(beyond - math.log(known / (1.0 - known)), 0.0)
    found = np.where(places < len(values), values[np.minimum(places, len(values) - 1)], tail)
    rising = np.maximum.accumulate(found) + np.arange(len(SHARES)) * 1e-9
    return tuple(float(each) for each in rising)
