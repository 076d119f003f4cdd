"""Shelly's first generation: one topic a value, below `shellies/<id>`.

Topics: shelly-api-docs.shelly.cloud, "Gen1 / MQTT". A button tells of each event with `event_cnt`,
and tells the last one again when it connects and every `mqtt_update_period` seconds, so it is the
change of that count that is a press.
"""

import re
from typing import Final, NamedTuple

from zodra_contract.reading import ReadingKind
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.reading.facts import Facts, below, read_online, read_word
from zodra_edge.decode.mqtt.reading.json_text import read_object
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, DecodeRefusal, Press, Undecodable

_ONLINE: Final = {"true": True, "false": False}
_EVENTS: Final = {
    "S": "press",
    "SS": "double_press",
    "SSS": "triple_press",
    "L": "long_press",
    "SL": "press_long_press",
    "LS": "long_press_press",
}
_INPUT: Final = re.compile(r"input_event/([0-9])\Z")
_WATT_MINUTES: Final = 1 / 60_000
"""A relay's `energy` is in watt-minutes; a meter's `total` is in watt-hours."""


class _Field(NamedTuple):
    kind: ReadingKind
    scale: float = 1.0


_FIELDS: Final = {
    "sensor/battery": _Field(ReadingKind.BATTERY_PERCENT),
    "sensor/temperature": _Field(ReadingKind.ROOM_TEMPERATURE_C),
    "sensor/humidity": _Field(ReadingKind.HUMIDITY_PERCENT),
    "sensor/lux": _Field(ReadingKind.ILLUMINANCE_LUX),
    "sensor/motion": _Field(ReadingKind.MOTION),
    "sensor/vibration": _Field(ReadingKind.VIBRATION),
    "sensor/state": _Field(ReadingKind.DOOR_OPEN),
    "sensor/flood": _Field(ReadingKind.WATER_LEAK),
    "sensor/smoke": _Field(ReadingKind.SMOKE),
    "relay/0/power": _Field(ReadingKind.POWER_W),
    "relay/0/energy": _Field(ReadingKind.ENERGY_KWH, _WATT_MINUTES),
    "emeter/0/power": _Field(ReadingKind.POWER_W),
    "emeter/0/total": _Field(ReadingKind.ENERGY_KWH, 0.001),
    "emeter/0/voltage": _Field(ReadingKind.VOLTAGE_V),
    "voltage": _Field(ReadingKind.VOLTAGE_V),
    "ext_temperature/0": _Field(ReadingKind.ROOM_TEMPERATURE_C),
    "ext_humidity/0": _Field(ReadingKind.HUMIDITY_PERCENT),
}
"""Of several channels the first; another one by a rule in the settings."""
_TOLD_AT_ONCE: Final = {
    "bat": ReadingKind.BATTERY_PERCENT,
    "hum": ReadingKind.HUMIDITY_PERCENT,
    "lux": ReadingKind.ILLUMINANCE_LUX,
    "motion": ReadingKind.MOTION,
    "vibration": ReadingKind.VIBRATION,
    "state": ReadingKind.DOOR_OPEN,
    "flood": ReadingKind.WATER_LEAK,
    "smoke": ReadingKind.SMOKE,
}
"""In `info` and `status`, by itself, with a `value`, or within `sensor` or `accel`."""
YIELDS: Final = tuple(
    dict.fromkeys(
        (
            *(field.kind for field in _FIELDS.values()),
            ReadingKind.SETPOINT_TEMPERATURE_C,
            ReadingKind.HEATING_DEMAND_PERCENT,
            ReadingKind.HEATING_ON,
        )
    )
)


def subscriptions(profile: DeviceProfile) -> tuple[str, ...]:
    """Name the topics where a device speaks."""
    return (f"{profile.topic}/#",)


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message."""
    rest = below(frame.topic, profile.topic or "")
    if rest is None:
        return FROM_ANOTHER
    if rest == "online":
        return read_online(frame, profile, _ONLINE)
    match = _INPUT.match(rest)
    if match is not None:
        return _decode_event(frame, profile, int(match[1]))
    if rest in ("info", "status"):
        return _decode_info(frame, profile)
    field = _FIELDS.get(rest)
    if field is None and profile.spoken.rule(rest) is None:
        # `announce`, requests, what is shown elsewhere already.
        return Decoded(profile.device_id, spoke=not rest.endswith("command"))
    word = read_word(frame.payload)
    if isinstance(word, Undecodable):
        return word
    facts = Facts(frame, profile)
    if field is not None:
        facts.take(rest, word, field.kind, scale=field.scale)
    else:
        facts.take(rest, word, None)
    return facts.decoded()


def _decode_event(frame: MqttMessage, profile: DeviceProfile, number: int) -> Decoded | Undecodable:
    body = read_object(frame.payload)
    if isinstance(body, Undecodable):
        return body
    part = profile.spoken.part
    if part not in (None, f"input_event/{number}"):
        return Decoded(profile.device_id)
    button = 0 if part is not None else number
    count, said = body.get("event_cnt"), body.get("event")
    if type(count) is not int or not 0 <= count < 2**32 or not isinstance(said, str):
        return Undecodable(DecodeRefusal.MALFORMED, "event or event_cnt is missing")
    facts = Facts(frame, profile)
    if said in _EVENTS:
        facts.press(Press(button, _EVENTS[said], None, None, str(count), restarts=True))
    else:
        facts.mark(button, str(count))
        if said:
            facts.unknown_action()
    return facts.decoded()


def _decode_info(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read what is told at once; a valve and a motion sensor have no topic a value."""
    body = read_object(frame.payload)
    if isinstance(body, Undecodable):
        return body
    facts = Facts(frame, profile)
    valves = body.get("thermostats", [body])
    valve = valves[0] if isinstance(valves, list) and valves else None
    if isinstance(valve, dict):
        facts.take("tmp", _value_of(valve.get("tmp")), ReadingKind.ROOM_TEMPERATURE_C)
        facts.take("target_t", _value_of(valve.get("target_t")), ReadingKind.SETPOINT_TEMPERATURE_C)
        position = valve.get("pos")
        facts.take("pos", position, ReadingKind.HEATING_DEMAND_PERCENT)
        if isinstance(position, int | float) and facts.has(ReadingKind.HEATING_DEMAND_PERCENT):
            facts.take("heating", position > 0, ReadingKind.HEATING_ON)
    felt = body.get("sensor")
    accel = body.get("accel")
    for part in (body, felt, accel):
        for name, kind in _TOLD_AT_ONCE.items():
            if isinstance(part, dict) and not facts.has(kind):
                said = part.get(name)
                facts.take(name, _value_of(said) if isinstance(said, dict) else said, kind)
    return facts.decoded()


def _value_of(part: object) -> object:
    return part.get("value") if isinstance(part, dict) else None
