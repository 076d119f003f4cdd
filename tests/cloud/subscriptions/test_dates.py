"""Dates of deliveries: months of unequal length, clocks that change, notice periods."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_cloud.subscriptions.policy.dates import (
    Cadence,
    Every,
    add_months,
    cadence_fault,
    date_at,
    effective_on,
    first_step,
    instant,
    local_date,
    nearest_step,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
DAYS = st.dates(date(2020, 1, 1), date(2060, 1, 1))
CADENCES = st.one_of(
    st.builds(Cadence, st.integers(3, 366), st.just(Every.DAYS)),
    st.builds(Cadence, st.integers(1, 52), st.just(Every.WEEKS)),
    st.builds(Cadence, st.integers(1, 12), st.just(Every.MONTHS)),
)


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        (date(2027, 1, 31), 1, date(2027, 2, 28)),
        (date(2027, 1, 31), 2, date(2027, 3, 31)),
        (date(2027, 1, 31), 3, date(2027, 4, 30)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 10, 30), -8, date(2026, 2, 28)),
    ],
)
def test_months_end_where_they_end_and_go_back_to_the_day(
    anchor: date, months: int, expected: date
) -> None:
    assert add_months(anchor, months) == expected
    assert date_at(anchor, Cadence(1, Every.MONTHS), months) == expected


@pytest.mark.parametrize(
    ("day", "at", "expected"),
    [
        pytest.param(
            date(2027, 3, 28), time(2, 30), datetime(2027, 3, 28, 1, 30, tzinfo=UTC), id="skipped"
        ),
        pytest.param(
            date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC), id="twice"
        ),
        pytest.param(
            date(2026, 12, 1), time(9, 0), datetime(2026, 12, 1, 8, 0, tzinfo=UTC), id="winter"
        ),
        pytest.param(
            date(2027, 7, 1), time(9, 0), datetime(2027, 7, 1, 7, 0, tzinfo=UTC), id="summer"
        ),
    ],
)
def test_a_local_wall_time_is_one_instant(day: date, at: time, expected: datetime) -> None:
    assert instant(day, at, AMSTERDAM) == expected


@pytest.mark.parametrize(
    ("now", "zone", "expected"),
    [
        (datetime(2026, 11, 22, 23, 30, tzinfo=UTC), AMSTERDAM, date(2026, 11, 23)),
        (datetime(2026, 11, 22, 23, 30, tzinfo=UTC), ZoneInfo("America/Aruba"), date(2026, 11, 22)),
    ],
)
def test_a_day_is_the_households_own(now: datetime, zone: ZoneInfo, expected: date) -> None:
    assert local_date(now, zone) == expected


@pytest.mark.parametrize(
    ("today", "term_ends_on", "notice", "expected"),
    [
        pytest.param(date(2026, 11, 22), date(2026, 11, 22), 0, date(2026, 11, 22), id="at once"),
        pytest.param(date(2026, 11, 22), date(2026, 6, 1), 31, date(2026, 12, 22), id="a month"),
        pytest.param(date(2027, 1, 31), date(2026, 6, 1), 31, date(2027, 2, 28), id="short month"),
        pytest.param(date(2026, 11, 22), date(2026, 6, 1), 90, date(2026, 12, 22), id="never more"),
        pytest.param(date(2026, 11, 22), date(2027, 6, 1), 31, date(2027, 6, 1), id="first term"),
        pytest.param(date(2027, 5, 20), date(2027, 6, 1), 31, date(2027, 6, 20), id="its end"),
        pytest.param(date(2026, 11, 22), date(2026, 6, 1), 7, date(2026, 11, 29), id="a week"),
    ],
)
def test_from_when_a_subscription_is_no_more(
    today: date, term_ends_on: date, notice: int, expected: date
) -> None:
    assert effective_on(today, term_ends_on, notice) == expected


@given(today=DAYS, notice=st.integers(-5, 400))
def test_after_the_first_term_the_notice_is_never_more_than_a_month(
    today: date, notice: int
) -> None:
    ends_on = effective_on(today, date(2019, 1, 1), notice)
    assert today <= ends_on <= add_months(today, 1)


@given(anchor=DAYS, cadence=CADENCES, to=DAYS)
def test_counting_forward_and_looking_up_agree(anchor: date, cadence: Cadence, to: date) -> None:
    steps = first_step(anchor, cadence, to)
    assert date_at(anchor, cadence, steps) >= to or steps == 0
    assert steps == 0 or date_at(anchor, cadence, steps - 1) < to
    nearest = nearest_step(anchor, cadence, to)
    off = abs((date_at(anchor, cadence, nearest) - to).days)
    others = [abs((date_at(anchor, cadence, n) - to).days) for n in (nearest + 1, nearest - 1)]
    assert off <= others[0]
    assert nearest == 0 or off <= others[1]


@given(anchor=DAYS, cadence=CADENCES, steps=st.integers(0, 100))
def test_dates_only_go_forward(anchor: date, cadence: Cadence, steps: int) -> None:
    assert date_at(anchor, cadence, steps) < date_at(anchor, cadence, steps + 1)


@pytest.mark.parametrize(
    ("cadence", "usable"),
    [
        (Cadence(0, Every.WEEKS), False),
        (Cadence(-1, Every.MONTHS), False),
        (Cadence(2, Every.DAYS), False),
        (Cadence(3, Every.DAYS), True),
        (Cadence(12, Every.MONTHS), True),
        (Cadence(13, Every.MONTHS), False),
        (Cadence(10**9, Every.WEEKS), False),
    ],
)
def test_which_cadences_are_usable(cadence: Cadence, usable: bool) -> None:
    assert (cadence_fault(cadence) is None) is usable


def test_a_delivery_stays_at_nine_when_the_clock_changes() -> None:
    before = instant(date(2027, 3, 27), time(9), AMSTERDAM)
    after = instant(date(2027, 3, 28), time(9), AMSTERDAM)
    assert after - before == timedelta(hours=23)
