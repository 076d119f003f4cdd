"""What is expected of the next gap: a mixture of normal distributions of its logarithm.

A household is of one of a few kinds, from clockwork to erratic. Within a kind its typical log gap
wanders a little from gap to gap, and is tracked by a filter that asks of every gap first whether it
is an ordinary one, one with a need that was not recorded (twice as long), a pause (a holiday), or
cut short (an impulse).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from zodra_cloud.forecast.gaps import Batch, Floats

SPREADS: Final = np.array([0.12, 0.22, 0.36, 0.55, 0.85, 1.3])
"""Log standard deviation of a gap, a kind each: 0.12 is a day in eight, 1.3 almost anything."""
SKIP: Final = np.log(2.0)
PAUSE_SHIFT: Final = 0.7
EARLY_SHIFT: Final = -1.0
EARLY_SPREAD: Final = 0.7
TENURES: Final = np.array([3.0, 8.0, 16.0, 28.0, 40.0, 56.0, 80.0])
"""Bounds of a tenure, in typical gaps of the category: most things are given up early, and some,
like diapers, are outgrown late."""
_TINY: Final = 1e-300


@dataclass(frozen=True, slots=True)
class Population:
    """What is typical of a category; all that is learned of it before calibration."""

    log_gap: float
    """Mean log days between two needs of quantity 1."""
    between: float
    """Log standard deviation of that between households."""
    elasticity: float
    """How the gap grows with the quantity: gap ~ quantity to this power."""
    wander: float
    """Variance added to the typical log gap from gap to gap, over the spread squared."""
    skipped: float
    """Share of gaps that hold a need which was not recorded."""
    paused: float
    """Share of gaps that hold a pause."""
    pause_spread: float
    """Log standard deviation that a pause adds; holidays are short, and some come back late."""
    early: float
    """Share of gaps cut short, by an impulse or a visitor's press."""
    lapse: tuple[float, ...]
    """Probability, after a need, that it was the last; by tenure, see `TENURES`."""
    kinds: tuple[float, ...]
    """Share of households of each kind of `SPREADS`."""
    households: int


