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
    """From a thermostat. The nursery's own temperature is `NURSERY_TEMPERATURE_C`."""
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

    HEART_RATE_BPM = "heart_rate_bpm"
    SKIN_CONTACT = "skin_contact"
    BREATHING_RATE_BPM = "breathing_rate_bpm"
    CRY_CONFIDENCE_PERCENT = "cry_confidence_percent"
    NURSERY_TEMPERATURE_C = "nursery_temperature_c"
    NURSERY_HUMIDITY_PERCENT = "nursery_humidity_percent"
    DIAPER_CHANGE = "diaper_change"


STAYS_HOME: Final = frozenset(
    {
        ReadingKind.HEART_RATE_BPM,
        ReadingKind.SKIN_CONTACT,
        ReadingKind.BREATHING_RATE_BPM,
        ReadingKind.CRY_CONFIDENCE_PERCENT,
        ReadingKind.NURSERY_TEMPERATURE_C,
        ReadingKind.NURSERY_HUMIDITY_PERCENT,
        ReadingKind.DIAPER_CHANGE,
    }
)
"""Health and baby readings: what leaves the home is the need derived from them, never these."""

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


__all__ = ["GOES_UP", "STAYS_HOME", "Reading", "ReadingKind", "ReadingValue"]
