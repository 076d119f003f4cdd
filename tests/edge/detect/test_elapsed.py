"""Running totals: heating time and time worn."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_frames import THERMOSTAT, WEARABLE, heard
from zodra_contract.signal import NeedSignal, SignalKind
from zodra_edge.decode.profile import Limits
from zodra_edge.detect import elapsed, runtime, worn
from zodra_edge.detect.elapsed import Elapsed


def total(*reports: tuple[float, bool], gap_s_max: float = 900) -> float:
    state = Elapsed()
    for at, active in reports:
        state = elapsed.add(state, active, heard(at), gap_s_max)
    return state.total_s


@pytest.mark.parametrize(
    ("reports", "expected_s"),
    [
        pytest.param([(0, True)], 0, id="one report says nothing about time"),
        pytest.param([(0, True), (60, True), (90, False)], 90, id="until it stops"),
        pytest.param([(0, False), (60, True), (90, True)], 30, id="from when it starts"),
        pytest.param([(0, True), (60, False), (600, True), (610, False)], 70, id="twice"),
        pytest.param([(0, True), (50_000, True)], 900, id="a long silence is capped"),
        pytest.param([(100, True), (50, True)], 0, id="never backwards"),
    ],
)
def test_time_is_added_between_reports(
    reports: list[tuple[float, bool]], expected_s: float
) -> None:
    assert total(*reports) == expected_s


def test_nothing_is_added_across_a_reboot() -> None:
    state = elapsed.add(Elapsed(), True, heard(0), 900)
    state = elapsed.add(state, True, heard(60, boot="boot-2"), 900)
    assert state.total_s == 0
    assert elapsed.add(state, True, heard(90, boot="boot-2"), 900).total_s == 30


def test_a_wall_clock_that_jumps_counts_for_nothing() -> None:
    state = elapsed.add(Elapsed(), True, heard(0), 900)
    assert elapsed.add(state, True, heard(60, wall_shift_s=10**8), 900).total_s == 60


@given(
    reports=st.lists(st.tuples(st.floats(0, 10**6), st.booleans()), max_size=20),
    gap=st.floats(1, 5000),
)
def test_a_total_never_falls_and_never_passes_the_time_that_passed(
    reports: list[tuple[float, bool]], gap: float
) -> None:
    ordered = sorted(reports)
    reached = [total(*ordered[: n + 1], gap_s_max=gap) for n in range(len(ordered))]
    assert reached == sorted(reached)
    if ordered:
        assert reached[-1] <= ordered[-1][0] - ordered[0][0] + 0.01 * len(ordered)


def heat(hours: float, state: Elapsed | None = None) -> tuple[Elapsed, list[NeedSignal]]:
    """Report heating every ten minutes for so long."""
    now, signals = state or Elapsed(), []
    start_s = now.monotonic_ms / 1000 - 1000 if state else 0.0
    for step in range(round(hours * 6) + 1):
        now, signal = runtime.detect(now, True, heard(start_s + step * 600), THERMOSTAT)
        signals += [signal] if signal else []
    return now, signals


def test_service_is_due_at_the_limit_and_then_starts_over() -> None:
    state, signals = heat(0.9)
    assert signals == []
    state, signals = heat(0.2, state)
    assert [signal.kind for signal in signals] == [SignalKind.SERVICE_DUE]
    assert signals[0].evidence == {"heating_hours": 1.0, "limit_hours": 1.0}
    assert signals[0].authenticated
    assert state.total_s < 3600
    _, more = heat(1.2, state)
    assert len(more) == 1
    assert more[0].signal_id != signals[0].signal_id


def test_the_name_of_a_due_service_survives_a_restart_but_not_a_rebuilt_gateway() -> None:
    state, _ = heat(0.9)
    again = heat(0.2, replace(state))[1]
    assert heat(0.2, state)[1][0].signal_id == again[0].signal_id
    elsewhere = heat(0.2, replace(state, since="boot-9-7"))[1]
    assert elsewhere[0].signal_id != again[0].signal_id


def test_a_strap_wears_out_only_while_it_is_worn_and_only_as_proven_as_it_is() -> None:
    profile = replace(WEARABLE, limits=Limits(worn_out_h=0.01))
    state, signals = Elapsed(), []
    for second in range(100):
        is_worn = second < 20 or second >= 60
        state, signal = worn.detect(state, is_worn, heard(second), profile, authenticated=False)
        signals += [(second, signal)] if signal else []
    assert [second for second, _ in signals] == [76]
    signal = signals[0][1]
    assert signal.kind == SignalKind.WORN_OUT
    assert signal.evidence == {"worn_hours": 0.01, "limit_hours": 0.01}
    assert not signal.authenticated
