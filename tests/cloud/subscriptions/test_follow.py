"""A cadence that follows the forecast: only where let, bounded, explained, slow to turn."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribed import Subscribed, joined_home
from zodra_cloud.store.engine import Database
from zodra_cloud.subscriptions.policy.follow import CHANGE_MAX, Outlook, bounded_days
from zodra_cloud.subscriptions.service import Cadence, Done, Every, Follow, Kind, Wanted

FIRST = date(2026, 12, 20)
FOUR = Cadence(4, Every.WEEKS)


def outlook(days: float, **facts: Any) -> Outlook:
    plain = Outlook({0.25: days}, True, 0.8, 9, 35.0, "rate")
    return replace(plain, **facts)


@pytest.fixture
def home(sqlite_database: Database) -> Subscribed:
    return joined_home(sqlite_database)


def joined(home: Subscribed, follow: Follow | None) -> str:
    return home.join(Wanted(FOUR, first_on=FIRST, follow=follow))


def pass_cycles(home: Subscribed, count: int) -> None:
    for number in range(count):
        home.until(FIRST + timedelta(weeks=4 * number), time(9, 1))
        home.deliver()


def test_without_leave_no_forecast_moves_a_date(home: Subscribed) -> None:
    name = joined(home, None)
    home.outlook = outlook(60)
    pass_cycles(home, 2)
    assert home.view(name).cadence == FOUR


def test_it_has_to_be_told_twice_and_then_moves_by_a_quarter_at_most(home: Subscribed) -> None:
    name = joined(home, Follow(14, 60))
    home.outlook = outlook(90)
    home.until(FIRST - timedelta(days=1))
    assert home.view(name).cadence == FOUR
    home.until(FIRST + timedelta(days=1))
    home.deliver()
    home.until(FIRST + timedelta(days=27))
    shown = home.view(name)
    assert shown.cadence == Cadence(35, Every.DAYS)
    assert shown.upcoming[0].on == FIRST + timedelta(days=35)
    why = shown.cadence_why
    assert (why["reason"], why["before_days"], why["after_days"]) == ("used_slower", 28, 35)
    assert [each.kind for each in home.told].count(Kind.CADENCE_CHANGED) == 1


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"active": False}, id="needed no more"),
        pytest.param({"own_share": 0.1}, id="mostly other households"),
    ],
)
def test_a_forecast_that_knows_little_moves_nothing(
    home: Subscribed, said: dict[str, object]
) -> None:
    name = joined(home, Follow(14, 60))
    home.outlook = outlook(90, **said)
    pass_cycles(home, 3)
    assert home.view(name).cadence == FOUR


def test_noise_moves_nothing(home: Subscribed) -> None:
    name = joined(home, Follow(14, 60))
    for number in range(3):
        ahead = 13 + (6 if number % 2 else -2)
        home.outlook = outlook(ahead)
        home.until(FIRST + timedelta(weeks=4 * number), time(9, 1))
        home.deliver()
    assert home.view(name).cadence == FOUR


def test_what_was_skipped_and_dated_by_hand_stays_when_the_forecast_moves(
    home: Subscribed,
) -> None:
    name = joined(home, Follow(14, 60))
    home.outlook = outlook(90)
    home.until(FIRST + timedelta(days=1))
    home.deliver()
    chosen = FIRST + timedelta(days=30)
    assert isinstance(home.command("reschedule", name, 2, chosen), Done)
    assert isinstance(home.command("skip", name, 3), Done)
    home.until(FIRST + timedelta(days=26))
    shown = home.view(name)
    assert shown.cadence == Cadence(35, Every.DAYS)
    assert (shown.upcoming[0].on, shown.upcoming[0].by_hand) == (chosen, True)
    assert shown.upcoming[1].skipped


@given(
    wanted=st.floats(0, 400),
    current=st.floats(3, 366),
    bounds=st.tuples(st.integers(3, 366), st.integers(3, 366)).map(sorted),
)
def test_one_change_is_bounded(wanted: float, current: float, bounds: list[int]) -> None:
    low, high = bounds
    if not low <= current <= high:
        return
    days = bounded_days(wanted, current, low, high)
    assert abs(days - current) <= CHANGE_MAX * current + 1
    assert low <= days <= high + 1
