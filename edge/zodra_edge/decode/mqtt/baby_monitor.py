"""The baby monitor's own JSON, as docs/baby-monitor.md describes it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from zodra_contract.reading import Reading, ReadingKind
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.json_text import as_number, read_object
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import (
    Decoded,
    DecodeRefusal,
    DiaperEvent,
    DiaperNote,
    Undecodable,
)

SCHEMA: Final = 1
UNITS_MAX: Final = 1_000
"""The most that one change or refill can be about."""
REMAINING_MAX: Final = 100_000

_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]

_Instant = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
        r"(Z|[+-][0-9]{2}:[0-9]{2})$"
    ),
]
"""RFC 3339, with its offset."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)


class _Cry(_Part):
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None


class _Breathing(_Part):
    rate_bpm: Annotated[float, Field(ge=0, le=200)] | None = None


class _Room(_Part):
    temperature_c: Annotated[float, Field(ge=-60, le=125)] | None = None
    humidity_percent: Annotated[float, Field(ge=0, le=100)] | None = None


class _DiaperKind(StrEnum):
    WET = "wet"
    DIRTY = "dirty"
    BOTH = "both"
    DRY = "dry"


class _Diaper(_Part):
    event: Annotated[DiaperEvent, Field(strict=False)]
    kind: Annotated[_DiaperKind | None, Field(strict=False)] = None
    units: Annotated[int, Field(ge=1, le=UNITS_MAX)] | None = None
    remaining_units: Annotated[int, Field(ge=0, le=REMAINING_MAX)] | None = None


class _Report(_Part):
    event_id: _Name | None = None
    observed_at: _Instant | None = None
    battery_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    cry: _Cry | None = None
    breathing: _Breathing | None = None
    room: _Room | None = None
    diaper: _Diaper | None = None


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message of a baby monitor."""
    body = read_object(frame.payload)
    if isinstance(body, Undecodable):
        return body
    if (refusal := _check_schema(body)) is not None:
        return refusal
    try:
        report = _Report.model_validate(body)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_context=False, include_input=False)[0]
        return _malformed(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    observed_at = _observed_at(report, frame)
    if observed_at is None:
        return _malformed("observed_at: no instant of the calendar")
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


def _check_schema(body: dict[str, object]) -> Undecodable | None:
    schema = body.get("schema")
    if type(schema) is not int:
        return _malformed("schema: a whole number is required")
    if schema != SCHEMA:
        return Undecodable(
            DecodeRefusal.UNKNOWN_FORMAT,
            f"schema {as_number(schema, -1e6, 1e6)}, this build reads {SCHEMA}",
        )
    return None


def _note(report: _Report, profile: DeviceProfile) -> DiaperNote | Undecodable | None:
    diaper = report.diaper
    if diaper is None:
        return None
    if report.event_id is None:
        return _malformed("event_id: required with a diaper event, to count it once")
    usual = 1 if diaper.event is DiaperEvent.CHANGE else profile.limits.pack_units
    units = usual if diaper.units is None else diaper.units
    return DiaperNote(
        event_id=report.event_id,
        event=diaper.event,
        units=units,
        remaining=diaper.remaining_units,
    )


def _observed_at(report: _Report, frame: MqttMessage) -> datetime | None:
    """When the monitor says it was; a monitor whose clock runs ahead is not believed."""
    if report.observed_at is None:
        return frame.heard.at
    try:
        # An offset can push the years 1 and 9999 out of the calendar.
        return min(datetime.fromisoformat(report.observed_at).astimezone(UTC), frame.heard.at)
    except (ValueError, OverflowError):
        return None


def _readings(
    report: _Report, note: DiaperNote | None, observed_at: datetime, profile: DeviceProfile
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


def _malformed(detail: str) -> Undecodable:
    return Undecodable(DecodeRefusal.MALFORMED, detail)
