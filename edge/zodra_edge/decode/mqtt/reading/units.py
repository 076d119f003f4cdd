"""Units that devices use, and how each becomes the one that a reading's kind names."""

from typing import Final

from zodra_contract.reading import PROBES, ReadingKind

_TEMPERATURE: Final = {
    "°C": (1.0, 0.0),
    "C": (1.0, 0.0),
    "°F": (5 / 9, -160 / 9),
    "F": (5 / 9, -160 / 9),
    "K": (1.0, -273.15),
}
_MICRO_PER_VOLUME: Final = {"µg/m³": 1.0, "ug/m3": 1.0, "mg/m³": 1000.0, "mg/m3": 1000.0}

_FACTORS: Final[dict[str, dict[str, float]]] = {
    "percent": {"%": 1.0, "percent": 1.0, "fraction": 100.0, "ratio": 100.0},
    "hpa": {
        "hPa": 1.0,
        "mbar": 1.0,
        "Pa": 0.01,
        "kPa": 10.0,
        "bar": 1000.0,
        "psi": 68.947573,
        "inHg": 33.863886,
        "mmHg": 1.333224,
    },
    "kg": {"kg": 1.0, "g": 0.001, "lb": 0.45359237, "oz": 0.028349523, "jin": 0.5},
    "l": {"L": 1.0, "l": 1.0, "mL": 0.001, "ml": 0.001, "gal": 3.785411784, "m³": 1000.0},
    "m3": {"m³": 1.0, "m3": 1.0, "L": 0.001, "l": 0.001, "ft³": 0.028316847},
    "kwh": {"kWh": 1.0, "Wh": 0.001, "MWh": 1000.0, "kJ": 1 / 3600},
    "mm": {"mm": 1.0, "cm": 10.0, "m": 1000.0, "in": 25.4, "ft": 304.8},
    "v": {"V": 1.0, "mV": 0.001},
    "a": {"A": 1.0, "mA": 0.001},
    "w": {"W": 1.0, "kW": 1000.0, "mW": 0.001},
    "bpm": {"bpm": 1.0, "1/min": 1.0, "/min": 1.0, "Hz": 60.0},
    "ppm": {"ppm": 1.0},
    "lux": {"lx": 1.0, "lux": 1.0},
    "ohm": {"Ω": 1.0, "ohm": 1.0, "kΩ": 1000.0},
    "hours": {"h": 1.0, "min": 1 / 60, "s": 1 / 3600, "d": 24.0},
    "cm": {"µS/cm": 1.0, "uS/cm": 1.0, "mS/cm": 1000.0},
}
"""By the end of a kind's name."""
_OF_AIR: Final = {
    ReadingKind.PM25_UG_M3: _MICRO_PER_VOLUME,
    ReadingKind.PM10_UG_M3: _MICRO_PER_VOLUME,
    ReadingKind.VOC_UG_M3: _MICRO_PER_VOLUME,
    ReadingKind.FORMALDEHYDE_MG_M3: {
        unit: factor / 1000 for unit, factor in _MICRO_PER_VOLUME.items()
    },
}

_LIMITS: Final[dict[str, tuple[float, float]]] = {
    "percent": (0.0, 100.0),
    "hpa": (1.0, 1500.0),
    "kg": (-1000.0, 100_000.0),
    "bpm": (0.0, 300.0),
    "ppm": (0.0, 100_000.0),
    "lux": (0.0, 1_000_000.0),
    "index": (0.0, 10_000.0),
}
_NARROWER: Final = {
    **dict.fromkeys(PROBES, (-200.0, 1500.0)),
    ReadingKind.BODY_TEMPERATURE_C: (20.0, 50.0),
    ReadingKind.BODY_WEIGHT_KG: (0.0, 500.0),
    ReadingKind.BREATHING_RATE_BPM: (0.0, 200.0),
    ReadingKind.POWER_W: (-1e6, 1e6),
    ReadingKind.CURRENT_A: (-1e4, 1e4),
    ReadingKind.VOLTAGE_V: (-1e4, 1e5),
    ReadingKind.ENERGY_KWH: (-1e9, 1e9),
}

_YES_OR_NO: Final = frozenset(
    {
        ReadingKind.HEATING_ON,
        ReadingKind.SKIN_CONTACT,
        ReadingKind.WATER_LEAK,
        ReadingKind.SMOKE,
        ReadingKind.GAS_LEAK,
        ReadingKind.CARBON_MONOXIDE,
        ReadingKind.CRY_DETECTED,
        ReadingKind.SOUND_DETECTED,
        ReadingKind.MOTION,
        ReadingKind.PRESENCE,
        ReadingKind.DOOR_OPEN,
        ReadingKind.VIBRATION,
        ReadingKind.ASLEEP,
    }
)


def is_yes_or_no(kind: ReadingKind) -> bool:
    """Whether a kind is 1 or 0, and may be said with a word."""
    return kind in _YES_OR_NO


def conversion(kind: ReadingKind, unit: str) -> tuple[float, float] | None:
    """Say how a number in a unit becomes a reading: factor and offset; None if it cannot.

    Args:
        kind: of the reading.
        unit: as the device writes it; empty for the kind's own.
    """
    if not unit:
        return 1.0, 0.0
    stem, _, end = kind.value.rpartition("_")
    if end == "c" and stem:
        return _TEMPERATURE.get(unit)
    factors = _OF_AIR.get(kind) or _FACTORS.get(end, {})
    return (factors[unit], 0.0) if unit in factors else None


def units_of(kind: ReadingKind) -> tuple[str, ...]:
    """Name the units that a kind may be given in; none if it has no unit."""
    stem, _, end = kind.value.rpartition("_")
    if end == "c" and stem:
        return tuple(_TEMPERATURE)
    return tuple(_OF_AIR.get(kind) or _FACTORS.get(end, {}))


def limits(kind: ReadingKind) -> tuple[float, float]:
    """Between what a reading of a kind can be."""
    if kind in _YES_OR_NO:
        return 0.0, 1.0
    if kind in _NARROWER:
        return _NARROWER[kind]
    end = kind.value.rpartition("_")[2]
    if end == "c":
        return -60.0, 125.0
    return _LIMITS.get(end, (0.0, 1e9))
