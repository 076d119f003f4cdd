"""One example of every message, with every field set; the byte records are made from these."""

from datetime import UTC, datetime
from typing import Final

from zodra_contract.command import Command, CommandKind, CommandOutcome
from zodra_contract.envelope import (
    AdapterHealth,
    BatchName,
    CommandAnswer,
    DownMessage,
    HealthReport,
    NeedBatch,
    NeedRow,
    Receipt,
    Rejection,
    TelemetryBatch,
    TelemetryRow,
    UpMessage,
)
from zodra_contract.ids import press_id
from zodra_contract.outcome import RejectReason, SignalOutcome, SignalState
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality

AT: Final = datetime(2026, 11, 22, 7, 30, 0, 250_000, tzinfo=UTC)

SIGNAL: Final = NeedSignal(
    signal_id=press_id("btn-kitchen", "enc-4711", 0, "press"),
    device_id="btn-kitchen",
    slot_key="button-1",
    kind=SignalKind.PRESS,
    occurred_at=AT,
    time=TimeNote(boot_id="b1", monotonic_ms=81_234, quality=TimeQuality.SYNCED, error_ms=50),
    evidence={"event": "press", "button": 0, "rssi_dbm": -61.5},
    authenticated=True,
)

UP: Final[dict[str, UpMessage]] = {
    "need_batch": NeedBatch(
        gateway_id="gw-1",
        boot_id="b1",
        sent_at=AT,
        buffer_id="f00dcafe",
        kept_from=7,
        rows=(NeedRow(7, SIGNAL),),
    ),
    "telemetry_batch": TelemetryBatch(
        gateway_id="gw-1",
        boot_id="b1",
        sent_at=AT,
        buffer_id="beefbeef",
        kept_from=100,
        base_at=AT,
        quality=TimeQuality.UNSYNCED,
        error_ms=60_000,
        rows=(
            TelemetryRow(100, "trv-living", "room_temperature_c", 20.5, 0),
            TelemetryRow(101, "trv-living", "heating_on", 1.0, -1500),
        ),
    ),
    "health_report": HealthReport(
        gateway_id="gw-1",
        boot_id="b1",
        sent_at=AT,
        uptime_s=3600.5,
        need_depth=2,
        need_oldest_age_s=12.25,
        telemetry_depth=340,
        quarantine_depth=1,
        refusals={"unknown_device": 3},
        adapters=(
            AdapterHealth(
                name="hci0",
                last_advert_age_s=0.4,
                adverts_per_min=61.0,
                strangers=2,
                stage="hearing",
                mode="passive",
                rungs={"open": 1, "restart": 2, "recovered": 1},
            ),
        ),
        clock_quality=TimeQuality.SYNCED,
        rss_bytes=47_000_000,
        local_mqtt_connected=True,
        storage="low",
        disk_used_percent=87.5,
        clock_error_ms=40,
        dropped={"telemetry_full": 500},
        restarts=3,
        part_restarts=1,
    ),
    "command_answer": CommandAnswer(
        gateway_id="gw-1",
        boot_id="b1",
        sent_at=AT,
        command_id="c1",
        outcome=CommandOutcome.DONE,
    ),
}

DOWN: Final[dict[str, DownMessage]] = {
    "receipt": Receipt(
        buffer_id="f00dcafe",
        upto=9,
        rejected=(Rejection(8, RejectReason.UNKNOWN_DEVICE),),
        refused=None,
        committed_at=AT,
    ),
    "receipt_refused": Receipt(
        buffer_id="f00dcafe",
        upto=0,
        refused=RejectReason.MALFORMED,
        committed_at=AT,
        batch=BatchName(7, 3),
        pace_ms=250,
    ),
    "command": Command(
        command_id="c1", kind=CommandKind.IDENTIFY, device_id="btn-kitchen", expires_at=AT
    ),
    "signal_outcome": SignalOutcome(
        signal_id=SIGNAL.signal_id,
        device_id="btn-kitchen",
        slot_key="button-1",
        state=SignalState.ASKED,
        reason="quote_open",
        decided_at=AT,
        round=2,
    ),
}
