"""What every device of a home has, whatever its family."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from zodra_sim import clock
from zodra_sim.errors import ActRefused, StoreError
from zodra_sim.household.repository import Store, Truth
from zodra_sim.logs import logger

SAVE_PERIOD_MS: Final = 10_000
"""How much of what merely accumulates (time worn, time heated) a crash may forget."""
HOUR_MS: Final = 3_600_000
ACT_S_MAX: Final = 30 * 24 * 3600.0
"""The longest that one act may last."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the devices of one home share."""

    clock: clock.Clock
    random: Random
    store: Store
    hour_lasts_s: float
    changed: Callable[[], None]
    """Told that something the page shows is different now."""

    @property
    def room_speed(self) -> float:
        """How much faster than the clock a simulated hour passes."""
        return 3600 / self.hour_lasts_s

    def text_now(self) -> str:
        """Give the instant as RFC 3339 with Z."""
        return clock.text(self.clock.now())

    def duration_ms(self, seconds: float | None, hours: float | None) -> int:
        """Turn an act's `seconds` (real) or `hours` (simulated) into milliseconds.

        Raises:
            ActRefused: neither or both were given, or the duration is out of range.
        """
        if (seconds is None) == (hours is None):
            raise ActRefused("give either seconds or hours")
        lasts_s = seconds if seconds is not None else (hours or 0.0) * self.hour_lasts_s
        if not 0 <= lasts_s <= ACT_S_MAX:
            raise ActRefused(f"a duration of {lasts_s:g} s is outside 0..{ACT_S_MAX:g} s")
        return round(lasts_s * 1000)


S = TypeVar("S")


class Memory(Generic[S]):
    """One device's state, and its place in the home's file."""

    def __init__(self, surroundings: Surroundings, device_id: str, kind: type[S], new: S) -> None:
        """Remember the device, or begin a new one.

        Raises:
            StoreError: what was kept is no state of this family.
        """
        self.state = new
        self.device_id = device_id
        self._around = surroundings
        self._adapter = TypeAdapter(kind)
        self._saved_s = surroundings.clock.monotonic()
        if (kept := surroundings.store.memory(device_id)) is not None:
            try:
                self.state = self._adapter.validate_json(kept)
            except ValidationError as fault:
                raise StoreError(
                    f"what was kept of device {device_id} does not fit its family; "
                    "give the device another device_id, or start with an empty data_dir"
                ) from fault

    def keep(self, state: S, *happened: tuple[str, dict[str, Any]]) -> None:
        """Take on a new state: on the disk first, together with what happened."""
        at = self._around.text_now()
        truths = [Truth(at, self.device_id, what, detail) for what, detail in happened]
        self._around.store.save(self.device_id, self._adapter.dump_json(state).decode(), truths)
        self.state = state
        self._saved_s = self._around.clock.monotonic()
        for what, count in Counter(what for what, _ in happened).items():
            logger().info("home_act", device_id=self.device_id, what=what, count=count)
        self._around.changed()

    def drift(self, state: S) -> None:
        """Take on a state that only time has changed; the disk follows now and then."""
        self.state = state
        if (self._around.clock.monotonic() - self._saved_s) * 1000 >= SAVE_PERIOD_MS:
            self.keep(state)


async def either(event: asyncio.Event, wait_s: float) -> None:
    """Wait until an event is set, which clears it, or until the time is over."""
    try:
        async with asyncio.timeout(wait_s):
            await event.wait()
    except TimeoutError:
        return
    event.clear()
