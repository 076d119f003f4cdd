"""The wearable's own JSON, as docs/mqtt-dialects.md describes it."""

from typing import Annotated

from pydantic import Field

from zodra_contract.reading import Reading, ReadingKind
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.own.schema import Breathing, Part, Report, read_report
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import Decoded, Undecodable


class _Heart(Part):
    """Beats a minute; null while none is found. It is no medical alarm."""

    rate_bpm: Annotated[float, Field(ge=0, le=300)] | None = None


class _Body(Part):
    """The wearer's own."""

    temperature_c: Annotated[float, Field(ge=20, le=50)] | None = None
    weight_kg: Annotated[float, Field(ge=0, le=500)] | None = None
    oxygen_percent: Annotated[float, Field(ge=0, le=100)] | None = None


class WearableReport(Report):
    """One message of a wearable."""

    skin_contact: bool | None = None
    heart: _Heart | None = None
    breathing: Breathing | None = None
    body: _Body | None = None
    steps: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    asleep: bool | None = None


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message of a wearable."""
    read = read_report(frame, WearableReport)
    if isinstance(read, Undecodable):
        return read
    report, observed_at = read
    body = report.body or _Body()
    values: tuple[tuple[ReadingKind, float | None], ...] = (
        (ReadingKind.SKIN_CONTACT, report.skin_contact),
        (ReadingKind.HEART_RATE_BPM, report.heart.rate_bpm if report.heart else None),
        (ReadingKind.BREATHING_RATE_BPM, report.breathing.rate_bpm if report.breathing else None),
        (ReadingKind.BODY_TEMPERATURE_C, body.temperature_c),
        (ReadingKind.BODY_WEIGHT_KG, body.weight_kg),
        (ReadingKind.OXYGEN_SATURATION_PERCENT, body.oxygen_percent),
        (ReadingKind.STEPS, report.steps),
        (ReadingKind.ASLEEP, report.asleep),
        (ReadingKind.BATTERY_PERCENT, report.battery_percent),
    )
    return Decoded(
        device_id=profile.device_id,
        readings=tuple(
            Reading(
                device_id=profile.device_id, kind=kind, value=float(value), observed_at=observed_at
            )
            for kind, value in values
            if value is not None
        ),
        authenticated=True,
        retained=frame.retained,
    )
