"""The adapters of a gateway, what they hear together, and the devices connected through them."""

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from zodra_edge.agent.supervisor import STOP_S_MAX, Supervisor
from zodra_edge.clock import Clock
from zodra_edge.decode.frame import BleAdvert, GattValue
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.ladder import Limits
from zodra_edge.local_mqtt.flood import Flood
from zodra_edge.nearby import Strangers
from zodra_edge.radio import Adapter, Adverts, Arrivals, Connection, Home, Slots, load
from zodra_edge.radio.backend import Backends
from zodra_edge.radio.planning import canary_of, plan_of
from zodra_edge.settings import Radio, RadioAdapter

if TYPE_CHECKING:
    from zodra_edge.radio.bluez import BlueZ

DEFAULT_NAME: Final = "hci0"
"""What the first adapter is called until BlueZ was asked."""

log = structlog.get_logger()


class Radios:
    """Everything Bluetooth of one gateway."""

    def __init__(
        self,
        settings: Radio,
        profiles: tuple[DeviceProfile, ...],
        clock: Clock,
        take: Callable[[BleAdvert | GattValue], None],
        count: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        """Make the parts; nothing runs before `start`."""
        self._settings = settings
        self._changed = changed
        by_address = {p.address.upper(): p for p in profiles if p.address is not None}
        connects = {address: p for address, p in by_address.items() if p.connects}
        self.strangers = Strangers()
        home = Home(
            profiles=by_address,
            clock=clock,
            deliver=take,
            count=count,
            lets=Flood(settings.device_adverts_per_s_max).lets,
            connects=frozenset(connects),
        )
        self._arrivals = Arrivals()
        self._bluez = None if settings.backend else _bluez()
        self._opened: list[Backends] = []
        name = DEFAULT_NAME if settings.backend is None else re.split("[.:]", settings.backend)[0]
        named = settings.adapters or (RadioAdapter(name=name[:32]),)
        self.adapters = tuple(self._adapter(one, home, profiles) for one in named)
        self.connections = {
            profile.device_id: Connection(address, self._arrivals, self.adapters, clock, take)
            for address, profile in connects.items()
        }

    def start(self, supervisor: Supervisor) -> None:
        """Run everything."""
        if self._bluez is not None:
            supervisor.start("bluez", self._bluez.run)
        for number, adapter in enumerate(self.adapters):
            supervisor.start(f"radio-{number}" if number else "radio", adapter.run)
        for device_id, connection in self.connections.items():
            supervisor.start(f"connection-{device_id}", connection.run)

    async def close(self) -> None:
        """Give the adapters back."""
        for backends in self._opened:
            try:
                async with asyncio.timeout(STOP_S_MAX):
                    await backends.close()
            except (TimeoutError, OSError) as fault:
                log.warning("radio_not_closed", fault=type(fault).__name__)

    def rssi_dbm(self, address: str) -> int | None:
        """Say how strongly a device was last heard, by whoever heard it best."""
        heard = [adapter.adverts.rssi_dbm(address) for adapter in self.adapters]
        return max((dbm for dbm in heard if dbm is not None), default=None)

    def _adapter(
        self, one: RadioAdapter, home: Home, profiles: tuple[DeviceProfile, ...]
    ) -> Adapter:
        settings = self._settings
        canary = canary_of(settings, one)
        return Adapter(
            name=one.name if settings.adapters else None,
            adverts=Adverts(one.name, home, canary, self.strangers, self._arrivals),
            plan=plan_of(settings, one, profiles),
            limits=Limits(settings.silence_s_max, settings.rung_s, canary is not None),
            slots=Slots(settings.connections_max, settings.turn_s),
            bluez=self._bluez,
            open_backends=partial(self._open, one.options),
            changed=self._changed,
        )

    async def _open(self, options: dict[str, str]) -> Backends:
        backends = await load(self._settings, options)
        self._opened.append(backends)
        return backends


def _bluez() -> "BlueZ":
    # Imported where it is needed: its D-Bus library is there on Linux alone.
    from zodra_edge.radio.bluez import BlueZ

    return BlueZ()
