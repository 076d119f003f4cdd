"""The season of a category: how much faster than on average it is used up on each day of the year.

Learned from how the pace of each household changes through the year, all households together. With
it, days are told on an even axis, on which use has no season: a day of double use is two of them.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from zodra_cloud.forecast.gaps import DAY_MAX, Floats
from zodra_cloud.forecast.levels.readings import Curve, checked
from zodra_cloud.forecast.values import LevelHistory

YEAR_DAYS: Final = 365.25
NONE: Final = (0.0, 0.0, 0.0, 0.0)
"""Weights of cosine and sine of the year and of the half year, of the log of the pace."""
_BLOCK_DAYS: Final = 15.0
_MONTHS: Final = 12
_HOUSEHOLDS_MIN: Final = 10
"""So many households must be known in every twelfth of the year; else no season is learned."""
_STEPS: Final = 8
_LOG_MAX: Final = 1.5
_GRID: Final = np.linspace(0.0, YEAR_DAYS, 147)

Season = tuple[float, ...]


def _waves(days: Floats) -> Floats:
    turn = 2.0 * math.pi * days / YEAR_DAYS
    return np.stack([np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)], axis=-1)


@lru_cache(maxsize=64)
def _table(season: Season) -> tuple[Floats, float]:
    speed = np.exp(np.clip(_waves(_GRID) @ np.array(season), -_LOG_MAX, _LOG_MAX))
    steps = (speed[1:] + speed[:-1]) / 2.0 * np.diff(_GRID)
    table = np.concatenate([[0.0], np.cumsum(steps)])
    return table * (YEAR_DAYS / table[-1]), float(table[-1]) / YEAR_DAYS


def even(season: Season, days: Floats) -> Floats:
    """Put days on the even axis. A year is as long on both, and begins at the same place."""
    if season == NONE:
        return days
    years = np.floor(days / YEAR_DAYS)
    within = np.interp(days - years * YEAR_DAYS, _GRID, _table(season)[0])
    result: Floats = years * YEAR_DAYS + within
    return result


def uneven(season: Season, days: Floats) -> Floats:
    """Put days of the even axis back."""
    if season == NONE:
        return days
    years = np.floor(days / YEAR_DAYS)
    within = np.interp(days - years * YEAR_DAYS, _table(season)[0], _GRID)
    result: Floats = years * YEAR_DAYS + within
    return result


def evened(season: Season, history: LevelHistory, until: float = math.inf) -> LevelHistory:
    """Put a history on the even axis, without what lies after a day."""
    rows = [row for row in checked(history) if row[0] <= until]
    days = even(season, np.array([day for day, _ in rows], float))
    return LevelHistory(days.tolist(), [amount for _, amount in rows], history.empty_at)


def turn(season: Season, first: float, now: float, ahead: float) -> float:
    """Give the log of the season ahead over the season that was read; all on the even axis."""
    if season == NONE:
        return 0.0
    read, later = max(now - first, 7.0), min(max(ahead, 7.0), YEAR_DAYS)
    start, middle, end = uneven(season, np.array([now - read, now, now + later])).tolist()
    return math.log(later / (end - middle)) - math.log(read / (middle - start))


def speed(season: Season, day: float) -> float:
    """Give the pace around a day, relative to the year's."""
    if abs(day) > DAY_MAX:
        return 1.0
    around = even(season, np.array([day - 7.5, day + 7.5]))
    return float(around[1] - around[0]) / 15.0


def learn(curves: Sequence[Curve]) -> Season:
    """Learn the season from curves on the uneven axis; `NONE` if they do not tell of every month.

    What could be an accident of these households is taken off: the season shrinks by the share that
    its error, taken from one household to the next, has in it.
    """
    blocks = [found for found in map(_blocks, curves) if found is not None]
    if not _whole_year([days for days, _, _ in blocks]):
        return NONE
    waves = [_waves(days) for days, _, _ in blocks]
    weights = np.zeros(4)
    slopes, bend = np.zeros((len(blocks), 4)), np.eye(4)
    for _ in range(_STEPS):
        bend = 30.0 * np.eye(4)
        for row, ((_, spans, used), wave) in enumerate(zip(blocks, waves, strict=True)):
            mean = spans * np.exp(np.clip(wave @ weights, -_LOG_MAX, _LOG_MAX))
            mean *= used.sum() / mean.sum()
            # Each household counts its own pace aside, and as its use says, but none for years.
            centred = wave - (mean @ wave) / mean.sum()
            trust = min(float(spans.sum()), 120.0) / float(used.sum())
            slopes[row] = trust * (used - mean) @ centred
            bend += trust * (centred * mean[:, None]).T @ centred
        weights = weights + np.linalg.solve(bend, slopes.sum(axis=0) - 30.0 * weights)
    inverse = np.linalg.inv(bend)
    error = inverse @ (slopes.T @ slopes) @ inverse
    kept = []
    for wave_of in (slice(0, 2), slice(2, 4)):
        size = float(weights[wave_of] @ weights[wave_of])
        noise = float(np.trace(error[wave_of, wave_of]))
        kept += (weights[wave_of] * max(1.0 - 2.0 * noise / max(size, 1e-12), 0.0)).tolist()
    return tuple(float(each) for each in kept)


def _blocks(of: Curve) -> tuple[Floats, Floats, Floats] | None:
    """Give the middles, the active days and the use of half months of one household."""
    if len(of.days) < 10 or of.days[-1] - of.days[0] < 4 * _BLOCK_DAYS:
        return None
    count = int((of.days[-1] - of.days[0]) / _BLOCK_DAYS)
    edges = np.linspace(of.days[0], of.days[-1], min(count, 80) + 1)
    spans = np.diff(np.interp(edges, of.days, of.active))
    used = np.maximum(np.diff(np.interp(edges, of.days, of.used)), 0.0)
    some = spans > 0
    if some.sum() < 3 or used[some].sum() <= 0 or abs(of.days[-1]) > DAY_MAX:
        return None
    return ((edges[1:] + edges[:-1]) / 2.0)[some], spans[some], used[some]


def _whole_year(blocks: Sequence[Floats]) -> bool:
    if not blocks:
        return False
    everything = np.concatenate(blocks)
    if everything.max() - everything.min() < YEAR_DAYS - 2 * _BLOCK_DAYS:
        return False
    seen = np.zeros(_MONTHS)
    for days in blocks:
        months = np.unique((days % YEAR_DAYS / YEAR_DAYS * _MONTHS).astype(np.int64) % _MONTHS)
        seen[months] += 1
    return bool(seen.min() >= _HOUSEHOLDS_MIN)
