"""A radiator thermostat behind Zigbee2MQTT, and the room that it warms.

The payload has the fields that Zigbee2MQTT documents for radiator thermostats such as the Danfoss
014G2461. The room is one lump of air and wall: it leaks heat to outdoors and gains it from the
radiator, both in proportion.
"""

import json
import math
from dataclasses import dataclass, replace
from typing import Final

SETPOINT_C_MIN: Final = 5.0
SETPOINT_C_MAX: Final = 32.0
BOOST_C: Final = 24.0
"""The setpoint while somebody wants warmth now."""

_ASKED_C_ABS_MAX: Final = 1000
"""Beyond this a number is no temperature that somebody meant."""

REPORT_STEP_C: Final = 0.1
"""A change that is reported at once rather than at the next interval."""


@dataclass(frozen=True, slots=True)
class Room:
    """What does not change: the house and the weather."""

    outdoor_c: float = 17.5
    leak_h: float = 8.0
    """Hours in which the room loses two thirds of its warmth over outdoors."""
    radiator_c_per_h: float = 3.0
    """How fast the radiator at full flow would warm a room that does not leak."""
    hysteresis_c: float = 0.3


@dataclass(frozen=True, slots=True)
class Thermostat:
    """What the valve and its room are like now."""

    temperature_c: float = 20.4
    setpoint_c: float = 17.0
    heating: bool = False
    boost_until_ms: int = 0
    """On the caller's wall clock; until then the radiator is on, whatever the room says."""
    battery_percent: int = 100
    heating_ms: int = 0
    """How long it was ever on."""


def boost(state: Thermostat, now_ms: int, for_ms: int) -> Thermostat:
    """Heat for a while from now on, or longer if that runs; for no time ends it."""
    if for_ms <= 0:
        return replace(state, boost_until_ms=now_ms, heating=False)
    until_ms = max(state.boost_until_ms, now_ms + for_ms)
    return replace(state, boost_until_ms=until_ms, heating=True)


def set_setpoint(state: Thermostat, setpoint_c: float) -> Thermostat:
    """Turn the dial, within what the valve allows."""
    return replace(state, setpoint_c=min(SETPOINT_C_MAX, max(SETPOINT_C_MIN, setpoint_c)))


def boosted(state: Thermostat, now_ms: int) -> bool:
    """Say whether somebody asked for warmth now."""
    return now_ms < state.boost_until_ms


def step(
    state: Thermostat, room: Room, now_ms: int, passed_ms: int, room_speed: float
) -> Thermostat:
    """Let time pass in the room.

    Args:
        state: before.
        room: the house.
        now_ms: the caller's wall clock.
        passed_ms: since the step before; at least 0.
        room_speed: how much faster than the clock the room's air warms and cools. How long the
            radiator was on is counted by the clock.
    """
    passed_h = passed_ms * room_speed / 3_600_000
    power = room.radiator_c_per_h * room.leak_h * demand(state, now_ms) / 100
    rest_c = room.outdoor_c + power
    decay = math.exp(-passed_h / room.leak_h)
    temperature_c = rest_c + (state.temperature_c - rest_c) * decay
    on_ms = passed_ms if state.heating else 0
    state = replace(state, temperature_c=temperature_c, heating_ms=state.heating_ms + on_ms)
    return replace(state, heating=_wants_heat(state, room, now_ms))


def demand(state: Thermostat, now_ms: int) -> int:
    """Say how far the valve is open, in percent."""
    if not state.heating:
        return 0
    if boosted(state, now_ms):
        return 100
    return max(10, min(100, round(40 * (state.setpoint_c - state.temperature_c) + 30)))


def setpoint_shown_c(state: Thermostat, now_ms: int) -> float:
    """Say what the valve aims at, rounded as it is shown."""
    return round(BOOST_C if boosted(state, now_ms) else state.setpoint_c, 1)


def payload(state: Thermostat, now_ms: int, link_quality: int) -> bytes:
    """Write the state that Zigbee2MQTT publishes, retained, on the device's topic."""
    return json.dumps(
        {
            "battery": state.battery_percent,
            "linkquality": link_quality,
            "local_temperature": round(state.temperature_c, 2),
            "occupied_heating_setpoint": setpoint_shown_c(state, now_ms),
            "pi_heating_demand": demand(state, now_ms),
            "running_state": "heat" if state.heating else "idle",
            "system_mode": "heat",
            "window_open_internal": "closed",
        },
        separators=(",", ":"),
    ).encode()


def parse_set(body: bytes) -> float | None:
    """Read the setpoint out of a message on `.../set`, or None where there is none to read."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return None
    wanted = asked.get("occupied_heating_setpoint") if isinstance(asked, dict) else None
    if isinstance(wanted, bool) or not isinstance(wanted, int | float):
        return None
    # The comparison also leaves out NaN, the infinities and integers that no float can hold.
    return float(wanted) if -_ASKED_C_ABS_MAX <= wanted <= _ASKED_C_ABS_MAX else None


def _wants_heat(state: Thermostat, room: Room, now_ms: int) -> bool:
    if boosted(state, now_ms):
        return True
    if state.heating:
        return state.temperature_c < state.setpoint_c + room.hysteresis_c
    return state.temperature_c < state.setpoint_c - room.hysteresis_c
