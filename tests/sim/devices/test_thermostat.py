"""The thermostat and its room."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_sim.devices.thermostat import (
    Room,
    Thermostat,
    boost,
    demand,
    parse_set,
    payload,
    set_setpoint,
    step,
)

ROOM = Room()
HOUR_MS = 3_600_000


def test_a_room_left_alone_in_mild_weather_never_heats() -> None:
    state = Thermostat()
    for hour in range(48):
        state = step(state, ROOM, hour * HOUR_MS, HOUR_MS, 1)
    assert state.heating_ms == 0
    assert ROOM.outdoor_c < state.temperature_c < 20.4


def test_heating_for_a_while_is_counted_and_ends_by_itself() -> None:
    state = boost(Thermostat(), 0, 10_000)
    assert state.heating
    for now_ms in range(250, 15_250, 250):
        state = step(state, ROOM, now_ms, 250, 360)
    assert not state.heating
    assert state.heating_ms == 10_000
    assert state.temperature_c > 20.4


def test_a_higher_setpoint_heats_until_the_room_is_warm() -> None:
    state = set_setpoint(Thermostat(), 21.5)
    seen = set()
    for minute in range(24 * 60):
        state = step(state, ROOM, minute * 60_000, 60_000, 1)
        seen.add(state.heating)
    assert seen == {True, False}
    assert 21.0 < state.temperature_c < 22.0


def test_the_payload_says_what_zigbee2mqtt_says() -> None:
    idle = json.loads(payload(Thermostat(), 0, 120))
    hot = json.loads(payload(boost(Thermostat(), 0, 1000), 0, 120))
    assert (idle["running_state"], idle["pi_heating_demand"]) == ("idle", 0)
    assert (hot["running_state"], hot["pi_heating_demand"]) == ("heat", 100)
    assert idle["local_temperature"] == 20.4
    assert (idle["occupied_heating_setpoint"], hot["occupied_heating_setpoint"]) == (17.0, 24.0)
    assert (idle["battery"], idle["linkquality"]) == (100, 120)


@given(st.floats(-20, 45), st.floats(5, 32), st.booleans())
def test_the_demand_stays_a_percentage(temperature: float, setpoint: float, on: bool) -> None:
    state = Thermostat(temperature_c=temperature, setpoint_c=setpoint, heating=on)
    assert 0 <= demand(state, 0) <= 100


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"occupied_heating_setpoint": 21}', 21.0),
        (b'{"occupied_heating_setpoint": 19.5, "x": 1}', 19.5),
        (b'{"occupied_heating_setpoint": true}', None),
        (b'{"occupied_heating_setpoint": "21"}', None),
        (b'{"occupied_heating_setpoint": NaN}', None),
        (b'{"occupied_heating_setpoint": 1' + b"0" * 400 + b"}", None),
        (b"[" * 100_000, None),
        (b"\xff", None),
        (b"21", None),
    ],
    ids=["whole", "half", "bool", "text", "nan", "huge", "deep", "no utf-8", "no object"],
)
def test_what_can_be_set(body: bytes, found: float | None) -> None:
    assert parse_set(body) == found


@given(st.binary(max_size=200))
def test_any_bytes_may_come_to_the_set_topic(body: bytes) -> None:
    found = parse_set(body)
    assert found is None or -1000 <= found <= 1000


@pytest.mark.parametrize(("wanted", "kept"), [(-10.0, 5.0), (99.0, 32.0), (21.0, 21.0)])
def test_the_dial_has_ends(wanted: float, kept: float) -> None:
    assert set_setpoint(Thermostat(), wanted).setpoint_c == kept


def test_heating_can_be_stopped() -> None:
    state = boost(boost(Thermostat(), 0, 60_000), 5_000, 0)
    assert not state.heating
    assert step(state, ROOM, 6_000, 1_000, 1).heating_ms == 0
