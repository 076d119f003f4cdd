"""How many need-moments a second the outbox makes durable, against SQLite alone on the same work.

A hundred callers wait, each for its own press to be synced before it makes the next one, as group
commit has it. Then a bare connection of the standard library writes the same rows, in transactions
of the very sizes that came about, under the same pragmas (WAL, synchronous FULL, the same
checkpoints): as many syncs for as many rows, with nobody waiting for any of them.

Run alone: `python -m bench.edge_appends`.
"""

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from bench import world
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.outbox import Kept, LightRow, MemoryRow, Outbox
from zodra_edge.outbox.records import memory_checksum, need_checksum
from zodra_edge.outbox.schema import PAGE_BYTES, PRAGMAS
from zodra_edge.outbox.writer import Writer
from zodra_edge.settings import OutboxLimits

CALLERS = 100
SECONDS_MAX = 30.0
ROWS_MAX = 1_000_000
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MEMORY = '{"press":{"epoch":1,"counter":4711,"done":[0],"packet":null,"recent":[]}}'
SCHEMA = """
    CREATE TABLE need (sequence INTEGER PRIMARY KEY, signal_id TEXT NOT NULL, body TEXT NOT NULL,
        kept_ms INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT;
    CREATE TABLE memory (place INTEGER PRIMARY KEY, device_id TEXT NOT NULL UNIQUE,
        memory TEXT NOT NULL, checksum INTEGER) STRICT;
    CREATE TABLE light (place INTEGER PRIMARY KEY, signal_id TEXT NOT NULL,
        device_id TEXT NOT NULL, slot_key TEXT NOT NULL, state TEXT NOT NULL,
        reason TEXT NOT NULL, at_ms INTEGER NOT NULL, round INTEGER NOT NULL) STRICT;
"""


class Counting(Writer[Any]):
    """Notes how many presses each sync covered."""

    sizes: list[int] = []  # noqa: RUF012 - one for the one measurement

    def _transact(self, group: list[Any]) -> list[Any]:
        results = super()._transact(group)
        if kept := sum(isinstance(result, Kept) for result in results):
            self.sizes.append(kept)
        return results


def signal_of(number: int) -> NeedSignal:
    return NeedSignal(
        signal_id=f"p-btn-{number % CALLERS}-enc-1-{number}-0-press",
        device_id=f"btn-{number % CALLERS}",
        slot_key="button-1",
        kind=SignalKind.PRESS,
        occurred_at=AT,
        time=TimeNote(boot_id="boot", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1),
        evidence={"event": "press", "button": 0, "counter": number},
        authenticated=True,
    )


async def append(folder: Path, seconds: float) -> tuple[int, float, list[float]]:
    """Let the callers append; returns rows, seconds, and how long each waited."""
    numbers, waited_s = count(), list[float]()
    limits = OutboxLimits(need_rows_max=ROWS_MAX, need_bytes_max=2**32)
    async with Outbox(folder, limits, Counting) as outbox:
        began = time.monotonic()

        async def call(caller: int) -> None:
            device = f"btn-{caller}"
            while (start := time.monotonic()) - began < seconds:
                signal = signal_of(next(numbers))
                light = LightRow(device, "button-1", signal.signal_id, "kept", "", 0)
                kept = await outbox.keep(signal, [MemoryRow(device, MEMORY)], light, AT)
                assert isinstance(kept, Kept), kept
                waited_s.append(time.monotonic() - start)

        await asyncio.gather(*(call(caller) for caller in range(CALLERS)))
        return len(waited_s), time.monotonic() - began, waited_s


def alone(path: Path, sizes: Sequence[int]) -> float:
    """Write as many rows in as many transactions; returns the seconds."""
    bodies = [signal_of(number).model_dump_json() for number in range(sum(sizes))]
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    db.executescript(f"PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; {PRAGMAS}")
    db.executescript(SCHEMA)
    began, first = time.monotonic(), 0
    for size in sizes:
        rows = range(first, first + size)
        first += size
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            "INSERT INTO need (sequence, signal_id, body, kept_ms, checksum) "
            "VALUES (?, ?, ?, ?, ?)",
            [(n, f"p-{n}", bodies[n], 1, need_checksum(n, 1, bodies[n])) for n in rows],
        )
        db.executemany(
            "INSERT INTO memory (device_id, memory, checksum) VALUES (?, ?, ?) "
            "ON CONFLICT (device_id) "
            "DO UPDATE SET memory = excluded.memory, checksum = excluded.checksum",
            [
                (f"btn-{n % CALLERS}", MEMORY, memory_checksum(f"btn-{n % CALLERS}", MEMORY))
                for n in rows
            ],
        )
        db.executemany(
            "INSERT INTO light (signal_id, device_id, slot_key, state, reason, at_ms, round) "
            "VALUES (?, ?, 'button-1', 'kept', '', 0, 1)",
            [(f"p-{n}", f"btn-{n % CALLERS}") for n in rows],
        )
        db.execute("COMMIT")
    took = time.monotonic() - began
    db.close()
    return took


def measure(seconds: float = 3.0) -> dict[str, float]:
    """Measure once, for at most `SECONDS_MAX`.

    Returns:
        Appends a second of both and their ratio; presses a sync covered; how long a caller waited.
    """
    with tempfile.TemporaryDirectory(prefix="zodra-bench-") as folder:
        Counting.sizes = []
        rows, took, waited_s = asyncio.run(append(Path(folder), min(seconds, SECONDS_MAX)))
        sizes = Counting.sizes
        bare = rows / alone(Path(folder) / "alone.db", sizes)
        p50, p99 = world.percentiles_ms(waited_s)
        return {
            "appends_per_s": rows / took,
            "alone_per_s": bare,
            "ratio": rows / took / bare,
            "presses_a_sync": rows / len(sizes),
            "p50_ms": p50,
            "p99_ms": p99,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    for name, value in measure(parser.parse_args().seconds).items():
        print(f"{name:>20} {value:,.2f}")


if __name__ == "__main__":
    main()
