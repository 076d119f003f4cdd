"""Waits, as a service, for a person to say whose gateway this is."""

import sys
import time
from pathlib import Path
from typing import Final

from zodra_edge.service.manager import Manager

LOOK_S: Final = 2.0
Stamp = tuple[int, int, int] | None


def wait_for_claim(config: Path, fault: str, manager: Manager) -> int:
    """Say what to do, then wait until the settings are other ones.

    To fail would be to be started again, and to fail again, for as long as nobody has the time.

    Args:
        config: the settings.
        fault: the sentence to show.
        manager: where it is shown, beside the journal.

    Returns:
        The exit code: the manager starts us anew, and hands over new credentials.
    """
    before = _stamp(config)
    sys.stderr.write(f"{fault}\n")
    manager.says(fault)
    manager.ready()
    pause_s = LOOK_S if manager.watchdog_s is None else min(LOOK_S, manager.watchdog_s / 3)
    while _stamp(config) == before:
        manager.alive()
        time.sleep(pause_s)
    manager.stopping()
    sys.stderr.write(f"{config} has changed; starting anew\n")
    return 0


def _stamp(config: Path) -> Stamp:
    try:
        found = config.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
