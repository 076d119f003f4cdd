"""Two corrections learned from looking back: of the band, and of "within so many days".

The mixture is an opinion about shapes. What counts is that of all the times when it said 60 %, six
in ten came. So training histories are cut at instants that have nothing to do with their needs, the
mixture is asked there, and what came next sets it right.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from zodra_cloud.forecast.gaps import Floats
from zodra_cloud.forecast.values import HORIZONS_DAYS

KNOTS: Final = np.linspace(0.0, 1.0, 21)
_KNOT_WEIGHT: Final = 60.0
"""The band's map stays the identity until about so many outcomes disagree."""
_RIDGE: Final = 4.0
_STEPS: Final = 15
LOGIT_MAX: Final = 7.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """The corrections of one category; of a category without outcomes, none."""

    band: tuple[float, ...] = tuple(float(knot) for knot in KNOTS)
    """What a probability of `KNOTS`, given that the need goes on, turned out to be."""
    within: tuple[tuple[float, ...], ...] = ((0.0, 1.0, 0.0, 0.0),) * len(HORIZONS_DAYS)
    """For each horizon: constant, slope on the log odds, weight of the probability of having
    stopped, weight of the share that the household's own history has."""
    outcomes: int = 0


NONE: Final = Calibration()


def logit(p: Floats) -> Floats:
    """Give log odds, held within +-`LOGIT_MAX`."""
    held = np.clip(p, 1e-6, 1.0 - 1e-6)
    return np.clip(np.log(held / (1.0 - held)), -LOGIT_MAX, LOGIT_MAX)


def turned_out(calibration: Calibration, p: Floats) -> Floats:
    """Correct probabilities that hold given that the need goes on."""
    return np.interp(p, KNOTS, calibration.band)


def before_turning_out(calibration: Calibration, p: Floats) -> Floats:
    """Give the probability that `turned_out` makes `p` of."""
    return np.interp(p, calibration.band, KNOTS)


def _features(p: Floats, gone: Floats, share: Floats) -> Floats:
    return np.stack([np.ones_like(p), logit(p), gone - 0.2, share - 0.8], axis=-1)


def corrected(calibration: Calibration, p: Floats, gone: Floats, share: Floats) -> Floats:
    """Correct the probabilities of a need within each horizon.

    Args:
        calibration: as learned.
        p: shape (histories, horizons), stopped included, never falling along the horizons.
        gone: shape (histories,), the probability of having stopped.
        share: shape (histories,), of the household's own history.
    """
    weights = np.array(calibration.within)
    columns = []
    for column in range(p.shape[1]):
        odds = _features(p[:, column], gone, share) @ weights[column]
        columns.append(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))))
    # Horizons are corrected apart; more days can never mean a smaller probability.
    return np.maximum.accumulate(np.stack(columns, axis=1), axis=1)


def survivors(values: Floats, came: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Estimate, after Kaplan and Meier, what share lies above each value.

    Args:
        values: of each outcome, or what it is known to exceed.
        came: 1 for an outcome, 0 for one that is only known to lie above its value.
        weights: how much each counts.

    Returns:
        The values in order, and the share above each.
    """
    order = np.lexsort((weights, came, values))
    values, came, weights = values[order], came[order], weights[order]
    total = float(weights.sum())
    at_risk = np.maximum(total - np.concatenate([[0.0], np.cumsum(weights)[:-1]]), 1e-9)
    above = np.cumprod(np.clip(1.0 - came * weights / at_risk, 0.0, 1.0))
    return values, above.astype(np.float64)


def learn_band(reached: Floats, came: Floats, weights: Floats) -> tuple[float, ...]:
    """Learn how probabilities of a need that goes on turned out: Kaplan and Meier's estimate.

    Args:
        reached: the probability given to the wait until the need came, or until all is known.
        came: 1 where it came, 0 where it was not seen to.
        weights: how much each counts; a silence counts as far as the need had not stopped.
    """
    values, left = survivors(reached, came, weights)
    total = float(weights.sum())
    seen = np.interp(
        KNOTS, np.concatenate([[0.0], values, [1.0]]), np.concatenate([[0.0], 1.0 - left, [1.0]])
    )
    trust = total / (total + _KNOT_WEIGHT)
    knots = trust * np.maximum.accumulate(np.clip(seen, 0.0, 1.0)) + (1.0 - trust) * KNOTS
    knots[0], knots[-1] = 0.0, 1.0
    # A flat step would have no way back from a level to a day.
    rising = np.maximum.accumulate(knots) * (1 - 1e-6) + KNOTS * 1e-6
    return tuple(float(knot) for knot in rising)


def learn_within(
    p: Floats, gone: Floats, share: Floats, came: Floats, known: Floats
) -> tuple[tuple[float, ...], ...]:
    """Learn the correction of each horizon: a logistic regression, drawn towards no correction.

    Args:
        p: probabilities, shape (outcomes, horizons).
        gone: of having stopped, shape (outcomes,).
        share: of the household's own history, shape (outcomes,).
        came: 1 where the need came within the horizon, same shape as `p`.
        known: 1 where that is known, same shape as `p`.
    """
    start = np.array([0.0, 1.0, 0.0, 0.0])
    found = []
    for column in range(p.shape[1]):
        x = _features(p[:, column], gone, share)
        weights = start.copy()
        for _ in range(_STEPS):
            odds = np.clip(x @ weights, -30.0, 30.0)
            mean = 1.0 / (1.0 + np.exp(-odds))
            pull = known[:, column] * (came[:, column] - mean)
            slope = x.T @ pull - _RIDGE * (weights - start)
            bend = (x * (known[:, column] * mean * (1 - mean))[:, None]).T @ x
            weights = weights + np.linalg.solve(bend + _RIDGE * np.eye(4), slope)
        # A probability must rise with the one that it is made of.
        weights[1] = float(np.clip(weights[1], 0.3, 3.0))
        found.append(tuple(float(weight) for weight in weights))
    return tuple(found)
