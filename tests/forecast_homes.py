"""Homes that use things up, day by day, so that forecasts are judged on what they did not assume.

Nothing here draws a gap: a stock falls by a daily use with weekdays, seasons, holidays, guests and
drift, and somebody may notice that it is low, on a shopping day, and press, or forget to. The gaps
follow. The forecasting room shares no line with this file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

YEARS_DAYS = 1460
"""How long a home is played; the truth after an origin is read off the rest."""


@dataclass(frozen=True)
class Family:
    """What homes of one kind have in common. Rates are per home; probabilities as named."""

    name: str
    pack_days: float = 30.0
    """Median days that one pack lasts."""
    pack_spread: float = 0.5
    """Log standard deviation of that between homes."""
    second_kind: float = 0.0
    """Share of homes that use at a third of the pace (small households)."""
    lumpiness: float = 1.0
    """Variance of a day's use over its squared mean."""
    season: float = 0.1
    drift_year: float = 0.0
    """Mean log change of the pace a year; homes scatter around it by as much again."""
    wander: float = 0.004
    """Daily step of a random walk of the log pace."""
    holidays_year: float = 1.5
    guests_year: float = 1.0
    shopping_day: float = 0.4
    """Share of homes that buy on one day of the week only."""
    notice: float = 0.5
    """Probability a day that a low stock is noticed; also spreads the threshold."""
    multi_buy: float = 0.1
    temptation: float = 0.0
    """How much faster a full cupboard empties: use scales with (stock / pack) to this power."""
    missed: float = 0.05
    """Mean share of needs met without a press, by home between none and three times this."""
    impulse_year: float = 0.3
    lapse_year: float = 0.15
    returns: float = 0.1
    """Share of lapses that end, after two to ten months."""
    outgrown_days: float | None = None
    """Mean age at which the need ends for everybody (a child out of diapers)."""


FAMILIES = (
    Family("pantry"),
    Family(
        "erratic",
        pack_days=22,
        pack_spread=0.8,
        lumpiness=6.0,
        season=0.35,
        wander=0.015,
        missed=0.15,
        holidays_year=2.5,
        notice=0.2,
        impulse_year=1.5,
        lapse_year=0.3,
        returns=0.4,
    ),
    Family(
        "diapers",
        pack_days=12,
        pack_spread=0.3,
        lumpiness=0.3,
        season=0.02,
        drift_year=-0.35,
        multi_buy=0.3,
        notice=0.9,
        missed=0.08,
        outgrown_days=700,
    ),
    Family(
        "two kinds",
        pack_days=45,
        pack_spread=0.35,
        second_kind=0.4,
        lumpiness=3.0,
        multi_buy=0.4,
        temptation=0.4,
        shopping_day=0.8,
        missed=0.1,
        lapse_year=0.2,
    ),
    Family(
        "slow filters",
        pack_days=75,
        pack_spread=0.3,
        lumpiness=0.1,
        season=0.25,
        wander=0.002,
        notice=0.08,
        missed=0.12,
        multi_buy=0.2,
        lapse_year=0.25,
    ),
)


UNTUNED = (
    Family(
        "weekly shop",
        pack_days=6,
        pack_spread=0.6,
        shopping_day=1.0,
        notice=0.6,
        impulse_year=3.0,
        missed=0.25,
        guests_year=4.0,
        lapse_year=0.1,
    ),
    Family(
        "winter fuel",
        pack_days=50,
        season=0.8,
        lumpiness=2.0,
        holidays_year=3.0,
        multi_buy=0.6,
        temptation=0.2,
        drift_year=0.15,
        lapse_year=0.3,
        returns=0.6,
    ),
)
"""Written after the model was finished, and not used to improve it."""


@dataclass(frozen=True)
class Home:
    """What was recorded of one home, all of it; the part after an origin is the truth."""

    days: list[float]
    quantities: list[float]


@dataclass(frozen=True)
class Case:
    """One home as known at one origin, and what came next (None: nothing more came)."""

    days: list[float]
    quantities: list[float]
    now_days: float
    wait_days: float | None


