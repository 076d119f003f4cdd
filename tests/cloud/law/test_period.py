"""The clock of one delivery: across clock changes, time zones, leap days, weekends and holidays."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_cloud.law.policy.period import (
    DAYS_MAX,
    Exclusion,
    Terms,
    holidays,
    is_working_day,
    period_end,
    terms_of,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            "Europe/Amsterdam",
            "America/Sao_Paulo",
            "Asia/Beirut",
            "Pacific/Apia",
            "Asia/Kathmandu",
            "America/St_Johns",
            "UTC",
        )
    ]
)
INSTANTS = st.integers(946_684_800, 3_786_825_600).map(lambda s: datetime.fromtimestamp(s, UTC))
"""From 2000 to 2089."""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("delivered", "zone", "ends"),
    [
        pytest.param(
            "2026-06-01T12:00+02:00", "Europe/Amsterdam", "2026-06-16T00:00+02:00", id="plain"
        ),
        pytest.param(
            "2026-06-01T00:00+02:00",
            "Europe/Amsterdam",
            "2026-06-16T00:00+02:00",
            id="first minute",
        ),
        pytest.param(
            "2026-06-01T23:59:59+02:00",
            "Europe/Amsterdam",
            "2026-06-16T00:00+02:00",
            id="last second of the same day",
        ),
        pytest.param(
            "2026-05-30T12:00+02:00", "Europe/Amsterdam", "2026-06-16T00:00+02:00", id="Saturday"
        ),
        pytest.param(
            "2026-05-31T12:00+02:00", "Europe/Amsterdam", "2026-06-16T00:00+02:00", id="Sunday"
        ),
        pytest.param(
            "2026-03-23T12:00+01:00",
            "Europe/Amsterdam",
            "2026-04-08T00:00+02:00",
            id="Easter Monday, and the clock went forward",
        ),
        pytest.param(
            "2026-10-19T12:00+02:00",
            "Europe/Amsterdam",
            "2026-11-03T00:00+01:00",
            id="the clock went back",
        ),
        pytest.param(
            "2028-02-15T12:00+01:00", "Europe/Amsterdam", "2028-03-01T00:00+01:00", id="leap day"
        ),
        pytest.param(
            "2027-02-15T12:00+01:00", "Europe/Amsterdam", "2027-03-02T00:00+01:00", id="no leap day"
        ),
        pytest.param(
            "2026-12-11T12:00+01:00",
            "Europe/Amsterdam",
            "2026-12-29T00:00+01:00",
            id="both days of Christmas, then a Sunday",
        ),
        pytest.param(
            "2026-06-01T23:30-04:00",
            "America/New_York",
            "2026-06-16T00:00-04:00",
            id="already tomorrow in Amsterdam",
        ),
        pytest.param(
            "2018-10-20T12:00-03:00",
            "America/Sao_Paulo",
            "2018-11-06T00:00-02:00",
            id="past a midnight that does not exist",
        ),
        pytest.param(
            "2018-10-19T12:00-03:00",
            "America/Sao_Paulo",
            "2018-11-03T00:00-03:00",
            id="up to it",
        ),
    ],
)
def test_the_last_day_counts_to_its_end(delivered: str, zone: str, ends: str) -> None:
    at = utc(delivered)
    assert period_end(at, 14, ZoneInfo(zone), at - timedelta(days=1)) == utc(ends)


def test_a_period_ends_at_a_midnight_that_does_not_exist() -> None:
    # In Amman the clock went from 00:00 to 01:00 as Friday 26 March 2021 began.
    at = utc("2021-03-11T12:00+02:00")
    assert period_end(at, 14, ZoneInfo("Asia/Amman"), at) == utc("2021-03-26T01:00+03:00")


@pytest.mark.parametrize(
    ("informed", "ends"),
    [
        pytest.param(None, "2027-06-16T00:00+02:00", id="never: twelve months more"),
        pytest.param("2026-06-01T11:00+02:00", "2026-06-16T00:00+02:00", id="before the delivery"),
        pytest.param("2026-06-10T11:00+02:00", "2026-06-25T00:00+02:00", id="later: from that day"),
        pytest.param(
            "2027-06-14T11:00+02:00", "2027-06-16T00:00+02:00", id="never more than twelve months"
        ),
    ],
)
def test_who_was_not_informed_has_longer(informed: str | None, ends: str) -> None:
    at = None if informed is None else utc(informed)
    assert period_end(utc("2026-06-01T12:00+02:00"), 14, AMSTERDAM, at) == utc(ends)


def test_twelve_months_from_a_leap_day_end_in_february() -> None:
    # The ordinary last day is 29 February 2028; a year later that is Wednesday the 28th.
    at = utc("2028-02-15T12:00+01:00")
    assert period_end(at, 14, AMSTERDAM, None) == utc("2029-03-01T00:00+01:00")


@given(INSTANTS, st.integers(14, DAYS_MAX), ZONES)
def test_nobody_has_less_than_so_many_whole_days(
    delivered: datetime, days: int, zone: ZoneInfo
) -> None:
    ends = period_end(delivered, days, zone, delivered)
    # A day of a clock change is an hour shorter, and one island skipped a whole one.
    assert ends - delivered >= timedelta(days=days - 1, hours=-2)
    assert ends - delivered < timedelta(days=days + 8)
    last = (ends - timedelta(seconds=1)).astimezone(zone).date()
    assert is_working_day(last) or zone.key == "Pacific/Apia"


@given(INSTANTS, st.integers(14, 60), ZONES, st.one_of(st.none(), st.integers(-30, 800)))
def test_to_be_informed_late_or_never_only_lengthens(
    delivered: datetime, days: int, zone: ZoneInfo, informed_after_days: int | None
) -> None:
    ordinary = period_end(delivered, days, zone, delivered)
    never = period_end(delivered, days, zone, None)
    informed = (
        None if informed_after_days is None else delivered + timedelta(days=informed_after_days)
    )
    assert ordinary <= period_end(delivered, days, zone, informed) <= never
    assert never - ordinary > timedelta(days=355)


@given(INSTANTS, st.integers(0, 10_000_000), ZONES)
def test_a_later_delivery_never_ends_earlier(
    delivered: datetime, later_s: int, zone: ZoneInfo
) -> None:
    later = delivered + timedelta(seconds=later_s)
    assert period_end(delivered, 14, zone, delivered) <= period_end(later, 14, zone, later)


@pytest.mark.parametrize(
    ("year", "easter_monday"),
    [(2000, "04-24"), (2024, "04-01"), (2026, "04-06"), (2038, "04-26"), (2049, "04-19")],
)
def test_easter_is_where_the_calendar_has_it(year: int, easter_monday: str) -> None:
    assert date.fromisoformat(f"{year}-{easter_monday}") in holidays(year)


@pytest.mark.parametrize(
    ("days", "sealed", "terms"),
    [
        (14, False, Terms(14, None)),
        (30, False, Terms(30, None)),
        (7, False, Terms(14, None)),
        (100_000, False, Terms(DAYS_MAX, None)),
        (14, True, Terms(14, Exclusion.SEALED_HYGIENE)),
        (0, False, Terms(0, Exclusion.PERISHABLE)),
        (-3, True, Terms(0, Exclusion.PERISHABLE)),
    ],
)
def test_a_merchant_can_grant_more_than_the_law_and_not_less(
    days: int, sealed: bool, terms: Terms
) -> None:
    assert terms_of(days, sealed) == terms


def test_where_a_country_has_no_exclusion_everything_goes_back() -> None:
    nothing: frozenset[Exclusion] = frozenset()
    assert terms_of(0, True, honoured=nothing) == Terms(14, None)
    assert terms_of(0, False, days_min=30, honoured=nothing) == Terms(30, None)
