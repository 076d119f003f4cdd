"""Thermostats and buttons as Zigbee2MQTT publishes them: one JSON object on the device's topic.

Names and ranges: the device pages of zigbee2mqtt.io. Which of several names a device uses depends
on its maker and on the age of its converter, so each fact is looked up under all of them.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from zodra_contract.reading import Reading, ReadingKind
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.reading.facts import below, read_word
from zodra_edge.decode.mqtt.reading.json_text import as_number, read_object
from zodra_edge.decode.mqtt.reading.moments import happened, moment, observed_at
from zodra_edge.decode.mqtt.reading.online import read_availability
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, DecodeRefusal, Press, Undecodable


class _Field(NamedTuple):
    kind: ReadingKind
    names: tuple[str, ...]
    """First found, first served."""
    lowest: float
    highest: float


_THERMOSTAT: Final = (
    # Hive's SLR2 has two channels, heating and hot water, and puts `_heat` behind each name.
    _Field(
        ReadingKind.ROOM_TEMPERATURE_C,
        ("local_temperature_heat", "local_temperature"),
        -60.0,
        125.0,
    ),
    _Field(
        ReadingKind.SETPOINT_TEMPERATURE_C,
        # Eurotronic sends both last ones and means the former; Tuya and Moes send the last only.
        (
            "occupied_heating_setpoint_heat",
            "occupied_heating_setpoint",
            "current_heating_setpoint",
        ),
        -60.0,
        125.0,
    ),
    _Field(
        ReadingKind.HEATING_DEMAND_PERCENT,
        # Tuya's BRT-100 calls the valve's opening `position`. Not `valve_opening_degree`: on
        # Sonoff's TRVZB that is a setting, how far to open when it opens at all.
        ("pi_heating_demand", "position", "valve_position"),
        0.0,
        100.0,
    ),
    _Field(ReadingKind.HUMIDITY_PERCENT, ("humidity",), 0.0, 100.0),
)
_SENSOR: Final = (
    _Field(ReadingKind.ROOM_TEMPERATURE_C, ("temperature",), -60.0, 125.0),
    _Field(ReadingKind.HUMIDITY_PERCENT, ("humidity",), 0.0, 100.0),
    _Field(ReadingKind.PRESSURE_HPA, ("pressure",), 1.0, 1500.0),
    _Field(ReadingKind.CO2_PPM, ("co2",), 0.0, 100_000.0),
    _Field(ReadingKind.PM25_UG_M3, ("pm25",), 0.0, 100_000.0),
    _Field(ReadingKind.VOC_INDEX, ("voc_index",), 0.0, 10_000.0),
    _Field(ReadingKind.ILLUMINANCE_LUX, ("illuminance_lux", "illuminance"), 0.0, 1e6),
    _Field(ReadingKind.MOISTURE_PERCENT, ("soil_moisture",), 0.0, 100.0),
    _Field(ReadingKind.POWER_W, ("power",), -1e6, 1e6),
    _Field(ReadingKind.ENERGY_KWH, ("energy",), 0.0, 1e9),
    _Field(ReadingKind.CURRENT_A, ("current",), -1e4, 1e4),
    _Field(ReadingKind.REMAINING_PERCENT, ("filter_life", "filter_lifetime"), 0.0, 100.0),
)
_SAID: Final = (
    (ReadingKind.MOTION, "occupancy", True),
    (ReadingKind.PRESENCE, "presence", True),
    (ReadingKind.DOOR_OPEN, "contact", False),
    (ReadingKind.WATER_LEAK, "water_leak", True),
    (ReadingKind.SMOKE, "smoke", True),
    (ReadingKind.GAS_LEAK, "gas", True),
    (ReadingKind.CARBON_MONOXIDE, "carbon_monoxide", True),
    (ReadingKind.VIBRATION, "vibration", True),
)
"""What a sensor says with true and false, and which of them is 1: a closed contact is a closed
door."""
_BATTERY: Final = _Field(ReadingKind.BATTERY_PERCENT, ("battery",), 0.0, 100.0)

_FIELDS: Final = {Family.THERMOSTAT: _THERMOSTAT, Family.SENSOR: _SENSOR}
YIELDS: Final = tuple(
    dict.fromkeys(
        (
            *(field.kind for fields in _FIELDS.values() for field in fields),
            ReadingKind.HEATING_ON,
            *(kind for kind, _, _ in _SAID),
            _BATTERY.kind,
        )
    )
)
_NOT_MEASURED_C: Final = -327.68
"""Zigbee's 0x8000, "invalid", after the division by 100."""

_HEATING: Final = {
    "heat": True,
    "heating": True,
    "idle": False,
    "off": False,
    "cool": False,
    "cooling": False,
    "fan_only": False,
}
_SWITCH: Final = {"on": True, "off": False}
_WITNESSES: Final = (
    ("running_state_heat", _HEATING),
    ("running_state", _HEATING),
    ("heat_required", _SWITCH),
    ("heat", _SWITCH),
    ("heating", _SWITCH),
)
"""The most direct first."""
_VALVE: Final = {"open": True, "opened": True, "closed": False, "close": False}

