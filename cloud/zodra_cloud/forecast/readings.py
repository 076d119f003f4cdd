"""Readings of what is left, cleaned: outliers gone, refills found, consumption as one rising curve.

Consumption does not stop at a refill, so the curve of what was used in all runs through it. That
is what makes every past instant a question with an answer: when was as much used as was left then?
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from zodra_cloud.forecast.gaps import DAY_MAX, Floats
from zodra_cloud.forecast.values import LevelHistory

READINGS_MAX: Final = 500
"""The last so many readings count: well over a year of one a day."""
AMOUNT_MAX: Final = 1e12
POINTS_MAX: Final = 48
"""For the rate: pairs grow with the square."""
_REFILL_NOISES: Final = 5.0
_REFILL_SHARE: Final = 0.08
"""A rise by less than this share of the usual range is noise or a person leaning on the scale."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One slot's readings as consumption; arrays of equal length, days strictly rising."""

    days: Floats
    left: Floats
    """What remained above `empty_at`, without outliers."""
    used: Floats
    """What was used in all since the first day, in the slot's unit; may dip by noise."""
    active: Floats
    """Days since the first one in which use could be seen: not while empty, not across a refill."""
    segment: Floats
    """Number of refills before each reading."""
    noise: float
    """Standard deviation of one reading."""
    nothing: float
    """An amount that cannot be told from nothing."""


_NO: Final = np.zeros(0)
EMPTY: Final = Curve(_NO, _NO, _NO, _NO, _NO, 0.0, 0.0)


def _rows(history: LevelHistory, until: float) -> list[tuple[float, float]]:
    if len(history.remaining) != len(history.days):
        raise ValueError(
            f"{len(history.days)} days but {len(history.remaining)} readings; give one each"
        )
    empty = history.empty_at if math.isfinite(history.empty_at) else 0.0
    return sorted(
        (float(day), float(amount) - empty)
        for day, amount in zip(history.days, history.remaining, strict=True)
        if math.isfinite(day)
        and abs(day) <= DAY_MAX
        and day <= until
        and math.isfinite(amount)
        and abs(amount) <= AMOUNT_MAX
    )


def _without_spikes(amounts: Floats, least: float) -> Floats:
    """Replace a wild reading by the mean of its neighbours.

    Wild is one that lies off both neighbours, on one side, by more than they lie apart. The last
    reading before a refill and the first one after lie off one of them only, and stay.
    """
    if len(amounts) < 3:
        return amounts
    before, here, after = amounts[:-2], amounts[1:-1], amounts[2:]
    off = np.minimum(np.abs(here - before), np.abs(here - after))
    one_side = (here - before) * (here - after) > 0
    wild = one_side & (off > least) & (np.abs(before - after) < off)
    return np.concatenate([amounts[:1], np.where(wild, (before + after) / 2, here), amounts[-1:]])


def _noise(amounts: Floats, usual: float) -> float:
    """Estimate the error of one reading from the small rises, which use cannot explain.

    How much the readings bend bounds it from above; alone it would take uneven use for noise.
    """
    if len(amounts) < 4:
        return 0.0
    bends = np.abs(amounts[:-2] - 2 * amounts[1:-1] + amounts[2:])
    most = float(np.median(bends) * 1.4826 / math.sqrt(6.0))
    steps = np.diff(amounts)
    rises = steps[(steps > 0) & (steps < 0.25 * usual)]
    if len(rises) < 3:
        return min(most, 0.01 * usual)
    return min(most, float(np.median(rises)) * 1.4826 / math.sqrt(2.0))


def curve(history: LevelHistory, until: float = math.inf) -> Curve:
    """Clean the readings of one slot.

    Args:
        history: as recorded, in any order; one reading an instant, the smallest, is kept.
        until: ignore what lies after this day.

    Raises:
        ValueError: not as many readings as days.
    """
    rows = _rows(history, until)[-READINGS_MAX:]
    if not rows:
        return EMPTY
    all_days = np.array([day for day, _ in rows])
    keep = np.concatenate([[True], np.diff(all_days) > 1e-6])
    days, raw = all_days[keep], np.array([amount for _, amount in rows])[keep]
    usual = float(np.quantile(raw, 0.95) - np.quantile(raw, 0.05))
    noise = _noise(raw, usual)
    rise = max(_REFILL_NOISES * noise, _REFILL_SHARE * usual)
    left = _without_spikes(raw, rise)
    steps = np.diff(left)
    refill = steps > rise
    nothing = max(2.0 * noise, 0.02 * usual)
    # While empty nothing can be used, and what was used on the day of a refill nobody saw.
    unseen = refill | ((left[:-1] <= nothing) & (left[1:] <= nothing))
    used = np.concatenate([[0.0], np.cumsum(np.where(unseen, 0.0, -steps))])
    active = np.concatenate([[0.0], np.cumsum(np.where(unseen, 0.0, np.diff(days)))])
    segment = np.concatenate([[0.0], np.cumsum(refill)])
    return Curve(days, left, used, active, segment, noise, nothing)


def first(whole: Curve, count: int) -> Curve:
    """Give the curve as it was after its first readings."""
    cut = slice(0, count)
    return replace(
        whole,
        days=whole.days[cut],
        left=whole.left[cut],
        used=whole.used[cut],
        active=whole.active[cut],
        segment=whole.segment[cut],
    )


def rate(of: Curve) -> float | None:
    """Give units used a day: the median of all slopes, each counting as long as it spans.

    None when nothing was seen to be used.
    """
    if len(of.days) < 3:
        return None
    places = np.unique(np.linspace(0, len(of.days) - 1, POINTS_MAX).astype(np.int64))
    active, used = of.active[places], of.used[places]
    early, late = np.triu_indices(len(active), 1)
    spans = active[late] - active[early]
    apart = spans > 0
    if not apart.any():
        return None
    spans = spans[apart]
    slopes = (used[late] - used[early])[apart] / spans
    order = np.argsort(slopes, kind="stable")
    weights = np.cumsum(spans[order])
    middle = float(slopes[order][np.searchsorted(weights, 0.5 * weights[-1])])
    return middle if middle > 0 else None


def now_left(of: Curve, per_day: float) -> float:
    """Give what remained at the last reading, from the last five since the refill."""
    same = np.flatnonzero(of.segment == of.segment[-1])[-5:]
    carried = of.left[same] - per_day * (of.days[-1] - of.days[same])
    return float(np.median(carried))


def pauses(of: Curve, usual: float) -> tuple[Floats, float]:
    """Give the times between two uses, and the silence at the end, as multiples of the expected.

    Something was used once the curve rose by more than noise can explain; that is expected to
    take as long as it does on average, and a day more, since readings come once a day.

    Args:
        of: the readings.
        usual: units a day, believed as long as hardly any use was seen.
    """
    step = max(6.0 * of.noise, 1.5 * of.nothing)
    if len(of.days) < 3 or step <= 0:
        return np.zeros(0), 0.0
    seen = float(of.used[-1]) >= 3.0 * step
    pace = float(of.used[-1] / of.active[-1]) if seen else usual
    expected = step / pace + 1.0
    marks = [0]
    for place, used in enumerate(of.used.tolist()):
        if used - of.used[marks[-1]] > step:
            marks.append(place)
    at = of.active[marks]
    between = np.diff(at) / expected if seen else np.zeros(0)
    return between, float(of.active[-1] - at[-1]) / expected
