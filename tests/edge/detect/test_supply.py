"""Diapers counted down: one need each time they run low, however often it is said."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge_frames import BABY, heard
from zodra_contract.signal import NeedSignal, SignalKind
from zodra_edge.decode.profile import Limits
from zodra_edge.decode.result import DiaperEvent, DiaperNote
from zodra_edge.detect.supply import Supply, detect

PROFILE = replace(BABY, limits=Limits(pack_units=10, reorder_units=3))


def change(event_id: str, units: int = 1) -> DiaperNote:
    return DiaperNote(event_id, DiaperEvent.CHANGE, units)


def refill(event_id: str, units: int = 10) -> DiaperNote:
    return DiaperNote(event_id, DiaperEvent.REFILL, units)


def run(notes: list[DiaperNote], state: Supply | None = None) -> tuple[Supply, list[NeedSignal]]:
    now, signals = state or Supply(), []
    for note in notes:
        now, signal = detect(now, note, heard(), PROFILE)
        signals += [signal] if signal else []
    return now, signals


def test_low_stock_is_raised_once_at_the_reorder_level() -> None:
    state, signals = run([change(f"e{n}") for n in range(6)])
    assert (state.remaining, signals) == (4, [])
    state, signals = run([change("e6")], state)
    assert [signal.kind for signal in signals] == [SignalKind.LOW_STOCK]
    assert signals[0].evidence == {"remaining_units": 3, "reorder_units": 3, "pack_units": 10}
    state, signals = run([change(f"f{n}") for n in range(20)], state)
    assert (state.remaining, signals) == (0, [])


def test_a_refill_arms_it_again() -> None:
    state, first = run([change("a", 8)])
    state, none = run([refill("r0", 1), change("b")], state)
    assert none == []
    state, none = run([refill("r1"), change("c", 2)], state)
    assert (state.remaining, none) == (10, [])
    state, second = run([change("d", 7)], state)
    assert len(first) == len(second) == 1
    assert first[0].signal_id != second[0].signal_id


def test_an_event_counts_once_also_after_a_restart() -> None:
    state, _ = run([change("a"), change("b")])
    again, signals = run([change("a"), change("b"), refill("r"), refill("r")], state)
    assert (again.remaining, signals) == (18, [])


def test_the_monitors_own_count_heals_what_lost_events_did() -> None:
    state, _ = run([change("a")])
    heard_of_few = DiaperNote("f", DiaperEvent.CHANGE, 1, remaining=3)
    state, signals = run([heard_of_few], state)
    assert state.remaining == 3
    assert [signal.evidence["remaining_units"] for signal in signals] == [3]


def test_two_gateways_name_the_need_alike() -> None:
    _, here = run([change("a", 4), change("b", 4)])
    _, there = run([change("a", 4), change("b", 4)])
    assert here[0].signal_id == there[0].signal_id


@given(
    notes=st.lists(
        st.builds(
            DiaperNote,
            st.integers(0, 40).map(str),
            st.sampled_from(DiaperEvent),
            st.integers(1, 1000),
        ),
        max_size=60,
    )
)
def test_the_count_stays_in_its_bounds_and_a_need_means_low(notes: list[DiaperNote]) -> None:
    state = Supply()
    for note in notes:
        before = state
        state, signal = detect(state, note, heard(), PROFILE)
        assert state.remaining is not None
        assert 0 <= state.remaining <= 100_000
        assert len(state.seen) <= 64
        if note.event_id in before.seen:
            assert state == before
        if signal is not None:
            assert before.armed
            assert not state.armed
            assert state.remaining <= 3
