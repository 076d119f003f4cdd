"""Needs, readings and files for tests of the edge's outbox."""

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.outbox import Kept, KeptReading, LightRow, MemoryRow, NotKept, Outbox, schema
from zodra_edge.rescue.still import still_file
from zodra_edge.status import sole_owner

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
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


def reading(
    value: float, quality: TimeQuality = TimeQuality.SYNCED, at: datetime = AT
) -> KeptReading:
    made = Reading(
        device_id="trv-living", kind=ReadingKind.ROOM_TEMPERATURE_C, value=value, observed_at=at
    )
    return KeptReading(made, quality, 5)


async def keep(outbox: Outbox, name: str, memory: str = "{}") -> Kept | NotKept:
    light = LightRow("btn-kitchen", "button-1", name, "kept", "", 0)
    return await outbox.keep(signal(name), [MemoryRow("btn-kitchen", memory)], light, AT)


async def needs(outbox: Outbox) -> list[str]:
    """Read what waits, by its name."""
    batch = await outbox.need_batch(0, 100_000, AT)
    return [] if batch is None else [need.signal_id for _, need in batch.rows]


async def values(outbox: Outbox) -> list[float]:
    """Read the readings that wait."""
    found: list[float] = []
    after = 0
    while (batch := await outbox.reading_batch(after, 5_000, AT)) is not None:
        found.extend(row.value for row in batch.rows)
        after = batch.rows[-1].sequence
    return found


@contextlib.contextmanager
def looking(path: Path) -> Iterator[sqlite3.Connection]:
    """Look into a file of an outbox, also while it is open in this very process."""
    with (
        sole_owner(path.parent),
        still_file(path) as copy,
        contextlib.closing(schema.connect_to_look(copy)) as connection,
    ):
        yield connection


def overwrite(path: Path, page: int, raw: bytes) -> None:
    """Write over the beginning of one page, counted from 1."""
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(raw)
