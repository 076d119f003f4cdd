"""Learning a category of containers: pace, pauses, and how far off its run-outs were said to be.

The bands are conformal: past instants are asked what is asked today, and the spread of the answers
around what then came is the band. Nothing is assumed about the shape of an error.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from zodra_cloud.forecast.calibration import learn_within, survivors
from zodra_cloud.forecast.gaps import Bools, Floats
from zodra_cloud.forecast.levels import REACHES, SHARES, WIDE, LevelModel
from zodra_cloud.forecast.pace import (
    GUESS,
    GUESS_LAPSE,
    TAIL,
    TAIL_SHARES,
    LevelPopulation,
    gone_after,
    pace_of,
    slack_days,
    slow_pace,
    stopped_given,
)
from zodra_cloud.forecast.readings import Curve, curve, first, pauses, rate
from zodra_cloud.forecast.values import HORIZONS_DAYS, LevelHistory

LOOKED_BACK_MAX: Final = 2000
LOOKS: Final = 4
SCORES_MIN: Final = 60
"""A band with fewer outcomes than this uses the band of all."""
NEVER_TIMES: Final = 4.0
"""Not used up after so many times as long as was said: it never will be, and says no more."""
_DAYS_TRUST: Final = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
_GUESS_USES: Final = 200.0
_GOLDEN: Final = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class _Look:
    """One past instant: what was known then, and the run-out that followed, refills aside."""

    known: Curve
    came: float
    """1 if as much was used later as was left then; else 0, and `wait` is all that is known."""
    wait: float
    watched: float
    """Days after it of which something is known, came or not."""
    stopped: float
    """Probability, at the end of what is known, that use has stopped."""


def _overshot(of: Curve, place: int, target: float) -> float:
    """Days between the run-out and the reading that showed it, at an even pace in between."""
    step = float(of.used[place] - of.used[place - 1])
    span = float(of.active[place] - of.active[place - 1])
    if step <= 0:
        return 0.0
    return span * min(max((float(of.used[place]) - target) / step, 0.0), 1.0)


def _looks(curves: Sequence[Curve], population: LevelPopulation) -> Iterator[_Look]:
    turn = 0.0
    for of in curves:
        stopped = stopped_given(of, population)
        for _ in range(LOOKS):
            turn = (turn + _GOLDEN) % 1.0
            now = of.days[0] + turn * (of.days[-1] - of.days[0])
            count = int(np.searchsorted(of.days, now, side="right"))
            if count < 1 or count >= len(of.days) or of.left[count - 1] <= 2 * of.nothing:
                continue
            later = np.maximum.accumulate(of.used[count:])
            target = of.used[count - 1] + of.left[count - 1] - of.nothing
            reached = np.flatnonzero(later >= target)
            place = count + int(reached[0]) if len(reached) else len(of.days) - 1
            wait = float(of.active[place] - of.active[count - 1])
            if len(reached):
                wait -= _overshot(of, place, target)
            watched = float(of.active[-1] - of.active[count - 1])
            if len(reached):
                # A reading cannot show the last bit being used; it goes at the pace of the rest.
                wait *= float(of.left[count - 1] / (of.left[count - 1] - of.nothing))
            yield _Look(first(of, count), float(len(reached) > 0), wait, watched, stopped)


@dataclass(frozen=True, slots=True)
class _Scored:
    """What was said at each look, and what came; arrays of equal length."""

    ahead: Floats
    slack: Floats
    ratio: Floats
    """Log of what came to what was said."""
    came: Floats
    weight: Floats
    stopped: Floats
    share: Floats


def _scored(looks: Sequence[_Look], population: LevelPopulation) -> _Scored:
    rows = []
    for look in looks:
        pace = pace_of(look.known, population)
        ahead = max(pace.left / pace.per_day, 0.0)
        slack = slack_days(look.known, pace.per_day)
        weight = 1.0 if look.came else 1.0 - look.stopped
        if not look.came and look.watched > NEVER_TIMES * (ahead + slack):
            weight = 0.0
        ratio = math.log((look.wait + slack) / (ahead + slack))
        rows.append((ahead, slack, ratio, look.came, weight, pace.stopped, pace.share))
    return _Scored(*np.array(rows).T)


def _off(scored: _Scored) -> float:
    """How far off the typical run-out was said to be, as a log ratio."""
    came = np.abs(scored.ratio[scored.came > 0])
    return float(np.median(came)) if len(came) else 0.0


def _conformal(scores: Floats, came: Floats, weights: Floats) -> tuple[float, ...]:
    """Quantiles of scores, some of which are only known to be larger, one outcome wider."""
    values, left = survivors(scores, came, weights)
    n = len(scores)
    levels = np.clip(0.5 + (SHARES - 0.5) * (n + 1.0) / n, 0.0, 1.0)
    places = np.searchsorted(1.0 - left, levels)
    # Above what was ever seen to come, the band goes on as it did below.
    top = values[min(int(places.max()), len(values) - 1)]
    found = np.where(places < len(values), values[np.minimum(places, len(values) - 1)], top)
    rising = np.maximum.accumulate(found) + np.arange(len(SHARES)) * 1e-9
    return tuple(float(each) for each in rising)


def _population(curves: Sequence[Curve]) -> LevelPopulation:
    logs = np.sort(np.array([math.log(own) for own in map(rate, curves) if own is not None]))
    if not len(logs):
        return GUESS
    spread = (np.quantile(logs, 0.75) - np.quantile(logs, 0.25)) / 1.349
    # A guess of ours weighs as much as one household.
    spread = (len(logs) * spread + 1.0) / (len(logs) + 1.0)
    found = LevelPopulation(float(np.median(logs)), float(spread), 10.0, len(curves))
    return _with_pauses(curves, found)


def _with_pauses(curves: Sequence[Curve], population: LevelPopulation) -> LevelPopulation:
    """Learn how long use pauses, and how often it stops: one from the other, in turns."""
    seen = [pauses(of, slow_pace(population)) for of in curves]
    between = np.concatenate([gaps for gaps, _ in seen])
    if len(between) < _GUESS_USES:
        return population
    at = np.quantile(between, 1.0 - TAIL_SHARES)
    rising = np.maximum.accumulate(np.maximum(at, 1e-3)) * (1.0 + 1e-6 * np.arange(len(TAIL)))
    found = replace(population, pauses=tuple(float(each) for each in rising))
    for _ in range(25):
        gone = sum(gone_after(silent, found) for _, silent in seen)
        lapse = (gone + _GUESS_USES * GUESS_LAPSE) / (len(between) + _GUESS_USES)
        found = replace(found, lapse=min(float(lapse), 0.2))
    return found


def fit_levels(histories: Sequence[LevelHistory]) -> LevelModel:
    """Learn a category's pace, and how far off its run-outs were said to be.

    Fitting again without a household forgets it completely.

    Raises:
        ValueError: a history has not as many readings as days.
    """
    ordered = sorted(
        (curve(each) for each in histories), key=lambda c: (c.days.tolist(), c.left.tolist())
    )
    curves = [each for each in ordered if len(each.days) >= 3]
    if not curves:
        return LevelModel()
    population = _population(curves)
    count = min(len(curves), LOOKED_BACK_MAX)
    chosen = [curves[(index * len(curves)) // count] for index in range(count)]
    looks = list(_looks(chosen, population))
    if not looks:
        return LevelModel(population)
    tried = [replace(population, days_trust=trust) for trust in _DAYS_TRUST]
    scored = [_scored(looks, each) for each in tried]
    best = int(np.argmin([_off(each) for each in scored]))
    model = LevelModel(tried[best], _bands(scored[best]), outcomes=len(looks))
    return replace(model, within=_within(model, looks, scored[best]))


def _bands(scored: _Scored) -> tuple[tuple[float, ...], ...]:
    everything = _band_of(scored, np.ones(len(scored.came), dtype=bool), WIDE)
    places = np.searchsorted(REACHES, scored.ahead)
    return tuple(_band_of(scored, places == place, everything) for place in range(len(REACHES) + 1))


def _band_of(scored: _Scored, rows: Bools, otherwise: tuple[float, ...]) -> tuple[float, ...]:
    if scored.came[rows].sum() < SCORES_MIN:
        return otherwise
    return _conformal(scored.ratio[rows], scored.came[rows], scored.weight[rows])


def _within(
    model: LevelModel, looks: Sequence[_Look], scored: _Scored
) -> tuple[tuple[float, ...], ...]:
    """Set right what the bands say of each horizon, by what came within it."""
    said = np.array(
        [
            model.uncorrected(float(ahead), float(slack)) * (1.0 - stopped)
            for ahead, slack, stopped in zip(
                scored.ahead, scored.slack, scored.stopped, strict=True
            )
        ]
    )
    horizons = np.array(HORIZONS_DAYS, float)[None, :]
    wait = np.array([look.wait for look in looks])[:, None]
    watched = np.array([look.watched for look in looks])[:, None]
    came = ((wait <= horizons) & (scored.came[:, None] > 0)).astype(np.float64)
    known = (watched >= horizons).astype(np.float64)
    return learn_within(said, scored.stopped, scored.share, came, known)
