"""SIGKILL at any moment: what was confirmed is there, once, with its memory."""

import asyncio
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.outbox import Outbox
from zodra_edge.settings import OutboxLimits

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROUNDS = 6
TEMPLATE = NeedSignal(
    signal_id="p",
    device_id="d",
    slot_key="s",
    kind=SignalKind.PRESS,
    occurred_at=AT,
    time=TimeNote(boot_id="boot", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1),
    authenticated=True,
)


async def confirmed_until_killed(folder: Path, name: str, lines: int) -> list[tuple[int, str]]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("writer_to_kill.py")),
        str(folder),
        name,
        TEMPLATE.model_dump_json(),
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    heard = [await child.stdout.readline() for _ in range(lines)]
    child.send_signal(signal.SIGKILL)
    heard += (await child.stdout.read()).splitlines()
    assert await child.wait() == -signal.SIGKILL
    # A line may be cut in the middle: that one was not confirmed to anybody.
    whole = [line.split() for line in heard if len(line.split()) == 2]
    return [(int(sequence), signal_id.decode()) for sequence, signal_id in whole[:-1]]


async def test_nothing_confirmed_is_lost_or_doubled_when_the_writer_is_killed(
    tmp_path: Path,
) -> None:
    confirmed: dict[int, str] = {}
    for round_ in range(ROUNDS):
        rows = await confirmed_until_killed(tmp_path, f"r{round_}", 20 + 37 * round_)
        assert not confirmed.keys() & dict(rows).keys()
        confirmed.update(rows)
    async with Outbox(tmp_path, OutboxLimits(need_rows_max=1_000_000)) as outbox:
        batch = await outbox.need_batch(0, 1_000_000, AT)
        memories = await outbox.memories()
    assert batch is not None
    stored = {sequence: row.signal_id for sequence, row in batch.rows}
    assert confirmed.items() <= stored.items()
    assert len(set(stored.values())) == len(stored)
    for worker, number in memories.items():
        assert f"{worker}_{number}" in stored.values()
        assert f"{worker}_{int(number) + 1}" not in stored.values()
