"""Xiaomi's MiBeacon, its scales and its plant sensor, through xiaomi-ble.

Format: the MiBeacon protocol of Xiaomi's IoT developer pages. Byte 4 counts the frames; since
version 4 three bytes before the tag extend that counter, and the pair never repeats under one key.
"""

from collections.abc import Mapping
from typing import Final

from zodra_contract.reading import ReadingKind as Kind
from zodra_edge.decode.ble.libraries import updates
from zodra_edge.decode.ble.libraries.lean import library
from zodra_edge.decode.ble.parser import Parsed, Value
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.result import DecodeRefusal, Undecodable

MIBEACON: Final = "0000fe95-0000-1000-8000-00805f9b34fb"
_OTHERS: Final = {
    "0000fd50-0000-1000-8000-00805f9b34fb": (9, "HHCCJCY10"),
    "0000181d-0000-1000-8000-00805f9b34fb": (10, "Xiaomi scale"),
    "0000181b-0000-1000-8000-00805f9b34fb": (13, "Xiaomi body composition scale"),
}
"""Service data of another layout, with the length that tells it from other makers' use of it."""

_HEADER_BYTES: Final = 5
_SEALED_BYTES_MIN: Final = 12
"""Header, extended counter and tag."""
_KEY_BYTES: Final = 16
_OLD_KEY_BYTES: Final = 12
_ENCRYPTED: Final = 0x08
_HAS_OBJECT: Final = 0x40
_VERSION_WITH_TAG: Final = 4

_BUTTONS: Final = {
    "": 0,
    # Wall switches of Linptech and Xiaomi.
    "left": 0,
    "right": 1,
    "middle": 2,
    # KS1, four keys in a row.
    "mid_left": 2,
    "mid_right": 3,
    # Yeelight's remotes.
    "on": 0,
    "off": 1,
    "brightness": 2,
    "plus": 3,
    "m": 4,
    "min": 5,
    "fan": 0,
    "light": 1,
    "wind_speed": 3,
    "wind_mode": 4,
    "color_temperature": 5,
    "swing": 2,
    "power": 0,
    "timer_30_minutes": 1,
    "timer_60_minutes": 3,
    "increase_wind_speed": 4,
    "decrease_wind_speed": 5,
    "heat": 3,
    "air_exchange": 4,
    "dry": 5,
    "decrease_speed": 6,
    "increase_speed": 7,
    "stop": 8,
}
"""No two keys of one remote have the same index. Held: an index is part of a press's name."""
_MEANT: Final = {
    "MMC-T201-1": {Kind.ROOM_TEMPERATURE_C: Kind.BODY_TEMPERATURE_C},
    "MMC-W505": {Kind.ROOM_TEMPERATURE_C: Kind.BODY_TEMPERATURE_C},
    "YM-K1501": {Kind.ROOM_TEMPERATURE_C: Kind.PROBE_TEMPERATURE_C},
    "YM-K1501EU": {Kind.ROOM_TEMPERATURE_C: Kind.PROBE_TEMPERATURE_C},
    "V-SK152": {Kind.ROOM_TEMPERATURE_C: Kind.PROBE_TEMPERATURE_C},
}
"""Thermometers for fever, and kettles."""
_ALWAYS: Final = {Kind.WEIGHT_KG: Kind.BODY_WEIGHT_KG}
"""Whatever of theirs weighs, weighs people."""


class Xiaomi:
    """The parser."""

    def recognises(self, advert: BleAdvert) -> str | None:
        """Know a device by its service data; the product number is in the clear in all frames."""
        data = advert.service_data.get(MIBEACON)
        if data is not None:
            if len(data) < _HEADER_BYTES:
                return None
            return f"Xiaomi {int.from_bytes(data[2:4], 'little'):#06x}"
        for uuid, (length, model) in _OTHERS.items():
            if len(advert.service_data.get(uuid, b"")) == length:
                return model
        return None

    def needs_key(self, advert: BleAdvert) -> bool:
        """Tell by the header, which is in the clear."""
        data = advert.service_data.get(MIBEACON, b"")
        return len(data) >= _HEADER_BYTES and _is_sealed(data)

    def parse(self, advert: BleAdvert, bind_key: bytes | None) -> Parsed | Undecodable:
        """Read one frame."""
        data = advert.service_data.get(MIBEACON)
        if data is not None and (refusal := _key_refusal(data, bind_key)):
            return refusal
        device = library("xiaomi_ble.parser").XiaomiBluetoothDeviceData(bindkey=bind_key)
        update = device.update(updates.heard(advert))
        model = updates.model_of(update)
        if model is None:
            return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "no Xiaomi device that is known")
        values = _values(update, _MEANT.get(model, {}))
        buttons = updates.buttons(update, _BUTTONS)
        if data is None:
            return Parsed(model, values, buttons)
        sealed = _is_sealed(data)
        proven = sealed and _version(data) >= _VERSION_WITH_TAG
        if sealed and not (device.bindkey_verified and (proven or values or update.events)):
            # Before version 4 there is no tag: with another key there just is nothing in it.
            return Undecodable(
                DecodeRefusal.WRONG_BIND_KEY, "does not decrypt with the configured bind key"
            )
        counter = _counter(data) if proven else None
        return Parsed(model, values, buttons, proven, counter, packet_id=data[4])


def _version(data: bytes) -> int:
    return data[1] >> 4


def _is_sealed(data: bytes) -> bool:
    return bool(data[0] & _ENCRYPTED and data[0] & _HAS_OBJECT)


def _key_refusal(data: bytes, bind_key: bytes | None) -> Undecodable | None:
    """Say what is wrong with the key, before anything is read."""
    if len(data) < _HEADER_BYTES:
        return Undecodable(DecodeRefusal.MALFORMED, "shorter than a MiBeacon header")
    if _is_sealed(data):
        if bind_key is None:
            return Undecodable(
                DecodeRefusal.BIND_KEY_MISSING, "encrypted, and no bind key configured"
            )
        new = _version(data) >= _VERSION_WITH_TAG
        if len(bind_key) != (_KEY_BYTES if new else _OLD_KEY_BYTES):
            right = _KEY_BYTES if new else _OLD_KEY_BYTES
            return Undecodable(
                DecodeRefusal.WRONG_BIND_KEY, f"this device's bind key has {right} bytes"
            )
        if len(data) < _SEALED_BYTES_MIN:
            return Undecodable(DecodeRefusal.MALFORMED, "too short for a counter and a tag")
    elif bind_key is not None and data[0] & _HAS_OBJECT:
        return Undecodable(
            DecodeRefusal.PLAIN_TEXT_REFUSED, "in the clear, although a bind key is configured"
        )
    return None


def _counter(data: bytes) -> int:
    return int.from_bytes(data[4:5] + data[-7:-4], "little")


def _values(update: object, meant: Mapping[Kind, Kind]) -> tuple[Value, ...]:
    return tuple(
        Value(meant.get(value.kind, _ALWAYS.get(value.kind, value.kind)), value.number)
        for value in updates.values(update)
    )


PARSER: Final = Xiaomi()
