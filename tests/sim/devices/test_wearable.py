"""The strap: bytes as the service asks for, and time worn that is exactly the time worn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_sim.devices.wearable import (
    BATTERY_MS_PER_PERCENT,
    RR_INTERVALS_MAX,
    Activity,
    Measurement,
    Wearable,
    encode,
    is_worn,
    step,
    wear,
)


@pytest.mark.parametrize(
    ("measurement", "hexadecimal"),
    [
        (Measurement(72, True), "0648"),
        (Measurement(0, False), "0400"),
        (Measurement(300, True), "072c01"),
        (Measurement(60, True, (1.0,)), "163c0004"),
        (Measurement(62, True, (0.97, 0.96)), "163ee103d703"),
    ],
    ids=["8 bit", "no contact", "16 bit", "one interval", "two intervals"],
)
def test_a_measurement_is_written_as_the_specification_asks(
    measurement: Measurement, hexadecimal: str
) -> None:
    assert encode(measurement).hex() == hexadecimal


@given(
    rate=st.integers(-5, 70_000),
    contact=st.booleans(),
    intervals=st.lists(st.floats(0, 100), max_size=20),
)
def test_any_measurement_fits_into_one_notification(
    rate: int, contact: bool, intervals: list[float]
) -> None:
    raw = encode(Measurement(rate, contact, tuple(intervals)))
    assert len(raw) <= 3 + 2 * RR_INTERVALS_MAX


@given(st.lists(st.integers(0, 5_000), max_size=30), st.integers(0, 60_000))
def test_time_worn_is_counted_to_the_millisecond(steps_ms: list[int], for_ms: int) -> None:
    now_ms = 1_000_000
    state = wear(Wearable(), now_ms, for_ms)
    for passed_ms in steps_ms:
        now_ms += passed_ms
        state, _ = step(state, now_ms, passed_ms, 0.5)
    assert state.worn_ms == min(sum(steps_ms), for_ms)


def test_a_longer_ask_extends_and_a_shorter_one_does_not_end_it() -> None:
    state = wear(wear(Wearable(), 0, 10_000), 2_000, 1_000)
    assert state.worn_until_ms == 10_000
    assert wear(state, 2_000, 20_000).worn_until_ms == 22_000
    assert not is_worn(wear(state, 2_000, 0), 2_000)


@pytest.mark.parametrize(
    ("activity", "low", "high"),
    [(Activity.REST, 55, 70), (Activity.WALK, 90, 103), (Activity.RUN, 140, 155)],
)
def test_the_heart_follows_what_the_wearer_does(activity: Activity, low: int, high: int) -> None:
    state = wear(Wearable(), 0, 1_000_000, activity)
    for second in range(1, 200):
        state, measured = step(state, second * 1000, 1000, 0.5)
    assert low <= measured.heart_rate_bpm <= high
    assert measured.contact
    assert all(0.3 < interval < 1.2 for interval in measured.rr_intervals_s)


def test_without_skin_there_is_no_heart() -> None:
    _, measured = step(Wearable(), 5_000, 1_000, 0.5)
    assert measured == Measurement(0, contact=False)


def test_the_battery_lasts_its_hours() -> None:
    state, _ = step(Wearable(), 0, 3 * BATTERY_MS_PER_PERCENT + 5, 0.5)
    assert (state.battery_percent, state.drained_ms) == (97, 5)
