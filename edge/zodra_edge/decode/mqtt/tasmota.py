"""Tasmota: `stat/<name>/RESULT` for buttons, `tele/<name>/SENSOR` for what is measured.

Topics and words: tasmota.github.io, "MQTT" and "Buttons and Switches". A button speaks when
`SetOption73` detaches it from the relay, a switch with `SetOption114`.
"""

import re
from typing import Final, NamedTuple

from zodra_contract.reading import ReadingKind
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.reading.facts import Facts, read_online
from zodra_edge.decode.mqtt.reading.json_text import read_object
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, Press, Undecodable

PREFIX: Final = "%prefix%"
"""Where in a topic of the settings `stat` and `tele` go; in front if it is not there."""

_LWT: Final = {"online": True, "offline": False}
_KEY: Final = re.compile(r"(button|switch)([1-9]|[12][0-9]|3[0-2])\Z", re.IGNORECASE)
_ACTIONS: Final = {
    "single": "press",
    "double": "double_press",
    "triple": "triple_press",
    "quad": "quadruple_press",
    "penta": "quintuple_press",
    "hold": "long_press",
    "toggle": "press",
    "on": "press",
}
_AROUND: Final = frozenset({"off", "clear", "delay", "inc_dec", "inv", "power_delayed", "incdec"})
"""The end of a press, or a dimmer's turn; never a wish."""


class _Field(NamedTuple):
    kind: ReadingKind
    unit: str = ""


_FIELDS: Final = {
    "temperature": _Field(ReadingKind.ROOM_TEMPERATURE_C),
    "humidity": _Field(ReadingKind.HUMIDITY_PERCENT),
    "dewpoint": _Field(ReadingKind.DEW_POINT_C),
    "pressure": _Field(ReadingKind.PRESSURE_HPA),
    "carbondioxide": _Field(ReadingKind.CO2_PPM),
    "pm2.5": _Field(ReadingKind.PM25_UG_M3),
    "pm10": _Field(ReadingKind.PM10_UG_M3),
    "illuminance": _Field(ReadingKind.ILLUMINANCE_LUX),
    "moisture": _Field(ReadingKind.MOISTURE_PERCENT),
    "fertility": _Field(ReadingKind.CONDUCTIVITY_US_CM),
    "distance": _Field(ReadingKind.DISTANCE_MM, "cm"),
    "battery": _Field(ReadingKind.BATTERY_PERCENT),
}
_ENERGY: Final = {
    "Power": _Field(ReadingKind.POWER_W),
    "Total": _Field(ReadingKind.ENERGY_KWH),
    "Voltage": _Field(ReadingKind.VOLTAGE_V),
    "Current": _Field(ReadingKind.CURRENT_A),
}
YIELDS: Final = tuple(dict.fromkeys(f.kind for table in (_FIELDS, _ENERGY) for f in table.values()))
_BOARD: Final = re.compile(r"ESP(32|8266)", re.IGNORECASE)
"""What is told of the board itself; how warm it is says nothing about the room."""
_INPUTS: Final = "ANALOG"
"""Its values have the input's number at the end of their names."""
_PRESSURE_UNITS: Final = frozenset({"hPa", "mmHg", "inHg"})


def subscriptions(profile: DeviceProfile) -> tuple[str, ...]:
    """Name the topics where a device speaks."""
    ends = [("tele", "LWT"), ("tele", "SENSOR")]
    if profile.family is Family.BUTTON:
        ends.append(("stat", "+"))
    return tuple(_topic(profile, prefix, end) for prefix, end in ends)


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message."""
    if frame.topic == _topic(profile, "tele", "LWT"):
        return read_online(frame, profile, _LWT)
    if frame.topic == _topic(profile, "tele", "SENSOR"):
        return _decode_sensor(frame, profile)
    stem, _, end = frame.topic.rpartition("/")
    if f"{stem}/" != _topic(profile, "stat", ""):
        return FROM_ANOTHER
    if end == "RESULT":
        return _decode_result(frame, profile)
    if _KEY.match(end) is not None:
        return _decode_button(frame, profile, end)
    # POWER, STATUS and what else a device says about itself.
    return Decoded(profile.device_id)


def _topic(profile: DeviceProfile, prefix: str, end: str) -> str:
    base = profile.topic or ""
    if PREFIX not in base:
        base = f"{PREFIX}/{_name(base)}"
    return f"{base.replace(PREFIX, prefix)}/{end}"


def _name(topic: str) -> str:
    """Take the device's name from `stat/<name>/RESULT` or `tele/<name>` as well."""
    for prefix in ("stat/", "tele/", "cmnd/"):
        if topic.startswith(prefix):
            topic = topic.removeprefix(prefix)
            break
    return topic.removesuffix("/RESULT").removesuffix("/SENSOR")


def _decode_result(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    body = read_object(frame.payload)
    if isinstance(body, Undecodable):
        return body
    facts = Facts(frame, profile)
    for key, said in body.items():
        match = _KEY.match(key)
        if match is not None and isinstance(said, dict):
            _action(facts, key, int(match[2]) - 1, said.get("Action"), profile.spoken.part)
    return facts.decoded()


def _decode_button(frame: MqttMessage, profile: DeviceProfile, key: str) -> Decoded | Undecodable:
    body = read_object(frame.payload)
    if isinstance(body, Undecodable):
        return body
    facts = Facts(frame, profile)
    match = _KEY.match(key)
    if match is not None:
        said = body.get("ACTION", body.get("Action"))
        _action(facts, key, int(match[2]) - 1, said, profile.spoken.part)
    return facts.decoded()


def _action(facts: Facts, key: str, button: int, said: object, part: str | None) -> None:
    if part is not None and part.lower() != key.lower():
        return
    word = said.lower() if isinstance(said, str) else ""
    if word in _ACTIONS:
        facts.press(Press(0 if part is not None else button, _ACTIONS[word], None, None))
    elif word not in _AROUND:
        facts.unknown_action()


def _decode_sensor(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read the sensors of a device; each has an object named after its chip.

    `Time` is local and without an offset, so it does not date anything.
    """
    body = read_object(frame.payload)
    if isinstance(body, Undecodable):
        return body
    facts = Facts(frame, profile)
    units = {
        ReadingKind.ROOM_TEMPERATURE_C: "F" if body.get("TempUnit") == "F" else "",
        ReadingKind.DEW_POINT_C: "F" if body.get("TempUnit") == "F" else "",
    }
    pressure = body.get("PressureUnit")
    if isinstance(pressure, str) and pressure in _PRESSURE_UNITS:
        units[ReadingKind.PRESSURE_HPA] = pressure
    for name, values in body.items():
        if profile.spoken.part not in (None, name) or _BOARD.match(name):
            continue
        if isinstance(values, dict):
            for key, value in values.items():
                _take(facts, f"{name}.{key}", value, _field(name, key), units)
        elif (field := _FIELDS.get(name.lower())) is not None:
            # Sonoff SC has no chip to name, and says it all beside the time.
            _take(facts, name, values, field, units)
    return facts.decoded()


def _field(name: str, key: str) -> _Field | None:
    if name == "ENERGY":
        return _ENERGY.get(key)
    return _FIELDS.get((key.rstrip("0123456789") if name == _INPUTS else key).lower())


def _take(
    facts: Facts, source: str, value: object, field: _Field | None, units: dict[ReadingKind, str]
) -> None:
    kind = None if field is None or isinstance(value, list) else field.kind
    unit = "" if field is None else units.get(field.kind, field.unit)
    facts.take(source, value, kind, unit)
