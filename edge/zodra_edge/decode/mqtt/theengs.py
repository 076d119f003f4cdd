"""What OpenMQTTGateway and Theengs Gateway publish of the Bluetooth devices that they hear.

`<base>/BTtoMQTT/<MAC without colons>`, one JSON object; its members are named alike for all
devices. Numbers may come as text. Names: decoder.theengs.io, "Devices by brand". What they relay
was broadcast in the clear by whoever was in reach, so a press among it proves nothing.
"""

import re
from typing import Final, NamedTuple

from zodra_contract.reading import PROBES, ReadingKind
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.filters import has_wildcard
from zodra_edge.decode.mqtt.reading.facts import Facts, read_online
from zodra_edge.decode.mqtt.reading.json_text import as_number, read_object
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, Press, Undecodable

TREE: Final = "/BTtoMQTT/"

_LWT: Final = {"online": True, "offline": False}
_BUTTON: Final = re.compile(r"button_?([1-9])?\Z")
_EVENTS: Final = {
    1: "press",
    2: "double_press",
    3: "triple_press",
    4: "long_press",
    9: "long_press",
}
"""BTHome's numbers, and the decoder's own 9."""
_NO_WISH: Final = frozenset({0, 11, 128, 254})
"""No event, or a key that is still held."""
_PACKETS: Final = 256


class _Field(NamedTuple):
    kind: ReadingKind
    unit: str = ""


_FIELDS: Final = {
    "tempc": _Field(ReadingKind.ROOM_TEMPERATURE_C),
    **{f"tempc{number}": _Field(kind) for number, kind in enumerate(PROBES, 1)},
    "tempc2_dp": _Field(ReadingKind.DEW_POINT_C),
    "hum": _Field(ReadingKind.HUMIDITY_PERCENT),
    "batt": _Field(ReadingKind.BATTERY_PERCENT),
    "pres": _Field(ReadingKind.PRESSURE_HPA),
    "lux": _Field(ReadingKind.ILLUMINANCE_LUX),
    "moi": _Field(ReadingKind.MOISTURE_PERCENT),
    "fer": _Field(ReadingKind.CONDUCTIVITY_US_CM),
    "for": _Field(ReadingKind.FORMALDEHYDE_MG_M3),
    "co2": _Field(ReadingKind.CO2_PPM),
    "pm25": _Field(ReadingKind.PM25_UG_M3),
    "pm10": _Field(ReadingKind.PM10_UG_M3),
    "open": _Field(ReadingKind.DOOR_OPEN),
    "motion": _Field(ReadingKind.MOTION),
    "presence": _Field(ReadingKind.PRESENCE),
    "leak": _Field(ReadingKind.WATER_LEAK),
    "lvl_cm": _Field(ReadingKind.DISTANCE_MM, "cm"),
    "energy": _Field(ReadingKind.ENERGY_KWH),
    "steps": _Field(ReadingKind.STEPS),
    "act_bpm": _Field(ReadingKind.HEART_RATE_BPM),
    "bpm": _Field(ReadingKind.HEART_RATE_BPM),
    "level": _Field(ReadingKind.REMAINING_PERCENT),
    "impedance": _Field(ReadingKind.BODY_IMPEDANCE_OHM),
    "volt": _Field(ReadingKind.VOLTAGE_V),
}
_PROBE_TYPES: Final = frozenset({"BBQ"})
_SUMS: Final = {
    "kWh": ReadingKind.ENERGY_KWH,
    "m³": ReadingKind.GAS_M3,
    "L": ReadingKind.WATER_L,
}
YIELDS: Final = tuple(
    dict.fromkeys(
        (
            *(f.kind for f in _FIELDS.values()),
            *_SUMS.values(),
            ReadingKind.WEIGHT_KG,
            ReadingKind.BODY_WEIGHT_KG,
            ReadingKind.POWER_W,
        )
    )
)


def subscriptions(profile: DeviceProfile) -> tuple[str, ...]:
    """Name the topics where a device speaks, through its gateway or any of several."""
    topic = profile.topic or ""
    # Of several gateways none speaks for the device.
    return (topic,) if has_wildcard(topic) else (topic, f"{topic.partition(TREE)[0]}/LWT")


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message."""
    topic = profile.topic or ""
    if frame.topic == f"{topic.partition(TREE)[0]}/LWT":
        return read_online(frame, profile, _LWT)
    if _address(frame.topic) != _address(topic):
        return FROM_ANOTHER
    body = read_object(frame.payload)
    if isinstance(body, Undecodable):
        return body
    facts = Facts(frame, profile)
    is_probe = body.get("type") in _PROBE_TYPES
    for name, value in body.items():
        if _BUTTON.match(name) is not None:
            _press(facts, name, value, body)
            continue
        kind, unit = _FIELDS.get(name, (None, ""))
        if is_probe and kind is ReadingKind.ROOM_TEMPERATURE_C:
            kind = ReadingKind.PROBE_TEMPERATURE_C
        facts.take(name, value, kind, unit)
    _take_with_unit(facts, body)
    return facts.decoded(authenticated=False)


def _address(topic: str) -> str:
    return topic.rpartition(TREE)[2].upper()


def _press(facts: Facts, name: str, value: object, body: dict[str, object]) -> None:
    number = as_number(value, 0, 255)
    if number in _NO_WISH:
        return
    if number is None or number not in _EVENTS:
        facts.unknown_action()
        return
    match = _BUTTON.match(name)
    button = int(match[1]) - 1 if match and match[1] else 0
    packet = as_number(body.get("packet"), 0, _PACKETS - 1)
    packet_id = None if packet is None else int(packet)
    facts.press(Press(button, _EVENTS[int(number)], None, packet_id))


def _take_with_unit(facts: Facts, body: dict[str, object]) -> None:
    """Take what a meter summed up and what a scale weighed; each names its unit beside it."""
    unit = body.get("sumu")
    if isinstance(unit, str):
        facts.take("sum", body.get("sum"), _SUMS.get(unit))
    if body.get("avgu") == "kW":
        facts.take("avg", body.get("avg"), ReadingKind.POWER_W, "kW")
    unit = body.get("unit")
    if isinstance(unit, str):
        of_a_person = body.get("weighing_mode") == "person" or "impedance" in body
        kind = ReadingKind.BODY_WEIGHT_KG if of_a_person else ReadingKind.WEIGHT_KG
        facts.take("weight", body.get("weight"), kind, unit)
