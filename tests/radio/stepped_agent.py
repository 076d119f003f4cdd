"""`zodra-edge run` whose time stands still until it is told what time it is.

Only the process's clock is another: its event loop, and the two clocks of `time` that the agent
reads. What is inside, bleak's BlueZ code included, is as users run it. Over the line it is told an
instant; it answers once everything due by then is done, with how many questions to D-Bus of its
own are still without an answer.

    python -m radio.stepped_agent CONFIG LINE [WITHOUT]

LINE is the number of an open socket. WITHOUT names a step of the ladder to leave out: the control.
"""

import asyncio
import os
import selectors
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any, Final

from dbus_fast.aio import MessageBus

from zodra_edge.ladder import stages

TOLD: Final = struct.Struct("<d")
ANSWERED: Final = struct.Struct("<I")
QUESTION: Final = "waits for"
_KINDS: Final = (time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC)
_REAL: Final = time.clock_gettime

_Ready = list[tuple[selectors.SelectorKey, int]]


class Pace:
    """What time it is here, and who asked to be told when all is done."""

    def __init__(self, line: socket.socket) -> None:
        self.now_s = _REAL(time.CLOCK_BOOTTIME)
        self.buses: list[MessageBus] = []
        self._line = line
        self._asked = False

    def told(self) -> None:
        """Take the next instant."""
        raw = self._line.recv(TOLD.size)
        if len(raw) < TOLD.size:
            # Whoever told the time is gone, and it would stand still for ever.
            os._exit(3)
        (self.now_s,) = TOLD.unpack(raw)
        self._asked = True

    def idle(self) -> None:
        """Answer: nothing is left to do at this instant."""
        if not self._asked:
            return
        self._asked = False
        # One that is being connected counts as well: it asks for its name.
        self.buses = [bus for bus in self.buses if not bus._disconnected]
        waiting = sum(len(bus._method_return_handlers) for bus in self.buses)
        self._line.sendall(ANSWERED.pack(waiting))

    def say_what_waits(self, *_: object) -> None:
        """Write each open question to the log, when a case has got stuck."""
        for bus in self.buses:
            for handler in bus._method_return_handlers.values():
                message = getattr(handler, "args", (None,))[0]
                what = message and (message.destination, message.path, message.member, message.body)
                print(QUESTION, bus.unique_name, what, file=sys.stderr, flush=True)


class Selector(selectors.DefaultSelector):
    """Never waits for time to pass, only for what comes from outside."""

    pace: Pace

    def select(self, timeout: float | None = None) -> _Ready:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        self.pace.idle()
        return super().select(None)


class Loop(asyncio.SelectorEventLoop):
    """Its time is the one that was told."""

    def __init__(self, pace: Pace, line: socket.socket) -> None:
        self._pace = pace
        selector = Selector()
        selector.pace = pace
        super().__init__(selector)
        self.add_reader(line, pace.told)

    def time(self) -> float:
        return self._pace.now_s


class Policy(asyncio.DefaultEventLoopPolicy):
    """Gives the agent that loop."""

    def __init__(self, pace: Pace, line: socket.socket) -> None:
        super().__init__()
        self._pace = pace
        self._line = line

    def new_event_loop(self) -> Loop:
        return Loop(self._pace, self._line)


def watch_buses(pace: Pace) -> None:
    """Note each connection to D-Bus, so that its open questions can be counted."""
    connect = MessageBus.connect

    async def noted(self: MessageBus) -> MessageBus:
        pace.buses.append(self)
        return await connect(self)

    MessageBus.connect = noted  # type: ignore[method-assign]  # nothing else tells who connects


def set_clocks(pace: Pace) -> None:
    """Let `time` tell the instant that was told."""

    def gettime(kind: int) -> float:
        return pace.now_s if kind in _KINDS else _REAL(kind)

    time.clock_gettime = gettime
    time.clock_gettime_ns = lambda kind: int(gettime(kind) * 1_000_000_000)


def main() -> None:
    config, number, *without = sys.argv[1:]
    line = socket.socket(fileno=int(number))
    pace = Pace(line)
    signal.signal(signal.SIGUSR1, pace.say_what_waits)
    set_clocks(pace)
    watch_buses(pace)
    asyncio.set_event_loop_policy(Policy(pace, line))
    steps: Any = stages.STEPS
    for stage in [stage for stage, step in steps.items() if step in without]:
        # A product broken on purpose, in a process of its own, to see the cases go red.
        del steps[stage]
    from zodra_edge.commands.start import start

    sys.exit(start(Path(config)))


if __name__ == "__main__":
    main()
