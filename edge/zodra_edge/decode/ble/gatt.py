"""Values that are read over a connection, beside a pulse: temperature, weight, the room's air.

Layouts: Bluetooth SIG, GATT Specification Supplement, and IEEE 11073-20601 for the 32-bit float.
"""

from collections.abc import Callable, Mapping
from typing import Final

from zodra_contract.reading import ReadingKind as Kind
from zodra_edge.decode.ble.parser import Parsed, Value
from zodra_edge.decode.result import DecodeRefusal, Undecodable

BATTERY_LEVEL: Final = 0x2A19
TEMPERATURE_MEASUREMENT: Final = 0x2A1C
PRESSURE: Final = 0x2A6D
TEMPERATURE: Final = 0x2A6E
HUMIDITY: Final = 0x2A6F
WEIGHT_MEASUREMENT: Final = 0x2A9D

_BASE: Final = "-0000-1000-8000-00805f9b34fb"
_FAHRENHEIT: Final = 0x01
_POUNDS: Final = 0x01
_KG_A_STEP: Final = 0.005
_LB_A_STEP: Final = 0.01
_KG_A_LB: Final = 0.45359237
_NOT_A_NUMBER: Final = frozenset({0x007FFFFF, 0x00800000, 0x007FFFFE, 0x00800002, 0x00800001})
"""Mantissas that stand for no number, not at this resolution, infinity, or nothing yet."""
_NOT_KNOWN: Final = 0x8000
_ATTRIBUTE_BYTES_MAX: Final = 512
"""Of any attribute value: Core Specification, Vol 3, Part F, 3.2.9."""
_NO_WEIGHT: Final = 0xFFFF

Read = Callable[[bytes], tuple[Value, ...] | None]


def parse(characteristic: int, value: bytes) -> Parsed | Undecodable:
    """Read one value.

    Args:
        characteristic: its 16-bit number.
        value: as notified or read.
    """
    if len(value) > _ATTRIBUTE_BYTES_MAX:
        return Undecodable(DecodeRefusal.OVERSIZED, f"{len(value)} bytes in one attribute")
    read = READS.get(characteristic)
    if read is None:
        return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "a characteristic we do not read")
    values = read(value)
    if values is None:
        return Undecodable(
            DecodeRefusal.MALFORMED, f"{len(value)} bytes are not what {characteristic:#06x} has"
        )
    return Parsed("", values)


def number_of(uuid: str) -> int:
    """Read the 16-bit number of a characteristic; some stacks hand over the short form, `2a1c`."""
    short = uuid[4:8] if uuid.lower().endswith(_BASE) else uuid
    try:
        return int(short, 16) if len(short) == 4 else -1
    except ValueError:
        return -1


def _battery(value: bytes) -> tuple[Value, ...] | None:
    return (Value(Kind.BATTERY_PERCENT, value[0]),) if len(value) == 1 and value[0] <= 100 else None


def _body_temperature(value: bytes) -> tuple[Value, ...] | None:
    """A health thermometer's: flags, a float, and perhaps when and where it was taken."""
    if len(value) < 5:
        return None
    mantissa = int.from_bytes(value[1:4], "little")
    if mantissa in _NOT_A_NUMBER:
        return ()
    if mantissa & 0x800000:
        mantissa -= 1 << 24
    exponent = int.from_bytes(value[4:5], "little", signed=True)
    if not -6 <= exponent <= 3:
        return None
    celsius = mantissa * 10.0**exponent
    if value[0] & _FAHRENHEIT:
        celsius = (celsius - 32) * 5 / 9
    return (Value(Kind.BODY_TEMPERATURE_C, round(celsius, 3)),)


def _weight(value: bytes) -> tuple[Value, ...] | None:
    """A weight scale's: flags, the weight, and perhaps when it was, and whose."""
    if len(value) < 3:
        return None
    steps = int.from_bytes(value[1:3], "little")
    if steps == _NO_WEIGHT:
        return ()
    kg = steps * _LB_A_STEP * _KG_A_LB if value[0] & _POUNDS else steps * _KG_A_STEP
    # The service is made for people: whom it weighs, and their height, are in the same value.
    return (Value(Kind.BODY_WEIGHT_KG, round(kg, 4)),)


def _temperature(value: bytes) -> tuple[Value, ...] | None:
    if len(value) != 2:
        return None
    if int.from_bytes(value, "little") == _NOT_KNOWN:
        return ()
    hundredths = int.from_bytes(value, "little", signed=True)
    return (Value(Kind.ROOM_TEMPERATURE_C, hundredths / 100),)


def _humidity(value: bytes) -> tuple[Value, ...] | None:
    if len(value) != 2:
        return None
    return (Value(Kind.HUMIDITY_PERCENT, int.from_bytes(value, "little") / 100),)


def _pressure(value: bytes) -> tuple[Value, ...] | None:
    if len(value) != 4:
        return None
    return (Value(Kind.PRESSURE_HPA, round(int.from_bytes(value, "little") / 1000, 3)),)


READS: Final[Mapping[int, Read]] = {
    BATTERY_LEVEL: _battery,
    TEMPERATURE_MEASUREMENT: _body_temperature,
    WEIGHT_MEASUREMENT: _weight,
    TEMPERATURE: _temperature,
    HUMIDITY: _humidity,
    PRESSURE: _pressure,
}
"""By 16-bit number."""
