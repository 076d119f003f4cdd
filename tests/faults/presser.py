"""The real outbox, clock and uplink in a process whose wall clock is set by `test_clock`.

    python -m faults.presser BROKER_PORT DATA_DIR

Each line on its input is how many needs to keep now; `end` waits until all are receipted.
"""

import asyncio
import sys
from pathlib import Path

import structlog

from edge_broker import until
from faults.consumer import edge, settings
from zodra_edge.link import Lane, LinkState


async def main() -> None:
    """Keep needs as told."""
    # Long for a busy machine, and nothing beside the jumps of years.
    wanted = settings(int(sys.argv[1]), Path(sys.argv[2]), receipt_timeout_s=60.0)
    number = 0
    async with edge(wanted) as home:
        await until(lambda: home.uplink.status.state is LinkState.ONLINE)
        while (line := await asyncio.to_thread(sys.stdin.readline)).strip() != "end":
            for _ in range(int(line)):
                await home.press(f"p_{number}")
                number += 1
                sys.stdout.write("kept\n")
                sys.stdout.flush()
            await until(lambda: home.outbox.level(Lane.NEED).depth == 0, 60)
        left = home.outbox.level(Lane.NEED).depth
        overdue = home.counts.count("receipt_overdue")
        sys.stdout.write(f"left {left} overdue {overdue}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    # The output is for the test alone.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main())
