"""The button: a counter that only grows, and one press said six times alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_sim.devices import bthome
from zodra_sim.devices.button import (
    PRESSES_PER_PERCENT,
    Button,
    ButtonMake,
    PressKind,
    press,
)

MAKE = ButtonMake("A4:C1:38:00:00:01", bytes(range(16)))


def test_one_press_is_said_six_times_at_a_tenth_of_a_second() -> None:
    state, burst = press(Button(), MAKE, PressKind.PRESS)
    assert (burst.times, burst.gap_ms) == (6, 100)
    assert (state.counter, state.packet_id, state.pressed) == (1, 1, 1)


@given(st.lists(st.sampled_from(PressKind), min_size=1, max_size=40))
def test_no_two_presses_look_alike_and_the_counter_only_grows(kinds: list[PressKind]) -> None:
    state, seen = Button(packet_id=250), set()
    for kind in kinds:
        after, burst = press(state, MAKE, kind)
        assert after.counter == state.counter + 1
        assert after.packet_id == (state.packet_id + 1) % 256
        seen.add(burst.data)
        state = after
    assert len(seen) == state.pressed == len(kinds)


def test_the_same_state_and_act_make_the_same_bytes() -> None:
    assert press(Button(7), MAKE, PressKind.LONG_PRESS) == press(
        Button(7), MAKE, PressKind.LONG_PRESS
    )


def test_a_button_without_key_speaks_in_the_clear() -> None:
    _, burst = press(Button(), ButtonMake(MAKE.address), PressKind.DOUBLE_PRESS)
    assert bthome.plain(bthome.objects(1, 100, [2])) in burst.data


def test_the_battery_tires_and_never_reaches_zero() -> None:
    state = Button(pressed=PRESSES_PER_PERCENT - 1, battery_percent=2)
    state, _ = press(state, MAKE, PressKind.PRESS)
    assert state.battery_percent == 1
    state, _ = press(
        Button(pressed=2 * PRESSES_PER_PERCENT - 1, battery_percent=1), MAKE, PressKind.PRESS
    )
    assert state.battery_percent == 1


@pytest.mark.parametrize("which", [-1, 1])
def test_a_button_that_is_not_there_cannot_be_pressed(which: int) -> None:
    with pytest.raises(ValueError, match=r"outside 0\.\.0"):
        press(Button(), MAKE, PressKind.PRESS, which)


def test_a_used_up_counter_never_starts_again() -> None:
    with pytest.raises(ValueError, match="used up"):
        press(Button(counter=bthome.COUNTER_MAX), MAKE, PressKind.PRESS)


def test_the_key_is_not_shown() -> None:
    assert bytes(range(16)).hex() not in repr(MAKE)
    assert repr(bytes(range(16))) not in repr(MAKE)
