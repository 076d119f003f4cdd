"""Keeps needs one after the other and says what became of each. Run by tests as a process.

    python -m faults.writer FOLDER HOW_MANY [NORMAL]

Each line is `kept SEQUENCE NAME`, `not_kept REASON NAME` or, when the store cannot be opened,
`fault MESSAGE`. With NORMAL it syncs less than the outbox does, for the negative control.
"""

import asyncio
import os
import sys
from pathlib import Path

from faults import worlds
from zodra_edge.errors import OutboxFault
from zodra_edge.outbox import Kept, Outbox
from zodra_edge.settings import OutboxLimits


def say(*words: object) -> None:
    """Write a line, whole and at once."""
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Keep as many as told."""
    folder, wanted = Path(sys.argv[1]), int(sys.argv[2])
    outbox = Outbox(folder, OutboxLimits(need_rows_max=1_000_000))
    if "NORMAL" in sys.argv:
        outbox._need._connection.execute("PRAGMA synchronous = NORMAL")
    async with outbox:
        for number in range(wanted):
            name = f"p_{number}_{os.getpid()}"
            kept = await outbox.keep(
                worlds.signal(name), [worlds.memory(name)], worlds.light(name), worlds.AT
            )
            if isinstance(kept, Kept):
                say("kept", kept.sequence, name)
            else:
                say("not_kept", kept.reason, name)
                # As the agent does every few seconds.
                await outbox.care(worlds.AT, is_trusted=False)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except OutboxFault as fault:
        say("fault", fault)
