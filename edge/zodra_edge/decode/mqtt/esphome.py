"""ESPHome's own topics: `<node>/<component>/<object>/state`.

Topics: esphome.io, "MQTT Client Component". An object is named by the owner of the node, so what it
measures is told from the end of its name, or by a rule in the settings.
"""

from typing import Final

from zodra_contract.reading import ReadingKind
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.reading.facts import (
    ACTIONS,
    Facts,
    as_yes_or_no,
    below,
    read_online,
    read_word,
)
from zodra_edge.decode.mqtt.reading.json_text import read_object
from zodra_edge.decode.mqtt.reading.names import kind_of
from zodra_edge.decode.mqtt.reading.units import is_yes_or_no
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, DecodeRefusal, Press, Undecodable

_STATUS: Final = {"online": True, "offline": False}
_CLIMATE: Final = {
    "current_temperature": ReadingKind.ROOM_TEMPERATURE_C,
    "target_temperature": ReadingKind.SETPOINT_TEMPERATURE_C,
    "current_humidity": ReadingKind.HUMIDITY_PERCENT,
}
_HEATING: Final = {
    "heating": True,
    "idle": False,
    "off": False,
    "cooling": False,
    "drying": False,
    "fan": False,
}
_RELEASES: Final = frozenset({"release", "released", "up", "off"})


def subscriptions(profile: DeviceProfile) -> tuple[str, ...]:
    """Name the topics where a device speaks."""
    node = profile.topic or ""
    if profile.family is Family.BUTTON:
        part = profile.spoken.part
        return (
            f"{node}/status",
            f"{node}/binary_sensor/{part}/state",
            f"{node}/event/{part}/state",
            f"{node}/sensor/+/state",
        )
    if profile.family is Family.THERMOSTAT:
        return (f"{node}/status", f"{node}/climate/+/+/state", f"{node}/sensor/+/state")
    return (f"{node}/status", f"{node}/sensor/+/state", f"{node}/binary_sensor/+/state")


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message."""
    rest = below(frame.topic, profile.topic or "")
    if rest is None:
        return FROM_ANOTHER
    if rest == "status":
        return read_online(frame, profile, _STATUS)
    match rest.split("/"):
        case ["sensor", name, "state"]:
            return _decode_sensor(frame, profile, name)
        case ["binary_sensor", name, "state"]:
            return _decode_binary(frame, profile, name)
        case ["event", name, "state"]:
            return _decode_event(frame, profile, name)
        case ["climate", name, field, "state"]:
            return _decode_climate(frame, profile, f"{name}/{field}", field)
    # Lights, switches and commands.
    return Decoded(profile.device_id)


def _decode_sensor(frame: MqttMessage, profile: DeviceProfile, name: str) -> Decoded | Undecodable:
    word = read_word(frame.payload)
    if isinstance(word, Undecodable):
        return word
    facts = Facts(frame, profile)
    kind = kind_of(name)
    if profile.family is Family.BUTTON and kind is not ReadingKind.BATTERY_PERCENT:
        kind = None
    if kind is not None and not (is_yes_or_no(kind) and as_yes_or_no(word) is None):
        facts.take(name, word, kind)
    else:
        facts.take(name, word, None)
    return facts.decoded()


def _decode_binary(frame: MqttMessage, profile: DeviceProfile, name: str) -> Decoded | Undecodable:
    word = read_word(frame.payload)
    if isinstance(word, Undecodable):
        return word
    said = as_yes_or_no(word)
    if said is None:
        return Undecodable(DecodeRefusal.MALFORMED, "a binary sensor is neither ON nor OFF")
    facts = Facts(frame, profile)
    if profile.family is not Family.BUTTON:
        kind = kind_of(name)
        facts.take(name, word, kind if kind is not None and is_yes_or_no(kind) else None)
    elif name == profile.spoken.part:
        # Told again at each connection of the node: only the change to ON is a press.
        if said:
            facts.press(Press(0, "press", None, None, event_id="on", restarts=True))
        else:
            facts.mark(0, "off")
    return facts.decoded()


def _decode_event(frame: MqttMessage, profile: DeviceProfile, name: str) -> Decoded | Undecodable:
    body = read_object(frame.payload)
    if isinstance(body, Undecodable):
        return body
    facts = Facts(frame, profile)
    said = body.get("event_type")
    word = said.lower() if isinstance(said, str) else ""
    if profile.spoken.part not in (None, name):
        return Decoded(profile.device_id)
    if word in ACTIONS:
        facts.press(Press(0, ACTIONS[word], None, None))
    elif word not in _RELEASES:
        facts.unknown_action()
    return facts.decoded()


def _decode_climate(
    frame: MqttMessage, profile: DeviceProfile, name: str, field: str
) -> Decoded | Undecodable:
    word = read_word(frame.payload)
    if isinstance(word, Undecodable):
        return word
    facts = Facts(frame, profile)
    if field in _CLIMATE:
        facts.take(name, word, _CLIMATE[field])
    elif field == "action" and word.lower() in _HEATING:
        facts.take(name, _HEATING[word.lower()], ReadingKind.HEATING_ON)
    return facts.decoded()
