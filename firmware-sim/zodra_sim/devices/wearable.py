"""A heart rate strap: two standard GATT services and a body that may or may not be in it.

Bytes follow the Heart Rate Service 1.0 (section 3.1.1.1, the flags) and the GATT Specification
Supplement ("Heart Rate Measurement").
"""

import struct
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

HEART_RATE_SERVICE: Final = 0x180D
HEART_RATE_MEASUREMENT: Final = 0x2A37
BODY_SENSOR_LOCATION: Final = 0x2A38
BATTERY_SERVICE: Final = 0x180F
BATTERY_LEVEL: Final = 0x2A19
LOCATION_CHEST: Final = b"\x01"

RR_UNITS_PER_S: Final = 1024
RR_INTERVALS_MAX: Final = 9
"""What fits behind flags and an 8-bit rate in one notification of 20 bytes."""

BATTERY_MS_PER_PERCENT: Final = 3 * 3600 * 1000
"""About 300 hours on a CR2032."""

_FLAG_RATE_16_BIT: Final = 0x01
_FLAG_CONTACT: Final = 0x02
_FLAG_CONTACT_SUPPORTED: Final = 0x04
_FLAG_RR: Final = 0x10


class Activity(StrEnum):
    """What the wearer does."""

    REST = "rest"
    WALK = "walk"
    RUN = "run"


_TARGET_BPM: Final = {Activity.REST: 62.0, Activity.WALK: 96.0, Activity.RUN: 148.0}
_SETTLE_S: Final = 20.0
"""How long a heart takes for about two thirds of the way to a new rate."""


@dataclass(frozen=True, slots=True)
class Wearable:
    """What the strap and its wearer are doing."""

    worn_until_ms: int = 0
    """On the caller's wall clock, in milliseconds since 1970; not worn from then on."""
    activity: Activity = Activity.REST
    heart_rate_bpm: float = _TARGET_BPM[Activity.REST]
    battery_percent: int = 100
    worn_ms: int = 0
    """How long it was ever worn."""
    drained_ms: int = 0
    """Towards the next percent of the battery."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one notification says."""

    heart_rate_bpm: int
    contact: bool
    rr_intervals_s: tuple[float, ...] = ()


def encode(measurement: Measurement) -> bytes:
    """Write a Heart Rate Measurement, in 8 bits while the rate fits."""
    rate = max(0, min(0xFFFF, measurement.heart_rate_bpm))
    wide = rate > 0xFF
    intervals = measurement.rr_intervals_s[:RR_INTERVALS_MAX]
    flags = _FLAG_CONTACT_SUPPORTED
    flags |= _FLAG_RATE_16_BIT if wide else 0
    flags |= _FLAG_CONTACT if measurement.contact else 0
    flags |= _FLAG_RR if intervals else 0
    out = bytes([flags]) + struct.pack("<H" if wide else "<B", rate)
    for interval_s in intervals:
        out += struct.pack("<H", min(0xFFFF, round(interval_s * RR_UNITS_PER_S)))
    return out


def wear(state: Wearable, now_ms: int, for_ms: int, activity: Activity = Activity.REST) -> Wearable:
    """Put the strap on for a while, or longer if it is on; for no time takes it off."""
    if for_ms <= 0:
        return replace(state, worn_until_ms=now_ms)
    until_ms = max(state.worn_until_ms, now_ms + for_ms)
    return replace(state, worn_until_ms=until_ms, activity=activity)


def is_worn(state: Wearable, now_ms: int) -> bool:
    """Say whether there is skin behind the sensor."""
    return now_ms < state.worn_until_ms


def step(
    state: Wearable, now_ms: int, passed_ms: int, random_unit: float
) -> tuple[Wearable, Measurement]:
    """Let time pass, and measure.

    Args:
        state: before.
        now_ms: the caller's wall clock.
        passed_ms: since the step before; at least 0.
        random_unit: from 0 to 1, for the small irregularity of a healthy heart.

    Returns:
        The new state, and what the next notification says. Without contact the rate is 0, as
        straps do it, and there are no RR intervals.
    """
    state = _drain(state, passed_ms)
    worn_since_ms = now_ms - passed_ms
    worn_ms = max(0, min(now_ms, state.worn_until_ms) - worn_since_ms)
    state = replace(state, worn_ms=state.worn_ms + worn_ms)
    if not is_worn(state, now_ms):
        return state, Measurement(0, contact=False)
    passed_s = passed_ms / 1000
    share = min(1.0, passed_s / _SETTLE_S)
    target = _TARGET_BPM[state.activity] + 6 * (random_unit - 0.5)
    rate = state.heart_rate_bpm + (target - state.heart_rate_bpm) * share
    beats = max(1, min(RR_INTERVALS_MAX, round(passed_s * rate / 60)))
    swing = 0.02 * (random_unit - 0.5)
    intervals = tuple(60 / rate + (swing if beat % 2 else -swing) for beat in range(beats))
    return replace(state, heart_rate_bpm=rate), Measurement(round(rate), True, intervals)


def _drain(state: Wearable, passed_ms: int) -> Wearable:
    percents, rest_ms = divmod(state.drained_ms + passed_ms, BATTERY_MS_PER_PERCENT)
    level = max(1, state.battery_percent - percents)
    return replace(state, drained_ms=rest_ms, battery_percent=level)