_BASE: Final = "zigbee2mqtt/"
_ABOUT_ITSELF: Final = "zigbee2mqtt/bridge/"
_BRIDGE: Final = "zigbee2mqtt/bridge/state"

_EVENTS: Final = {
    "single": "press",
    "press": "press",
    "click": "press",
    "short_press": "press",
    # IKEA's SOMRIG says `initial_press` before it knows which kind of press it will be.
    "short_release": "press",
    "single_click": "press",
    "toggle": "press",
    # A key that recalls a scene, as remotes for lamps have them.
    "recall": "press",
    "scene": "press",
    "double": "double_press",
    "double_press": "double_press",
    "double_click": "double_press",
    "triple": "triple_press",
    "triple_press": "triple_press",
    "hold": "long_press",
    "long": "long_press",
    "long_press": "long_press",
}
"""What a household may mean by a press."""
_AROUND_A_PRESS: Final = frozenset(
    {
        "release",
        "press_release",
        "hold_release",
        "long_release",
        "long_press_release",
        "double_release",
        "triple_release",
        "many_release",
        "initial_press",
    }
)
"""Ignored on purpose: the begin or the end of a press that is counted under another word."""
_TURN: Final = re.compile(
    r"(?:dial_)?rotate_(?:left|right|stop)(?:_(?:step|slow|fast))?"
    r"|(?:brightness|color|color_temperature|color_hue|color_saturation|hue|saturation)"
    r"_(?:move|step|stop)(?:_(?:up|down|stop|left|right|to_level))?(?:_[1-9])?"
)
"""Ignored likewise: a dial that turns, or a key held to dim."""

_NAMED_BUTTONS: Final = {"left": 0, "right": 1, "on": 0, "off": 1, "up": 2, "down": 3}
_NUMBER_FIRST = re.compile(r"(?:button_)?([1-9])_([a-z_]+)\Z")
_NUMBER_LAST = re.compile(r"([a-z_]+?)_(?:button_)?([1-9])\Z")
_KEY_OF_A_CROSS = re.compile(r"(?:arrow|brightness)_(left|right|up|down)_(click|hold|release)\Z")
"""IKEA's round remote: of its five keys these four, and the one in the middle says `toggle`."""


def subscriptions(profile: DeviceProfile) -> tuple[str, ...]:
    """Name the topics where a device speaks."""
    device = profile.topic or ""
    topics = [device, f"{device}/availability"]
    if profile.family is Family.BUTTON:
        topics.append(f"{device}/action")
    if device.startswith(_BASE):
        topics.append(_BRIDGE)
    return tuple(topics)


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message."""
    if frame.topic == _BRIDGE:
        return _decode_bridge(frame, profile)
    if frame.topic.startswith(_ABOUT_ITSELF):
        return Decoded(profile.device_id, spoke=False)
    rest = below(frame.topic, profile.topic or "")
    if rest is None:
        return FROM_ANOTHER
    if rest == "availability":
        return read_availability(frame, profile)
    if rest == "action" and profile.family is Family.BUTTON:
        return _decode_twin(frame, profile)
    # `/set` and `/get` are requests.
    return Decoded(profile.device_id, spoke=False) if rest else _decode_state(frame, profile)


def _decode_bridge(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read what Zigbee2MQTT says of itself: while it is gone, so are its devices.

    When it comes back, each device's own availability says whether that is there.
    """
    said = read_availability(frame, profile)
    if isinstance(said, Undecodable) or said.online is False:
        return said
    return Decoded(profile.device_id, spoke=False)