class _Traits:
    """One value a home of everything in which homes differ."""

    def __init__(self, family: Family, homes: int, draw: np.random.Generator) -> None:
        slow = draw.random(homes) < family.second_kind
        pack_days = family.pack_days * np.exp(family.pack_spread * draw.standard_normal(homes))
        self.pace = 1.0 / np.maximum(pack_days * np.where(slow, 3.0, 1.0), 2.0)
        self.lumpiness = family.lumpiness * np.exp(0.5 * draw.standard_normal(homes))
        self.season = family.season * draw.uniform(0, 2, homes)
        self.phase = draw.normal(0, 40, homes)
        scatter = abs(family.drift_year) + 0.05
        self.drift = (family.drift_year + scatter * draw.standard_normal(homes)) / 365
        self.missed = np.minimum(family.missed * draw.uniform(0, 3, homes), 0.6)
        self.notice = np.clip(family.notice * np.exp(0.4 * draw.standard_normal(homes)), 0.02, 1)
        self.weekly = draw.random(homes) < family.shopping_day
        self.weekday = draw.integers(0, 7, homes)
        self.threshold = draw.uniform(0.02, 0.35, homes)
        self.weekend = draw.uniform(0.7, 1.8, homes)
        self.starts = draw.uniform(0, 400, homes)
        self.outgrown = (
            np.full(homes, np.inf)
            if family.outgrown_days is None
            else family.outgrown_days * np.exp(0.25 * draw.standard_normal(homes))
        )


def _step_away(
    day: int, away_until: Floats, family: Family, weekly: float, draw: np.random.Generator
) -> Floats:
    """Holidays, longer in summer."""
    summer = 2.0 if 170 <= day % 365 <= 240 else 0.7
    leaves = draw.random(len(away_until)) < family.holidays_year * summer * weekly
    return np.where(leaves, day + draw.uniform(3, 24, len(away_until)), away_until)


def play(family: Family, homes: int, seed: int, days: int = YEARS_DAYS) -> list[Home]:
    """Play so many homes for so many days."""
    draw = np.random.default_rng([seed, homes])
    traits = _Traits(family, homes, draw)
    stock = draw.uniform(0.0, 1.0, homes)
    walk, away_until, guests_until = np.zeros(homes), np.zeros(homes), np.zeros(homes)
    gone_until = np.zeros(homes)
    seen: list[list[tuple[float, float]]] = [[] for _ in range(homes)]
    for day in range(days):
        walk += family.wander * draw.standard_normal(homes)
        away_until = _step_away(day, away_until, family, 1 / 365, draw)
        comes = draw.random(homes) < family.guests_year / 365
        guests_until = np.where(comes, day + draw.uniform(2, 10, homes), guests_until)
        stops = draw.random(homes) < family.lapse_year / 365
        back = np.where(
            draw.random(homes) < family.returns, day + draw.uniform(60, 300, homes), np.inf
        )
        gone_until = np.where(stops & (gone_until <= day), back, gone_until)
        here = (traits.starts <= day) & (away_until <= day) & (gone_until <= day)
        here &= day < traits.starts + traits.outgrown
        shape = 1.0 / traits.lumpiness
        use = traits.pace * draw.gamma(shape) / shape
        use *= np.exp(walk + traits.drift * (day - traits.starts))
        use *= np.maximum(1 + traits.season * np.sin(2 * np.pi * (day - traits.phase) / 365), 0.05)
        use *= np.where(day % 7 >= 5, traits.weekend, 1.0)
        use *= np.where(guests_until > day, 2.5, 1.0)
        use *= np.maximum(stock, 0.2) ** family.temptation
        stock -= np.where(here, use, 0.0)
        low = here & (stock <= traits.threshold)
        low &= (draw.random(homes) < traits.notice) | (stock <= 0.0)
        low &= ~traits.weekly | (day % 7 == traits.weekday) | (stock < -0.3)
        buys = low | (here & (draw.random(homes) < family.impulse_year / 365))
        many = draw.random(homes) < family.multi_buy
        quantity = np.where(many, draw.integers(2, 5, homes), 1).astype(float)
        stock = np.where(buys, np.maximum(stock, 0.0) + quantity, stock)
        pressed = buys & (draw.random(homes) >= traits.missed)
        hours = draw.uniform(0.3, 0.95, homes)
        for home in np.flatnonzero(pressed):
            seen[home].append((float(day + hours[home]), float(quantity[home])))
    return [Home([day for day, _ in each], [many for _, many in each]) for each in seen]


