"""BTHome v2 service data, plain or encrypted, as Shelly BLU and others advertise it.

Format: bthome.io/format and bthome.io/encryption. The parser of bthome-ble is not used: it keeps
counters between calls, takes any encryption counter below 100, drops what it cannot read without a
word, and logs payloads. Tests hold the two side by side.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from zodra_contract.reading import Reading, ReadingKind
from zodra_edge.decode.ble.bthome_objects import (
    BUTTON,
    EVENTS,
    LENGTHS,
    MEASURES,
    PACKET_ID,
    Length,
)
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import Decoded, DecodeRefusal, Press, Undecodable

SERVICE_V2: Final = "0000fcd2-0000-1000-8000-00805f9b34fb"
_SERVICES_V1: Final = frozenset(
    {"0000181c-0000-1000-8000-00805f9b34fb", "0000181e-0000-1000-8000-00805f9b34fb"}
)

_SERVICE_DATA_BYTES_MAX: Final = 254
"""What one AD structure can hold, extended advertising included."""
_ENCRYPTED: Final = 0x01
_MAC_INCLUDED: Final = 0x02
_VERSION: Final = 2
_KEY_BYTES: Final = 16
_MAC_BYTES: Final = 6
_COUNTER_BYTES: Final = 4
_TAG_BYTES: Final = 4

_KINDS: Final = {
    "battery": (ReadingKind.BATTERY_PERCENT, 0.0, 100.0),
    "temperature": (ReadingKind.ROOM_TEMPERATURE_C, -60.0, 125.0),
    "humidity": (ReadingKind.HUMIDITY_PERCENT, 0.0, 100.0),
}
_NURSERY: Final = {
    ReadingKind.ROOM_TEMPERATURE_C: ReadingKind.NURSERY_TEMPERATURE_C,
    ReadingKind.HUMIDITY_PERCENT: ReadingKind.NURSERY_HUMIDITY_PERCENT,
}

_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\Z")


@dataclass(frozen=True, slots=True)
class _Object:
    """One measurement of a frame, still in bytes."""

    object_id: int
    data: bytes


def decode(frame: BleAdvert, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one advertisement.

    An advertisement without BTHome data, such as a name in a scan response, only says that the
    device is there.
    """
    data = frame.service_data.get(SERVICE_V2)
    if data is None:
        if not _SERVICES_V1.isdisjoint(frame.service_data):
            return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "BTHome version 1, retired in 2022")
        return Decoded(profile.device_id)
    if len(data) > _SERVICE_DATA_BYTES_MAX:
        return Undecodable(DecodeRefusal.OVERSIZED, f"{len(data)} bytes of service data")
    if not data:
        return _malformed("empty service data")
    if data[0] >> 5 != _VERSION:
        return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, f"BTHome version {data[0] >> 5}")
    if data[0] & _ENCRYPTED:
        return _decode_encrypted(data, frame, profile)
    if profile.bind_key is not None:
        return Undecodable(
            DecodeRefusal.PLAIN_TEXT_REFUSED, "in the clear, although a bind key is configured"
        )
    start = 1 + (_MAC_BYTES if data[0] & _MAC_INCLUDED else 0)
    return _decode_payload(data[start:], None, frame, profile)


def _decode_encrypted(
    data: bytes, frame: BleAdvert, profile: DeviceProfile
) -> Decoded | Undecodable:
    if profile.bind_key is None:
        return Undecodable(DecodeRefusal.BIND_KEY_MISSING, "encrypted, and no bind key configured")
    start = 1 + (_MAC_BYTES if data[0] & _MAC_INCLUDED else 0)
    counter_at = len(data) - _COUNTER_BYTES - _TAG_BYTES
    if counter_at < start:
        return _malformed("too short for a counter and a tag")
    mac = _mac_of(data, frame)
    if mac is None:
        return _malformed("no MAC address to decrypt with")
    if len(profile.bind_key) != _KEY_BYTES:
        return Undecodable(DecodeRefusal.WRONG_BIND_KEY, "the bind key is not 16 bytes long")
    counter = data[counter_at : counter_at + _COUNTER_BYTES]
    nonce = mac + b"\xd2\xfc" + data[:1] + counter
    try:
        payload = _cipher(profile.bind_key).decrypt(
            nonce, data[start:counter_at] + data[counter_at + _COUNTER_BYTES :], None
        )
    except InvalidTag:
        return Undecodable(
            DecodeRefusal.WRONG_BIND_KEY, "does not decrypt with the configured bind key"
        )
    return _decode_payload(payload, int.from_bytes(counter, "little"), frame, profile)


