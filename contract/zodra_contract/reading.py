"""One decoded fact, with its unit in the name of its kind and the instant it was observed.

A kind that stays home never leaves the gateway: the edge does not put it in an outbox, and the
cloud refuses it if it arrives all the same (promise 13).
"""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from zodra_contract.ids import DeviceId
from zodra_contract.message import Message


class ReadingKind(StrEnum):
    """What can be read. Names are never reused, and the unit is the end of the name."""

    BATTERY_PERCENT = "battery_percent"
    ROOM_TEMPERATURE_C = "room_temperature_c"
    """Of the air. The nursery's own temperature is `NURSERY_TEMPERATURE_C`."""
    SETPOINT_TEMPERATURE_C = "setpoint_temperature_c"
    HEATING_DEMAND_PERCENT = "heating_demand_percent"
    HEATING_ON = "heating_on"
    """1 while the heating runs, 0 while it does not."""
    HUMIDITY_PERCENT = "humidity_percent"
    REMAINING_UNITS = "remaining_units"
    """What is left in a slot, in the unit the slot declares."""
    USED_UNITS = "used_units"
    """What was used of a slot since its device began to count, in the unit the slot declares. It
    grows; a smaller value than before means that the device began anew."""
    WORN_HOURS = "worn_hours"
    """How long a wearable has been worn since its strap was new; says nothing about its wearer."""
    REMAINING_PERCENT = "remaining_percent"
    """What is left of a part that wears, as its device counts it: a filter, a brush head."""
    WEIGHT_KG = "weight_kg"
    """Of goods. A person's is `BODY_WEIGHT_KG`."""
    VOLUME_L = "volume_l"
    """What a tank holds now."""
    METERED_VOLUME_L = "metered_volume_l"
    """What a meter counted of any liquid since it was new; it grows, as do the next three."""
    WATER_L = "water_l"
    GAS_M3 = "gas_m3"
    ENERGY_KWH = "energy_kwh"
    DISTANCE_MM = "distance_mm"
    """To whatever is in front of a sensor, such as the goods in a bin."""
    COUNT = "count"
    """Of whatever a device counts."""
    VOLTAGE_V = "voltage_v"
    PROBE_TEMPERATURE_C = "probe_temperature_c"
    """In something, by a probe: meat, a fridge, a pond. Of several the first."""
    PROBE_2_TEMPERATURE_C = "probe_2_temperature_c"
    PROBE_3_TEMPERATURE_C = "probe_3_temperature_c"
    PROBE_4_TEMPERATURE_C = "probe_4_temperature_c"
    PROBE_5_TEMPERATURE_C = "probe_5_temperature_c"
    PROBE_6_TEMPERATURE_C = "probe_6_temperature_c"
    """The device's sixth; none has more."""
    DEW_POINT_C = "dew_point_c"
    PRESSURE_HPA = "pressure_hpa"
    PM25_UG_M3 = "pm25_ug_m3"
    PM10_UG_M3 = "pm10_ug_m3"
    VOC_UG_M3 = "voc_ug_m3"
    VOC_INDEX = "voc_index"
    """Where a sensor gives only its own index, without unit; 100 is its usual air."""
    NOX_INDEX = "nox_index"
    FORMALDEHYDE_MG_M3 = "formaldehyde_mg_m3"
    MOISTURE_PERCENT = "moisture_percent"
    """Of soil, or of another thing than air."""
    CONDUCTIVITY_US_CM = "conductivity_us_cm"
    """Of soil: what is left of its fertiliser."""
    WATER_LEAK = "water_leak"
    """1 while there is one, 0 while there is none; so it is with each kind without a unit below."""
    SMOKE = "smoke"
    GAS_LEAK = "gas_leak"
    CARBON_MONOXIDE = "carbon_monoxide"

    HEART_RATE_BPM = "heart_rate_bpm"
    SKIN_CONTACT = "skin_contact"
    BREATHING_RATE_BPM = "breathing_rate_bpm"
    CRY_CONFIDENCE_PERCENT = "cry_confidence_percent"
    NURSERY_TEMPERATURE_C = "nursery_temperature_c"
    NURSERY_HUMIDITY_PERCENT = "nursery_humidity_percent"
    DIAPER_CHANGE = "diaper_change"
    CRY_DETECTED = "cry_detected"
    SOUND_DETECTED = "sound_detected"
    MOTION = "motion"
    PRESENCE = "presence"
    DOOR_OPEN = "door_open"
    """Of a door, a window, a lid or a lock."""
    VIBRATION = "vibration"
    ILLUMINANCE_LUX = "illuminance_lux"
    """When the light goes out tells when somebody sleeps."""
    CO2_PPM = "co2_ppm"
    """How many breathe in a room can be read from it."""
    POWER_W = "power_w"
    """What runs at this moment tells who is home; the sum over time, `ENERGY_KWH`, tells less."""
    CURRENT_A = "current_a"
    OXYGEN_SATURATION_PERCENT = "oxygen_saturation_percent"
    BODY_TEMPERATURE_C = "body_temperature_c"
    BODY_WEIGHT_KG = "body_weight_kg"
    BODY_IMPEDANCE_OHM = "body_impedance_ohm"
    STEPS = "steps"
    ASLEEP = "asleep"


PROBES: Final = (
    ReadingKind.PROBE_TEMPERATURE_C,
    ReadingKind.PROBE_2_TEMPERATURE_C,
    ReadingKind.PROBE_3_TEMPERATURE_C,
    ReadingKind.PROBE_4_TEMPERATURE_C,
    ReadingKind.PROBE_5_TEMPERATURE_C,
    ReadingKind.PROBE_6_TEMPERATURE_C,
)
"""Of one device, in order. Each is a kind, so that two of them are never one reading."""

STAYS_HOME: Final = frozenset(
    {
        ReadingKind.HEART_RATE_BPM,
        ReadingKind.SKIN_CONTACT,
        ReadingKind.BREATHING_RATE_BPM,
        ReadingKind.CRY_CONFIDENCE_PERCENT,
        ReadingKind.NURSERY_TEMPERATURE_C,
        ReadingKind.NURSERY_HUMIDITY_PERCENT,
        ReadingKind.DIAPER_CHANGE,
        ReadingKind.CRY_DETECTED,
        ReadingKind.SOUND_DETECTED,
        ReadingKind.MOTION,
        ReadingKind.PRESENCE,
        ReadingKind.DOOR_OPEN,
        ReadingKind.VIBRATION,
        ReadingKind.ILLUMINANCE_LUX,
        ReadingKind.CO2_PPM,
        ReadingKind.POWER_W,
        ReadingKind.CURRENT_A,
        ReadingKind.OXYGEN_SATURATION_PERCENT,
        ReadingKind.BODY_TEMPERATURE_C,
        ReadingKind.BODY_WEIGHT_KG,
        ReadingKind.BODY_IMPEDANCE_OHM,
        ReadingKind.STEPS,
        ReadingKind.ASLEEP,
    }
)
"""What tells about a person: their health, their baby, when they are home and when they sleep. What
leaves the home is the need derived from these, never they themselves."""

GOES_UP: Final = frozenset(ReadingKind) - STAYS_HOME

ReadingValue = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]


class Reading(Message):
    """One fact that a device reported."""

    device_id: DeviceId
    kind: ReadingKind
    value: ReadingValue
    observed_at: AwareDatetime

    @property
    def stays_home(self) -> bool:
        """Whether this reading may not leave the gateway."""
        return self.kind in STAYS_HOME


__all__ = ["GOES_UP", "PROBES", "STAYS_HOME", "Reading", "ReadingKind", "ReadingValue"]
