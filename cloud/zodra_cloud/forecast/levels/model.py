"""The model of slots that say how much is left, or how much of a limit was used."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from zodra_cloud.forecast.calibration import NONE, Calibration, corrected
from zodra_cloud.forecast.gaps import Floats
from zodra_cloud.forecast.levels.errors import GUESS as NO_ERRORS
from zodra_cloud.forecast.levels.errors import Errors, below, located, quantile
from zodra_cloud.forecast.levels.pace import (
    GUESS,
    LevelPopulation,
    Pace,
    facts,
    own_of,
    pace_of,
    slack_days,
)
from zodra_cloud.forecast.levels.readings import curve
from zodra_cloud.forecast.levels.season import NONE as NO_SEASON
from zodra_cloud.forecast.levels.season import Season, even, evened, speed, turn, uneven
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

FORMAT: Final = "zodra-forecast-levels-2"
_FINE: Final[Floats] = np.linspace(0.005, 0.995, 100)


@dataclass(frozen=True, slots=True)
class LevelModel:
    """What is known of a category of slots with readings. Holds nothing of any one household."""

    population: LevelPopulation = GUESS
    season: Season = NO_SEASON
    """How use changes through the year."""
    errors: Errors = NO_ERRORS
    """How far off run-outs are said to be."""
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
        seen = curve(evened(self.season, history, now_days))
        if not len(seen.days):
            return self._unknown()
        pace = pace_of(seen, own_of(seen, self.population), self.population)
        days = np.concatenate([[0.0], np.array(HORIZONS_DAYS, float)]) + now_days
        ahead_days = even(self.season, days)
        last = float(seen.days[-1])
        since = max(float(ahead_days[0]) - last, 0.0)
        ahead = max(pace.left / pace.per_day - since * (1.0 - pace.stopped), 0.0)
        slack = slack_days(seen, pace.per_day)
        turned = turn(self.season, float(seen.days[0]), last, ahead)
        error = _error_of(self.errors, facts(seen, pace, ahead, slack, turned))
        horizons = (ahead_days[1:] - ahead_days[0])[None, :]
        within = corrected(
            Calibration(within=self.within),
            (1.0 - pace.stopped)
            * within_of(self.errors, horizons, *(np.array([x]) for x in (ahead, slack, *error))),
            np.array([pace.stopped]),
            np.array([pace.share]),
        )[0]
        elapsed = now_days - float(uneven(self.season, np.array([last]))[0])
        remaining = max(pace.left - since * pace.per_day * (1.0 - pace.stopped), 0.0)
        why = Explanation(
            basis="rate",
            count=len(seen.days),
            typical=pace.per_day * speed(self.season, now_days),
            spread=self._quartile(error[1]),
            last_days=now_days - elapsed,
            elapsed_days=elapsed,
            last_quantity=remaining,
            share_household=pace.share,
            households=self.population.households,
            stopped_probability=pace.stopped,
        )
        return Forecast(
            quantiles=self._days(now_days, pace, ahead, slack, *error),
            within=dict(zip(HORIZONS_DAYS, within.tolist(), strict=True)),
            state=_state(pace, ahead),
            explanation=why,
        )

    def _quartile(self, spread: float) -> float:
        low, high = quantile(self.errors, np.array([0.25, 0.75]))
        return float(math.exp(min(max(spread * (high - low) / 2.0, 0.0), 20.0)))

    def _days(
        self, now: float, pace: Pace, ahead: float, slack: float, centre: float, spread: float
    ) -> dict[float, float]:
        """Days by level, if it is needed again: the sooner, the less probably it stops before."""
        logs = centre + spread * quantile(self.errors, _FINE)
        days = (min(ahead, DAYS_AHEAD_MAX) + slack) * np.exp(np.minimum(logs, 50.0)) - slack
        days = np.clip(days, 0.0, DAYS_AHEAD_MAX)
        reached = np.cumsum(np.exp(-pace.lapse_day * (days - days[0])))
        middles = (reached - 0.5 * np.diff(reached, prepend=0.0)) / reached[-1]
        found = np.interp(np.array(LEVELS), middles, days)
        later = even(self.season, np.array([now])) + found
        held = np.clip(uneven(self.season, later) - now, 0.0, DAYS_AHEAD_MAX)
        return dict(zip(LEVELS, np.maximum.accumulate(held).tolist(), strict=True))

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
            tuple(stored["season"]),
            Errors(**{name: tuple(values) for name, values in stored["errors"].items()}),
            tuple(tuple(row) for row in stored["within"]),
            stored["outcomes"],
        )


def _state(pace: Pace, ahead: float) -> State:
    if pace.stopped >= STOPPED_FROM:
        return State.STOPPED
    if pace.share < 0.2:
        return State.COLD
    return State.OVERDUE if ahead <= 0.0 else State.ACTIVE


def within_of(
    errors: Errors, horizons: Floats, ahead: Floats, slack: Floats, centre: Floats, spread: Floats
) -> Floats:
    """Give P(run out within each horizon) by the errors alone, if use goes on; a row a slot.

    Args:
        errors: of the category.
        horizons: days on the even axis, shape (slots, horizons).
        ahead: days until it was said to run out.
        slack: days that cannot be told apart.
        centre: as by `errors.located`.
        spread: as by `errors.located`.
    """
    logs = np.log((horizons + slack[:, None]) / (ahead + slack)[:, None])
    return below(errors, (logs - centre[:, None]) / spread[:, None])


def _error_of(errors: Errors, known: list[float]) -> tuple[float, float]:
    centre, spread = located(errors, np.array([known]))
    return float(centre[0]), float(spread[0])
