"""The objects of BTHome v2: how long each is, and what those mean that are read here.

The figures are bthome.io/format's. bthome-ble has the same table, and a test holds the two side by
side; but importing it brings Home Assistant's whole Bluetooth stack, which took 3.8 MB of memory.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple


class Length(Enum):
    """How long an object is that says so itself."""

    BYTES = "bytes"
    """Its first byte counts those that follow."""
    COMMAND = "command"
    """The low five bits of its first byte count the arguments, and not the opcode before them."""


LENGTHS: Final[Mapping[int, int | Length]] = {
    **dict.fromkeys((0x00, 0x01, 0x09, *range(0x0F, 0x12), *range(0x15, 0x30)), 1),
    **dict.fromkeys((0x3A, 0x46, 0x57, 0x58, 0x59, 0x60, 0x64, 0x65), 1),
    **dict.fromkeys((0x02, 0x03, 0x06, 0x07, 0x08, 0x0C, 0x0D, 0x0E, 0x12, 0x13, 0x14), 2),
    **dict.fromkeys((0x3C, 0x3D, 0x3F, 0x40, 0x41, *range(0x43, 0x46), *range(0x47, 0x4B)), 2),
    **dict.fromkeys((0x51, 0x52, 0x56, 0x5A, 0x5D, 0x5E, 0x5F, 0x61, 0xF0), 2),
    **dict.fromkeys((0x04, 0x05, 0x0A, 0x0B, 0x42, 0x4B, 0xF2), 3),
    **dict.fromkeys((0x3E, *range(0x4C, 0x51), 0x55, 0x5B, 0x5C, 0x62, 0x63, 0xF1), 4),
    0x3B: Length.COMMAND,
    0x53: Length.BYTES,
    0x54: Length.BYTES,
}
"""By object id. One that is not here ends the reading of a frame, since nobody knows where the next
begins."""

PACKET_ID: Final = 0x00
BUTTON: Final = 0x3A


class Measure(NamedTuple):
    """A value that is read."""

    name: str
    factor: float
    decimals: int
    """Of the product, which has no more of its own."""
    signed: bool

    def value(self, data: bytes) -> float:
        """Read the bytes of the object."""
        return round(
            int.from_bytes(data, "little", signed=self.signed) * self.factor, self.decimals
        )


MEASURES: Final[Mapping[int, Measure]] = {
    0x01: Measure("battery", 1, 0, signed=False),
    0x02: Measure("temperature", 0.01, 2, signed=True),
    0x45: Measure("temperature", 0.1, 1, signed=True),
    0x57: Measure("temperature", 1, 0, signed=True),
    0x58: Measure("temperature", 0.35, 1, signed=True),
    0x03: Measure("humidity", 0.01, 2, signed=False),
    0x2E: Measure("humidity", 1, 0, signed=False),
}
"""By object id."""

EVENTS: Final[Mapping[int, str]] = {
    0x01: "press",
    0x02: "double_press",
    0x03: "triple_press",
    0x04: "long_press",
    0x05: "long_double_press",
    0x06: "long_triple_press",
    0x80: "hold_press",
    0xFE: "hold_press",
}
"""Of a button. A release (0x81) ends a hold that was heard as `hold_press`; alone it is no wish of
anybody. 0xFE is what Shelly BLU sent for a held button until firmware 1.0.23 (August 2025)."""
