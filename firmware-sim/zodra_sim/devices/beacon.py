"""An ordinary beacon of somebody next door: an iBeacon that no gateway knows. Pure.

Layout: Apple, Proximity Beacon Specification R1; any phone with a beacon app sends the same.
"""

import struct
from typing import Final

ADDRESS: Final = "DC:1B:EA:C0:00:01"
"""A static random address, as beacons have."""
_PLACE: Final = bytes.fromhex("6c1f2f6e6d7a4e0c9f570c8a2b0e5d11")
"""Proximity UUID: which set of beacons it belongs to."""
_APPLE: Final = 0x004C
_PROXIMITY: Final = 0x1502
"""Type 2, 21 bytes follow."""
_AT_ONE_METRE_DBM: Final = -59
_FLAGS: Final = bytes((2, 0x01, 0x06))


def advertisement(major: int = 1, minor: int = 1) -> bytes:
    """Compose the advertising data, 30 bytes."""
    body = struct.pack("<HH", _APPLE, _PROXIMITY)
    body += _PLACE + struct.pack(">HHb", major, minor, _AT_ONE_METRE_DBM)
    return _FLAGS + bytes((len(body) + 1, 0xFF)) + body
