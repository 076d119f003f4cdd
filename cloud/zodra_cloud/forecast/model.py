"""The model of needs that come in gaps: presses and purchases. `fit`, then `Model.predict`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from zodra_cloud.forecast.calibration import (
    NONE,
    Calibration,
    before_turning_out,
    corrected,
    learn_band,
    learn_within,
    turned_out,
)
from zodra_cloud.forecast.gaps import Floats, Needs, batch, clean
from zodra_cloud.forecast.learning import GUESS, learn, thinned
from zodra_cloud.forecast.mixture import (
    Expected,
    Population,
    expect,
    gone_given,
    lapse_after,
    survival,
)
from zodra_cloud.forecast.values import (
    DAYS_AHEAD_MAX,
    HORIZONS_DAYS,
    LEVELS,
    STOPPED_FROM,
    Explanation,
    Forecast,
    History,
    State,
)

FORMAT: Final = "zodra-forecast-gaps-1"
LOOKED_BACK_MAX: Final = 4000
"""Histories for the calibration; the error of a share is below one percent then."""
LOOKS: Final = 4
"""Instants at which each of them is cut."""
CHUNK: Final = 64
"""Histories computed at once; the arrays then stay in the processor's cache."""
_GOLDEN: Final = 0.6180339887498949
_QUARTILE: Final = 0.6744897501960817


@dataclass(frozen=True, slots=True)
class _Asked:
    """The mixture at one instant for many histories."""

    expected: Expected
    elapsed: Floats
    left: Floats
    """P(still silent), had the need not stopped; by history."""
    gone: Floats


def _ask(needs: Sequence[Needs], nows: Floats, population: Population) -> _Asked:
    data = batch(needs)
    expected = expect(data, population)
    last = np.array([n.days[-1] if n.days else now for n, now in zip(needs, nows, strict=True)])
    elapsed = np.maximum(nows - last, 0.0)
    left = survival(expected, elapsed[:, None])[:, 0]
    gone = gone_given(lapse_after(population, data.tenure), left)
    return _Asked(expected, elapsed, left, gone)


def _needed(asked: _Asked, days: Floats) -> Floats:
    """P(needed within `days` from now | not stopped), shape as `days`: (histories, points)."""
    later = survival(asked.expected, asked.elapsed[:, None] + days)
    # Far out in the tail both are zero; then the longest silence says "any day now".
    left = np.maximum(asked.left, 1e-290)[:, None]
    return np.clip(1.0 - later / left, 0.0, 1.0)


def _quantiles(asked: _Asked, targets: Floats) -> Floats:
    """Days from now at which `_needed` reaches each target: a grid, refined twice around each."""
    rows, levels = len(asked.elapsed), len(targets)
    logs = asked.expected.typical[:, None] + np.linspace(-7.0, 7.0, 29)[None, :]
    reached = np.maximum.accumulate(_needed(asked, np.exp(logs)), axis=1)
    grid = np.repeat(logs[:, None, :], levels, axis=1)
    values = np.repeat(reached[:, None, :], levels, axis=1)
    parts = np.linspace(0.0, 1.0, 7)
    for _ in range(2):
        low, high, _, _ = _bracket(grid, values, targets)
        grid = low[:, :, None] + (high - low)[:, :, None] * parts
        inner = _needed(asked, np.exp(grid.reshape(rows, -1))).reshape(grid.shape)
        values = np.maximum.accumulate(inner, axis=2)
    low, high, below, above = _bracket(grid, values, targets)
    part = np.clip((targets[None, :] - below) / np.maximum(above - below, 1e-12), 0.0, 1.0)
    days = np.exp(np.minimum(low + (high - low) * part, 50.0))
    return np.maximum.accumulate(np.minimum(days, DAYS_AHEAD_MAX), axis=1)