def cases(homes: Sequence[Home], seed: int, first: float = 420, last: float = 1000) -> list[Case]:
    """Look at each home once, at an instant that has nothing to do with its needs.

    Homes never heard of by then are left out: there is nothing to forecast for them.
    """
    draw = np.random.default_rng([seed, 7])
    found = []
    for home, now in zip(homes, draw.uniform(first, last, len(homes)), strict=True):
        known = int(np.searchsorted(home.days, now))
        if known:
            wait = home.days[known] - float(now) if known < len(home.days) else None
            found.append(Case(home.days[:known], home.quantities[:known], float(now), wait))
    return found


def shortened(family: Family, factor: float) -> Family:
    """The same homes with smaller packs."""
    return replace(family, name=f"{family.name} x{factor}", pack_days=family.pack_days * factor)


@dataclass(frozen=True)
class LevelCase:
    """One container as read until an origin, and when what was left then was used up."""

    days: list[float]
    remaining: list[float]
    now_days: float
    wait_days: float | None


@dataclass(frozen=True)
class Sensor:
    """How a container is read."""

    noise: float = 0.02
    """Standard deviation, as a share of a pack."""
    wild: float = 0.01
    """Share of readings that are nonsense."""
    silent: float = 0.1
    """Share of days without a reading."""
    quantum: float = 0.005
    """Readings come in steps of it, as a share of a pack."""


def containers(
    family: Family,
    homes: int,
    seed: int,
    sensor: Sensor | None = None,
    known_days: tuple[float, float] = (2, 250),
    days: int = 1000,
) -> list[LevelCase]:
    """Play containers that are read about once a day; each is looked at once.

    The truth is the day on which the true use since the origin reaches what truly was left.
    """
    how = sensor or Sensor()
    draw = np.random.default_rng([seed, homes, 3])
    traits = _Traits(family, homes, draw)
    begins = draw.uniform(0, 120, homes)
    stock, walk, away_until = draw.uniform(0.2, 1.0, homes), np.zeros(homes), np.zeros(homes)
    stopped = np.zeros(homes, dtype=bool)
    stocks, uses = np.zeros((days, homes)), np.zeros((days, homes))
    for day in range(days):
        walk += family.wander * draw.standard_normal(homes)
        away_until = _step_away(day, away_until, family, 1 / 365, draw)
        stopped |= draw.random(homes) < family.lapse_year / 365
        shape = 1.0 / traits.lumpiness
        use = traits.pace * draw.gamma(shape) / shape * np.exp(walk + traits.drift * day)
        use *= np.maximum(1 + traits.season * np.sin(2 * np.pi * (day - traits.phase) / 365), 0.05)
        use *= np.where(day % 7 >= 5, traits.weekend, 1.0)
        uses[day] = np.where((away_until <= day) & ~stopped, use, 0.0)
        low = (stock <= traits.threshold) & (draw.random(homes) < traits.notice)
        stock = np.where(low, np.maximum(stock, 0.0) + draw.uniform(0.7, 1.0, homes), stock)
        stock = np.maximum(stock - uses[day], 0.0)
        stocks[day] = stock
    read = stocks + how.noise * draw.standard_normal(stocks.shape)
    read = np.where(draw.random(read.shape) < how.wild, draw.uniform(0, 1.5, read.shape), read)
    read = np.maximum(np.round(read / how.quantum) * how.quantum, 0.0)
    heard = draw.random(read.shape) >= how.silent
    origins = begins + draw.uniform(*known_days, homes)
    total = np.cumsum(uses, axis=0)
    found = []
    for home in range(homes):
        now = int(origins[home])
        known = [day for day in range(int(begins[home]), now + 1) if heard[day, home]]
        if not known or stocks[now, home] <= 0.02:
            continue
        gone = total[now, home] + stocks[now, home]
        day = int(np.searchsorted(total[:, home], gone))
        part = (gone - total[day - 1, home]) / uses[day, home] if day < days else 0.0
        wait = day - 1 + float(part) - now if day < days else None
        amounts = [float(read[day, home]) for day in known]
        found.append(LevelCase([day + 0.5 for day in known], amounts, now + 0.5, wait))
    return found


def whole_curves(
    family: Family, homes: int, seed: int, sensor: Sensor | None = None
) -> list[tuple[list[float], list[float]]]:
    """Readings for fitting, of two months to a year."""
    played = containers(family, homes, seed, sensor, known_days=(60, 360))
    return [(each.days, each.remaining) for each in played]
