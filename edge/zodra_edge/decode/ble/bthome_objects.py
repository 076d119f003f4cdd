"""The objects of BTHome v2: how long each is, and what those mean that are read here.

The figures are bthome.io/format's. bthome-ble has the same table, and a test holds the two side by
side; but importing it brings Home Assistant's whole Bluetooth stack, which took 3.8 MB of memory.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple

from zodra_contract.reading import ReadingKind as Kind


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

    kind: Kind
    factor: float = 1
    decimals: int = 0
    """Of the product, which has no more of its own."""
    signed: bool = False

    def value(self, data: bytes) -> float:
        """Read the bytes of the object."""
        return round(
            int.from_bytes(data, "little", signed=self.signed) * self.factor, self.decimals
        )


_YES_OR_NO: Final[Mapping[int, Kind]] = {
    0x11: Kind.DOOR_OPEN,
    0x17: Kind.CARBON_MONOXIDE,
    0x1A: Kind.DOOR_OPEN,
    0x1B: Kind.DOOR_OPEN,
    0x1C: Kind.GAS_LEAK,
    0x1F: Kind.DOOR_OPEN,
    0x20: Kind.WATER_LEAK,
    0x21: Kind.MOTION,
    0x22: Kind.MOTION,
    0x23: Kind.PRESENCE,
    0x25: Kind.PRESENCE,
    0x29: Kind.SMOKE,
    0x2A: Kind.SOUND_DETECTED,
    0x2C: Kind.VIBRATION,
    0x2D: Kind.DOOR_OPEN,
}
MEASURES: Final[Mapping[int, Measure]] = {
    0x01: Measure(Kind.BATTERY_PERCENT),
    0x02: Measure(Kind.ROOM_TEMPERATURE_C, 0.01, 2, signed=True),
    0x45: Measure(Kind.ROOM_TEMPERATURE_C, 0.1, 1, signed=True),
    0x57: Measure(Kind.ROOM_TEMPERATURE_C, signed=True),
    0x58: Measure(Kind.ROOM_TEMPERATURE_C, 0.35, 1, signed=True),
    0x03: Measure(Kind.HUMIDITY_PERCENT, 0.01, 2),
    0x2E: Measure(Kind.HUMIDITY_PERCENT),
    0x08: Measure(Kind.DEW_POINT_C, 0.01, 2, signed=True),
    0x14: Measure(Kind.MOISTURE_PERCENT, 0.01, 2),
    0x2F: Measure(Kind.MOISTURE_PERCENT),
    0x56: Measure(Kind.CONDUCTIVITY_US_CM),
    0x04: Measure(Kind.PRESSURE_HPA, 0.01, 2),
    0x05: Measure(Kind.ILLUMINANCE_LUX, 0.01, 2),
    0x12: Measure(Kind.CO2_PPM),
    0x0D: Measure(Kind.PM25_UG_M3),
    0x0E: Measure(Kind.PM10_UG_M3),
    0x13: Measure(Kind.VOC_UG_M3),
    0x06: Measure(Kind.WEIGHT_KG, 0.01, 2),
    0x07: Measure(Kind.WEIGHT_KG, 0.0045359237, 4),
    0x40: Measure(Kind.DISTANCE_MM),
    0x41: Measure(Kind.DISTANCE_MM, 100),
    0x0C: Measure(Kind.VOLTAGE_V, 0.001, 3),
    0x4A: Measure(Kind.VOLTAGE_V, 0.1, 1),
    0x43: Measure(Kind.CURRENT_A, 0.001, 3),
    0x5D: Measure(Kind.CURRENT_A, 0.001, 3, signed=True),
    0x0B: Measure(Kind.POWER_W, 0.01, 2),
    0x5C: Measure(Kind.POWER_W, 0.01, 2, signed=True),
    0x0A: Measure(Kind.ENERGY_KWH, 0.001, 3),
    0x4D: Measure(Kind.ENERGY_KWH, 0.001, 3),
    0x4B: Measure(Kind.GAS_M3, 0.001, 3),
    0x4C: Measure(Kind.GAS_M3, 0.001, 3),
    0x47: Measure(Kind.METERED_VOLUME_L, 0.1, 1),
    0x48: Measure(Kind.METERED_VOLUME_L, 0.001, 3),
    0x4E: Measure(Kind.METERED_VOLUME_L, 0.001, 3),
    0x4F: Measure(Kind.WATER_L, 0.001, 3),
    0x55: Measure(Kind.VOLUME_L, 0.001, 3),
    0x09: Measure(Kind.COUNT),
    0x3D: Measure(Kind.COUNT),
    0x3E: Measure(Kind.COUNT),
    0x59: Measure(Kind.COUNT, signed=True),
    0x5A: Measure(Kind.COUNT, signed=True),
    0x5B: Measure(Kind.COUNT, signed=True),
    **{object_id: Measure(kind) for object_id, kind in _YES_OR_NO.items()},
}
"""By object id. Not read: what has no kind, such as a rotation, a speed, text or a time."""

EVENTS: Final[Mapping[int, str]] = {
    0x01: "press",
    0x02: "double_press",
    0x03: "triple_press",
    0x04: "long_press",
    0x05: "long_double_press",
    0x06: "long_triple_press",
}
"""Of a button. A hold (0x80; 0xFE from Shelly BLU until firmware 1.0.23) and its release (0x81) are
no presses: the same push ends in a `long_press` (home-assistant/core issue 156308), and would be
two needs."""
