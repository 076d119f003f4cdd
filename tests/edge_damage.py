"""Outboxes with rows in them, and what is done to a file from outside."""

import contextlib
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from missing import MissingTool, give_up
from zodra_contract.envelope import Receipt, Rejection
from zodra_contract.outcome import RejectReason
from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.link import Lane
from zodra_edge.outbox import KeptReading, LightRow, MemoryRow, Outbox, schema
from zodra_edge.settings import OutboxLimits

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


ALL_SENT = {Lane.NEED: 10**9, Lane.TELEMETRY: 10**9}


PAGE = schema.PAGE_BYTES


def signal(name: str) -> NeedSignal:
    return NeedSignal(
        signal_id=name,
        device_id="btn-kitchen",
        slot_key="button-1",
        kind=SignalKind.PRESS,
        occurred_at=AT,
        time=TimeNote(boot_id="boot", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1),
        authenticated=True,
    )


async def fill(folder: Path, needs: int = 3, readings: int = 3) -> None:
    async with Outbox(folder, OutboxLimits()) as outbox:
        for number in range(1, needs + 1):
            memory = [MemoryRow("btn-kitchen", json.dumps({"counter": number}))]
            light = LightRow("btn-kitchen", "button-1", f"p_{number}", "kept", "", 0)
            await outbox.keep(signal(f"p_{number}"), memory, light, AT)
        await outbox.keep_readings(
            [
                KeptReading(
                    Reading(
                        device_id="trv-living",
                        kind=ReadingKind.ROOM_TEMPERATURE_C,
                        value=20 + number / 10,
                        observed_at=AT,
                    ),
                    TimeQuality.SYNCED,
                    5,
                )
                for number in range(readings)
            ]
        )


async def reject(folder: Path, lane: Lane, sequence: int, reason: RejectReason) -> None:
    async with Outbox(folder, OutboxLimits()) as outbox:
        buffer_id = outbox.level(lane).buffer_id
        receipt = Receipt(
            buffer_id=buffer_id,
            upto=sequence,
            rejected=(Rejection(sequence, reason),),
            committed_at=AT,
        )
        await outbox.apply_receipt(receipt, ALL_SENT, AT)


def change(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def leaf_pages(path: Path, table: str) -> list[int]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno"
            return [row[0] for row in connection.execute(query, (table,))]
        except sqlite3.OperationalError:
            give_up(MissingTool("this SQLite was built without dbstat"))


def spoil(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xff" * PAGE)
