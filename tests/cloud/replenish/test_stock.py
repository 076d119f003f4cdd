"""What is left of a slot that counts, and whether it is time: pure, by cases and by property."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_cloud.forecast import LevelHistory, LevelModel
from zodra_cloud.replenish.metering import stock
from zodra_cloud.replenish.metering.stock import (
    LEAD_DEFAULT,
    LEAD_MAX,
    LEAD_MIN,
    Past,
    Point,
    days,
    is_time,
    lead_time,
    level_history,
    p_within,
    stock_history,
)
from zodra_cloud.replenish.states import Answer

START = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def at(day: float) -> datetime:
    return START + day * DAY


def points(*values: tuple[float, float]) -> list[Point]:
    return [Point(at(day), value) for day, value in values]


@pytest.mark.parametrize(
    ("counter", "counts", "deliveries", "left"),
    [
        pytest.param([(0, 0), (1, 3), (2, 5)], [], [], [40, 37, 35], id="it is used up"),
        pytest.param([(0, 7), (1, 9)], [], [], [40, 38], id="a counter that does not begin at 0"),
        pytest.param([(0, 9), (1, 2)], [], [], [40, 38], id="a device that began anew"),
        pytest.param([(0, 0), (2, 30)], [], [(1, 40)], [40, 80, 50], id="a delivery adds"),
        pytest.param([(0, 0), (2, 1)], [(1, 5)], [], [40, 5, 4], id="a person counted"),
        pytest.param([(0, 0), (1, 99)], [], [], [40, 0], id="never below nothing"),
        pytest.param([], [(0, 12)], [], [12], id="counted before the first reading"),
        pytest.param([], [], [(0, 40)], [], id="nothing is known"),
    ],
)
def test_the_stock_of_a_slot_that_only_says_what_was_used(
    counter: list[tuple[float, float]],
    counts: list[tuple[float, float]],
    deliveries: list[tuple[float, float]],
    left: list[float],
) -> None:
    history = stock_history(points(*counter), points(*counts), points(*deliveries), 40, 8)
    assert list(history.remaining) == left
    assert history.empty_at == 8


amounts = st.floats(0, 1e6, allow_nan=False)
moments = st.lists(st.tuples(st.floats(0, 400), amounts), max_size=30)


@given(moments, moments, moments, amounts)
def test_a_stock_is_never_negative_and_its_days_never_go_back(
    counter: list[tuple[float, float]],
    counts: list[tuple[float, float]],
    deliveries: list[tuple[float, float]],
    full: float,
) -> None:
    history = stock_history(points(*counter), points(*counts), points(*deliveries), full, 1.0)
    assert all(left >= 0 for left in history.remaining)
    assert list(history.days) == sorted(history.days)
    LevelModel().predict(history, days(at(500)))


def test_a_level_is_what_the_device_says() -> None:
    history = level_history(points((2, 5), (1, 9)), 3)
    assert history == LevelHistory((days(at(1)), days(at(2))), (9, 5), 3)


@pytest.mark.parametrize(
    ("taken", "lead"),
    [
        ([], LEAD_DEFAULT),
        ([2 * DAY], 2 * DAY),
        ([DAY, 2 * DAY, 9 * DAY], 2 * DAY),
        ([timedelta(hours=1)], LEAD_MIN),
        ([900 * DAY], LEAD_MAX),
    ],
)
def test_how_long_a_delivery_takes(taken: list[timedelta], lead: timedelta) -> None:
    assert lead_time(taken) == lead


def steady(per_day: float, until_day: int = 40, start: float = 100.0) -> LevelHistory:
    return level_history(
        [Point(at(day), start - per_day * day) for day in range(until_day + 1)], 10.0
    )


def test_the_probability_grows_with_the_days_and_stays_one() -> None:
    forecast = LevelModel().predict(steady(2.0), days(at(40)))
    chances = [p_within(forecast, day / 4) for day in range(400)]
    assert chances == sorted(chances)
    assert 0.0 <= chances[0] <= chances[-1] <= 1.0
    assert chances[-1] > 0.8


@given(st.floats(0.01, 2.4), st.floats(0, 60))
def test_less_left_is_never_less_time(per_day: float, lead_days: float) -> None:
    slow = LevelModel().predict(steady(per_day / 2), days(at(40)))
    fast = LevelModel().predict(steady(per_day), days(at(40)))
    assert p_within(fast, lead_days) >= p_within(slow, lead_days) - 0.05


CASES = [
    pytest.param(20.0, None, False, id="plenty of time"),
    pytest.param(12.0, None, True, id="it would fall below before a delivery"),
    pytest.param(10.0, None, True, id="at the threshold"),
    pytest.param(None, None, False, id="nothing is known"),
    pytest.param(10.0, Past(None, False, False), False, id="the last need is still open"),
    pytest.param(10.0, Past(at(39), False, False), False, id="declined yesterday"),
    pytest.param(10.0, Past(at(36), False, False), True, id="declined a while ago"),
    pytest.param(10.0, Past(at(20), True, False), False, id="delivered, and not opened yet"),
    pytest.param(10.0, Past(at(20), True, True), True, id="delivered, filled up, and low again"),
    pytest.param(10.0, Past(at(9), True, False), True, id="what was delivered is long gone"),
]


@pytest.mark.parametrize(("remaining", "past", "expected"), CASES)
def test_whether_it_is_time(remaining: float | None, past: Past | None, expected: bool) -> None:
    start = (remaining or 0.0) + 80.0
    history = level_history([Point(at(day), start - 2.0 * day) for day in range(41)], 10.0)
    forecast = LevelModel().predict(history, days(at(40)))
    assert is_time(forecast, remaining, 10.0, 3 * DAY, past, at(40)) is expected


def test_a_slot_that_is_no_longer_used_is_left_alone() -> None:
    """It stands a little above its threshold, as it has for a year."""
    used = [Point(at(day), 30.0 - min(day, 18)) for day in range(19)]
    still = [Point(at(day), 12.0) for day in range(20, 380)]
    forecast = LevelModel().predict(level_history([*used, *still], 10.0), days(at(380)))
    assert not is_time(forecast, 12.0, 10.0, 3 * DAY, None, at(380))


@pytest.mark.parametrize(
    ("answers", "sooner"),
    [
        ([], 0),
        ([Answer.YES, None, Answer.WRONG_PRODUCT, Answer.NOT_NEEDED], 0),
        ([Answer.TOO_LATE], 1),
        ([Answer.TOO_LATE, Answer.TOO_LATE, Answer.TOO_EARLY], 1),
        ([Answer.TOO_EARLY] * 2, -2),
        ([Answer.TOO_LATE] * 9, stock.SOONER_MAX),
        ([Answer.TOO_EARLY] * 9, -stock.SOONER_MAX),
    ],
)
def test_each_answer_moves_the_next_need_by_a_day_and_all_by_no_more_than_a_few(
    answers: list[Answer | None], sooner: int
) -> None:
    assert stock.days_sooner(answers) == sooner
    four = [timedelta(days=4)]
    expected = max(timedelta(days=4 + sooner), stock.LEAD_MIN)
    assert stock.lead_time(four, stock.days_sooner(answers)) == expected
