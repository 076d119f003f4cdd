"""A child that holds a data folder as an agent does, and keeps need-moments without a pause."""

import asyncio
import sys
from pathlib import Path

from edge_outbox import keep
from zodra_edge.outbox import Kept, Outbox
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import sole_owner


async def main(folder: Path) -> None:
    async def presses(outbox: Outbox, worker: int) -> None:
        for number in range(1_000_000):
            assert isinstance(await keep(outbox, f"p_{worker}_{number}"), Kept)
            if number == 100 and worker == 0:
                sys.stdout.write("writing\n")
                sys.stdout.flush()

    with sole_owner(folder):
        async with Outbox(folder, OutboxLimits(need_rows_max=1_000_000)) as outbox:
            await asyncio.gather(*(presses(outbox, worker) for worker in range(4)))


asyncio.run(main(Path(sys.argv[1])))
