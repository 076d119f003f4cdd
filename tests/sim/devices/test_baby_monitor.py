"""The baby monitor: each diaper is one event, named for good."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_sim.devices.baby_monitor import (
    UNSENT_MAX,
    BabyMonitor,
    DiaperEvent,
    cry,
    event_payload,
    press,
    report_payload,
    sent,
)

AT = "2026-11-22T06:00:00.000Z"
NEW = BabyMonitor(serial="ab12")


def test_a_change_takes_one_off_the_shelf() -> None:
    state, event = press(NEW, DiaperEvent.CHANGE, 1, AT)
    assert (state.stock_units, state.changes, state.unsent) == (43, 1, (event,))
    assert json.loads(event_payload(event)) == {
        "schema": 1,
        "event_id": "ab12-1",
        "observed_at": AT,
        "diaper": {"event": "change", "units": 1, "remaining_units": 43},
    }


def test_a_refill_puts_a_pack_on_it() -> None:
    state, _ = press(NEW, DiaperEvent.REFILL, 44, AT)
    assert (state.stock_units, state.changes) == (88, 0)


def test_the_shelf_is_never_emptier_than_empty() -> None:
    state, _ = press(BabyMonitor(serial="a", stock_units=0), DiaperEvent.CHANGE, 1, AT)
    assert state.stock_units == 0


@given(st.lists(st.sampled_from(DiaperEvent), max_size=UNSENT_MAX))
def test_every_event_has_a_name_of_its_own_and_waits_until_it_is_sent(
    events: list[DiaperEvent],
) -> None:
    state, names = NEW, []
    for one in events:
        state, event = press(state, one, 1, AT)
        names.append(event.event_id)
    assert len(set(names)) == len(names) == len(state.unsent)
    for name in names:
        state = sent(state, name)
    assert state.unsent == ()


def test_a_monitor_full_of_unsent_events_refuses() -> None:
    state = NEW
    for _ in range(UNSENT_MAX):
        state, _ = press(state, DiaperEvent.CHANGE, 1, AT)
    with pytest.raises(ValueError, match="the monitor is full"):
        press(state, DiaperEvent.CHANGE, 1, AT)


@pytest.mark.parametrize("units", [0, 1001])
def test_units_have_a_range(units: int) -> None:
    with pytest.raises(ValueError, match=r"outside 1\.\.1000"):
        press(NEW, DiaperEvent.REFILL, units, AT)


@given(random_unit=st.floats(0, 1), now_ms=st.integers(0, 2**45), crying=st.booleans())
def test_reports_stay_within_what_the_schema_allows(
    random_unit: float, now_ms: int, crying: bool
) -> None:
    state = cry(NEW, now_ms, 1000 if crying else 0)
    report = json.loads(report_payload(state, now_ms, AT, random_unit))
    assert 0 <= report["cry"]["confidence"] <= 1
    assert (report["cry"]["confidence"] > 0.5) is crying
    assert ("breathing" in report) is not crying
    assert 15 < report["room"]["temperature_c"] < 25
    assert 0 <= report["room"]["humidity_percent"] <= 100
