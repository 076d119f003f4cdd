"""Learning a category of containers: pace, pauses, and how far off its run-outs were said to be.

The bands are conformal: past instants are asked what is asked today, and the spread of the answers
around what then came is the band. Nothing is assumed about the shape of an error.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from zodra_cloud.forecast.calibration import learn_within
from zodra_cloud.forecast.gaps import Floats
from zodra_cloud.forecast.levels import errors
from zodra_cloud.forecast.levels.model import LevelModel, within_of
from zodra_cloud.forecast.levels.pace import (
    GUESS,
    GUESS_LAPSE,
    TAIL,
    TAIL_SHARES,
    LevelPopulation,
    Own,
    Pace,
    facts,
    gone_after,
    own_of,
    pace_of,
    slack_days,
    slow_pace,
    stopped_given,
)
from zodra_cloud.forecast.levels.readings import Curve, curve, monotone, pauses, rate
from zodra_cloud.forecast.levels.season import Season, even, evened, turn, uneven
from zodra_cloud.forecast.levels.season import learn as learn_season
from zodra_cloud.forecast.values import HORIZONS_DAYS, LevelHistory

LOOKED_BACK_MAX: Final = 2000
LOOKS: Final = 4
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


def _overshot(of: Curve, smooth: Floats, place: int, target: float) -> float:
    """Days between the run-out and the reading that showed it, at an even pace in between."""
    step = float(smooth[place] - smooth[place - 1])
    span = float(of.active[place] - of.active[place - 1])
    if step <= 0:
        return 0.0
    return span * min(max((float(smooth[place]) - target) / step, 0.0), 1.0)


def _looks(
    histories: Sequence[tuple[LevelHistory, Curve]], population: LevelPopulation
) -> Iterator[_Look]:
    turn = 0.0
    for history, of in histories:
        stopped = stopped_given(of, population)
        smooth = monotone(of.used)
        for _ in range(LOOKS):
            turn = (turn + _GOLDEN) % 1.0
            now = of.days[0] + turn * (of.days[-1] - of.days[0])
            count = int(np.searchsorted(of.days, now, side="right"))
            if 1 <= count < len(of.days) and of.left[count - 1] > of.nothing:
                known = curve(history, float(of.days[count - 1]))
                yield _Look(known, *_outcome(of, smooth, count - 1), stopped)


def _outcome(of: Curve, smooth: Floats, last: int) -> tuple[float, float, float]:
    """Whether as much was used later as was left at a reading, after how long, and days watched."""
    left, margin = float(of.left[last]), of.nothing / 2.0
    target = float(of.used[last]) + left - margin
    reached = np.flatnonzero(smooth[last + 1 :] >= target)
    watched = float(of.active[-1] - of.active[last])
    if not len(reached):
        return 0.0, watched, watched
    place = last + 1 + int(reached[0])
    wait = float(of.active[place] - of.active[last]) - _overshot(of, smooth, place, target)
    # A reading cannot show the last bit being used; it goes at the pace of the rest.
    return 1.0, max(wait, 0.0) * left / (left - margin), watched


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


def _scored(looks: Sequence[_Look], paces: Sequence[Pace]) -> _Scored:
    rows = []
    for look, pace in zip(looks, paces, strict=True):
        ahead = max(pace.left / pace.per_day, 0.0)
        slack = slack_days(look.known, pace.per_day)
        weight = 1.0 if look.came else 1.0 - look.stopped
        if not look.came and look.watched > NEVER_TIMES * (ahead + slack):
            weight = 0.0
        ratio = math.log((look.wait + slack) / (ahead + slack))
        rows.append((ahead, slack, ratio, look.came, weight, pace.stopped, pace.share))
    return _Scored(*np.array(rows).T)


def _paces(looks: Sequence[_Look], own: Sequence[Own], population: LevelPopulation) -> list[Pace]:
    return [pace_of(look.known, each, population) for look, each in zip(looks, own, strict=True)]


def _facts(
    looks: Sequence[_Look], paces: Sequence[Pace], scored: _Scored, season: Season
) -> Floats:
    rows = []
    said = zip(scored.ahead.tolist(), scored.slack.tolist(), strict=True)
    for look, pace, (ahead, slack) in zip(looks, paces, said, strict=True):
        began, now = float(look.known.days[0]), float(look.known.days[-1])
        turned = turn(season, began, now, ahead)
        rows.append(facts(look.known, pace, ahead, slack, turned))
    return np.array(rows)


def _off(scored: _Scored) -> float:
    """How far off the typical run-out was said to be, as a log ratio."""
    came = np.abs(scored.ratio[scored.came > 0])
    return float(np.median(came)) if len(came) else 0.0


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


def _sorted(
    pairs: Sequence[tuple[LevelHistory, Curve]],
) -> list[tuple[LevelHistory, Curve]]:
    """Give those that say something, in an order that depends on what they say alone."""
    return sorted(
        (pair for pair in pairs if len(pair[1].days) >= 3),
        key=lambda pair: (pair[1].days.tolist(), pair[1].left.tolist()),
    )


def fit_levels(histories: Sequence[LevelHistory]) -> LevelModel:
    """Learn a category's pace, and how far off its run-outs were said to be.

    Fitting again without a household forgets it completely.

    Raises:
        ValueError: a history has not as many readings as days.
    """
    season = learn_season([of for _, of in _sorted([(each, curve(each)) for each in histories])])
    pairs = [(found, curve(found)) for found in (evened(season, each) for each in histories)]
    usable = _sorted(pairs)
    if not usable:
        return LevelModel()
    population = _population([of for _, of in usable])
    count = min(len(usable), LOOKED_BACK_MAX)
    chosen = [usable[(index * len(usable)) // count] for index in range(count)]
    looks = list(_looks(chosen, population))
    if not looks:
        return LevelModel(population, season)
    own = [own_of(look.known, population) for look in looks]
    tried = [replace(population, days_trust=trust) for trust in _DAYS_TRUST]
    scored = [_scored(looks, _paces(looks, own, each)) for each in tried]
    best = int(np.argmin([_off(each) for each in scored]))
    of = scored[best]
    known = _facts(looks, _paces(looks, own, tried[best]), of, season)
    learned = errors.learn(known, of.ratio, of.came, of.weight)
    model = LevelModel(tried[best], season, learned, outcomes=len(looks))
    return replace(model, within=_within(model, looks, of, known))


def _within(
    model: LevelModel, looks: Sequence[_Look], scored: _Scored, known: Floats
) -> tuple[tuple[float, ...], ...]:
    """Set right what the bands say of each horizon, by what came within it."""
    located = errors.located(model.errors, known)
    now = np.array([float(look.known.days[-1]) for look in looks])[:, None]
    days = uneven(model.season, now) + np.array(HORIZONS_DAYS, float)[None, :]
    horizons = even(model.season, days) - now
    said = within_of(model.errors, horizons, scored.ahead, scored.slack, *located)
    said *= 1.0 - scored.stopped[:, None]
    wait = np.array([look.wait for look in looks])[:, None]
    watched = np.array([look.watched for look in looks])[:, None]
    came = ((wait <= horizons) & (scored.came[:, None] > 0)).astype(np.float64)
    shown = (watched >= horizons).astype(np.float64)
    return learn_within(said, scored.stopped, scored.share, came, shown)
