"""BTHome v2 service data, plain or encrypted, as Shelly BLU and others advertise it.

Format: bthome.io/format and bthome.io/encryption. The parser of bthome-ble is not used: it keeps
counters between calls, takes any encryption counter below 100, drops what it cannot read without a
word, and logs payloads. Tests hold the two side by side.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from Cryptodome.Cipher import AES

from zodra_edge.decode.ble.bthome_objects import (
    BUTTON,
    EVENTS,
    LENGTHS,
    MEASURES,
    PACKET_ID,
    Length,
)
from zodra_edge.decode.ble.parser import Button, Parsed, Value
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.result import DecodeRefusal, Undecodable

SERVICE_V2: Final = "0000fcd2-0000-1000-8000-00805f9b34fb"
_SERVICES_V1: Final = frozenset(
    {"0000181c-0000-1000-8000-00805f9b34fb", "0000181e-0000-1000-8000-00805f9b34fb"}
)
_ENCRYPTED: Final = 0x01
_MAC_INCLUDED: Final = 0x02
_VERSION: Final = 2
_KEY_BYTES: Final = 16
_MAC_BYTES: Final = 6
_COUNTER_BYTES: Final = 4
_TAG_BYTES: Final = 4

_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\Z")


@dataclass(frozen=True, slots=True)
class _Object:
    """One measurement of a frame, still in bytes."""

    object_id: int
    data: bytes


class BTHome:
    """The parser."""

    def recognises(self, advert: BleAdvert) -> str | None:
        """Know a device by its service data."""
        services = advert.service_data
        if SERVICE_V2 in services or not _SERVICES_V1.isdisjoint(services):
            return advert.name or "BTHome"
        return None

    def needs_key(self, advert: BleAdvert) -> bool:
        """Tell by the first byte, which is in the clear."""
        data = advert.service_data.get(SERVICE_V2)
        return data is not None and len(data) > 0 and bool(data[0] & _ENCRYPTED)

    def parse(self, advert: BleAdvert, bind_key: bytes | None) -> Parsed | Undecodable:
        """Read one advertisement."""
        data = advert.service_data.get(SERVICE_V2)
        if data is None:
            return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "BTHome version 1, retired in 2022")
        if not data:
            return _malformed("empty service data")
        if data[0] >> 5 != _VERSION:
            return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, f"BTHome version {data[0] >> 5}")
        model = advert.name or "BTHome"
        if data[0] & _ENCRYPTED:
            return _parse_encrypted(data, advert, bind_key, model)
        if bind_key is not None:
            return Undecodable(
                DecodeRefusal.PLAIN_TEXT_REFUSED, "in the clear, although a bind key is configured"
            )
        start = 1 + (_MAC_BYTES if data[0] & _MAC_INCLUDED else 0)
        return _parse_payload(data[start:], None, model)


def _parse_encrypted(
    data: bytes, advert: BleAdvert, bind_key: bytes | None, model: str
) -> Parsed | Undecodable:
    if bind_key is None:
        return Undecodable(DecodeRefusal.BIND_KEY_MISSING, "encrypted, and no bind key configured")
    start = 1 + (_MAC_BYTES if data[0] & _MAC_INCLUDED else 0)
    counter_at = len(data) - _COUNTER_BYTES - _TAG_BYTES
    if counter_at < start:
        return _malformed("too short for a counter and a tag")
    mac = _mac_of(data, advert)
    if mac is None:
        return _malformed("no MAC address to decrypt with")
    if len(bind_key) != _KEY_BYTES:
        return Undecodable(DecodeRefusal.WRONG_BIND_KEY, "the bind key is not 16 bytes long")
    counter = data[counter_at : counter_at + _COUNTER_BYTES]
    nonce = mac + b"\xd2\xfc" + data[:1] + counter
    sealed, tag = data[start:counter_at], data[counter_at + _COUNTER_BYTES :]
    payload = _opened(bind_key, nonce, sealed, tag)
    if payload is None:
        return Undecodable(
            DecodeRefusal.WRONG_BIND_KEY, "does not decrypt with the configured bind key"
        )
    return _parse_payload(payload, int.from_bytes(counter, "little"), model)


@lru_cache(maxsize=256)
def _opened(key: bytes, nonce: bytes, sealed: bytes, tag: bytes) -> bytes | None:
    """Decrypt; None if the tag is not this key's.

    Remembered, since a device says the same frame again and again. pycryptodomex takes 60 µs for
    one and 2 MB of memory; cryptography, with an OpenSSL of its own, less than 1 µs and 7 MB.
    """
    try:
        return AES.new(key, AES.MODE_CCM, nonce=nonce, mac_len=_TAG_BYTES).decrypt_and_verify(
            sealed, tag
        )
    except ValueError:
        return None


def _mac_of(data: bytes, frame: BleAdvert) -> bytes | None:
    if data[0] & _MAC_INCLUDED:
        return data[_MAC_BYTES:0:-1]
    if _MAC.match(frame.address) is None:
        return None
    return bytes.fromhex(frame.address.replace(":", ""))


def _parse_payload(payload: bytes, counter: int | None, model: str) -> Parsed | Undecodable:
    objects = _split(payload, proven=counter is not None)
    if isinstance(objects, Undecodable):
        return objects
    return Parsed(
        model=model,
        values=tuple(
            Value(measure.kind, measure.value(item.data))
            for item in objects
            if (measure := MEASURES.get(item.object_id)) is not None
        ),
        buttons=_buttons(objects),
        authenticated=counter is not None,
        counter=counter,
        packet_id=next((o.data[0] for o in objects if o.object_id == PACKET_ID), None),
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


def _buttons(objects: list[_Object]) -> tuple[Button, ...]:
    """Read the button events; the place of a button object in the frame is the button's index."""
    events = [item.data[0] for item in objects if item.object_id == BUTTON]
    return tuple(
        Button(index, EVENTS[event]) for index, event in enumerate(events) if event in EVENTS
    )


def _malformed(detail: str) -> Undecodable:
    return Undecodable(DecodeRefusal.MALFORMED, detail)


PARSER: Final = BTHome()
