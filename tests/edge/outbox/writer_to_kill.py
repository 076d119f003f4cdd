"""A child that keeps need-moments and says so, until it is killed. Run by `test_kill`."""

import asyncio
import sys
from pathlib import Path

from zodra_contract.signal import NeedSignal
from zodra_edge.outbox import Kept, LightRow, MemoryRow, Outbox
from zodra_edge.settings import OutboxLimits


async def main() -> None:
    folder, name = Path(sys.argv[1]), sys.argv[2]
    template = NeedSignal.model_validate_json(sys.argv[3])

    async def press(outbox: Outbox, worker: int, number: int) -> None:
        signal_id = f"{name}_{worker}_{number}"
        signal = template.model_copy(update={"signal_id": signal_id})
        kept = await outbox.keep(
            signal,
            [MemoryRow(f"{name}_{worker}", str(number))],
            LightRow("d", f"s{worker}", signal_id, "kept", "", 0),
            template.occurred_at,
        )
        assert isinstance(kept, Kept)
        sys.stdout.write(f"{kept.sequence} {signal_id}\n")
        sys.stdout.flush()

    async def worker(outbox: Outbox, place: int) -> None:
        for number in range(10_000):
            await press(outbox, place, number)

    async with Outbox(folder, OutboxLimits(need_rows_max=1_000_000)) as outbox:
        await asyncio.gather(*(worker(outbox, place) for place in range(4)))


asyncio.run(main())
