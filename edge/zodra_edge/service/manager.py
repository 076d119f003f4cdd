"""What the service manager is told (sd_notify), and how often it wants to hear that we live.

The protocol is datagrams of `NAME=value` lines: https://systemd.io/CONTAINER_INTERFACE and
sd_notify(3). So little needs no library; the one on PyPI is unmaintained.
"""

import os
import socket
from collections.abc import Mapping
from typing import Final, Self

_SAID_CHARS_MAX: Final = 300


class Manager:
    """The service manager that started this process; without one, nobody is told anything."""

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        """Take where it listens, and within what time it must hear from us, if it must."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._said = ""
        self.watchdog_s = watchdog_s

    @classmethod
    def found(cls, environment: Mapping[str, str], pid: int) -> Self:
        """Read who started us.

        Args:
            environment: of this process.
            pid: of this process; the watchdog may be meant for another.
        """
        for_us = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
        period_us = environment.get("WATCHDOG_USEC", "")
        watched = for_us and period_us.isdecimal() and int(period_us) > 0
        return cls(
            environment.get("NOTIFY_SOCKET", ""),
            int(period_us) / 1_000_000 if watched else None,
        )

    @property
    def listens(self) -> bool:
        """Whether there is one."""
        return bool(self._address)

    def ready(self) -> None:
        """Say that what is pressed from now on is kept."""
        self._tell("READY=1")

    def alive(self) -> None:
        """Say that all that must move, moves."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._tell("STOPPING=1")

    def says(self, sentence: str) -> None:
        """Show a sentence in `systemctl status`; only a new one is sent."""
        line = " ".join(sentence.split())[:_SAID_CHARS_MAX]
        if line != self._said:
            self._said = line
            self._tell(f"STATUS={line}")

    def _tell(self, line: str) -> None:
        if not self._address:
            return
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        try:
            with socket.socket(socket.AF_UNIX, kind) as to_manager:
                to_manager.sendto(line.encode(), self._address)
        except OSError:
            # A manager that is gone, or too busy to read, is no reason to stop hearing presses; if
            # it misses enough of these it acts by itself.
            return


def here() -> Manager:
    """Find who started this process."""
    return Manager.found(os.environ, os.getpid())
