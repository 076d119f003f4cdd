"""How many need-moments a second the outbox makes durable, against SQLite alone on the same work.

The gateway's side: so many callers wait, each for its own press to be synced before it makes the
next one, as group commit has it. A press is what `Outbox.keep` takes from the agent (the signal as
an object, its device's memory, its light); making it an object is not counted.

SQLite's side: one connection of the standard library, opened on a file that was prepared the same
way (the same tables, pages of the same size, the same pragmas: WAL, synchronous FULL, the same
checkpoints, the file for itself), writes the same rows in transactions of the very sizes that came
about. In each transaction, with one `executemany` a table: the press with its checksum, its
device's memory with its checksum, its light, the deletion of as many lights as the gateway forgets,
and the counter of sequences with its checksum. As many syncs for as many rows. What it does not do:
turn the signal into JSON, decide anything, tell anybody, or wait.

Run alone: `python -m bench.edge_appends`.
"""

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import world
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.commands.start import calm_collector
from zodra_edge.outbox import Kept, LightRow, MemoryRow, Outbox, schema
from zodra_edge.outbox.records import memory_checksum, meta_checksum, need_checksum
from zodra_edge.outbox.rows.lights import LIGHTS_OVER_MAX, LIGHTS_PER_SLOT_MAX
from zodra_edge.outbox.writer import Writer
from zodra_edge.settings import OutboxLimits

CALLERS = (100, 1_000)
SECONDS_MAX = 30.0
ROWS_MAX = 1_000_000
PRESSES = 2 * (LIGHTS_PER_SLOT_MAX + LIGHTS_OVER_MAX)
"""Made beforehand, and pressed round and round by each caller; when it comes to the first again,
that one's light is forgotten, so that each makes a new row."""
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MEMORY = '{"press":{"epoch":1,"counter":4711,"done":[0],"packet":null,"recent":[]}}'


class Counting(Writer[Any]):
    """Notes how many presses each sync covered."""

    sizes: list[int] = []  # noqa: RUF012 - one for the one measurement

    def _transact(self, group: list[Any]) -> list[Any]:
        results = super()._transact(group)
        if kept := sum(isinstance(result, Kept) for result in results):
            self.sizes.append(kept)
        return results


def signal_of(caller: int, number: int) -> NeedSignal:
    return NeedSignal(
        signal_id=f"p-btn-{caller}-enc-1-{number}-0-press",
        device_id=f"btn-{caller}",
        slot_key="button-1",
        kind=SignalKind.PRESS,
        occurred_at=AT,
        time=TimeNote(boot_id="boot", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1),
        evidence={"event": "press", "button": 0, "counter": number},
        authenticated=True,
    )


async def append(folder: Path, seconds: float, callers: int) -> tuple[float, float, list[float]]:
    """Let the callers append; returns seconds, those of the processor, and how long each waited."""
    waited_s = list[float]()
    limits = OutboxLimits(need_rows_max=ROWS_MAX, need_bytes_max=2**32)
    presses = [signal_of(0, number) for number in range(PRESSES)]
    async with Outbox(folder, limits, Counting) as outbox:
        began, busy = time.monotonic(), time.process_time()

        async def call(caller: int) -> None:
            device, turn = f"btn-{caller}", 0
            memory = [MemoryRow(device, MEMORY)]
            while (start := time.monotonic()) - began < seconds:
                signal = presses[turn % PRESSES]
                turn += 1
                light = LightRow(device, "button-1", signal.signal_id, "kept", "", 0)
                kept = await outbox.keep(signal, memory, light, AT)
                assert isinstance(kept, Kept), kept
                waited_s.append(time.monotonic() - start)

        await asyncio.gather(*(call(caller) for caller in range(callers)))
        return time.monotonic() - began, time.process_time() - busy, waited_s


def alone(path: Path, sizes: Sequence[int], callers: int) -> tuple[float, float]:
    """Write as many rows in as many transactions; returns seconds, and those of the processor."""
    signals = [signal_of(caller, 1) for caller in range(callers)]
    texts = [signal.model_dump_json() for signal in signals]
    devices = [signal.device_id for signal in signals]
    names = [signal.signal_id for signal in signals]
    schema.prepare(path, schema.NEED, "alone")
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(f"{schema.ALONE}; {schema.PRAGMAS}")
    lights_behind = callers * (LIGHTS_PER_SLOT_MAX + LIGHTS_OVER_MAX)
    began, busy, first = time.monotonic(), time.process_time(), 1
    for size in sizes:
        rows = [(n, n % callers) for n in range(first, first + size)]
        first += size
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            "INSERT INTO need (sequence, signal_id, body, kept_ms, checksum) "
            "VALUES (?, ?, ?, ?, ?)",
            [(n, names[who], texts[who], 1, need_checksum(n, 1, texts[who])) for n, who in rows],
        )
        db.executemany(
            "INSERT INTO memory (device_id, memory, checksum) VALUES (?, ?, ?) "
            "ON CONFLICT (device_id) "
            "DO UPDATE SET memory = excluded.memory, checksum = excluded.checksum",
            [(devices[who], MEMORY, memory_checksum(devices[who], MEMORY)) for _, who in rows],
        )
        db.executemany(
            "INSERT INTO light (place, signal_id, device_id, slot_key, state, reason, at_ms, round)"
            " VALUES (?, ?, ?, 'button-1', 'kept', '', 0, 1)",
            [(n, names[who], devices[who]) for n, who in rows],
        )
        db.executemany("DELETE FROM light WHERE place = ?", [(n - lights_behind,) for n, _ in rows])
        db.execute(
            "UPDATE meta SET value = ?, checksum = ? WHERE name = 'next_sequence'",
            (first, meta_checksum("next_sequence", first)),
        )
        db.execute("COMMIT")
    took = time.monotonic() - began, time.process_time() - busy
    db.close()
    return took


def measure(seconds: float = 3.0, callers: int = CALLERS[0]) -> dict[str, float]:
    """Measure once, for at most `SECONDS_MAX`.

    Returns:
        Appends a second of both and their ratio; processor time for one of each, which load on the
        machine changes little; presses a sync covered; how long a caller waited.
    """
    calm_collector()  # As the gateway does; SQLite's side runs in this process as well.
    with tempfile.TemporaryDirectory(prefix="zodra-bench-") as folder:
        Counting.sizes = []
        took, busy, waited_s = asyncio.run(append(Path(folder), min(seconds, SECONDS_MAX), callers))
        rows, sizes = len(waited_s), Counting.sizes
        alone_took, alone_busy = alone(Path(folder) / "alone.db", sizes, callers)
        p50, p99 = world.percentiles_ms(waited_s)
        return {
            "callers": callers,
            "appends_per_s": rows / took,
            "alone_per_s": rows / alone_took,
            "ratio": alone_took / took,
            "cpu_us": busy / rows * 1e6,
            "alone_cpu_us": alone_busy / rows * 1e6,
            "presses_a_sync": rows / len(sizes),
            "p50_ms": p50,
            "p99_ms": p99,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    seconds = parser.parse_args().seconds
    for callers in CALLERS:
        for name, value in measure(seconds, callers).items():
            print(f"{name:>20} {value:,.2f}")


if __name__ == "__main__":
    main()
