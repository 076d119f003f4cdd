"""A child that holds a data folder as an agent does, and keeps need-moments in bursts."""

import asyncio
import sys
from pathlib import Path

from edge_outbox import keep
from zodra_edge.outbox import Kept, MemoryRow, Outbox
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import sole_owner

PADDING_ROWS = 4_000
"""Of a kB each: a copy of the file takes longer than a commit."""
LOG_PAGES = 16
"""Few: the log is moved into the file, and begun anew, with every few commits."""
BURST = 30
REST_S = 0.03


async def main(folder: Path) -> None:
    async def presses(outbox: Outbox, worker: int) -> None:
        for number in range(1_000_000):
            assert isinstance(await keep(outbox, f"p_{worker}_{number}"), Kept)
            if number % BURST == BURST - 1:
                await asyncio.sleep(REST_S)
            if number == 100 and worker == 0:
                sys.stdout.write("writing\n")
                sys.stdout.flush()

    with sole_owner(folder):
        async with Outbox(folder, OutboxLimits(need_rows_max=1_000_000)) as outbox:
            rows = [MemoryRow(f"btn-{number}", "x" * 1_000) for number in range(PADDING_ROWS)]
            await outbox.remember(rows)
            await outbox._need.run(
                lambda connection, _: connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
            )
            await asyncio.gather(*(presses(outbox, worker) for worker in range(4)))


asyncio.run(main(Path(sys.argv[1])))
