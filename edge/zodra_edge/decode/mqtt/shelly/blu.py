"""Bluetooth devices as Shelly's script `ble-shelly-blu` relays them: event `shelly-blu`.

Members: ALLTERCO/shelly-script-examples, `ble/`. A value is a number, or a list of them where a
device has several; `button` of a remote with four keys is `[0, 1, 0, 0]`, or `button_1` to
`button_4` in other versions of the script.
"""

from typing import Final

from zodra_contract.reading import ReadingKind
from zodra_edge.decode.mqtt.reading.facts import Facts
from zodra_edge.decode.result import DecodeRefusal, Press

EVENT: Final = "shelly-blu"
BUTTONS_MAX: Final = 16

_EVENTS: Final = {
    1: "press",
    2: "double_press",
    3: "triple_press",
    4: "long_press",
    5: "long_double_press",
    6: "long_triple_press",
}
"""BTHome's numbers."""
_NO_WISH: Final = frozenset({0, 128, 254})
"""No event, or a key that is still held: what it becomes is told when it is let go."""
_FIELDS: Final = {
    "battery": ReadingKind.BATTERY_PERCENT,
    "temperature": ReadingKind.ROOM_TEMPERATURE_C,
    "humidity": ReadingKind.HUMIDITY_PERCENT,
    "illuminance": ReadingKind.ILLUMINANCE_LUX,
    "motion": ReadingKind.MOTION,
    "window": ReadingKind.DOOR_OPEN,
    "distance_mm": ReadingKind.DISTANCE_MM,
    "vibration": ReadingKind.VIBRATION,
    "pressure": ReadingKind.PRESSURE_HPA,
    "moisture": ReadingKind.MOISTURE_PERCENT,
}


def take(facts: Facts, data: object, address: str | None) -> bool:
    """Take one relayed advertisement; True if it is this device's.

    Args:
        facts: of the message.
        data: of the event.
        address: of the device, as `part` in its settings; without it none is taken.
    """
    if not isinstance(data, dict):
        facts.refuse(DecodeRefusal.MALFORMED, "data: an object is required")
        return False
    said = data.get("address")
    if address is None or not isinstance(said, str) or said.lower() != address.lower():
        return False
    for name, kind in _FIELDS.items():
        value = data.get(name)
        facts.take(name, value[0] if isinstance(value, list) and value else value, kind)
    packet = data.get("pid")
    packet_id = packet if type(packet) is int and 0 <= packet <= 255 else None
    for number, event in _buttons(data):
        if type(event) is int and event in _EVENTS:
            facts.press(Press(number, _EVENTS[event], None, packet_id))
        elif type(event) is not int or event not in _NO_WISH:
            facts.unknown_action()
    return True


def _buttons(data: dict[str, object]) -> list[tuple[int, object]]:
    said = data.get("button")
    if said is not None:
        return list(enumerate(said if isinstance(said, list) else [said]))[:BUTTONS_MAX]
    return [(n, data[f"button_{n + 1}"]) for n in range(BUTTONS_MAX) if f"button_{n + 1}" in data]
