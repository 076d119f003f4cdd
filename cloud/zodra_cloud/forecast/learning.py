"""Learning what is typical of a category from many histories: empirical Bayes, in a few passes.

Deterministic, and blind to the order in which the histories come, so that a model fitted again
without a household is to the last bit the model that never saw it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from zodra_cloud.forecast.gaps import Batch, Floats, Needs, batch
from zodra_cloud.forecast.mixture import (
    TENURES,
    Population,
    expect,
    gone_given,
    kinds_given,
    lapse_after,
    survival,
    track,
)

GUESS: Final = Population(
    log_gap=float(np.log(30.0)),
    between=0.9,
    elasticity=0.8,
    wander=0.02,
    skipped=0.06,
    paused=0.04,
    pause_spread=0.4,
    early=0.03,
    lapse=(0.03,) * (len(TENURES) + 1),
    kinds=(0.05, 0.15, 0.3, 0.3, 0.15, 0.05),
    households=0,
)
"""What we believe of a category before anything is known: a month, give or take a factor of 2.5."""
SEARCHED_MAX: Final = 1500
"""Histories for the search of the population's shape; more move it by less than its own error."""
MOVES: Final = 8
_GUESS_HOUSEHOLDS: Final = 5.0
"""Our guess counts like so many households with a few gaps each."""
_GUESS_NEEDS: Final = 40.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Histories laid out for fitting."""

    data: Batch
    open_days: Floats
    """Silence after the last need, as far as it is known."""
    went_on: Floats
    """Tenure, in days, at every need that was followed by another, of all histories."""


def sample(needs: Sequence[Needs]) -> Sample:
    """Lay out histories that each have at least one need."""
    stops = [each.until if each.until is not None else each.days[-1] for each in needs]
    return Sample(
        data=batch(needs),
        open_days=np.array([max(s - n.days[-1], 0.0) for s, n in zip(stops, needs, strict=True)]),
        went_on=np.array([day - each.first for each in needs for day in each.days[:-1]]),
    )


def thinned(needs: Sequence[Needs], most: int) -> list[Needs]:
    """Take at most so many, evenly from an order that depends on the contents alone."""
    ordered = sorted(needs, key=lambda each: (each.days, each.quantities, each.until or 0.0))
    if len(ordered) <= most:
        return ordered
    # A history's place must not follow from its first day, or thinning would prefer seasons.
    return [ordered[(index * len(ordered)) // most] for index in range(most)]


def _elasticity(data: Batch) -> float:
    """Slope of log gap on log quantity within households, drawn towards our guess."""
    counts = np.maximum(data.known.sum(axis=1, keepdims=True), 1)
    x = np.where(data.known, data.amounts, 0.0)
    y = np.where(data.known, data.gaps, 0.0)
    x = np.where(data.known, x - x.sum(axis=1, keepdims=True) / counts, 0.0)
    y = np.where(data.known, y - y.sum(axis=1, keepdims=True) / counts, 0.0)
    slope = (np.sum(x * y) + _GUESS_NEEDS * 0.1 * GUESS.elasticity) / (
        np.sum(x * x) + _GUESS_NEEDS * 0.1
    )
    return float(np.clip(slope, 0.0, 1.2))


def _start(data: Batch, elasticity: float) -> Population:
    """A first idea from the households' mean log gaps."""
    some = data.known.any(axis=1)
    counts = data.known[some].sum(axis=1)
    sums = np.where(data.known, data.gaps - elasticity * data.amounts, 0.0)[some].sum(axis=1)
    centres = sums / np.maximum(counts, 1)
    n = float(len(centres))
    mean = (centres.sum() + _GUESS_HOUSEHOLDS * GUESS.log_gap) / (n + _GUESS_HOUSEHOLDS)
    square = ((centres - mean) ** 2).sum() + _GUESS_HOUSEHOLDS * GUESS.between**2
    between = float(np.sqrt(square / (n + _GUESS_HOUSEHOLDS)))
    return replace(
        GUESS, log_gap=float(mean), between=max(between * 0.8, 0.1), elasticity=elasticity
    )


