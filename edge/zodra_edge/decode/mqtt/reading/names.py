"""Names that people and firmware give to measurements, where a dialect leaves them free.

ESPHome, Homie and Sparkplug name a value as its owner likes. The end of a name usually says what it
is: `nursery_real_time_heart_rate`, `Inputs/Room Temperature`.
"""

import re
from typing import Final

from zodra_contract.reading import ReadingKind

_KINDS: Final = {
    "battery": ReadingKind.BATTERY_PERCENT,
    "battery level": ReadingKind.BATTERY_PERCENT,
    "temperature": ReadingKind.ROOM_TEMPERATURE_C,
    "temp": ReadingKind.ROOM_TEMPERATURE_C,
    "current temperature": ReadingKind.ROOM_TEMPERATURE_C,
    "target temperature": ReadingKind.SETPOINT_TEMPERATURE_C,
    "setpoint": ReadingKind.SETPOINT_TEMPERATURE_C,
    "probe temperature": ReadingKind.PROBE_TEMPERATURE_C,
    "body temperature": ReadingKind.BODY_TEMPERATURE_C,
    "skin temperature": ReadingKind.BODY_TEMPERATURE_C,
    "dew point": ReadingKind.DEW_POINT_C,
    "dewpoint": ReadingKind.DEW_POINT_C,
    "humidity": ReadingKind.HUMIDITY_PERCENT,
    "relative humidity": ReadingKind.HUMIDITY_PERCENT,
    "moisture": ReadingKind.MOISTURE_PERCENT,
    "conductivity": ReadingKind.CONDUCTIVITY_US_CM,
    "pressure": ReadingKind.PRESSURE_HPA,
    "co2": ReadingKind.CO2_PPM,
    "carbon dioxide": ReadingKind.CO2_PPM,
    "pm25": ReadingKind.PM25_UG_M3,
    "pm 2 5": ReadingKind.PM25_UG_M3,
    "pm2 5": ReadingKind.PM25_UG_M3,
    "pm10": ReadingKind.PM10_UG_M3,
    "voc index": ReadingKind.VOC_INDEX,
    "nox index": ReadingKind.NOX_INDEX,
    "illuminance": ReadingKind.ILLUMINANCE_LUX,
    "light level": ReadingKind.ILLUMINANCE_LUX,
    "power": ReadingKind.POWER_W,
    "energy": ReadingKind.ENERGY_KWH,
    "total energy": ReadingKind.ENERGY_KWH,
    "voltage": ReadingKind.VOLTAGE_V,
    "current": ReadingKind.CURRENT_A,
    "weight": ReadingKind.WEIGHT_KG,
    "body weight": ReadingKind.BODY_WEIGHT_KG,
    "volume": ReadingKind.VOLUME_L,
    "water": ReadingKind.WATER_L,
    "water total": ReadingKind.WATER_L,
    "gas": ReadingKind.GAS_M3,
    "gas total": ReadingKind.GAS_M3,
    "distance": ReadingKind.DISTANCE_MM,
    "heart rate": ReadingKind.HEART_RATE_BPM,
    "pulse": ReadingKind.HEART_RATE_BPM,
    "breathing rate": ReadingKind.BREATHING_RATE_BPM,
    "respiratory rate": ReadingKind.BREATHING_RATE_BPM,
    "respiration rate": ReadingKind.BREATHING_RATE_BPM,
    "spo2": ReadingKind.OXYGEN_SATURATION_PERCENT,
    "oxygen saturation": ReadingKind.OXYGEN_SATURATION_PERCENT,
    "steps": ReadingKind.STEPS,
    "motion": ReadingKind.MOTION,
    "presence": ReadingKind.PRESENCE,
    "occupancy": ReadingKind.PRESENCE,
    "person information": ReadingKind.PRESENCE,
    "has target": ReadingKind.PRESENCE,
    "door": ReadingKind.DOOR_OPEN,
    "window": ReadingKind.DOOR_OPEN,
    "vibration": ReadingKind.VIBRATION,
    "leak": ReadingKind.WATER_LEAK,
    "water leak": ReadingKind.WATER_LEAK,
    "smoke": ReadingKind.SMOKE,
    "crying": ReadingKind.CRY_DETECTED,
    "cry": ReadingKind.CRY_DETECTED,
    "baby cry": ReadingKind.CRY_DETECTED,
    "sound": ReadingKind.SOUND_DETECTED,
    "noise": ReadingKind.SOUND_DETECTED,
    "asleep": ReadingKind.ASLEEP,
    "filter life": ReadingKind.REMAINING_PERCENT,
    "filter life remaining": ReadingKind.REMAINING_PERCENT,
    "heating": ReadingKind.HEATING_ON,
    "valve position": ReadingKind.HEATING_DEMAND_PERCENT,
    "heating demand": ReadingKind.HEATING_DEMAND_PERCENT,
}
YIELDS: Final = tuple(dict.fromkeys(_KINDS.values()))
_WORDS_MAX: Final = 3
_NAME_MAX: Final = 256
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GAP: Final = re.compile(r"[^0-9a-z]+")


def kind_of(name: str) -> ReadingKind | None:
    """Say what a value is by the end of its name; the longest end that is known.

    A name is cut at its gaps and at the capitals inside it.
    """
    words = _GAP.sub(" ", _HUMP.sub(" ", name[-_NAME_MAX:]).lower()).split()
    for count in range(min(_WORDS_MAX, len(words)), 0, -1):
        kind = _KINDS.get(" ".join(words[-count:]))
        if kind is not None:
            return kind
    return None
