"""Histories, cleaned: needs in order, one a day, gaps in logarithms, padded into arrays."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zodra_cloud.forecast.values import History

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MERGE_DAYS: Final = 0.5
"""Two presses within it are one need: somebody pressed twice, or two people did."""
GAPS_MAX: Final = 40
"""The last so many gaps of a history count; older ones say little about a household of today."""
DAY_MAX: Final = 1e7
"""Days beyond it, some 27,000 years, are no days; they are ignored."""
QUANTITY_MAX: Final = 1e6


@dataclass(frozen=True, slots=True)
class Needs:
    """One history, cleaned. Times in days, ascending, at least `MERGE_DAYS` apart."""

    days: tuple[float, ...]
    quantities: tuple[float, ...]
    until: float | None
    first: float
    """The first need ever, which may lie before the days that are kept; 0 without any."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Many histories as arrays, right-aligned: the last gap stands in the last column."""

    gaps: Floats
    """Log days, shape (histories, columns)."""
    amounts: Floats
    """Log quantity bought at the start of each gap."""
    known: Bools
    """Where there is a gap at all."""
    last_amount: Floats
    """Log quantity of the last need; 0 without one."""
    tenure: Floats
    """Days from the first need ever to the last one."""


def _usable(day: float) -> bool:
    return abs(day) <= DAY_MAX


def _quantity(value: float) -> float:
    return min(float(value), QUANTITY_MAX) if value > 0 else 1.0


def _refuse_what_is_no_number(history: History, amounts: Sequence[float]) -> None:
    for place, row in enumerate(zip(history.days, amounts, strict=True)):
        if not all(map(math.isfinite, row)):
            raise ValueError(f"need {place} is {row}; leave out what is no finite number")
    if history.until_days is not None and not math.isfinite(history.until_days):
        raise ValueError(f"until_days is {history.until_days}; give a finite number, or None")


def clean(history: History, until: float | None = None) -> Needs:
    """Order a history, join needs that are one.

    Args:
        history: as recorded; days and quantities must be equally many.
        until: ignore what lies after this day.

    Raises:
        ValueError: quantities were given, but not one for each day; or something is not finite.
    """
    given = history.quantities
    if given is not None and len(given) != len(history.days):
        raise ValueError(f"{len(history.days)} days but {len(given)} quantities; give one each")
    amounts = [1.0] * len(history.days) if given is None else given
    _refuse_what_is_no_number(history, amounts)
    limit = math.inf if until is None else until
    rows = sorted(
        (float(day), _quantity(amount))
        for day, amount in zip(history.days, amounts, strict=True)
        if _usable(day) and day <= limit
    )
    days: list[float] = []
    quantities: list[float] = []
    for day, amount in rows:
        if days and day - days[-1] < MERGE_DAYS:
            # Two purchases in one morning are one bigger purchase; two presses are one press.
            if given is not None:
                quantities[-1] = min(quantities[-1] + amount, QUANTITY_MAX)
            continue
        days.append(day)
        quantities.append(amount)
    kept = slice(-(GAPS_MAX + 1), None)
    stop = history.until_days
    known_until = stop if stop is not None and _usable(stop) else None
    return Needs(tuple(days[kept]), tuple(quantities[kept]), known_until, days[0] if days else 0.0)


def batch(needs: Sequence[Needs]) -> Batch:
    """Lay cleaned histories side by side."""
    columns = max([1, *(len(each.days) - 1 for each in needs)])
    shape = (len(needs), columns)
    days = np.zeros((len(needs), columns + 1))
    amounts = np.ones((len(needs), columns + 1))
    counts = np.array([len(each.days) for each in needs], dtype=np.int64)
    for row, each in enumerate(needs):
        if each.days:
            days[row, -len(each.days) :] = each.days
            amounts[row, -len(each.days) :] = each.quantities
    known = np.arange(columns)[None, :] >= columns - (counts[:, None] - 1)
    widths = np.where(known, np.diff(days, axis=1), 1.0)
    logs = np.log(amounts)
    return Batch(
        gaps=np.log(np.maximum(widths, MERGE_DAYS)).reshape(shape),
        amounts=logs[:, :-1],
        known=known,
        last_amount=logs[:, -1],
        tenure=np.array([n.days[-1] - n.first if n.days else 0.0 for n in needs]),
    )
