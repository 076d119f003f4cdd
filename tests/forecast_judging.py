"""How forecasts are judged: calibration first, then whether they say anything at all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast_homes import Case, Family, Floats, LevelCase, cases, containers, play, whole_curves
from zodra_cloud.forecast import (
    HORIZONS_DAYS,
    Forecast,
    History,
    LevelHistory,
    LevelModel,
    Model,
    fit,
    fit_levels,
)

BINS = 10
FITTED_UNTIL = 1000.0


@dataclass(frozen=True)
class Judged:
    """How one model did on homes that it had not seen."""

    cases: int
    ece: dict[int, float]
    """By horizon: mean distance between what was said and what came, over ten equal bins."""
    covered: float
    """Share of the needs that came which came inside the 80 % band."""
    below: float
    """Share of them that came before it."""
    brier: float
    """At 30 days."""
    brier_base: float
    """Of always saying how often it comes within 30 days."""
    brier_naive: float
    """Of "its mean gap after the last need", as a yes or no."""
    pinball: float
    """Mean over the levels, in days, of the needs that came."""
    stopped_said: float
    stopped_were: float
    said: Floats
    """Of each case, at 30 days."""
    needed: Floats
    """1 where it came within 30 days."""


def calibration_error(said: Floats, came: Floats, bins: int = BINS) -> float:
    """Give the expected calibration error over bins of equal width."""
    places = np.clip((said * bins).astype(int), 0, bins - 1)
    gaps = np.bincount(places, weights=said - came, minlength=bins)
    return float(np.abs(gaps).sum() / len(said))


def error_by_chance(said: Floats, bins: int = BINS) -> float:
    """Give the calibration error to expect of true probabilities, in so many cases."""
    places = np.clip((said * bins).astype(int), 0, bins - 1)
    variance = np.bincount(places, weights=said * (1.0 - said), minlength=bins)
    return float(np.sqrt(variance * 2.0 / np.pi).sum() / len(said))


def judge(forecasts: Sequence[Forecast], waits: Sequence[float | None], naive: Floats) -> Judged:
    """Hold forecasts against what came.

    Args:
        forecasts: one a case.
        waits: days until it came; None if it never did.
        naive: days until the naive rule expected it.
    """
    wait = np.array([np.inf if each is None else each for each in waits])
    came = np.isfinite(wait)
    said = {h: np.array([each.within[h] for each in forecasts]) for h in HORIZONS_DAYS}
    by = {h: (wait <= h).astype(np.float64) for h in HORIZONS_DAYS}
    levels = list(forecasts[0].quantiles)
    bands = np.array([[each.quantiles[level] for level in levels] for each in forecasts])
    off = wait[came, None] - bands[came]
    weights = np.array(levels)[None, :]
    base = float(by[30].mean())
    return Judged(
        cases=len(wait),
        ece={h: calibration_error(said[h], by[h]) for h in HORIZONS_DAYS},
        covered=float(np.mean((off[:, 0] >= 0) & (off[:, -1] <= 0))),
        below=float(np.mean(off[:, 0] < 0)),
        brier=float(np.mean((said[30] - by[30]) ** 2)),
        brier_base=base * (1 - base),
        brier_naive=float(np.mean(((naive <= 30).astype(np.float64) - by[30]) ** 2)),
        pinball=float(np.mean(np.where(off >= 0, weights * off, (weights - 1) * off))),
        stopped_said=float(np.mean([e.explanation.stopped_probability for e in forecasts])),
        stopped_were=float(np.mean(~came)),
        said=said[30],
        needed=by[30],
    )


def as_histories(family: Family, homes: int, seed: int) -> list[History]:
    """Give what is known of the homes of a family by one day, for fitting."""
    found = []
    for home in play(family, homes, seed):
        known = int(np.searchsorted(home.days, FITTED_UNTIL))
        found.append(History(home.days[:known], home.quantities[:known], FITTED_UNTIL))
    return found


def mean_gap_left(case: Case) -> float:
    """Give the naive rule: the mean gap, counted from the last need; a month if there is none."""
    gaps = np.diff(case.days)
    mean = float(gaps.mean()) if len(gaps) else 30.0
    return mean - (case.now_days - case.days[-1])


def judge_gaps(model: Model, family: Family, homes: int, seed: int) -> Judged:
    """Judge a model of gaps on homes played for it."""
    asked = cases(play(family, homes, seed), seed)
    forecasts = model.predict_many(
        [History(case.days, case.quantities) for case in asked], [case.now_days for case in asked]
    )
    naive = np.array([mean_gap_left(case) for case in asked])
    return judge(forecasts, [case.wait_days for case in asked], naive)


def last_slope_left(case: LevelCase) -> float:
    """Give the naive rule: what is left, over the pace of the last fourteen readings."""
    recent = np.array(case.remaining[-14:])
    used = float(-np.minimum(np.diff(recent), 0.0).sum())
    pace = used / max(case.days[-1] - case.days[-len(recent)], 1.0)
    return case.remaining[-1] / pace if pace > 0 else np.inf


def judge_levels(model: LevelModel, family: Family, homes: int, seed: int) -> Judged:
    """Judge a model of levels on containers played for it."""
    asked = containers(family, homes, seed)
    forecasts = [model.predict(LevelHistory(c.days, c.remaining), c.now_days) for c in asked]
    naive = np.array([last_slope_left(case) for case in asked])
    return judge(forecasts, [case.wait_days for case in asked], naive)


def fitted_gaps(family: Family, homes: int, seed: int) -> Model:
    """Fit a model on homes played for it."""
    return fit(as_histories(family, homes, seed))


def fitted_levels(family: Family, homes: int, seed: int) -> LevelModel:
    """Fit a model on containers played for it."""
    return fit_levels([LevelHistory(*each) for each in whole_curves(family, homes, seed)])
