"""BTHome v2 service data, written from the format's own description (bthome.io/format).

The gateway reads these frames with a decoder of other authors; nothing is shared with it.
"""

import struct
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

SERVICE_UUID_LE: Final = b"\xd2\xfc"
"""16-bit UUID 0xFCD2, little-endian as it stands in an advertisement and in the nonce."""

OBJECT_PACKET_ID: Final = 0x00
OBJECT_BATTERY_PERCENT: Final = 0x01
OBJECT_BUTTON: Final = 0x3A

COUNTER_MAX: Final = 2**32 - 1
TAG_BYTES: Final = 4
ADVERT_BYTES_MAX: Final = 31
"""A legacy advertisement holds no more (Core Specification, Vol 6, Part B, 2.3.1.1)."""

_VERSION_2: Final = 0x40
_TRIGGERED: Final = 0x04
_ENCRYPTED: Final = 0x01

_AD_FLAGS: Final = b"\x02\x01\x06"
_AD_SERVICE_DATA_16: Final = 0x16
_AD_COMPLETE_NAME: Final = 0x09


def objects(packet_id: int, battery_percent: int, button_events: Sequence[int]) -> bytes:
    """Write the measurement objects of a button, in ascending order as the format asks.

    Args:
        packet_id: 0 to 255; equal on every repeat of one frame.
        battery_percent: 0 to 100.
        button_events: one code a button of the device, 0 for a button that was left alone.
    """
    buttons = b"".join(bytes([OBJECT_BUTTON, event]) for event in button_events)
    return bytes([OBJECT_PACKET_ID, packet_id, OBJECT_BATTERY_PERCENT, battery_percent]) + buttons


def plain(body: bytes, *, triggered: bool = True) -> bytes:
    """Put objects behind the device information byte, in the clear."""
    return bytes([_VERSION_2 | (_TRIGGERED if triggered else 0)]) + body


def encrypted(
    body: bytes, address: str, bind_key: bytes, counter: int, *, triggered: bool = True
) -> bytes:
    """Encrypt objects with AES-128-CCM and a 4-byte integrity code.

    Args:
        body: the objects.
        address: of the device, `AA:BB:CC:DD:EE:FF`; part of the nonce.
        bind_key: 16 bytes.
        counter: 1 to 2^32 - 1; must never be used twice with one key.
        triggered: whether the device sends when something happens, as a button does.

    Raises:
        ValueError: the counter is outside its range.
    """
    if not 0 < counter <= COUNTER_MAX:
        raise ValueError(f"encryption counter {counter} is outside 1..{COUNTER_MAX}")
    information = bytes([_VERSION_2 | (_TRIGGERED if triggered else 0) | _ENCRYPTED])
    count = struct.pack("<I", counter)
    nonce = bytes.fromhex(address.replace(":", "")) + SERVICE_UUID_LE + information + count
    sealed = AESCCM(bind_key, tag_length=TAG_BYTES).encrypt(nonce, body, None)
    return information + sealed[:-TAG_BYTES] + count + sealed[-TAG_BYTES:]


def advertisement(service_data: bytes, name: str = "") -> bytes:
    """Write the whole advertising data: flags, service data, and the name if there is room."""
    field = SERVICE_UUID_LE + service_data
    data = _AD_FLAGS + bytes([len(field) + 1, _AD_SERVICE_DATA_16]) + field
    raw_name = name.encode()
    if raw_name and len(data) + 2 + len(raw_name) <= ADVERT_BYTES_MAX:
        data += bytes([len(raw_name) + 1, _AD_COMPLETE_NAME]) + raw_name
    return data