@lru_cache(maxsize=256)
def _cipher(key: bytes) -> AESCCM:
    """Prepare to decrypt with a key, once for each."""
    return AESCCM(key, tag_length=_TAG_BYTES)


def _mac_of(data: bytes, frame: BleAdvert) -> bytes | None:
    if data[0] & _MAC_INCLUDED:
        return data[_MAC_BYTES:0:-1]
    if _MAC.match(frame.address) is None:
        return None
    return bytes.fromhex(frame.address.replace(":", ""))


def _decode_payload(
    payload: bytes, counter: int | None, frame: BleAdvert, profile: DeviceProfile
) -> Decoded | Undecodable:
    objects = _split(payload, proven=counter is not None)
    if isinstance(objects, Undecodable):
        return objects
    packet_id = next((o.data[0] for o in objects if o.object_id == PACKET_ID), None)
    return Decoded(
        device_id=profile.device_id,
        readings=_readings(objects, frame, profile),
        presses=_presses(objects, counter, packet_id) if profile.family is Family.BUTTON else (),
        authenticated=counter is not None,
        counter=counter,
        packet_id=packet_id,
    )


def _split(payload: bytes, *, proven: bool) -> list[_Object] | Undecodable:
    """Cut a payload into its objects.

    Objects are sorted by id, so that a reader older than the firmware keeps what it knows: an id
    that is not known ends the reading.

    Args:
        payload: decrypted.
        proven: it came encrypted. A plain frame with nothing known in it is as likely garbage.
    """
    objects: list[_Object] = []
    at = 0
    while at < len(payload):
        object_id = payload[at]
        if object_id not in LENGTHS:
            break
        start, length = _extent(object_id, payload, at + 1)
        if length is None or start + length > len(payload):
            return _malformed(f"object 0x{object_id:02x} is cut off")
        objects.append(_Object(object_id, payload[start : start + length]))
        at = start + length
    if not objects and not proven:
        return _malformed("no object in it that is known")
    return objects


def _extent(object_id: int, payload: bytes, at: int) -> tuple[int, int | None]:
    """Where an object's data starts, and how long it is; None if the length byte is missing."""
    length = LENGTHS[object_id]
    if isinstance(length, int):
        return at, length
    if at >= len(payload):
        return at, None
    if length is Length.COMMAND:
        return at + 1, 1 + (payload[at] & 0x1F)
    return at + 1, payload[at]


def _readings(
    objects: list[_Object], frame: BleAdvert, profile: DeviceProfile
) -> tuple[Reading, ...]:
    readings: dict[ReadingKind, Reading] = {}
    for item in objects:
        measure = MEASURES.get(item.object_id)
        if measure is None:
            continue
        kind, lowest, highest = _KINDS[measure.name]
        if profile.family is Family.BABY_MONITOR:
            kind = _NURSERY.get(kind, kind)
        value = measure.value(item.data)
        # Of several probes the first is the device's main one. A value that cannot be, such as
        # 255 % from a battery that was not measured yet, is no reading.
        if lowest <= value <= highest and kind not in readings:
            readings[kind] = Reading(
                device_id=profile.device_id, kind=kind, value=value, observed_at=frame.heard.at
            )
    return tuple(readings.values())


def _presses(
    objects: list[_Object], counter: int | None, packet_id: int | None
) -> tuple[Press, ...]:
    """Read the button events; the place of a button object in the frame is the button's index."""
    buttons = [item for item in objects if item.object_id == BUTTON]
    return tuple(
        Press(
            button=index,
            event=EVENTS[item.data[0]],
            counter=None if counter is None else str(counter),
            packet_id=packet_id,
        )
        for index, item in enumerate(buttons)
        if item.data[0] in EVENTS
    )


def _malformed(detail: str) -> Undecodable:
    return Undecodable(DecodeRefusal.MALFORMED, detail)
