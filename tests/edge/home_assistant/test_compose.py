"""What Home Assistant is told, against its published discovery schema.

The table below holds what Home Assistant's documentation says of each platform: which settings a
component must have, which others it may have, and which units and state classes go with a device
class.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_contract.reading import STAYS_HOME, ReadingKind
from zodra_edge.decode.profile import Family
from zodra_edge.home_assistant.compose import (
    EVENT_TYPES,
    DeviceFacts,
    GatewayFacts,
    Names,
    device_messages,
    event,
    expiry_s,
    gateway_messages,
    may_show,
    reading,
)
from zodra_edge.home_assistant.kinds import SHOWN

NAMES = Names("homeassistant", "gw-1", "1.2.3")
GATEWAY = GatewayFacts(
    needs_waiting=2,
    readings_waiting=30,
    deaf=False,
    has_radio=True,
    last_order="ordered",
    paused=False,
)

SHARED = {"platform", "name", "unique_id", "icon", "entity_category", "device_class"}
PLATFORMS: dict[str, tuple[set[str], set[str]]] = {
    "sensor": ({"state_topic"}, {"expire_after", "unit_of_measurement", "state_class"}),
    "binary_sensor": ({"state_topic"}, {"expire_after", "payload_on", "payload_off"}),
    "event": ({"state_topic", "event_types"}, set()),
    "switch": (
        {"command_topic"},
        {"state_topic", "payload_on", "payload_off", "retain", "optimistic"},
    ),
}
UNITS = {
    "battery": {"%"},
    "humidity": {"%"},
    "moisture": {"%"},
    "temperature": {"°C", "°F", "K"},
    "atmospheric_pressure": {"hPa", "mbar", "Pa", "kPa", "bar", "inHg", "mmHg", "psi", "cbar"},
    "duration": {"d", "h", "min", "s", "ms"},
    "weight": {"kg", "g", "mg", "µg", "oz", "lb", "st"},
    "volume_storage": {"L", "mL", "gal", "fl. oz.", "m³", "ft³", "CCF"},
    "volume": {"L", "mL", "gal", "fl. oz.", "m³", "ft³", "CCF"},
    "water": {"L", "gal", "m³", "ft³", "CCF"},
    "gas": {"m³", "ft³", "CCF"},
    "energy": {"Wh", "kWh", "MWh", "GWh", "J", "kJ", "MJ", "GJ"},
    "distance": {"mm", "cm", "m", "km", "in", "ft", "yd", "mi"},
    "voltage": {"V", "mV", "µV"},
    "current": {"A", "mA"},
    "power": {"W", "kW", "mW"},
    "pm25": {"µg/m³"},
    "pm10": {"µg/m³"},
    "volatile_organic_compounds": {"µg/m³"},
    "conductivity": {"µS/cm", "mS/cm", "S/cm"},
    "illuminance": {"lx"},
    "carbon_dioxide": {"ppm"},
}
TOTALS_ONLY = {"energy", "gas", "water", "volume"}
ON_OFF = {
    *("heat", "moisture", "smoke", "gas", "carbon_monoxide", "sound", "motion", "occupancy"),
    *("opening", "vibration", "problem"),
}


def config(said: dict[str, bytes], device_id: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said[NAMES.config(device_id)])
    return found


def check(body: dict[str, Any]) -> None:
    """Hold a discovery payload against the table."""
    assert set(body) == {"device", "origin", "cmps", "availability", "availability_mode", "qos"}
    assert body["device"]["identifiers"]
    assert body["origin"]["name"]
    assert body["availability_mode"] in {"all", "any", "latest"}
    assert all(set(one) == {"topic"} for one in body["availability"])
    names = [part["unique_id"] for part in body["cmps"].values() if len(part) > 1]
    assert len(names) == len(set(names))
    for part in body["cmps"].values():
        must, may = PLATFORMS[part["platform"]]
        if len(part) == 1:
            continue
        assert must <= set(part)
        assert set(part) <= SHARED | must | may
        check_class(part)


def check_class(part: dict[str, Any]) -> None:
    device_class, unit = part.get("device_class"), part.get("unit_of_measurement")
    match part["platform"]:
        case "sensor":
            assert device_class is None or unit in UNITS[device_class]
            if device_class in TOTALS_ONLY:
                assert part["state_class"] in {"total", "total_increasing"}
        case "binary_sensor":
            assert device_class is None or device_class in ON_OFF
        case "event":
            assert device_class in {"button", "doorbell", "motion"}


def test_every_kind_of_reading_is_shown_as_home_assistant_allows() -> None:
    facts = DeviceFacts("dev", Family.SENSOR, available=True, kinds=frozenset(ReadingKind))
    body = config(device_messages(NAMES, facts), "dev")
    check(body)
    assert set(body["cmps"]) == {"order", *(kind.value for kind in ReadingKind)}
    assert set(SHOWN) == set(ReadingKind)
    for kind in ReadingKind:
        assert body["cmps"][kind.value]["expire_after"] == expiry_s(kind, 7_200) >= 7_200


def test_the_gateway_introduces_itself_with_its_own_entities() -> None:
    said = gateway_messages(NAMES, GATEWAY)
    body = config(said)
    check(body)
    assert set(body["cmps"]) == {
        *("needs_waiting", "readings_waiting", "last_order", "paused", "deaf")
    }
    assert said[NAMES.state("needs_waiting")] == b"2"
    assert said[NAMES.state("deaf")] == b"OFF"
    assert said[NAMES.state("last_order")] == b"ordered"
    assert body["cmps"]["paused"]["command_topic"] == NAMES.pause
    assert NAMES.pause not in said


def test_a_button_is_an_event_and_what_it_says_was_announced() -> None:
    body = config(device_messages(NAMES, DeviceFacts("btn", Family.BUTTON, True)), "btn")
    check(body)
    press = body["cmps"]["press"]
    assert press["platform"] == "event"
    assert press["state_topic"] == NAMES.of("btn", "press")
    for said in ("press", "long_press", "spun"):
        told = json.loads(event(said, 1, "button-2", practice=False))
        assert told["event_type"] in press["event_types"]
        assert (told["button"], told["slot"]) == (2, "button-2")
    assert json.loads(event("spun", 0, "b", practice=True)) == {
        "event_type": "other",
        "button": 1,
        "slot": "b",
        "practice": True,
    }
    assert len(EVENT_TYPES) == len(set(EVENT_TYPES))


def test_a_device_is_there_only_while_the_gateway_is() -> None:
    body = config(device_messages(NAMES, DeviceFacts("btn", Family.BUTTON, True)), "btn")
    topics = [one["topic"] for one in body["availability"]]
    assert topics == [NAMES.availability, NAMES.of("btn", "availability")]
    assert body["availability_mode"] == "all"
    gone = device_messages(NAMES, DeviceFacts("btn", Family.BUTTON, available=False))
    assert gone[NAMES.of("btn", "availability")] == b"offline"


def test_what_may_no_longer_be_shown_is_taken_away_by_its_platform_alone() -> None:
    kinds = frozenset({ReadingKind.HEART_RATE_BPM, ReadingKind.MOTION})
    facts = DeviceFacts("strap", Family.WEARABLE, available=True, gone=kinds)
    parts = config(device_messages(NAMES, facts), "strap")["cmps"]
    assert parts["heart_rate_bpm"] == {"platform": "sensor"}
    assert parts["motion"] == {"platform": "binary_sensor"}


@pytest.mark.parametrize("kind", sorted(ReadingKind))
def test_what_stays_home_is_shown_only_if_the_household_says_so(kind: ReadingKind) -> None:
    stays = kind in STAYS_HOME
    assert may_show(kind, stayed_home=stays, show_home_readings=False) is not stays
    assert may_show(kind, stayed_home=stays, show_home_readings=True)
    assert not may_show(kind, stayed_home=True, show_home_readings=False)


def test_values_are_what_their_entities_read() -> None:
    assert reading(ReadingKind.DOOR_OPEN, 1.0) == b"ON"
    assert reading(ReadingKind.DOOR_OPEN, 0.0) == b"OFF"
    assert reading(ReadingKind.ROOM_TEMPERATURE_C, 20.5) == b"20.5"
    assert float(reading(ReadingKind.ENERGY_KWH, 123_456.789)) == 123_456.789


IDS = st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z")


@given(IDS, IDS, IDS, IDS)
def test_no_two_devices_share_a_name(gw: str, one: str, other_gw: str, other: str) -> None:
    first = Names("homeassistant", gw, "1").config(one)
    second = Names("homeassistant", other_gw, "1").config(other)
    assert (first == second) == ((gw, one) == (other_gw, other))
    assert "+" not in first
    assert "#" not in first
    assert NAMES.kind_of(NAMES.of(one, "reading/steps")) == (one, ReadingKind.STEPS)
    assert NAMES.kind_of(NAMES.of(one, "reading/nonsense")) is None
    assert NAMES.kind_of(NAMES.of(one, "press")) is None
