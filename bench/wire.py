"""How large a reading is on the wire, and how fast batches are read.

A batch of 100 readings as a home sends it: twenty thermostats in turn, five readings a message,
values that wander and instants that are seconds apart. Reading is `read_up`, with every row
validated; compressing is the gateway's own level.

Run alone, it also says at which size compressing begins to pay: `python -m bench.wire`.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import zstandard

from zodra_contract import envelope
from zodra_contract.envelope import NeedBatch, NeedRow, TelemetryBatch, TelemetryRow
from zodra_contract.ids import press_id
from zodra_contract.reading import ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.uplink.compose import ZSTD_LEVEL

ROWS = 100
DEVICES = 20
SIZES = (1, 2, 3, 5, 10, 100, 500)
SECONDS_MAX = 30.0
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def batch(count: int = ROWS) -> TelemetryBatch:
    chance = random.Random(1)
    rows: list[TelemetryRow] = []
    offset_ms = 0
    while len(rows) < count:
        device = f"trv-{len(rows) // 5 % DEVICES}"
        offset_ms += chance.randrange(500, 4_000)
        for kind, value in (
            (ReadingKind.ROOM_TEMPERATURE_C, round(chance.uniform(18, 22), 1)),
            (ReadingKind.SETPOINT_TEMPERATURE_C, 20.5),
            (ReadingKind.HEATING_ON, float(chance.random() < 0.5)),
            (ReadingKind.HEATING_DEMAND_PERCENT, float(chance.randrange(101))),
            (ReadingKind.BATTERY_PERCENT, 97.0),
        ):
            rows.append(TelemetryRow(480_000 + len(rows), device, kind, value, offset_ms))
    return TelemetryBatch(
        gateway_id="gw-bench",
        boot_id="3f1c2a9e-5a0f-4b52-9d1c-6f0e7b1f2a44",
        sent_at=AT,
        buffer_id="0192f3a4b5c6d7e8f901a2b3c4d5e6f7",
        kept_from=480_000,
        base_at=AT,
        quality=TimeQuality.SYNCED,
        error_ms=20,
        rows=tuple(rows[:count]),
    )


def needs(count: int) -> NeedBatch:
    signals = [
        NeedSignal(
            signal_id=press_id("btn-kitchen", f"enc-{number}", 0, "press"),
            device_id="btn-kitchen",
            slot_key="button-1",
            kind=SignalKind.PRESS,
            occurred_at=AT + timedelta(seconds=37.125 * number),
            time=TimeNote(
                boot_id="3f1c2a9e-5a0f-4b52-9d1c-6f0e7b1f2a44",
                monotonic_ms=81_234 + 37_125 * number,
                quality=TimeQuality.SYNCED,
                error_ms=50,
            ),
            evidence={"event": "press", "button": 0, "rssi_dbm": -61.5 - number % 7},
            authenticated=True,
        )
        for number in range(count)
    ]
    return NeedBatch(
        gateway_id="gw-bench",
        boot_id="3f1c2a9e-5a0f-4b52-9d1c-6f0e7b1f2a44",
        sent_at=AT,
        buffer_id="0192f3a4b5c6d7e8f901a2b3c4d5e6f7",
        kept_from=7,
        rows=tuple(NeedRow(7 + place, signal) for place, signal in enumerate(signals)),
    )


def _each_us(what: Callable[[], object], seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        for _ in range(20):
            what()
        done += 20
    return took / done * 1e6


def sizes(seconds: float = 0.3) -> Iterator[str]:
    """Measure batches of several sizes: bytes, and microseconds for one."""
    packer = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
    unpacker = zstandard.ZstdDecompressor()
    yield f"{'':>12} {'rows':>5} {'JSON':>8} {'zstd':>7} {'saved':>6}   us: write, pack, unpack"
    for name, make in (("readings", batch), ("needs", needs)):
        for count in SIZES:
            message = make(count)
            raw = envelope.to_bytes(message)
            packed = packer.compress(raw)
            write_us = _each_us(partial(envelope.to_bytes, message), seconds)
            pack_us = _each_us(partial(packer.compress, raw), seconds)
            unpack_us = _each_us(partial(unpacker.decompress, packed), seconds)
            yield (
                f"{name:>12} {count:>5} {len(raw):>8,} {len(packed):>7,}"
                f" {1 - len(packed) / len(raw):>6.0%}"
                f"   {write_us:.0f}, {pack_us:.0f}, {unpack_us:.0f}"
            )


def measure(seconds: float = 2.0) -> dict[str, float]:
    """Measure once, for at most `SECONDS_MAX`.

    Returns:
        Rows read a second; bytes a row of the whole message, plain and in a zstd frame.
    """
    raw = envelope.to_bytes(batch())
    packed = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(raw)
    read, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < min(seconds, SECONDS_MAX):
        message = envelope.read_up(raw).message
        assert isinstance(message, TelemetryBatch)
        read += len(message.rows)
    return {
        "rows_per_s": read / took,
        "bytes_per_row": len(raw) / ROWS,
        "bytes_per_row_zstd": len(packed) / ROWS,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2.0)
    for name, value in measure(parser.parse_args().seconds).items():
        print(f"{name:>20} {value:,.1f}")
    for line in sizes():
        print(line)


if __name__ == "__main__":
    main()
