"""What the libraries' common answer, a `SensorUpdate`, means in our kinds."""

import re
from collections.abc import Mapping
from typing import Any, Final

from zodra_contract.reading import PROBES
from zodra_contract.reading import ReadingKind as Kind
from zodra_edge.decode.ble.parser import Button, Value
from zodra_edge.decode.frame import BleAdvert


class _Heard:
    """An advertisement in the shape that the libraries read.

    Their own type carries the scanner's objects; they read no more of it than this.
    """

    __slots__ = (
        "address",
        "manufacturer_data",
        "name",
        "raw",
        "rssi",
        "service_data",
        "service_uuids",
        "source",
    )

    def __init__(self, advert: BleAdvert) -> None:
        """Take over what was heard."""
        self.address = advert.address
        self.name = advert.name or ""
        self.rssi = advert.rssi_dbm
        self.source = advert.source
        self.service_data = advert.service_data
        self.manufacturer_data = advert.manufacturer_data
        self.service_uuids = advert.service_uuids
        self.raw = None


def heard(advert: BleAdvert) -> Any:
    """Hand an advertisement to a library."""
    return _Heard(advert)


_NUMBERS: Final[Mapping[str, Kind]] = {
    "battery": Kind.BATTERY_PERCENT,
    "temperature": Kind.ROOM_TEMPERATURE_C,
    "humidity": Kind.HUMIDITY_PERCENT,
    "temperature_probe": Kind.PROBE_TEMPERATURE_C,
    "internal_temperature_probe": Kind.PROBE_TEMPERATURE_C,
    "humidity_probe": Kind.HUMIDITY_PERCENT,
    "battery_probe": Kind.BATTERY_PERCENT,
    "dew_point": Kind.DEW_POINT_C,
    "pressure": Kind.PRESSURE_HPA,
    "illuminance": Kind.ILLUMINANCE_LUX,
    "carbon_dioxide": Kind.CO2_PPM,
    "pm25": Kind.PM25_UG_M3,
    "pm10": Kind.PM10_UG_M3,
    "volatile_organic_compounds": Kind.VOC_UG_M3,
    "voc_index": Kind.VOC_INDEX,
    "nox_index": Kind.NOX_INDEX,
    "formaldehyde": Kind.FORMALDEHYDE_MG_M3,
    "moisture": Kind.MOISTURE_PERCENT,
    "conductivity": Kind.CONDUCTIVITY_US_CM,
    "voltage": Kind.VOLTAGE_V,
    "current": Kind.CURRENT_A,
    "power": Kind.POWER_W,
    "energy": Kind.ENERGY_KWH,
    "mass": Kind.WEIGHT_KG,
    "impedance": Kind.BODY_IMPEDANCE_OHM,
    "impedance_low": Kind.BODY_IMPEDANCE_OHM,
    "heart_rate": Kind.HEART_RATE_BPM,
    "consumable": Kind.REMAINING_PERCENT,
}
_YES_OR_NO: Final[Mapping[str, Kind]] = {
    "motion": Kind.MOTION,
    "moving": Kind.MOTION,
    "occupancy": Kind.PRESENCE,
    "presence": Kind.PRESENCE,
    "door": Kind.DOOR_OPEN,
    "window": Kind.DOOR_OPEN,
    "opening": Kind.DOOR_OPEN,
    "garage_door": Kind.DOOR_OPEN,
    "lock": Kind.DOOR_OPEN,
    "vibration": Kind.VIBRATION,
    "sound": Kind.SOUND_DETECTED,
    "moisture": Kind.WATER_LEAK,
    "smoke": Kind.SMOKE,
    "gas": Kind.GAS_LEAK,
    "carbon_monoxide": Kind.CARBON_MONOXIDE,
    "asleep": Kind.ASLEEP,
    "wearing": Kind.SKIN_CONTACT,
}
_HAPPENED: Final[Mapping[str, Kind]] = {
    "motion": Kind.MOTION,
    "vibration": Kind.VIBRATION,
}
"""Events that say that something is so at this moment."""
_FACTORS: Final[Mapping[str, float]] = {"mV": 0.001, "lb": 0.45359237, "Pa": 0.01, "mA": 0.001}
"""To the unit of our kind, where the library's is another."""
_PROBE: Final = re.compile(r"(.*_probe)_([1-9])\Z")


def values(update: Any) -> tuple[Value, ...]:
    """Read the values that there is a kind for; a word such as `error` is no value."""
    found: list[Value] = []
    for key, said in update.entity_values.items():
        kind = _kind(str(key.key))
        number = said.native_value
        if kind is None or isinstance(number, bool) or not isinstance(number, int | float):
            continue
        unit = update.entity_descriptions[key].native_unit_of_measurement
        factor = _FACTORS.get(str(getattr(unit, "value", unit)))
        found.append(Value(kind, number if factor is None else round(number * factor, 6)))
    for key, said in update.binary_entity_values.items():
        kind = _YES_OR_NO.get(key.key)
        if kind is not None and said.native_value is not None:
            found.append(Value(kind, float(bool(said.native_value))))
    for key in update.events:
        if (kind := _HAPPENED.get(key.key)) is not None:
            found.append(Value(kind, 1.0))
    return tuple(found)


def _kind(key: str) -> Kind | None:
    match = _PROBE.match(key)
    if match is None:
        return _NUMBERS.get(key)
    kind, number = _NUMBERS.get(match[1]), int(match[2])
    if kind is Kind.PROBE_TEMPERATURE_C:
        return PROBES[number - 1] if number <= len(PROBES) else None
    return kind


def buttons(update: Any, names: Mapping[str, int]) -> tuple[Button, ...]:
    """Read the presses of an update.

    Args:
        update: the library's answer.
        names: the index of each key that the library names; a number names itself.
    """
    found: list[Button] = []
    for key, event in update.events.items():
        button, _, name = str(getattr(key.key, "value", key.key)).partition("_")
        if button not in ("button", "dimmer") or not str(event.event_type).endswith("press"):
            continue
        index = int(name) if name.isdecimal() else names.get(name)
        if index is not None:
            found.append(Button(index, str(event.event_type)))
    return tuple(found)


def model_of(update: Any) -> str | None:
    """Name the model that the library recognised; None if it did not."""
    for device in update.devices.values():
        if device.model:
            return str(device.model)
    return None
