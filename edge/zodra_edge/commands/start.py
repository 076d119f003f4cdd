"""Starts the agent in this process. Without click: what is imported here stays as long as it runs.

Both ways to `zodra-edge run` end here, the plain one of `__main__` and the one of `cli`.
"""

import asyncio
import gc
import sys
from functools import partial
from pathlib import Path
from typing import Final

from zodra_edge.errors import EdgeError, Unclaimed
from zodra_edge.service.manager import here
from zodra_edge.settings import load

YOUNG_MAX: Final = 10_000
"""Objects made and not gone again before the collector looks for cycles among them; Python's own
number is 700. A thousand presses that wait together are more than that, and alive: looking through
them eleven times took a fifth of the processor's time. Cycles are rare here, so little piles up."""


def calm_collector() -> None:
    """Let the collector look less often, and not at what lives for ever."""
    # Imports make 200,000 objects that do.
    gc.freeze()
    gc.set_threshold(YOUNG_MAX)


def start(config: Path) -> int:
    """Run the gateway until it is asked to stop.

    Returns:
        The exit code; 1 with a sentence on stderr if it could not start.
    """
    manager = here()
    try:
        try:
            settings = load(config)
        except Unclaimed as fault:
            if not manager.listens:
                raise
            from zodra_edge.service.claim import wait_for_claim

            return wait_for_claim(config, str(fault), manager)
        # After the settings: what is wrong with them is said before half a second of imports.
        from zodra_edge import agent, logs

        logs.set_up(settings.log_level)
        calm_collector()
        return asyncio.run(agent.run(settings, manager, partial(load, config)))
    except EdgeError as fault:
        manager.says(str(fault))
        sys.stderr.write(f"Error: {fault}\n")
        return 1
