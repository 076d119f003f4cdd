"""A battery button on the wall, as a Shelly BLU Button1 behaves: silent until it is pressed."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from zodra_sim.devices import bthome

MODEL_NAME: Final = "SBBT-002C"

ADVERTS_PER_PRESS: Final = 6
ADVERT_GAP_MS: Final = 100
"""How often, and how far apart, one press is said: a scanner that listens for part of the time must
hear one of them."""

PRESSES_PER_PERCENT: Final = 400
"""A CR2032 of 225 mAh lasts about 40,000 presses of six advertisements at some 20 uC each."""


class PressKind(StrEnum):
    """What a finger did."""

    PRESS = "press"
    DOUBLE_PRESS = "double_press"
    TRIPLE_PRESS = "triple_press"
    LONG_PRESS = "long_press"


_EVENT_CODES: Final = {
    PressKind.PRESS: 0x01,
    PressKind.DOUBLE_PRESS: 0x02,
    PressKind.TRIPLE_PRESS: 0x03,
    PressKind.LONG_PRESS: 0x04,
}


@dataclass(frozen=True, slots=True)
class ButtonMake:
    """What the factory and the pairing gave the button."""

    address: str
    bind_key: bytes | None = field(default=None, repr=False)
    """16 bytes; without it the button speaks in the clear."""
    buttons: int = 1
    adverts_per_press: int = ADVERTS_PER_PRESS
    advert_gap_ms: int = ADVERT_GAP_MS


@dataclass(frozen=True, slots=True)
class Button:
    """What the button keeps in its flash memory."""

    counter: int = 0
    """The last encryption counter used. It only ever grows."""
    packet_id: int = 0
    battery_percent: int = 100
    pressed: int = 0
    """How often it was ever pressed."""


@dataclass(frozen=True, slots=True)
class Burst:
    """One press on the air: the same bytes, several times."""

    data: bytes
    times: int
    gap_ms: int


def press(
    state: Button, make: ButtonMake, kind: PressKind, button: int = 0
) -> tuple[Button, Burst]:
    """Press one button of the device.

    The caller stores the new state before it sends the burst: a counter that was on the air and
    not on the disk would be used twice.

    Args:
        state: before the press.
        make: the device's own constants.
        kind: what the finger did.
        button: which one, from 0.

    Raises:
        ValueError: there is no such button, or the counter has been used up.
    """
    if not 0 <= button < make.buttons:
        raise ValueError(f"button {button} is outside 0..{make.buttons - 1}")
    if state.counter >= bthome.COUNTER_MAX:
        raise ValueError("the encryption counter is used up; the button needs a new key")
    pressed = state.pressed + 1
    tired = pressed % PRESSES_PER_PERCENT == 0
    after = replace(
        state,
        counter=state.counter + 1,
        packet_id=(state.packet_id + 1) % 256,
        battery_percent=max(1, state.battery_percent - 1) if tired else state.battery_percent,
        pressed=pressed,
    )
    events = [0] * make.buttons
    events[button] = _EVENT_CODES[kind]
    body = bthome.objects(after.packet_id, after.battery_percent, events)
    if make.bind_key is None:
        service_data = bthome.plain(body)
    else:
        service_data = bthome.encrypted(body, make.address, make.bind_key, after.counter)
    data = bthome.advertisement(service_data, MODEL_NAME)
    return after, Burst(data, make.adverts_per_press, make.advert_gap_ms)