def _decode_twin(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read `{topic}/action`: the action as a bare word, beside the state that has it too.

    Zigbee2MQTT publishes it for Home Assistant's device triggers, and in place of the state where
    `output` is `attribute`.
    """
    word = read_word(frame.payload)
    if isinstance(word, Undecodable):
        return word
    refused: list[Undecodable] = []
    presses = _presses({"action": word}, refused)
    if presses and frame.retained:
        return Undecodable(DecodeRefusal.RETAINED_ACTION, "an action the broker had kept")
    return Decoded(
        device_id=profile.device_id,
        presses=tuple(replace(press, twin=True) for press in presses),
        authenticated=True,
        happened=happened(None, frame) if presses else None,
        refused=tuple(refused),
    )


def _decode_state(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    body = read_object(frame.payload)
    if isinstance(body, Undecodable):
        return body
    refused: list[Undecodable] = []
    presses = _presses(body, refused) if profile.family is Family.BUTTON else ()
    if presses and frame.retained:
        return Undecodable(DecodeRefusal.RETAINED_ACTION, "an action the broker had kept")
    # Text or milliseconds, as its setting `last_seen` says; there where that is not switched off.
    seen_at = moment(body.get("last_seen"), frame.heard)
    at = observed_at(seen_at, frame)
    return Decoded(
        device_id=profile.device_id,
        readings=tuple(
            Reading(device_id=profile.device_id, kind=kind, value=value, observed_at=at)
            for kind, value in _values(body, profile.family, refused)
        ),
        presses=presses,
        authenticated=True,
        retained=frame.retained,
        happened=happened(seen_at, frame) if presses else None,
        refused=tuple(refused),
    )


def _values(
    body: dict[str, object], family: Family, refused: list[Undecodable]
) -> list[tuple[ReadingKind, float]]:
    """Read the fields of a family; what cannot be read is added to `refused`."""
    fields = (*_FIELDS.get(family, ()), _BATTERY)
    values: list[tuple[ReadingKind, float]] = []
    for field in fields:
        name = next((name for name in field.names if body.get(name) is not None), None)
        if name is None or body[name] == _NOT_MEASURED_C:
            continue
        number = as_number(body[name], field.lowest, field.highest)
        if number is None:
            refused.append(
                _unreadable(f"{name} is no number from {field.lowest:g} to {field.highest:g}")
            )
        else:
            values.append((field.kind, number))
    if family is Family.SENSOR:
        for kind, name, yes in _SAID:
            said = body.get(name)
            if isinstance(said, bool):
                values.append((kind, float(said is yes)))
            elif name == "vibration" == body.get("action"):
                # Aqara's DJT11LM says what it felt as if somebody had pressed something.
                values.append((kind, 1.0))
    if family is Family.THERMOSTAT:
        heating = _heating(body, dict(values).get(ReadingKind.HEATING_DEMAND_PERCENT), refused)
        if heating is not None:
            values.append((ReadingKind.HEATING_ON, heating))
    return values


def _heating(
    body: dict[str, object], demand: float | None, refused: list[Undecodable]
) -> float | None:
    """Whether it heats, from the most direct witness there is.

    Danfoss Ally sent no `running_state` until converters of August 2021, only `heat_required`;
    Moes BHT-002 sent `heat`, and Saswell `heating`; Eurotronic shows the demand alone. Of
    BRT-100's two witnesses each has been seen stuck at "closed" (Koenkk/zigbee2mqtt issues 13885
    and 19298), so either one at work is enough.
    """
    for name, words in _WITNESSES:
        said = _word(body, name, words, refused)
        if said is not None:
            return float(said)
    valve = _word(body, "valve_state", _VALVE, refused)
    if valve is None:
        valve = _word(body, "valve", _VALVE, refused)
    if valve is None and demand is None:
        return None
    return float(bool(valve) or bool(demand))


def _word(
    body: dict[str, object], name: str, words: Mapping[str, bool], refused: list[Undecodable]
) -> bool | None:
    """Read a yes or no said with one of several words; a word that is not known says nothing."""
    said = body.get(name)
    if said is None or isinstance(said, bool):
        return said
    if not isinstance(said, str):
        refused.append(_unreadable(f"{name} is neither a word nor true or false"))
        return None
    return words.get(said.lower())


def _presses(body: dict[str, object], refused: list[Undecodable]) -> tuple[Press, ...]:
    action = body.get("action", body.get("click"))
    if action is None or action == "":
        return ()
    if not isinstance(action, str):
        refused.append(_unreadable("action is not a word"))
        return ()
    button, word = _button_of(action)
    if word not in _EVENTS:
        if word not in _AROUND_A_PRESS and _TURN.fullmatch(action) is None:
            refused.append(
                Undecodable(DecodeRefusal.UNKNOWN_ACTION, "action is a word that no table knows")
            )
        return ()
    number = body.get("action_transaction")
    packet_id = number if type(number) is int and 0 <= number <= 255 else None
    return (Press(button=button, event=_EVENTS[word], counter=None, packet_id=packet_id),)


def _button_of(action: str) -> tuple[int, str]:
    """Split `1_single`, `single_button_2`, `left_hold` or `off` into button and event.

    A remote that names its keys may say which key it was, and not what was done to it.
    """
    if match := _NUMBER_FIRST.match(action):
        return int(match[1]) - 1, match[2]
    if match := _NUMBER_LAST.match(action):
        return int(match[2]) - 1, match[1]
    if match := _KEY_OF_A_CROSS.match(action):
        return _NAMED_BUTTONS[match[1]], match[2]
    first, _, rest = action.partition("_")
    if first in _NAMED_BUTTONS:
        return _NAMED_BUTTONS[first], rest or "press"
    head, _, last = action.rpartition("_")
    if last in _NAMED_BUTTONS:
        return _NAMED_BUTTONS[last], head
    return 0, action


def _unreadable(detail: str) -> Undecodable:
    return Undecodable(DecodeRefusal.UNREADABLE_FIELD, detail)
