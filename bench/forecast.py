"""Forecasts on simulated homes that the model has never seen: are the probabilities true?

Every family of homes, under several seeds: fitted on some homes, judged on others. The worst is
printed beside the mean, since a mean over families hides the family that is misled.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np

from forecast_homes import FAMILIES, UNTUNED, Family, cases, play
from forecast_judging import (
    Judged,
    calibration_error,
    error_by_chance,
    fitted_gaps,
    fitted_levels,
    judge_gaps,
    judge_levels,
)
from zodra_cloud.forecast import HORIZONS_DAYS, History, Model

EVERY = FAMILIES + UNTUNED
BY_NAME = {family.name: family for family in EVERY}
LEVEL_SHARE = 4
"""Containers are read every day, and so cost more; there are this many times fewer of them."""


@dataclass(frozen=True)
class Run:
    family: str
    seed: int
    judged: Judged


def gaps(seeds: range, homes: int) -> list[Run]:
    return _each(_gap, seeds, homes)


def levels(seeds: range, homes: int) -> list[Run]:
    return _each(_level, seeds, homes)


def _each(judge: Callable[[str, int, int], Run], seeds: range, homes: int) -> list[Run]:
    """Judge every family under every seed; each is alone with itself, so on all cores at once."""
    asked = [(family.name, seed, homes) for seed in seeds for family in EVERY]
    # Begun anew rather than forked: other parts of the bench have threads.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(judge, *zip(*asked, strict=True)))


def _gap(name: str, seed: int, homes: int) -> Run:
    family = BY_NAME[name]
    return Run(name, seed, judge_gaps(fitted_gaps(family, 3000, seed), family, homes, seed + 1))


def _level(name: str, seed: int, homes: int) -> Run:
    family = BY_NAME[name]
    return Run(name, seed, judge_levels(fitted_levels(family, 1500, seed), family, homes, seed + 1))


def cold(seed: int, homes: int) -> Judged:
    """A guess alone: a category of which no history is known."""
    return judge_gaps(Model(), FAMILIES[0], homes, seed + 1)


def predictions_per_s(family: Family, seed: int, count: int = 5000) -> tuple[float, float]:
    """Many at once, and one by one, on one core."""
    model = fitted_gaps(family, 500, seed)
    asked = cases(play(family, count, seed), seed)
    histories = [History(case.days, case.quantities) for case in asked]
    nows = [case.now_days for case in asked]
    began = time.perf_counter()
    model.predict_many(histories, nows)
    at_once = len(asked) / (time.perf_counter() - began)
    began = time.perf_counter()
    for history, now in zip(histories[:500], nows[:500], strict=True):
        model.predict(history, now)
    return at_once, 500 / (time.perf_counter() - began)


def _together(runs: list[Run], name: str) -> float:
    """Of all cases of a family: the more there are, the less of the error is chance."""
    of = [run.judged for run in runs if run.family == name]
    return calibration_error(
        np.concatenate([judged.said for judged in of]),
        np.concatenate([judged.needed for judged in of]),
    )


def table(kind: str, runs: list[Run]) -> list[tuple[str, str]]:
    """The mean and the worst over families and seeds."""
    ece = {h: [run.judged.ece[h] for run in runs] for h in HORIZONS_DAYS}
    worst = max(runs, key=lambda run: run.judged.ece[30])
    off = max(runs, key=lambda run: abs(run.judged.covered - 0.8))
    covered = [run.judged.covered for run in runs]
    judged = sum(run.judged.cases for run in runs)
    chance = [error_by_chance(run.judged.said) for run in runs]
    together = [_together(runs, family.name) for family in EVERY]
    rows = [
        (f"{kind}: homes judged, families x seeds", f"{judged:,} in {len(runs)}"),
        (
            f"{kind}: ECE at 30 days, mean; of it by chance",
            f"{np.mean(ece[30]):.4f}; {np.mean(chance):.4f}",
        ),
        (
            f"{kind}: ECE at 30 days, worst",
            f"{worst.judged.ece[30]:.4f} ({worst.family}, {worst.seed})",
        ),
        (
            f"{kind}: ECE at 30 days, seeds of a family together, mean; worst",
            f"{np.mean(together):.4f}; {max(together):.4f}"
            f" ({EVERY[int(np.argmax(together))].name})",
        ),
        (
            f"{kind}: ECE at 7 / 14 / 60 / 90 days, worst",
            " / ".join(f"{max(ece[h]):.3f}" for h in (7, 14, 60, 90)),
        ),
        (f"{kind}: 80 % band covers, mean", f"{np.mean(covered):.1%}"),
        (
            f"{kind}: 80 % band covers, farthest off",
            f"{off.judged.covered:.1%} ({off.family}, {off.seed})",
        ),
    ]
    for family in EVERY:
        of = [run.judged for run in runs if run.family == family.name]
        rows.append(
            (
                f"{kind}, {family.name}: ECE / band / Brier, base rate, naive",
                f"{np.mean([j.ece[30] for j in of]):.4f} / {np.mean([j.covered for j in of]):.1%}"
                f" / {np.mean([j.brier for j in of]):.3f},"
                f" {np.mean([j.brier_base for j in of]):.3f},"
                f" {np.mean([j.brier_naive for j in of]):.3f}",
            )
        )
    return rows


def measure(seed: int, seeds: int, homes: int) -> list[tuple[str, str]]:
    chosen = range(seed, seed + 10 * seeds, 10)
    known_nothing = cold(seed, homes)
    at_once, one_by_one = predictions_per_s(FAMILIES[0], seed)
    return [
        ("forecasts: seeds", ", ".join(str(each) for each in chosen)),
        *table("needs", gaps(chosen, homes)),
        *table("levels", levels(chosen, homes // LEVEL_SHARE)),
        (
            "needs, no history at all: ECE / band",
            f"{known_nothing.ece[30]:.3f} / {known_nothing.covered:.1%}",
        ),
        ("needs: forecasts/s a core, many at once", f"{at_once:,.0f}"),
        ("needs: forecasts/s a core, one by one", f"{one_by_one:,.0f}"),
    ]