@dataclass(frozen=True, slots=True)
class Expected:
    """The next log gap of each history; arrays of shape (histories, components)."""

    weights: Floats
    """Sum to 1 over the components."""
    means: Floats
    spreads: Floats
    typical: Floats
    """Shape (histories,): mean over the kinds of the typical log gap at the last quantity."""
    noise: Floats
    """Shape (histories,): log standard deviation of an ordinary gap around it."""
    share: Floats
    """Shape (histories,): how far the household's own gaps decide, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """The state after the last gap; arrays of shape (histories, kinds)."""

    means: Floats
    variances: Floats
    evidence: Floats
    """Log likelihood of the history, by kind."""
    skipped: Floats
    """Shape (histories, kinds): expected number of gaps with a need not recorded."""
    paused: Floats
    early: Floats


def _ordinary(population: Population) -> float:
    return 1.0 - population.skipped - population.paused - population.early


def upper_tail(z: Floats) -> Floats:
    """Give P(Z > z) of a standard normal, relative error below 2e-7 everywhere.

    A rational Chebyshev fit of the complementary error function; numpy has none.
    """
    x = np.abs(z) * 0.7071067811865476
    t = 1.0 / (1.0 + 0.5 * x)
    poly = -0.82215223 + t * 0.17087277
    for coefficient in (1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196):
        poly = coefficient + t * poly
    tail = 0.5 * t * np.exp(-x * x - 1.26551223 + t * (1.00002368 + t * poly))
    return np.where(z >= 0, tail, 1.0 - tail)


def _density(residual: Floats, variance: Floats) -> Floats:
    return np.exp(-0.5 * residual * residual / variance) / np.sqrt(6.283185307179586 * variance)


def track(data: Batch, population: Population) -> Filtered:
    """Run the filter over every history at once."""
    noise = (SPREADS**2)[None, :]
    wander = population.wander * noise
    histories = len(data.last_amount)
    means = np.full((histories, len(SPREADS)), population.log_gap)
    variances = np.full_like(means, population.between**2)
    evidence, skips, pauses, cuts = (np.zeros_like(means) for _ in range(4))
    ordinary = _ordinary(population)
    adjusted = data.gaps - population.elasticity * data.amounts
    for column in range(data.gaps.shape[1]):
        here = data.known[:, column, None]
        if not here.any():
            continue
        residual = adjusted[:, column, None] - means
        total = variances + noise
        as_is = ordinary * _density(residual, total)
        skip = population.skipped * _density(residual - SKIP, total)
        pause = population.paused * _density(
            residual - PAUSE_SHIFT, total + population.pause_spread**2
        )
        early = population.early * _density(residual - EARLY_SHIFT, total + EARLY_SPREAD**2)
        likelihood = as_is + skip + pause + early + _TINY
        as_is, skip = as_is / likelihood, skip / likelihood
        gain = variances / total
        trusted = as_is + skip
        means = means + np.where(here, gain * (as_is * residual + skip * (residual - SKIP)), 0.0)
        variances = np.where(here, variances * (1.0 - gain * trusted) + wander, variances)
        evidence += np.where(here, np.log(likelihood), 0.0)
        skips += np.where(here, skip, 0.0)
        pauses += np.where(here, pause / likelihood, 0.0)
        cuts += np.where(here, early / likelihood, 0.0)
    return Filtered(means, variances, evidence, skips, pauses, cuts)


def kinds_given(evidence: Floats, kinds: tuple[float, ...]) -> Floats:
    """Give the probability of each kind for each history."""
    logs = evidence + np.log(np.array(kinds))[None, :]
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    result: Floats = shares / shares.sum(axis=1, keepdims=True)
    return result


def expect(data: Batch, population: Population) -> Expected:
    """Give the distribution of the next gap of each history."""
    after = track(data, population)
    kinds = kinds_given(after.evidence, population.kinds)
    centre = after.means + population.elasticity * data.last_amount[:, None]
    total = after.variances + (SPREADS**2)[None, :]
    shrunk = np.sum(kinds * after.variances, axis=1) / population.between**2
    shares = (_ordinary(population), population.skipped, population.paused, population.early)
    shifts = (0.0, SKIP, PAUSE_SHIFT, EARLY_SHIFT)
    extra = (0.0, 0.0, population.pause_spread**2, EARLY_SPREAD**2)
    return Expected(
        weights=np.concatenate([kinds * share for share in shares], axis=1),
        means=np.concatenate([centre + shift for shift in shifts], axis=1),
        spreads=np.sqrt(np.concatenate([total + more for more in extra], axis=1)),
        typical=np.sum(kinds * centre, axis=1),
        noise=np.sqrt(np.sum(kinds * (SPREADS**2)[None, :], axis=1)),
        share=np.clip(1.0 - shrunk, 0.0, 1.0),
    )


def survival(expected: Expected, days: Floats) -> Floats:
    """Give P(gap > days), by history.

    Args:
        expected: as by `expect`.
        days: shape (histories, points), not negative.
    """
    logs = np.log(np.maximum(days, 1e-9))
    z = (logs[:, None, :] - expected.means[:, :, None]) / expected.spreads[:, :, None]
    left = (expected.weights[:, None, :] @ upper_tail(z))[:, 0, :]
    return np.clip(left, 0.0, 1.0)


def lapse_after(population: Population, tenures: Floats) -> Floats:
    """Give the probability that the need after so many days of tenure was the last."""
    places = np.searchsorted(TENURES, tenures / np.exp(population.log_gap), side="right")
    found: Floats = np.array(population.lapse)[places]
    return found


def gone_given(lapse: Floats, left: Floats) -> Floats:
    """Give the probability of having lapsed.

    Args:
        lapse: probability that the last need was the last of all.
        left: probability of such a silence for a household that has not lapsed.
    """
    result: Floats = lapse / (lapse + (1.0 - lapse) * left + _TINY)
    return result
