"""Readings of what is left, cleaned: outliers gone, refills found, consumption as one rising curve.

Consumption does not stop at a refill, so the curve of what was used in all runs through it. That
is what makes every past instant a question with an answer: when was as much used as was left then?
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zodra_cloud.forecast.gaps import DAY_MAX, Bools, Floats
from zodra_cloud.forecast.values import LevelHistory

Ints = NDArray[np.int64]

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
    last: float
    """What remained at the last reading, its noise evened."""


_NO: Final = np.zeros(0)
EMPTY: Final = Curve(_NO, _NO, _NO, _NO, _NO, 0.0, 0.0, 0.0)


def checked(history: LevelHistory) -> list[tuple[float, float]]:
    """Give days and what was left, as recorded.

    Raises:
        ValueError: not as many readings as days, or one of them is no finite number.
    """
    if len(history.remaining) != len(history.days):
        raise ValueError(
            f"{len(history.days)} days but {len(history.remaining)} readings; give one each"
        )
    if not math.isfinite(history.empty_at):
        raise ValueError(f"empty_at is {history.empty_at}; give a finite number")
    rows = [
        (float(day), float(amount))
        for day, amount in zip(history.days, history.remaining, strict=True)
    ]
    for place, row in enumerate(rows):
        if not (math.isfinite(row[0]) and math.isfinite(row[1])):
            raise ValueError(f"reading {place} is {row}; leave out what is no finite number")
    return rows


def _rows(history: LevelHistory, until: float) -> list[tuple[float, float]]:
    return sorted(
        (day, amount - history.empty_at)
        for day, amount in checked(history)
        if abs(day) <= DAY_MAX and day <= until and abs(amount - history.empty_at) <= AMOUNT_MAX
    )


def _without_spikes(amounts: Floats, least: float) -> Floats:
    """Replace a wild reading by the mean of its neighbours.

    Wild is one that lies off both neighbours, on one side, by more than they lie apart. The last
    reading before a refill and the first one after lie off one of them only, and stay. So does a
    full container that is half empty the next day, where that is how fast it usually goes.
    """
    if len(amounts) < 3:
        return amounts
    falls = -np.diff(amounts)
    falls = falls[falls > 0]
    if len(falls):
        least = max(least, 3.3 * float(np.quantile(falls, 0.75)))
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
    seen = np.where(unseen, 0.0, np.diff(days))
    emptied = ~unseen & (left[1:] <= nothing)
    if emptied.any():
        seen = _until_empty(seen, left, emptied, unseen, nothing)
    active = np.concatenate([[0.0], np.cumsum(seen)])
    segment = np.concatenate([[0], np.cumsum(refill)])
    scale = _scale(days, left, noise, unseen)
    return Curve(
        days=days,
        left=left,
        used=_used(days, np.maximum(left, 0.0), segment, scale),
        active=active,
        segment=segment.astype(np.float64),
        noise=noise,
        nothing=nothing,
        last=float(_levels_at(np.array([len(days) - 1]), days, left, segment, scale, -1)[0]),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """What says how far a reading is believed on its own."""

    pace: float
    """Units a day, roughly."""
    gain: float
    """Weight of one reading against those next to it: 1 if use swings far more than noise."""


def _scale(days: Floats, left: Floats, noise: float, unseen: Bools) -> _Scale:
    spans, falls = np.diff(days)[~unseen], -np.diff(left)[~unseen]
    if len(spans) < 4 or noise <= 0:
        return _Scale(0.0, 1.0)
    pace = max(float(falls.sum() / spans.sum()), 0.0)
    off = float(np.quantile(np.abs(falls - pace * spans), 0.9)) / 1.645
    step = float(np.median(spans))
    swing = max(off**2 - 2.0 * noise**2, (0.3 * pace * step) ** 2) / noise**2
    # The steady weight of a Kalman filter of a level that wanders, seen through noise.
    return _Scale(pace, (math.sqrt(swing * swing + 4.0 * swing) - swing) / 2.0)


def _levels_at(
    places: Ints, days: Floats, left: Floats, segment: Ints, scale: _Scale, towards: int
) -> Floats:
    """Give the levels at some readings from them and up to eleven more on one side, noise evened.

    Args:
        places: at which readings.
        days: of all readings.
        left: at all readings.
        segment: of all readings; none beyond a refill counts.
        scale: how far one reading is believed.
        towards: 1 for readings that follow, -1 for those before.
    """
    beside = places[:, None] + towards * np.arange(12)[None, :]
    inside = np.clip(beside, 0, len(days) - 1)
    same = (beside == inside) & (segment[inside] == segment[places][:, None])
    weights = np.where(same, (1.0 - scale.gain) ** np.arange(12)[None, :], 0.0)
    carried = left[inside] + scale.pace * (days[inside] - days[places][:, None])
    levels: Floats = (weights * carried).sum(axis=1) / weights.sum(axis=1)
    return levels


def _used(days: Floats, left: Floats, segment: Ints, scale: _Scale) -> Floats:
    """Give what was used in all: at a refill, the levels on both sides with their noise evened."""
    ends = np.flatnonzero(np.diff(segment))
    starts = np.concatenate([[0], ends + 1])
    begun = _levels_at(starts, days, left, segment, scale, 1)
    ended = _levels_at(ends, days, left, segment, scale, -1)
    offsets = np.cumsum(begun - np.concatenate([[0.0], ended]))
    return offsets[segment] - left


def _until_empty(
    seen: Floats, left: Floats, emptied: Bools, unseen: Bools, nothing: float
) -> Floats:
    """Shorten the days in which it ran empty to those in which something was left, at its pace."""
    fell = -np.diff(left)
    whole = ~unseen & ~emptied
    days, used = float(seen[whole].sum()), float(fell[whole].sum())
    if days <= 0 or used <= 0:
        return seen
    # A day that emptied it was a day of much use: the more use comes in bursts, the less of that
    # day had passed. A burst goes on beyond what was left by its usual excess over the mean.
    mean = used / float(whole.sum())
    burst = max(float((fell[whole] ** 2).sum()) / used - mean, 0.0)
    usual = seen * used / days
    whole_day = np.maximum(fell + usual * burst / mean, usual)
    # A slot that runs out at a threshold is read below it too, and tells how it went on.
    whole_day = np.where(left[1:] < -nothing, fell, whole_day)
    share = np.minimum(fell, left[:-1]) / np.maximum(whole_day, 1e-300)
    return np.where(emptied, seen * np.clip(share, 0.0, 1.0), seen)


def monotone(used: Floats) -> Floats:
    """Give the same use, never falling: midway between its highest before and lowest after.

    The highest alone would rise with every error upwards, and see run-outs too early.
    """
    high = np.maximum.accumulate(used)
    low = np.minimum.accumulate(used[::-1])[::-1]
    return (high + low) / 2.0


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


def visible_use(of: Curve) -> float:
    """Give an amount of use that noise cannot explain."""
    return max(6.0 * of.noise, 1.5 * of.nothing)


def pauses(of: Curve, usual: float) -> tuple[Floats, float]:
    """Give the times between two uses, and the silence at the end, as multiples of the expected.

    Something was used once the curve rose by more than noise can explain; that is expected to
    take as long as it does on average, and a day more, since readings come once a day.

    Args:
        of: the readings.
        usual: units a day, believed as long as hardly any use was seen.
    """
    step = visible_use(of)
    if len(of.days) < 3 or step <= 0:
        return np.zeros(0), 0.0
    seen = float(of.used[-1]) >= 3.0 * step and float(of.active[-1]) > 0
    pace = float(of.used[-1] / of.active[-1]) if seen else usual
    expected = step / pace + 1.0
    marks = [0]
    for place, used in enumerate(of.used.tolist()):
        if used - of.used[marks[-1]] > step:
            marks.append(place)
    at = of.active[marks]
    between = np.diff(at) / expected if seen else np.zeros(0)
    return between, float(of.active[-1] - at[-1]) / expected
