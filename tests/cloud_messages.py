"""Messages as gateways send them, for the tests of the ingest."""

from datetime import timedelta
from typing import Any

import zstandard

from cloud_builders import NOON
from zodra_cloud.ingest.reader import Delivery, Reader, Received, Refusal
from zodra_contract.command import CommandOutcome
from zodra_contract.envelope import (
    AdapterHealth,
    CommandAnswer,
    HealthReport,
    NeedBatch,
    NeedRow,
    TelemetryBatch,
    TelemetryRow,
    UpMessage,
    to_bytes,
)
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_contract.topics import Address, up

HEADER: dict[str, Any] = {"gateway_id": "gw-1", "boot_id": "boot-1", "sent_at": NOON}


def need(sequence: int, **changed: Any) -> NeedRow:
    values: dict[str, Any] = {
        "signal_id": f"p_{sequence}",
        "device_id": "btn-kitchen",
        "slot_key": "button-1",
        "kind": SignalKind.PRESS,
        "occurred_at": NOON - timedelta(seconds=1),
        "time": TimeNote(
            boot_id="boot-1", monotonic_ms=1_000, quality=TimeQuality.SYNCED, error_ms=20
        ),
        "evidence": {"battery_percent": 80},
        "authenticated": True,
        **changed,
    }
    return NeedRow(sequence, NeedSignal(**values))


def needs(*rows: NeedRow, kept_from: int = 1, **header: Any) -> NeedBatch:
    values = {**HEADER, "buffer_id": "buf-n", "kept_from": kept_from, **header}
    return NeedBatch(rows=rows, **values)


def reading(
    sequence: int, kind: str = "room_temperature_c", device_id: str = "trv-living"
) -> TelemetryRow:
    return TelemetryRow(sequence, device_id, kind, 20.5, sequence)


def telemetry(*rows: TelemetryRow, kept_from: int = 1, **header: Any) -> TelemetryBatch:
    values = {**HEADER, "buffer_id": "buf-t", "kept_from": kept_from, **header}
    return TelemetryBatch(
        base_at=NOON, quality=TimeQuality.SYNCED, error_ms=20, rows=rows, **values
    )


def health(**changed: Any) -> HealthReport:
    values: dict[str, Any] = {
        **HEADER,
        "uptime_s": 100.0,
        "need_depth": 0,
        "need_oldest_age_s": 0.0,
        "telemetry_depth": 0,
        "quarantine_depth": 0,
        "refusals": {},
        "adapters": (AdapterHealth(name="hci0", last_advert_age_s=1.0, adverts_per_min=60.0),),
        "clock_quality": TimeQuality.SYNCED,
        "rss_bytes": 50_000_000,
        "local_mqtt_connected": True,
        **changed,
    }
    return HealthReport(**values)


def answer(command_id: str, outcome: CommandOutcome = CommandOutcome.DONE) -> CommandAnswer:
    return CommandAnswer(**HEADER, command_id=command_id, outcome=outcome)


def delivery(
    message: UpMessage | bytes,
    household_id: str = "hh-1",
    gateway_id: str = "gw-1",
    *,
    packed: bool = False,
) -> Delivery:
    raw = message if isinstance(message, bytes) else to_bytes(message)
    payload = zstandard.ZstdCompressor().compress(raw) if packed else raw
    return Delivery(up(Address(household_id, gateway_id)), payload)


def read(
    message: UpMessage | bytes, household_id: str = "hh-1", gateway_id: str = "gw-1"
) -> Received | Refusal:
    return Reader().read(delivery(message, household_id, gateway_id))
