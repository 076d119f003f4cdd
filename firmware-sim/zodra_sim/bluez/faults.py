"""What can be made to go wrong, so that a program's way out of it can be tried."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from zodra_sim.bluez.tree import Refusal

INTERFACE: Final = "org.zodra.Faults1"
PATH: Final = "/org/zodra/faults"
FOREVER: Final = -1


@dataclass(slots=True)
class Faults:
    """Set from outside, by calls to `org.zodra.Faults1`."""

    errors: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By member, such as `StartDiscovery`: the error it answers, and how many times more."""
    hanging: set[str] = field(default_factory=set)
    """Members that never answer."""
    silent_until: str = ""
    """Nothing is heard until this member is called; `never` ends only by hand."""
    silent_calls: int = 1
    """How often it has to be called for that."""
    held: set[asyncio.Task[None] | None] = field(default_factory=set)
    """Who asked something that is never answered."""
    calls: list[str] = field(default_factory=list)
    """Of BlueZ's interfaces, the latest: what a test looks at."""

    async def before(self, member: str) -> None:
        """Let a call pass, or not.

        Raises:
            Refusal: this call is to fail.
        """
        self.calls = [*self.calls[-199:], member]
        if member in self.hanging:
            self.held.add(asyncio.current_task())
            await asyncio.Event().wait()
        if self.silent_until == member:
            self.silent_calls -= 1
            if self.silent_calls <= 0:
                self.silent_until = ""
        name, times = self.errors.get(member, ("", 0))
        if not name:
            return
        if times > 1:
            self.errors[member] = (name, times - 1)
        elif times == 1:
            del self.errors[member]
        raise Refusal(name, "made to fail")

    def call(self, member: str, body: list[Any]) -> tuple[str, list[Any]]:
        """Answer one call to the faults' own interface.

        Raises:
            Refusal: there is no such fault.
        """
        match member, body:
            case "Fail", [str(named), str(error), int(times)]:
                self.errors[named] = (error, times)
            case "Hang", [str(named)]:
                self.hanging.add(named)
            case "Silence", [str(until)]:
                self.silent_until, self.silent_calls = until, 1
            case "SilenceFor", [str(until), int(calls)]:
                self.silent_until, self.silent_calls = until, calls
            case "Clear", []:
                self.errors.clear()
                self.hanging.clear()
                self.silent_until = ""
            case "Calls", []:
                return "as", [self.calls]
            case _:
                raise Refusal("org.freedesktop.DBus.Error.UnknownMethod", f"no fault {member}")
        return "", []
