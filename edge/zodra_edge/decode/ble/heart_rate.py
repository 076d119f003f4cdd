"""Values that a wearable notifies: Heart Rate Measurement 0x2A37 and Battery Level 0x2A19.

Layout: Bluetooth SIG, GATT Specification Supplement, "Heart Rate Measurement".
"""

from dataclasses import dataclass
from typing import Final

from zodra_contract.reading import Reading, ReadingKind
from zodra_edge.decode.frame import GattValue
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import Decoded, DecodeRefusal, Undecodable

HEART_RATE_MEASUREMENT: Final = "00002a37-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL: Final = "00002a19-0000-1000-8000-00805f9b34fb"
NUMBERS: Final = frozenset({0x2A37, 0x2A19})
"""The same, as 16-bit numbers."""

_ATTRIBUTE_BYTES_MAX: Final = 512
"""Of any attribute value: Core Specification, Vol 3, Part F, 3.2.9."""

_BPM_IS_16_BIT: Final = 0x01
_CONTACT_DETECTED: Final = 0x02
_CONTACT_SUPPORTED: Final = 0x04
_ENERGY_PRESENT: Final = 0x08
_INTERVALS_PRESENT: Final = 0x10


@dataclass(frozen=True, slots=True)
class HeartRate:
    """One measurement, as sent. None of it leaves the home."""

    bpm: int
    skin_contact: bool | None
    """None if the sensor does not report contact."""
    energy_kj: int | None = None
    """Since the last reset."""
    beat_intervals_ms: tuple[float, ...] = ()
    """Oldest first; the sensor counts in 1/1024 s."""


def decode(frame: GattValue, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one notified or read value of a wearable."""
    if len(frame.value) > _ATTRIBUTE_BYTES_MAX:
        return Undecodable(DecodeRefusal.OVERSIZED, f"{len(frame.value)} bytes in one attribute")
    uuid = _full_uuid(frame.characteristic)
    if uuid == HEART_RATE_MEASUREMENT:
        return _decode_heart_rate(frame, profile)
    if uuid == BATTERY_LEVEL:
        return _decode_battery(frame, profile)
    return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "a characteristic we do not read")


def parse(value: bytes) -> HeartRate | Undecodable:
    """Read the bytes of one Heart Rate Measurement, all of them or none."""
    if not value:
        return _malformed("empty")
    flags = value[0]
    bpm_bytes = 2 if flags & _BPM_IS_16_BIT else 1
    energy_bytes = 2 if flags & _ENERGY_PRESENT else 0
    intervals_at = 1 + bpm_bytes + energy_bytes
    if len(value) < intervals_at:
        return _malformed(f"{len(value)} bytes, its flags promise {intervals_at} or more")
    intervals = value[intervals_at:]
    if flags & _INTERVALS_PRESENT:
        if not intervals or len(intervals) % 2:
            return _malformed("a beat interval is cut off")
    elif intervals:
        return _malformed(f"{len(intervals)} bytes more than its flags promise")
    return HeartRate(
        bpm=int.from_bytes(value[1 : 1 + bpm_bytes], "little"),
        skin_contact=bool(flags & _CONTACT_DETECTED) if flags & _CONTACT_SUPPORTED else None,
        energy_kj=(
            int.from_bytes(value[1 + bpm_bytes : intervals_at], "little") if energy_bytes else None
        ),
        beat_intervals_ms=tuple(
            int.from_bytes(intervals[at : at + 2], "little") * 1000 / 1024
            for at in range(0, len(intervals), 2)
        ),
    )


def _decode_heart_rate(frame: GattValue, profile: DeviceProfile) -> Decoded | Undecodable:
    measured = parse(frame.value)
    if isinstance(measured, Undecodable):
        return measured
    values = [(ReadingKind.HEART_RATE_BPM, measured.bpm)]
    if measured.skin_contact is not None:
        values.append((ReadingKind.SKIN_CONTACT, int(measured.skin_contact)))
    return _decoded(frame, profile, values)


def _decode_battery(frame: GattValue, profile: DeviceProfile) -> Decoded | Undecodable:
    if len(frame.value) != 1 or frame.value[0] > 100:
        return _malformed("a battery level is one byte from 0 to 100")
    return _decoded(frame, profile, [(ReadingKind.BATTERY_PERCENT, frame.value[0])])


def _decoded(
    frame: GattValue, profile: DeviceProfile, values: list[tuple[ReadingKind, int]]
) -> Decoded:
    return Decoded(
        device_id=profile.device_id,
        readings=tuple(
            Reading(device_id=profile.device_id, kind=kind, value=value, observed_at=frame.heard.at)
            for kind, value in values
        ),
    )


def _full_uuid(uuid: str) -> str:
    """Write a 16-bit UUID such as `2a37` in full; some stacks hand over the short form."""
    lower = uuid.lower()
    return f"0000{lower}-0000-1000-8000-00805f9b34fb" if len(lower) == 4 else lower


def _malformed(detail: str) -> Undecodable:
    return Undecodable(DecodeRefusal.MALFORMED, detail)
