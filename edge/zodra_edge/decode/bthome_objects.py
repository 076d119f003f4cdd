"""The objects of BTHome v2: how long each is, and how those that we use are to be read.

Facts of bthome.io/format. A test holds them beside the table of bthome-ble, which itself stays out
of the gateway: importing it brings a Bluetooth manager along, 10 MB of the agent's memory.
"""

from dataclasses import dataclass
from typing import Final

from zodra_contract.reading import ReadingKind

PACKET_ID: Final = 0x00
BUTTON: Final = 0x3A
COMMAND: Final = 0x3B
STRING: Final = 0x53
RAW: Final = 0x54

_ONE_BYTE: Final = (
    "00 01 09 0F 10 11 15 16 17 18 19 1A 1B 1C 1D 1E 1F 20 21 22 23 24 25 26 27 28 29 2A 2B 2C 2D "
    "2E 2F 3A 46 57 58 59 60 64 65"
)
_TWO_BYTES: Final = (
    "02 03 06 07 08 0C 0D 0E 12 13 14 3C 3D 3F 40 41 43 44 45 47 48 49 4A 51 52 56 5A 5D 5E 5F 61 "
    "F0"
)
_THREE_BYTES: Final = "04 05 0A 0B 42 4B F2"
_FOUR_BYTES: Final = "3E 4C 4D 4E 4F 50 55 5B 5C 62 63 F1"

LENGTHS: Final = {
    object_id: length
    for length, ids in enumerate((_ONE_BYTE, _TWO_BYTES, _THREE_BYTES, _FOUR_BYTES), start=1)
    for object_id in bytes.fromhex(ids)
} | dict.fromkeys((COMMAND, STRING, RAW))
"""Data bytes by object id; None for an object that says its length itself."""

EVENTS: Final = {
    0x01: "press",
    0x02: "double_press",
    0x03: "triple_press",
    0x04: "long_press",
    0x05: "long_double_press",
    0x06: "long_triple_press",
    0x80: "hold_press",
    # Sent by Shelly BLU for a held button until firmware 1.0.23 (August 2025).
    0xFE: "hold_press",
}
"""What a button object says. Not 0x81: a release ends a hold that was heard as `hold_press`; alone
it is no wish of anybody."""


@dataclass(frozen=True, slots=True)
class Number:
    """How to read a number."""

    kind: ReadingKind
    signed: bool
    factor: float
    decimals: int

    def read(self, data: bytes) -> float:
        """Give the value in the unit of its kind."""
        raw = int.from_bytes(data, "little", signed=self.signed)
        return float(round(raw * self.factor, self.decimals))


NUMBERS: Final = {
    0x01: Number(ReadingKind.BATTERY_PERCENT, False, 1, 0),
    0x02: Number(ReadingKind.ROOM_TEMPERATURE_C, True, 0.01, 2),
    0x03: Number(ReadingKind.HUMIDITY_PERCENT, False, 0.01, 2),
    0x2E: Number(ReadingKind.HUMIDITY_PERCENT, False, 1, 0),
    0x45: Number(ReadingKind.ROOM_TEMPERATURE_C, True, 0.1, 1),
    0x57: Number(ReadingKind.ROOM_TEMPERATURE_C, True, 1, 0),
    0x58: Number(ReadingKind.ROOM_TEMPERATURE_C, True, 0.35, 1),
}
"""The objects that become readings. 0x15 is no battery level: it only says that one is low."""
