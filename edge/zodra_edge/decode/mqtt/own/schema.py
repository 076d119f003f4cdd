"""What every message of our own schema has: its version, its name, when it was measured."""

from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.reading.json_text import as_number, read_object
from zodra_edge.decode.result import DecodeRefusal, Undecodable

SCHEMA: Final = 1

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]

Instant = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
        r"(Z|[+-][0-9]{2}:[0-9]{2})$"
    ),
]
"""RFC 3339, with its offset."""


class Part(BaseModel):
    """A part of a message; a newer sender may put more in it."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, strict=True, defer_build=True, allow_inf_nan=False
    )


class Breathing(Part):
    """Breaths a minute; null while none is found. It is no medical alarm."""

    rate_bpm: Annotated[float, Field(ge=0, le=200)] | None = None


class Report(Part):
    """What every message may have, beside `schema`."""

    event_id: Name | None = None
    observed_at: Instant | None = None
    battery_percent: Annotated[float, Field(ge=0, le=100)] | None = None


AnyReport = TypeVar("AnyReport", bound=Report)


def read_report(
    frame: MqttMessage, form: type[AnyReport]
) -> tuple[AnyReport, datetime] | Undecodable:
    """Read one message, and when it was measured."""
    body = read_object(frame.payload)
    if isinstance(body, Undecodable):
        return body
    if (refusal := _check_schema(body)) is not None:
        return refusal
    try:
        report = form.model_validate(body)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_context=False, include_input=False)[0]
        return malformed(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    observed_at = _observed_at(report, frame)
    if observed_at is None:
        return malformed("observed_at: no instant of the calendar")
    return report, observed_at


def malformed(detail: str) -> Undecodable:
    """Refuse a message for its form."""
    return Undecodable(DecodeRefusal.MALFORMED, detail)


def _check_schema(body: dict[str, object]) -> Undecodable | None:
    schema = body.get("schema")
    if type(schema) is not int:
        return malformed("schema: a whole number is required")
    if schema != SCHEMA:
        return Undecodable(
            DecodeRefusal.UNKNOWN_FORMAT,
            f"schema {as_number(schema, -1e6, 1e6)}, this build reads {SCHEMA}",
        )
    return None


def _observed_at(report: Report, frame: MqttMessage) -> datetime | None:
    """When the device says it was; one whose clock runs ahead is not believed."""
    if report.observed_at is None:
        return frame.heard.at
    try:
        # An offset can push the years 1 and 9999 out of the calendar.
        return min(datetime.fromisoformat(report.observed_at).astimezone(UTC), frame.heard.at)
    except (ValueError, OverflowError):
        return None