def log_likelihood(sampled: Sample, population: Population) -> float:
    """Judge a population by all gaps of a sample and by the silences at the ends."""
    after = track(sampled.data, population)
    logs = after.evidence + np.log(np.array(population.kinds))[None, :]
    top = logs.max(axis=1)
    seen = top + np.log(np.exp(logs - top[:, None]).sum(axis=1))
    left = survival(expect(sampled.data, population), sampled.open_days[:, None])[:, 0]
    lapse = lapse_after(population, sampled.data.tenure)
    silent = np.log(lapse + (1.0 - lapse) * left + 1e-300)
    # A weak belief keeps a category of three households from certainty.
    doubt = ((population.log_gap - GUESS.log_gap) / 1.5) ** 2
    doubt += (np.log(population.between / GUESS.between) / 0.7) ** 2
    return float(np.sum(seen + silent) - 0.5 * doubt)


def _lapses(sampled: Sample, population: Population, left: Floats) -> tuple[float, ...]:
    """Lapses by tenure, each drawn towards the mean of all, and that towards our guess."""
    typical, tenure = np.exp(population.log_gap), sampled.data.tenure
    gone = gone_given(lapse_after(population, tenure), left)
    last = np.searchsorted(TENURES, tenure / typical, side="right")
    others = np.searchsorted(TENURES, sampled.went_on / typical, side="right")
    size = len(TENURES) + 1
    lapsed = np.bincount(last, weights=gone, minlength=size)
    needs = np.bincount(last, minlength=size) + np.bincount(others, minlength=size)
    mean = lapsed.sum() + _GUESS_NEEDS * GUESS.lapse[0]
    mean /= needs.sum() + _GUESS_NEEDS
    shares = (lapsed + _GUESS_NEEDS * mean) / (needs + _GUESS_NEEDS)
    return tuple(float(share) for share in np.clip(shares, 1e-4, 0.5))


def _mixed(sampled: Sample, population: Population) -> Population:
    """One step of expectation and maximisation for the shares and the lapses."""
    after = track(sampled.data, population)
    kinds = kinds_given(after.evidence, population.kinds)
    some = sampled.data.known.any(axis=1)
    gaps = float(sampled.data.known.sum())
    tally = kinds[some].sum(axis=0) + _GUESS_HOUSEHOLDS * np.array(GUESS.kinds)
    skipped = float((kinds * after.skipped).sum()) + _GUESS_NEEDS * GUESS.skipped
    paused = float((kinds * after.paused).sum()) + _GUESS_NEEDS * GUESS.paused
    early = float((kinds * after.early).sum()) + _GUESS_NEEDS * GUESS.early
    left = survival(expect(sampled.data, population), sampled.open_days[:, None])[:, 0]
    shares = tally / tally.sum()
    return replace(
        population,
        kinds=tuple(float(share) for share in shares),
        skipped=min(skipped / (gaps + _GUESS_NEEDS), 0.3),
        paused=min(paused / (gaps + _GUESS_NEEDS), 0.3),
        early=min(early / (gaps + _GUESS_NEEDS), 0.3),
        lapse=_lapses(sampled, population, left),
    )


def _moves(population: Population, step: float) -> list[Population]:
    return [
        replace(population, log_gap=population.log_gap - step),
        replace(population, log_gap=population.log_gap + step),
        replace(population, between=max(population.between * (1 - step), 0.05)),
        replace(population, between=min(population.between * (1 + step), 3.0)),
        replace(population, wander=max(population.wander / (1 + 6 * step), 1e-4)),
        replace(population, wander=min(population.wander * (1 + 6 * step), 0.5)),
        replace(population, pause_spread=max(population.pause_spread * (1 - step), 0.1)),
        replace(population, pause_spread=min(population.pause_spread * (1 + step), 1.2)),
    ]


def learn(needs: Sequence[Needs]) -> Population:
    """Find the population that makes the histories likely.

    Args:
        needs: cleaned histories; those without any need say nothing and are skipped.
    """
    usable = [each for each in needs if each.days]
    if not usable:
        return GUESS
    sampled = sample(thinned(usable, SEARCHED_MAX))
    best = _start(sampled.data, _elasticity(sampled.data))
    for step in (0.3, 0.15, 0.07):
        for _ in range(6):
            best = _mixed(sampled, best)
        score = log_likelihood(sampled, best)
        for _ in range(3):
            before = score
            for move in range(MOVES):
                moved = _moves(best, step)[move]
                scored = log_likelihood(sampled, moved)
                if scored > score:
                    best, score = moved, scored
            if score == before:
                break
    best = _mixed(sampled, best)
    return replace(best, households=len(usable))
