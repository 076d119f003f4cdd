"""One press has one name: on every gateway, after every restart, whoever plays it back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_frames import BUTTON, PLAIN_BUTTON, ZIGBEE_BUTTON, heard
from zodra_contract.ids import press_id
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import Decoded, Press
from zodra_edge.heard import Heard
from zodra_edge.identify import (
    RELEARN_S_MAX,
    PressMemory,
    PressRefusal,
    PressRepeat,
    Verdict,
    identify,
    open_relearn,
)


def sealed(
    counter: int, *buttons: int, packet_id: int | None = None, event: str = "press"
) -> Decoded:
    """A frame with an encryption counter."""
    presses = tuple(Press(button, event, str(counter), packet_id) for button in buttons or (0,))
    return Decoded("btn-kitchen", (), presses, True, counter, packet_id)


def plain(packet_id: int | None = None, event: str = "press", button: int = 0) -> Decoded:
    """A frame without one."""
    press = Press(button, event, None, packet_id)
    return Decoded("btn-kitchen", (), (press,), packet_id=packet_id)


def names(verdict: Verdict) -> list[str]:
    return [accepted.signal_id for accepted in verdict.presses]


def run(
    profile: DeviceProfile, *frames: tuple[Decoded, Heard], memory: PressMemory | None = None
) -> tuple[list[str], PressMemory]:
    """All names that a row of frames is given."""
    now = memory or PressMemory()
    given_names: list[str] = []
    for decoded, at in frames:
        verdict = identify(now, decoded, at, profile)
        now = verdict.memory
        given_names += names(verdict)
    return given_names, now


def test_the_name_comes_from_device_epoch_and_counter_alone() -> None:
    here, _ = run(BUTTON, (sealed(4711), heard()))
    there, _ = run(BUTTON, (sealed(4711), heard(3, boot="other", wall_shift_s=86_400)))
    assert here == there == [press_id("btn-kitchen", "enc-1-4711", 0, "press")]


def test_a_repeat_is_ignored_also_after_a_restart_and_for_ever() -> None:
    _, memory = run(BUTTON, (sealed(5), heard()))
    for at in (heard(0.1), heard(61), heard(86_400 * 30), heard(9, boot="boot-2")):
        verdict = identify(memory, sealed(5), at, BUTTON)
        assert verdict.presses == ()
        assert verdict.ignored == (PressRepeat.REPEAT,)
        assert verdict.repeated
        assert verdict.memory == memory


@given(
    counters=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=30),
    gaps=st.lists(st.floats(0, 10_000), min_size=30, max_size=30),
)
def test_accepted_counters_only_ever_rise(counters: list[int], gaps: list[float]) -> None:
    memory, highest, at = PressMemory(), -1, 0.0
    for counter, gap in zip(counters, gaps, strict=False):
        at += gap
        verdict = identify(memory, sealed(counter), heard(at), BUTTON)
        assert bool(verdict.presses) == (counter > highest)
        assert (verdict.refused == PressRefusal.REPLAY) == (counter < highest)
        memory, highest = verdict.memory, max(highest, counter)


def test_a_low_counter_is_a_replay_like_any_other() -> None:
    _, memory = run(BUTTON, (sealed(200), heard()))
    verdict = identify(memory, sealed(50), heard(100), BUTTON)
    assert verdict.refused == PressRefusal.REPLAY
    assert verdict.memory == memory


def test_a_raised_epoch_lets_a_device_count_anew_and_never_reuses_a_name() -> None:
    before, memory = run(BUTTON, (sealed(5), heard()), (sealed(6), heard(10)))
    fresh = replace(BUTTON, counter_epoch=2)
    after, memory = run(fresh, (sealed(5), heard(20)), (sealed(6), heard(30)), memory=memory)
    assert len({*before, *after}) == 4
    again, _ = run(fresh, (sealed(5), heard(40)), memory=memory)
    assert again == []


def test_two_buttons_in_one_frame_are_two_presses_each_with_its_own_memory() -> None:
    verdict = identify(PressMemory(), sealed(9, 0, 2), heard(), BUTTON)
    first, second = verdict.presses
    assert first.signal_id != second.signal_id
    # Only the first could be kept: the frame's next repeat brings the second.
    half = identify(first.memory, sealed(9, 0, 2), heard(0.1), BUTTON)
    assert names(half) == [second.signal_id]
    assert identify(half.memory, sealed(9, 0, 2), heard(0.2), BUTTON).presses == ()


def test_a_burst_that_is_encrypted_anew_each_time_is_one_press() -> None:
    frames = [(sealed(10 + n, packet_id=7), heard(n * 0.1)) for n in range(6)]
    kept, memory = run(BUTTON, *frames)
    assert len(kept) == 1
    later, _ = run(BUTTON, (sealed(20, packet_id=7), heard(60)), memory=memory)
    assert len(later) == 1


def test_quick_presses_with_their_own_packet_ids_all_count() -> None:
    frames = [(sealed(10 + n, packet_id=n), heard(n * 0.05)) for n in range(20)]
    assert len(run(BUTTON, *frames)[0]) == 20


def test_a_frame_without_press_moves_the_counter() -> None:
    _, memory = run(BUTTON, (Decoded("btn-kitchen", counter=8, authenticated=True), heard()))
    assert identify(memory, sealed(7), heard(1), BUTTON).refused == PressRefusal.REPLAY


def test_without_counter_a_packet_id_tells_repeats_within_a_minute() -> None:
    burst = [(plain(3), heard(n)) for n in range(10)]
    kept, memory = run(PLAIN_BUTTON, *burst)
    assert len(kept) == 1
    other, memory = run(PLAIN_BUTTON, (plain(4), heard(10.5)), memory=memory)
    assert len(other) == 1
    wrapped, _ = run(PLAIN_BUTTON, (plain(4), heard(80)), memory=memory)
    assert len(wrapped) == 1
    assert len({*kept, *other, *wrapped}) == 3


def test_without_counter_two_gateways_give_the_same_name() -> None:
    here, _ = run(PLAIN_BUTTON, (plain(3), heard(1)))
    there, _ = run(PLAIN_BUTTON, (plain(3), heard(1.2, boot="other")))
    assert here == there


def test_without_counter_a_repeat_after_a_restart_is_still_a_repeat() -> None:
    _, memory = run(PLAIN_BUTTON, (plain(3), heard()))
    verdict = identify(memory, plain(3), heard(5, boot="boot-2"), PLAIN_BUTTON)
    assert verdict.ignored == (PressRepeat.REPEAT,)


def test_without_any_number_the_same_event_bounces_for_a_while() -> None:
    kept, memory = run(ZIGBEE_BUTTON, *[(plain(), heard(n)) for n in range(5)])
    assert len(kept) == 1
    assert identify(memory, plain(), heard(7.9), ZIGBEE_BUTTON).ignored == (PressRepeat.BOUNCE,)
    double, memory = run(ZIGBEE_BUTTON, (plain(event="double_press"), heard(5)), memory=memory)
    other, memory = run(ZIGBEE_BUTTON, (plain(button=1), heard(5)), memory=memory)
    again, _ = run(ZIGBEE_BUTTON, (plain(), heard(20)), memory=memory)
    assert len({*kept, *double, *other, *again}) == 4


@given(
    at_s=st.lists(st.floats(0, 1000), min_size=2, max_size=12),
    shift_s=st.floats(-100_000, 0),
    packet_id=st.none() | st.integers(0, 255),
)
def test_a_clock_set_back_never_names_two_presses_alike(
    at_s: list[float], shift_s: float, packet_id: int | None
) -> None:
    moments = sorted(at_s)
    frames = [
        (plain(packet_id), heard(at, wall_shift_s=shift_s if place % 2 else 0))
        for place, at in enumerate(moments)
    ]
    kept, _ = run(PLAIN_BUTTON, *frames)
    assert len(kept) == len(set(kept))


def test_what_is_remembered_has_a_maximum() -> None:
    frames = [(plain(event="press", button=n), heard(n)) for n in range(100)]
    _, memory = run(PLAIN_BUTTON, *frames)
    assert len(memory.recent) == 16


def test_a_beacon_repeated_in_one_burst_is_read_once() -> None:
    beacon = Decoded("btn-kitchen", packet_id=9)
    _, memory = run(PLAIN_BUTTON, (beacon, heard()))
    assert identify(memory, beacon, heard(0.3), PLAIN_BUTTON).repeated
    assert not identify(memory, beacon, heard(8), PLAIN_BUTTON).repeated
    assert not identify(memory, beacon, heard(0.3, boot="boot-2"), PLAIN_BUTTON).repeated


def relearning(within_s: float = 120, *, counter: int | None = 5_000) -> PressMemory:
    """What is remembered once a person has asked for the counter to be learned anew."""
    return open_relearn(PressMemory(epoch=1, counter=counter), heard(), within_s)


LEARNS = {
    "a lower counter": (relearning(), sealed(3), heard(10), True),
    "at the last moment": (relearning(), sealed(3), heard(120), True),
    "too late": (relearning(), sealed(3), heard(121), False),
    "after a restart of the machine": (relearning(), sealed(3), heard(10, boot="boot-2"), False),
    "never asked for": (PressMemory(epoch=1, counter=5_000), sealed(3), heard(10), False),
    "not authenticated": (
        relearning(),
        replace(sealed(3), authenticated=False),
        heard(10),
        False,
    ),
    "longer than is allowed": (relearning(1e9), sealed(3), heard(RELEARN_S_MAX + 1), False),
}


@pytest.mark.parametrize("case", LEARNS.values(), ids=LEARNS)
def test_when_a_counter_is_learned_anew(
    case: tuple[PressMemory, Decoded, Heard, bool],
) -> None:
    memory, frame, at, learns = case
    verdict = identify(memory, frame, at, BUTTON)
    assert (verdict.refused is None) == learns
    assert [accepted.proven for accepted in verdict.presses] == ([False] if learns else [])
    assert (verdict.memory.counter == 3) == learns


def test_a_counter_is_learned_once_and_every_name_is_a_new_one() -> None:
    old, memory = run(BUTTON, *[(sealed(n), heard(n)) for n in range(1, 6)])
    memory = open_relearn(memory, heard(10), 120)
    verdict = identify(memory, sealed(2), heard(20), BUTTON)
    # The first was played back, perhaps: it asks, and what is below it is refused again.
    assert [accepted.proven for accepted in verdict.presses] == [False]
    assert identify(verdict.memory, sealed(1), heard(21), BUTTON).refused == PressRefusal.REPLAY
    following = identify(verdict.memory, sealed(3), heard(22), BUTTON)
    assert [accepted.proven for accepted in following.presses] == [True]
    assert len({*old, *names(verdict), *names(following)}) == 7


def test_two_gateways_that_learn_anew_give_the_same_name() -> None:
    here = identify(relearning(), sealed(3), heard(10), BUTTON)
    there = identify(relearning(counter=4_999), sealed(3), heard(11), BUTTON)
    assert names(here) == names(there)


def test_a_device_that_counts_on_closes_the_window() -> None:
    verdict = identify(relearning(), sealed(5_001), heard(1), BUTTON)
    assert [accepted.proven for accepted in verdict.presses] == [True]
    assert identify(verdict.memory, sealed(3), heard(2), BUTTON).refused == PressRefusal.REPLAY


def test_a_repeat_of_the_last_press_neither_learns_nor_closes() -> None:
    _, memory = run(BUTTON, (sealed(5), heard()))
    again = identify(open_relearn(memory, heard(1), 60), sealed(5), heard(2), BUTTON)
    assert again.presses == ()
    assert identify(again.memory, sealed(1), heard(3), BUTTON).refused is None


def test_a_lost_counter_is_proven_again_from_the_second_press_on() -> None:
    memory = open_relearn(PressMemory(epoch=1, unproven=True), heard(), 60)
    first = identify(memory, sealed(9), heard(1), BUTTON)
    second = identify(first.memory, sealed(10), heard(2), BUTTON)
    assert [a.proven for v in (first, second) for a in v.presses] == [False, True]


@given(
    counters=st.lists(st.integers(0, 50), min_size=1, max_size=30),
    asked_at=st.sets(st.integers(0, 29), max_size=4),
)
def test_no_name_is_given_twice_however_often_it_is_learned_anew(
    counters: list[int], asked_at: set[int]
) -> None:
    memory = PressMemory()
    given_names: list[str] = []
    for place, counter in enumerate(counters):
        if place in asked_at:
            memory = open_relearn(memory, heard(place), 60)
        verdict = identify(memory, sealed(counter), heard(place), BUTTON)
        memory = verdict.memory
        given_names += names(verdict)
    assert len(given_names) == len(set(given_names))
    assert memory.learned <= len(asked_at)


@given(first=st.integers(0, 255), presses=st.integers(2, 600), gap_s=st.floats(0.5, 20))
def test_packet_ids_that_wrap_name_every_press_apart(
    first: int, presses: int, gap_s: float
) -> None:
    frames = [(plain((first + n) % 256), heard(n * gap_s)) for n in range(presses)]
    kept, _ = run(PLAIN_BUTTON, *frames)
    assert len(kept) == len(set(kept)) == presses


@given(first=st.integers(0, 2**32 - 1), steps=st.lists(st.integers(1, 9), max_size=20))
def test_a_sealed_burst_with_a_packet_id_that_wraps_is_one_press_a_packet(
    first: int, steps: list[int]
) -> None:
    frames, counter = [], first
    for place, repeats in enumerate(steps):
        for repeat in range(repeats):
            counter += 1
            at = heard(place * 10 + repeat * 0.05)
            frames.append((sealed(counter, packet_id=(254 + place) % 256), at))
    kept, _ = run(BUTTON, *frames)
    assert len(kept) == len(set(kept)) == len(steps)
