"""The model of slots that say how much is left, or how much of a limit was used."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from zodra_cloud.forecast.calibration import NONE, Calibration, corrected
from zodra_cloud.forecast.gaps import Floats
from zodra_cloud.forecast.pace import GUESS, LevelPopulation, Pace, pace_of, slack_days
from zodra_cloud.forecast.readings import curve
from zodra_cloud.forecast.values import (
    DAYS_AHEAD_MAX,
    HORIZONS_DAYS,
    LEVELS,
    STOPPED_FROM,
    Explanation,
    Forecast,
    LevelHistory,
    State,
)

FORMAT: Final = "zodra-forecast-levels-1"
SHARES: Final = np.linspace(0.02, 0.98, 33)
REACHES: Final = (10.0, 25.0, 60.0)
"""Bounds, in days ahead, of the four bands; errors of far run-outs even out, relative to them."""
WIDE: Final = tuple(float(0.8 * math.log(share / (1.0 - share)) / 1.7) for share in SHARES)
"""Before any outcome is known: right within a factor of two, half of the time."""


@dataclass(frozen=True, slots=True)
class LevelModel:
    """What is known of a category of slots with readings. Holds nothing of any one household."""

    population: LevelPopulation = GUESS
    scores: tuple[tuple[float, ...], ...] = (WIDE,) * (len(REACHES) + 1)
    """For each band of `REACHES`: log ratio of what came to what was said, by `SHARES`."""
    within: tuple[tuple[float, ...], ...] = NONE.within
    outcomes: int = 0

    def predict(self, history: LevelHistory, now_days: float) -> Forecast:
        """Forecast when the slot runs out.

        Args:
            history: its readings; what lies after `now_days` is ignored.
            now_days: the instant to forecast from, on the axis of the history's days.

        Raises:
            ValueError: `now_days` is not a finite number, or not one reading a day was given.
        """
        if not math.isfinite(now_days):
            raise ValueError("now_days must be a finite number of days")
        seen = curve(history, now_days)
        if not len(seen.days):
            return self._unknown()
        pace = pace_of(seen, self.population)
        since = now_days - float(seen.days[-1])
        ahead = max(pace.left / pace.per_day - since * (1.0 - pace.stopped), 0.0)
        slack = slack_days(seen, pace.per_day)
        within = corrected(
            Calibration(within=self.within),
            (1.0 - pace.stopped) * self.uncorrected(ahead, slack)[None, :],
            np.array([pace.stopped]),
            np.array([pace.share]),
        )[0]
        remaining = max(pace.left - since * pace.per_day * (1.0 - pace.stopped), 0.0)
        why = Explanation(
            basis="rate",
            count=len(seen.days),
            typical=pace.per_day,
            spread=self._quartile(ahead),
            last_days=float(seen.days[-1]),
            elapsed_days=since,
            last_quantity=remaining,
            share_household=pace.share,
            households=self.population.households,
            stopped_probability=pace.stopped,
        )
        return Forecast(
            quantiles=self._days(ahead, slack),
            within=dict(zip(HORIZONS_DAYS, within.tolist(), strict=True)),
            state=_state(pace, ahead),
            explanation=why,
        )

    def _band(self, ahead: float) -> Floats:
        return np.array(self.scores[int(np.searchsorted(REACHES, ahead))])

    def _quartile(self, ahead: float) -> float:
        low, high = np.interp([0.25, 0.75], SHARES, self._band(ahead))
        return float(math.exp(min(max((high - low) / 2.0, 0.0), 20.0)))

    def _days(self, ahead: float, slack: float) -> dict[float, float]:
        scores = np.interp(np.array(LEVELS), SHARES, self._band(ahead))
        days = (min(ahead, DAYS_AHEAD_MAX) + slack) * np.exp(np.minimum(scores, 50.0)) - slack
        held = np.maximum.accumulate(np.clip(days, 0.0, DAYS_AHEAD_MAX))
        return dict(zip(LEVELS, held.tolist(), strict=True))

    def uncorrected(self, ahead: float, slack: float) -> Floats:
        """Give P(run out within each of `HORIZONS_DAYS`) by the bands alone, if use goes on."""
        band = self._band(ahead)
        logs = np.log((np.array(HORIZONS_DAYS) + slack) / (ahead + slack))
        p = np.interp(logs, band, SHARES)
        # Beyond the outermost shares the tails fall off as fast as the band suggests.
        over, under = np.maximum(logs - band[-1], 0.0), np.minimum(logs - band[0], 0.0)
        p = np.where(over > 0, 1.0 - (1.0 - SHARES[-1]) * np.exp(-4.0 * over), p)
        return np.where(under < 0, SHARES[0] * np.exp(4.0 * under), p)

    def _unknown(self) -> Forecast:
        """Without a reading nobody knows what is left, whatever others use."""
        quantiles = {
            level: DAYS_AHEAD_MAX * share
            for level, share in zip(LEVELS, (0.0, 0.002, 0.01, 0.05, 0.2), strict=True)
        }
        days = np.array([quantiles[level] for level in LEVELS])
        p = np.interp(np.array(HORIZONS_DAYS, float), days, np.array(LEVELS))
        why = Explanation(
            "rate", 0, None, 1.0, None, None, None, 0.0, self.population.households, 0.0
        )
        return Forecast(
            quantiles, dict(zip(HORIZONS_DAYS, p.tolist(), strict=True)), State.COLD, why
        )

    def to_json(self) -> dict[str, Any]:
        """Give plain values that `from_json` turns into an equal model."""
        return {"format": FORMAT, **asdict(self)}

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> "LevelModel":
        """Read a stored model.

        Raises:
            ValueError: it is of another format; fit it again from the readings.
        """
        if stored.get("format") != FORMAT:
            raise ValueError(f"a model of format {stored.get('format')!r}; this reads {FORMAT!r}")
        population = stored["population"]
        return LevelModel(
            LevelPopulation(**{**population, "pauses": tuple(population["pauses"])}),
            tuple(tuple(band) for band in stored["scores"]),
            tuple(tuple(row) for row in stored["within"]),
            stored["outcomes"],
        )


def _state(pace: Pace, ahead: float) -> State:
    if pace.stopped >= STOPPED_FROM:
        return State.STOPPED
    if pace.share < 0.2:
        return State.COLD
    return State.OVERDUE if ahead <= 0.0 else State.ACTIVE
