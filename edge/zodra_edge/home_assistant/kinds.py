"""How Home Assistant shows each kind of reading: a sensor with its unit, or on and off. Pure.

Device classes and the units each allows: Home Assistant's developer documentation, sensor and
binary sensor entity.
"""

from dataclasses import dataclass
from typing import Final

from zodra_contract.reading import PROBES, ReadingKind


@dataclass(frozen=True, slots=True)
class Shown:
    """One entity's kind."""

    name: str
    device_class: str | None = None
    unit: str | None = None
    is_on_off: bool = False
    grows: bool = False


def _is(name: str, device_class: str | None = None) -> Shown:
    return Shown(name, device_class, is_on_off=True)


K: Final = ReadingKind
SHOWN: Final[dict[ReadingKind, Shown]] = {
    K.BATTERY_PERCENT: Shown("Battery", "battery", "%"),
    K.ROOM_TEMPERATURE_C: Shown("Room temperature", "temperature", "°C"),
    K.SETPOINT_TEMPERATURE_C: Shown("Set temperature", "temperature", "°C"),
    K.HEATING_DEMAND_PERCENT: Shown("Heating demand", None, "%"),
    K.HEATING_ON: _is("Heating", "heat"),
    K.HUMIDITY_PERCENT: Shown("Humidity", "humidity", "%"),
    K.REMAINING_UNITS: Shown("Units left"),
    K.USED_UNITS: Shown("Units used", grows=True),
    K.WORN_HOURS: Shown("Worn", "duration", "h", grows=True),
    K.REMAINING_PERCENT: Shown("Left", None, "%"),
    K.WEIGHT_KG: Shown("Weight", "weight", "kg"),
    K.VOLUME_L: Shown("Volume", "volume_storage", "L"),
    K.METERED_VOLUME_L: Shown("Volume counted", "volume", "L", grows=True),
    K.WATER_L: Shown("Water", "water", "L", grows=True),
    K.GAS_M3: Shown("Gas", "gas", "m³", grows=True),
    K.ENERGY_KWH: Shown("Energy", "energy", "kWh", grows=True),
    K.DISTANCE_MM: Shown("Distance", "distance", "mm"),
    K.COUNT: Shown("Count"),
    K.VOLTAGE_V: Shown("Voltage", "voltage", "V"),
    K.PROBE_TEMPERATURE_C: Shown("Probe temperature", "temperature", "°C"),
    **{
        kind: Shown(f"Probe {number} temperature", "temperature", "°C")
        for number, kind in enumerate(PROBES[1:], 2)
    },
    K.DEW_POINT_C: Shown("Dew point", "temperature", "°C"),
    K.PRESSURE_HPA: Shown("Air pressure", "atmospheric_pressure", "hPa"),
    K.PM25_UG_M3: Shown("PM2.5", "pm25", "µg/m³"),
    K.PM10_UG_M3: Shown("PM10", "pm10", "µg/m³"),
    K.VOC_UG_M3: Shown("VOC", "volatile_organic_compounds", "µg/m³"),
    K.VOC_INDEX: Shown("VOC index"),
    K.NOX_INDEX: Shown("NOx index"),
    K.FORMALDEHYDE_MG_M3: Shown("Formaldehyde", None, "mg/m³"),
    K.MOISTURE_PERCENT: Shown("Moisture", "moisture", "%"),
    K.CONDUCTIVITY_US_CM: Shown("Conductivity", "conductivity", "µS/cm"),
    K.WATER_LEAK: _is("Water leak", "moisture"),
    K.SMOKE: _is("Smoke", "smoke"),
    K.GAS_LEAK: _is("Gas leak", "gas"),
    K.CARBON_MONOXIDE: _is("Carbon monoxide", "carbon_monoxide"),
    K.HEART_RATE_BPM: Shown("Heart rate", None, "bpm"),
    K.SKIN_CONTACT: _is("Worn"),
    K.BREATHING_RATE_BPM: Shown("Breathing rate", None, "bpm"),
    K.CRY_CONFIDENCE_PERCENT: Shown("Crying, confidence", None, "%"),
    K.NURSERY_TEMPERATURE_C: Shown("Nursery temperature", "temperature", "°C"),
    K.NURSERY_HUMIDITY_PERCENT: Shown("Nursery humidity", "humidity", "%"),
    K.DIAPER_CHANGE: Shown("Diaper change"),
    K.CRY_DETECTED: _is("Crying", "sound"),
    K.SOUND_DETECTED: _is("Sound", "sound"),
    K.MOTION: _is("Motion", "motion"),
    K.PRESENCE: _is("Presence", "occupancy"),
    K.DOOR_OPEN: _is("Opening", "opening"),
    K.VIBRATION: _is("Vibration", "vibration"),
    K.ILLUMINANCE_LUX: Shown("Light", "illuminance", "lx"),
    K.CO2_PPM: Shown("CO2", "carbon_dioxide", "ppm"),
    K.POWER_W: Shown("Power", "power", "W"),
    K.CURRENT_A: Shown("Current", "current", "A"),
    K.OXYGEN_SATURATION_PERCENT: Shown("Oxygen saturation", None, "%"),
    K.BODY_TEMPERATURE_C: Shown("Body temperature", "temperature", "°C"),
    K.BODY_WEIGHT_KG: Shown("Body weight", "weight", "kg"),
    K.BODY_IMPEDANCE_OHM: Shown("Body impedance", None, "Ω"),
    K.STEPS: Shown("Steps", grows=True),
    K.ASLEEP: _is("Asleep"),
}
