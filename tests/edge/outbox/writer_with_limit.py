"""A child whose files may not grow past a limit for a while. Run by `test_storage`."""

import asyncio
import json
import resource
import signal
import sys
from pathlib import Path

from edge_outbox import AT, keep, needs
from zodra_edge.outbox import Kept, Outbox
from zodra_edge.settings import OutboxLimits

LIMIT = 300_000


async def main() -> None:
    """Keep until it is refused, then with the limit gone once more, and say what happened."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    async with Outbox(Path(sys.argv[1]), OutboxLimits()) as outbox:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, most))
        kept = 0
        while isinstance(answer := await keep(outbox, f"p_{kept}"), Kept):
            kept += 1
        state = outbox.storage().state
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        await outbox.care(AT, is_trusted=True)
        await keep(outbox, "p_again")
        print(
            json.dumps(
                {
                    "kept": kept,
                    "refused": answer.reason,
                    "state": state,
                    "state_after": outbox.storage().state,
                    "there": await needs(outbox),
                }
            )
        )


asyncio.run(main())
