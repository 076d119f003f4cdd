"""Processes that are started within a tenth of a second, since what they import is there already.

A server process imports the service once; each child is forked from it and runs the command line
as a cold start would, in a process of its own that a SIGKILL ends for good. Importing again after
every kill took more of a run than its orders did.
"""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Final, Protocol

_PRELOADED: Final = [
    *("faults.nursery", "zodra_cloud.cli", "zodra_cloud.app", "zodra_cloud.serving"),
    *("zodra_cloud.store.migrate", "psycopg"),
]
_PR_SET_PDEATHSIG: Final = 1


class Running(Protocol):
    """A process that was started."""

    pid: int

    def alive(self) -> bool:
        """Tell whether it has not ended."""
        ...

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        ...


class Cold:
    """Started as users start it."""

    def __init__(self, command: list[str], log: Path) -> None:
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "zodra_cloud", *command],
                stdout=file,
                stderr=file,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            )
        self.pid = self._process.pid

    def alive(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self._process.kill()
        self._process.wait()


class Warm:
    """Forked from the server."""

    def __init__(self, nursery: ForkServerContext, command: list[str], log: Path) -> None:
        self._process = nursery.Process(target=_run, args=(command, str(log)), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def alive(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.is_alive()

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self._process.kill()
        self._process.join()
        self._process.close()


def nursery() -> ForkServerContext:
    """Make the server; it starts with the first child, and ends with this process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _run(command: list[str], log: str) -> None:
    from zodra_cloud import logs
    from zodra_cloud.cli import cli

    # A run that is killed leaves nothing behind: the server goes with it, and takes its children.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # As the command line begins; multiprocessing has ignored the interrupt for its server.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for number in (1, 2):
        os.dup2(file, number)
    logs.set_up("warning")
    cli(args=command, prog_name="zodra-cloud")
