"""The baby monitor's own JSON, as docs/baby-monitor.md describes it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from zodra_contract.reading import Reading, ReadingKind
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.own.schema import Breathing, Part, Report, malformed, read_report
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import (
    Decoded,
    DecodeRefusal,
    DiaperEvent,
    DiaperNote,
    Undecodable,
)

UNITS_MAX: Final = 1_000
"""The most that one change or refill can be about."""
REMAINING_MAX: Final = 100_000


class _Cry(Part):
    """How surely it heard one."""

    confidence: Annotated[float, Field(ge=0, le=1)] | None = None


class _Room(Part):
    """The air around the bed."""

    temperature_c: Annotated[float, Field(ge=-60, le=125)] | None = None
    humidity_percent: Annotated[float, Field(ge=0, le=100)] | None = None


class _DiaperKind(StrEnum):
    WET = "wet"
    DIRTY = "dirty"
    BOTH = "both"
    DRY = "dry"


class _Diaper(Part):
    """One change or refill."""

    event: Annotated[DiaperEvent, Field(strict=False)]
    kind: Annotated[_DiaperKind | None, Field(strict=False)] = None
    units: Annotated[int, Field(ge=1, le=UNITS_MAX)] | None = None
    remaining_units: Annotated[int, Field(ge=0, le=REMAINING_MAX)] | None = None


class BabyReport(Report):
    """One message of a baby monitor."""

    cry: _Cry | None = None
    breathing: Breathing | None = None
    room: _Room | None = None
    diaper: _Diaper | None = None


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message of a baby monitor."""
    read = read_report(frame, BabyReport)
    if isinstance(read, Undecodable):
        return read
    report, observed_at = read
    note = _note(report, profile)
    if isinstance(note, Undecodable):
        return note
    if note is not None and frame.retained:
        return Undecodable(DecodeRefusal.RETAINED_ACTION, "a diaper event the broker had kept")
    return Decoded(
        device_id=profile.device_id,
        readings=_readings(report, note, observed_at, profile),
        authenticated=True,
        diaper=note,
        retained=frame.retained,
    )


def _note(report: BabyReport, profile: DeviceProfile) -> DiaperNote | Undecodable | None:
    diaper = report.diaper
    if diaper is None:
        return None
    if report.event_id is None:
        return malformed("event_id: required with a diaper event, to count it once")
    usual = 1 if diaper.event is DiaperEvent.CHANGE else profile.limits.pack_units
    units = usual if diaper.units is None else diaper.units
    return DiaperNote(
        event_id=report.event_id,
        event=diaper.event,
        units=units,
        remaining=diaper.remaining_units,
    )


def _readings(
    report: BabyReport, note: DiaperNote | None, observed_at: datetime, profile: DeviceProfile
) -> tuple[Reading, ...]:
    confidence = report.cry.confidence if report.cry else None
    changed = note.units if note is not None and note.event is DiaperEvent.CHANGE else None
    values = (
        (ReadingKind.CRY_CONFIDENCE_PERCENT, None if confidence is None else confidence * 100),
        (ReadingKind.BREATHING_RATE_BPM, report.breathing.rate_bpm if report.breathing else None),
        (ReadingKind.NURSERY_TEMPERATURE_C, report.room.temperature_c if report.room else None),
        (
            ReadingKind.NURSERY_HUMIDITY_PERCENT,
            report.room.humidity_percent if report.room else None,
        ),
        (ReadingKind.DIAPER_CHANGE, changed),
        (ReadingKind.BATTERY_PERCENT, report.battery_percent),
    )
    return tuple(
        Reading(device_id=profile.device_id, kind=kind, value=value, observed_at=observed_at)
        for kind, value in values
        if value is not None
    )
