"""The adapters of a gateway, what they hear together, and the devices connected through them."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from zodra_edge.agent.supervisor import STOP_S_MAX, Supervisor
from zodra_edge.clock import Clock
from zodra_edge.decode.frame import BleAdvert, GattValue
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.ladder import Limits
from zodra_edge.ladder.mode import Plan
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
        self._known = _by_address(profiles)
        connects = {address: p for address, p in self._known.items() if p.connects}
        self.strangers = Strangers()
        home = Home(
            profiles=self._known,
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
        self._named = named
        self.adapters = tuple(self._adapter(one, home, profiles) for one in named)
        self.connections = {
            profile.device_id: Connection(address, self._arrivals, self.adapters, clock, take)
            for address, profile in connects.items()
        }

    @property
    def parts(self) -> frozenset[str]:
        """Name what `start` runs."""
        return frozenset(self._parts())

    def start(self, supervisor: Supervisor) -> None:
        """Run everything."""
        for name, part in self._parts().items():
            supervisor.start(name, part)

    def take_up(self, profiles: tuple[DeviceProfile, ...]) -> bool:
        """Know these devices from now on, if the adapters can go on listening as they do.

        Returns:
            Whether they can; if not, nothing has changed.
        """
        known = _by_address(profiles)
        connects = {p.device_id: address for address, p in known.items() if p.connects}
        now = {p.device_id: address for address, p in self._known.items() if p.connects}
        if connects != now or self._plans(profiles) != self._plans(tuple(self._known.values())):
            return False
        self._known.clear()
        self._known.update(known)
        return True

    async def close(self) -> None:
        """Give the adapters back."""
        for backends in self._opened:
            try:
                async with asyncio.timeout(STOP_S_MAX):
                    await backends.close()
            except (TimeoutError, OSError) as fault:
                log.warning("radio_not_closed", fault=type(fault).__name__)

    def rssi_dbm(self, profile: DeviceProfile) -> int | None:
        """Say how strongly a device was last heard, by whoever of those that may heard it best."""
        heard = self.heard_by(profile)
        if profile.adapter is not None:
            return heard.get(profile.adapter)
        return max(heard.values(), default=None)

    def heard_by(self, profile: DeviceProfile) -> dict[str, int]:
        """Say how strongly each adapter last heard a device, in dBm."""
        where = profile.address or ""
        heard = {one.adverts.name: one.adverts.rssi_dbm(where) for one in self.adapters}
        return {name: dbm for name, dbm in heard.items() if dbm is not None}

    def _parts(self) -> dict[str, Callable[[], Awaitable[None]]]:
        parts: dict[str, Callable[[], Awaitable[None]]] = {}
        if self._bluez is not None:
            parts["bluez"] = self._bluez.run
        for number, adapter in enumerate(self.adapters):
            parts[f"radio-{number}" if number else "radio"] = adapter.run
        for device_id, connection in self.connections.items():
            parts[f"connection-{device_id}"] = connection.run
        return parts

    def _plans(self, profiles: tuple[DeviceProfile, ...]) -> list[Plan]:
        return [plan_of(self._settings, one, profiles) for one in self._named]

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


def _by_address(profiles: Iterable[DeviceProfile]) -> dict[str, DeviceProfile]:
    return {p.address.upper(): p for p in profiles if p.address is not None}


def _bluez() -> "BlueZ":
    # Imported where it is needed: its D-Bus library is there on Linux alone.
    from zodra_edge.radio.bluez import BlueZ

    return BlueZ()
