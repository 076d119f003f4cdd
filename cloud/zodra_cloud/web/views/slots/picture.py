"""The geometry of a forecast's picture: days to places. Pure; the template only draws."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from zodra_cloud.forecast import Forecast, State
from zodra_cloud.replenish.service import SlotForecast
from zodra_cloud.web.i18n import Speech
from zodra_cloud.web.views.slots.pages import Picture, Tick

WIDTH: Final = 640
HEIGHT: Final = 170
_LEFT: Final = 12
_RIGHT: Final = 628
_TOP: Final = 18
_BASE: Final = 128
_AHEAD_DAYS_MIN: Final = 10.0
_AHEAD_DAYS_MAX: Final = 400.0
_BEHIND_SHARE: Final = 0.4
"""Of the width, for the past."""
_POINTS_MAX: Final = 60


class _Scale:
    """From days around now to places in the picture."""

    def __init__(self, ahead_days: float, gap_days: float) -> None:
        self.ahead_days = ahead_days
        least = ahead_days * _BEHIND_SHARE / (1 - _BEHIND_SHARE)
        self.behind_days = min(ahead_days * 1.6, max(least, gap_days * 3.3))

    def x(self, days: float) -> int:
        share = (days + self.behind_days) / (self.ahead_days + self.behind_days)
        return round(_LEFT + min(1.0, max(0.0, share)) * (_RIGHT - _LEFT))


def picture(speech: Speech, made: SlotForecast, title: str, alternative: str) -> Picture:
    """Draw when a slot is needed again.

    Args:
        speech: of the reader.
        made: the forecast with the readings or orders that it rests on.
        title: the drawing in a few words.
        alternative: the drawing in a sentence.
    """
    forecast = made.forecast
    ahead = min(_AHEAD_DAYS_MAX, max(_AHEAD_DAYS_MIN, forecast.quantiles[0.9] * 1.12))
    known = forecast.explanation
    scale = _Scale(ahead, (known.typical or 0.0) if known.basis == "gaps" else 0.0)
    drawn = forecast.state is not State.STOPPED
    metered = made.remaining_units is not None
    line, height_of = _line(made, scale)
    threshold = made.slot.reorder_units if metered else None
    fan = ""
    if metered and drawn and height_of is not None and made.remaining_units is not None:
        ends = [
            (scale.x(forecast.quantiles[level]), height_of(threshold or 0.0))
            for level in (0.1, 0.9)
        ]
        points = [(scale.x(0.0), height_of(made.remaining_units)), *ends]
        fan = _points(points)
    return Picture(
        width=WIDTH,
        height=HEIGHT,
        base=_BASE,
        dots=() if metered else _dots(made, scale),
        line=line,
        fan=fan,
        threshold=None if threshold is None or height_of is None else height_of(threshold),
        now=scale.x(0.0),
        band=_span(forecast, scale, 0.1, 0.9) if drawn else None,
        core=_span(forecast, scale, 0.25, 0.75) if drawn else None,
        middle=scale.x(forecast.quantiles[0.5]) if drawn else None,
        ticks=_ticks(speech, made.made_at, scale, forecast, drawn=drawn),
        title=title,
        alternative=alternative,
    )


def _span(forecast: Forecast, scale: _Scale, low: float, high: float) -> tuple[int, int]:
    start = scale.x(forecast.quantiles[low])
    return start, max(2, scale.x(forecast.quantiles[high]) - start)


def _age(made: SlotForecast, at: datetime) -> float:
    return (at - made.made_at) / timedelta(days=1)


def _dots(made: SlotForecast, scale: _Scale) -> tuple[tuple[int, int], ...]:
    ages = [_age(made, point.at) for point in made.readings]
    return tuple((scale.x(age), _BASE - 34) for age in ages if age >= -scale.behind_days)


class _Height:
    """From units left to places in the picture."""

    def __init__(self, top_units: float) -> None:
        self._top_units = top_units

    def __call__(self, units: float) -> int:
        share = min(1.0, max(0.0, units / self._top_units))
        return round(_BASE - share * (_BASE - _TOP))


def _line(made: SlotForecast, scale: _Scale) -> tuple[str, _Height | None]:
    if made.remaining_units is None:
        return "", None
    shown = [point for point in made.readings if _age(made, point.at) >= -scale.behind_days]
    every = max(1, -(-len(shown) // _POINTS_MAX))
    thinned = [*shown[::every], *shown[-1:]] if shown else []
    units = [point.value for point in thinned]
    height_of = _Height(max([made.slot.capacity_units or 0.0, made.remaining_units, *units, 1e-9]))
    places = [(scale.x(_age(made, point.at)), height_of(point.value)) for point in thinned]
    return _points([*places, (scale.x(0.0), height_of(made.remaining_units))]), height_of


def _points(places: Sequence[tuple[int, int]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)


def _ticks(
    speech: Speech, now: datetime, scale: _Scale, forecast: Forecast, *, drawn: bool
) -> tuple[Tick, ...]:
    here = Tick(scale.x(0.0), speech.say("today"), "middle")
    if not drawn:
        return (here,)
    ticks = [here]
    for level, anchor in ((0.5, "middle"), (0.9, "end")):
        x = scale.x(forecast.quantiles[level])
        if x - ticks[-1].x < 110:
            continue
        at = now + timedelta(days=forecast.quantiles[level])
        ticks.append(
            Tick(x if anchor == "middle" else min(_RIGHT, x + 40), speech.short_day(at), anchor)
        )
    return tuple(ticks)
