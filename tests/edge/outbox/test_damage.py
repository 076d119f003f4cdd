"""A damaged row goes aside, whatever the damage looks like, and those behind it go on."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.link import Lane
from zodra_edge.outbox import KeptReading, LightRow, Outbox
from zodra_edge.settings import OutboxLimits

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


async def test_bytes_that_are_no_text_do_not_block_the_lane(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        for name in ("p_1", "p_2"):
            signal = NeedSignal(
                signal_id=name,
                device_id="btn-kitchen",
                slot_key="button-1",
                kind=SignalKind.PRESS,
                occurred_at=AT,
                time=TimeNote(
                    boot_id="boot", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1
                ),
                authenticated=True,
            )
            light = LightRow("btn-kitchen", "button-1", name, "kept", "", 0)
            await outbox.keep(signal, [], light, AT)
            reading = Reading(
                device_id="trv-living",
                kind=ReadingKind.ROOM_TEMPERATURE_C,
                value=20.0,
                observed_at=AT,
            )
            await outbox.keep_readings([KeptReading(reading, TimeQuality.SYNCED, 5)])
    for name, change in (
        ("need", "UPDATE need SET body = CAST(X'7BFF' AS TEXT) WHERE sequence = 1"),
        ("telemetry", "UPDATE reading SET kind = CAST(X'72FF' AS TEXT) WHERE sequence = 1"),
    ):
        connection = sqlite3.connect(tmp_path / f"{name}.db", isolation_level=None)
        connection.execute(change)
        connection.close()
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        needs = await outbox.need_batch(0, 10, AT)
        readings = await outbox.reading_batch(0, 10, AT)
        assert needs is not None
        assert readings is not None
        assert [sequence for sequence, _ in needs.rows] == [2]
        assert [row.sequence for row in readings.rows] == [2]
        assert outbox.level(Lane.NEED).quarantined == 1
        assert outbox.level(Lane.TELEMETRY).quarantined == 1
