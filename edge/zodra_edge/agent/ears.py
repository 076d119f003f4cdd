"""All that hears the home's devices: the connections to its broker, and the adapters.

Which devices there are may change while it runs, since a person pairs and arms them. What need not
end for that goes on: a button that is armed, or one more that only advertises, costs no frame.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from zodra_edge.agent.intake import Intake
from zodra_edge.agent.radios import Radios
from zodra_edge.agent.supervisor import Supervisor
from zodra_edge.clock import Clock, monotonic_s
from zodra_edge.decode.frame import Frame
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.local_mqtt import HomeBroker, connections
from zodra_edge.nearby import Strangers
from zodra_edge.settings import Settings
from zodra_edge.status import Tally, listing, write_nearby

WRITE_S: Final = 3.0
"""Somebody who presses a new device looks for it at once."""
_BROKER: Final = "home_mqtt"
_SPARKPLUG: Final = "home_mqtt_sparkplug"
_NEARBY: Final = "nearby"


class Ears:
    """The parts that depend on which devices there are."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        intake: Intake,
        tally: Tally,
        changed: Callable[[], None],
    ) -> None:
        """Make the parts; nothing runs before `start`."""
        self._settings = settings
        self._clock = clock
        self._intake = intake
        self._tally = tally
        self._changed = changed
        self.home, self._sparkplug = self._make_home()
        self.radios = self._make_radios()

    def start(self, supervisor: Supervisor) -> None:
        """Run everything."""
        self._start_home(supervisor)
        self._start_radios(supervisor)

    async def change(self, settings: Settings, supervisor: Supervisor) -> None:
        """Hear these devices from now on; all other settings are as they were."""
        before, self._settings = self._settings, settings
        if _on_the_broker(before) != _on_the_broker(settings):
            # Its session outlives the connection, so the broker keeps what comes in between.
            await supervisor.end({_BROKER, _SPARKPLUG})
            self.home, self._sparkplug = self._make_home()
            self._start_home(supervisor)
        radios = self.radios
        if radios is not None and not radios.take_up(settings.profiles()):
            await supervisor.end({_NEARBY, *radios.parts})
            await radios.close()
            self.radios = self._make_radios()
            self._start_radios(supervisor)

    async def close(self) -> None:
        """Give the adapters back."""
        if self.radios is not None:
            await self.radios.close()

    def _start_home(self, supervisor: Supervisor) -> None:
        if self.home is not None:
            supervisor.start(_BROKER, self.home.run)
        if self._sparkplug is not None:
            supervisor.start(_SPARKPLUG, self._sparkplug.run)

    def _start_radios(self, supervisor: Supervisor) -> None:
        if self.radios is None:
            return
        self.radios.start(supervisor)
        settings = self._settings
        near = Neighbours(
            settings.data_dir, settings.runtime_dir, self.radios.strangers, self._tally
        )
        supervisor.start(_NEARBY, near.run)

    def _make_home(self) -> tuple[HomeBroker | None, HomeBroker | None]:
        settings = self._settings
        if settings.home_mqtt is None:
            return None, None
        return connections(
            settings.home_mqtt,
            settings.gateway_id,
            settings.profiles(),
            self._clock,
            self._intake.offer,
            self._count,
        )

    def _make_radios(self) -> Radios | None:
        settings = self._settings
        if settings.radio is None:
            return None
        return Radios(
            settings.radio,
            settings.profiles(),
            self._clock,
            self._take,
            self._count,
            self._changed,
        )

    def _count(self, reason: str) -> None:
        self._tally.add(reason)

    def _take(self, frame: Frame) -> None:
        if not self._intake.offer(frame):
            self._tally.add("frame_queue_full")


class Neighbours:
    """Writes the list of strangers, while there are new ones to tell of."""

    def __init__(
        self, data_dir: Path, runtime_dir: Path | None, strangers: Strangers, tally: Tally
    ) -> None:
        """Take the parts."""
        self._data_dir = data_dir
        self._runtime_dir = runtime_dir
        self._strangers = strangers
        self._tally = tally

    async def run(self) -> None:
        """Write for ever."""
        while True:
            await asyncio.sleep(WRITE_S)
            self.write()

    def write(self) -> None:
        """Write the list as it is now."""
        try:
            write_nearby(self._data_dir, self._runtime_dir, listing(self._strangers, monotonic_s()))
        except OSError:
            self._tally.add("nearby_not_written")


def _on_the_broker(settings: Settings) -> list[DeviceProfile]:
    """Name the devices behind a topic, as far as the connections to the broker know them."""
    profiles = settings.profiles()
    return [replace(one, practice=False) for one in profiles if one.topic is not None]