def _bracket(
    grid: Floats, values: Floats, targets: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """The grid points around each target, and the probabilities there."""
    place = np.sum(values < targets[None, :, None], axis=2, keepdims=True)
    place = np.clip(place, 1, grid.shape[2] - 1)
    return (
        np.take_along_axis(grid, place - 1, axis=2)[:, :, 0],
        np.take_along_axis(grid, place, axis=2)[:, :, 0],
        np.take_along_axis(values, place - 1, axis=2)[:, :, 0],
        np.take_along_axis(values, place, axis=2)[:, :, 0],
    )


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a category. Holds sums over households, and nothing of any one of them."""

    population: Population = GUESS
    calibration: Calibration = NONE

    def predict(self, history: History, now_days: float) -> Forecast:
        """Forecast the next need of one household.

        Args:
            history: its needs; what lies after `now_days` is ignored, and an empty one is answered
                from the category alone, as if the last need had been now.
            now_days: the instant to forecast from, on the axis of the history's days.

        Raises:
            ValueError: `now_days` is not a finite number, or quantities do not match the days.
        """
        return self.predict_many([history], [now_days])[0]

    def predict_many(
        self, histories: Sequence[History], now_days: Sequence[float]
    ) -> list[Forecast]:
        """Forecast for many households at once, some ten times as fast as one by one.

        Raises:
            ValueError: as `predict`.
        """
        if not all(np.isfinite(now) for now in now_days):
            raise ValueError("now_days must be finite numbers of days")
        rows = [
            (clean(each, until=now), float(now))
            for each, now in zip(histories, now_days, strict=True)
        ]
        return [
            forecast
            for start in range(0, len(rows), CHUNK)
            for forecast in self._chunk(rows[start : start + CHUNK])
        ]

    def _chunk(self, rows: Sequence[tuple[Needs, float]]) -> Iterator[Forecast]:
        needs = [each for each, _ in rows]
        asked = _ask(needs, np.array([now for _, now in rows]), self.population)
        horizons = np.broadcast_to(np.array(HORIZONS_DAYS, float), (len(rows), len(HORIZONS_DAYS)))
        goes_on = turned_out(self.calibration, _needed(asked, horizons))
        share = asked.expected.share
        within = corrected(
            self.calibration, (1.0 - asked.gone)[:, None] * goes_on, asked.gone, share
        )
        targets = before_turning_out(self.calibration, np.array(LEVELS))
        quantiles = _quantiles(asked, targets)
        silent = 1.0 - turned_out(self.calibration, 1.0 - asked.left)
        for row, each in enumerate(needs):
            yield Forecast(
                quantiles=dict(zip(LEVELS, quantiles[row].tolist(), strict=True)),
                within=dict(zip(HORIZONS_DAYS, within[row].tolist(), strict=True)),
                state=_state(each, float(asked.gone[row]), float(silent[row])),
                explanation=self._why(each, asked, row),
            )

    def _why(self, needs: Needs, asked: _Asked, row: int) -> Explanation:
        some = bool(needs.days)
        typical = np.exp(np.clip(asked.expected.typical[row], -20.0, 20.0))
        return Explanation(
            basis="gaps",
            count=max(len(needs.days) - 1, 0),
            typical=float(typical),
            spread=float(np.exp(_QUARTILE * asked.expected.noise[row])),
            last_days=needs.days[-1] if some else None,
            elapsed_days=float(asked.elapsed[row]) if some else None,
            last_quantity=needs.quantities[-1] if some else None,
            share_household=float(asked.expected.share[row]) if len(needs.days) > 1 else 0.0,
            households=self.population.households,
            stopped_probability=float(asked.gone[row]) if some else 0.0,
        )

    def to_json(self) -> dict[str, Any]:
        """Give plain values that `from_json` turns into an equal model."""
        return {
            "format": FORMAT,
            "population": asdict(self.population),
            "calibration": asdict(self.calibration),
        }

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> "Model":
        """Read a stored model.

        Raises:
            ValueError: it is of another format; fit it again from the histories.
        """
        if stored.get("format") != FORMAT:
            raise ValueError(f"a model of format {stored.get('format')!r}; this reads {FORMAT!r}")
        population, calibration = dict(stored["population"]), dict(stored["calibration"])
        for field in ("kinds", "lapse"):
            population[field] = tuple(population[field])
        calibration["band"] = tuple(calibration["band"])
        calibration["within"] = tuple(tuple(row) for row in calibration["within"])
        return Model(Population(**population), Calibration(**calibration))


def _state(needs: Needs, gone: float, silent: float) -> State:
    if len(needs.days) < 2:
        return State.COLD
    if gone >= STOPPED_FROM:
        return State.STOPPED
    return State.OVERDUE if silent < 0.1 else State.ACTIVE


def fit(histories: Sequence[History]) -> Model:
    """Learn what is typical of a category from the histories of many households.

    Few histories are not an error: what they do not say is filled in by a broad guess, and an
    empty list gives that guess alone. Fitting again without a household forgets it completely.

    Raises:
        ValueError: a history has quantities, but not one for each day.
    """
    cleaned = [each for each in (clean(history) for history in histories) if each.days]
    if not cleaned:
        return Model()
    end = max(each.days[-1] for each in cleaned)
    needs = [each if each.until is not None else replace(each, until=end) for each in cleaned]
    population = learn(needs)
    return Model(population, _look_back(thinned(needs, LOOKED_BACK_MAX), population))


@dataclass(frozen=True, slots=True)
class _Look:
    known: Needs
    now: float
    wait: float
    """Days to the next need, or infinity."""
    watched: float
    """Days after `now` of which something is known."""


def _looks(needs: Sequence[Needs]) -> Iterator[_Look]:
    """Cut each history at instants spread evenly over the time that it is known."""
    turn = 0.0
    for each in needs:
        stop = max(each.until if each.until is not None else each.days[-1], each.days[-1])
        for _ in range(LOOKS):
            turn = (turn + _GOLDEN) % 1.0
            now = each.days[0] + turn * (stop - each.days[0])
            known = int(np.searchsorted(each.days, now, side="right"))
            wait = each.days[known] - now if known < len(each.days) else np.inf
            cut = Needs(each.days[:known], each.quantities[:known], None, each.first)
            if known and stop > now:
                yield _Look(cut, now, wait, stop - now)


def _look_back(needs: Sequence[Needs], population: Population) -> Calibration:
    looks = list(_looks(needs))
    if not looks:
        return NONE
    wait = np.array([look.wait for look in looks])
    watched = np.array([look.watched for look in looks])
    asked = _ask([look.known for look in looks], np.array([look.now for look in looks]), population)
    came = (wait <= watched).astype(np.float64)
    seen = np.minimum(wait, watched)
    reached = _needed(asked, seen[:, None])[:, 0]
    stopped = gone_given(asked.gone, 1.0 - reached)
    band = learn_band(reached, came, np.where(came > 0, 1.0, 1.0 - stopped))
    half = Calibration(band=band)
    horizons = np.broadcast_to(np.array(HORIZONS_DAYS, float), (len(looks), len(HORIZONS_DAYS)))
    p = (1.0 - asked.gone)[:, None] * turned_out(half, _needed(asked, horizons))
    came_within = (wait[:, None] <= horizons).astype(np.float64)
    # Also where it came: an outcome counts only if its absence would have been seen as well.
    known = (watched[:, None] >= horizons).astype(np.float64)
    within = learn_within(p, asked.gone, asked.expected.share, came_within, known)
    return Calibration(band=band, within=within, outcomes=len(looks))
