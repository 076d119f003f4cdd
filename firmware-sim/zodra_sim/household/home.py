"""The home as a whole: its devices, what one can do to them, and what is true of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final, TypeVar

from zodra_sim.clock import Clock
from zodra_sim.devices import beacon
from zodra_sim.devices.button import PressKind
from zodra_sim.devices.wearable import Activity
from zodra_sim.errors import StoreError, UnknownDevice, WrongFamily
from zodra_sim.household.bluetooth import ButtonUnit, StrapUnit
from zodra_sim.household.lights import LIGHT_FILTER, Lights
from zodra_sim.household.mqtt import BabyMonitorUnit, ThermostatUnit
from zodra_sim.household.neighbour import Neighbour
from zodra_sim.household.repository import Store
from zodra_sim.household.settings import (
    BabyMonitorSettings,
    ButtonSettings,
    DeviceSettings,
    HomeSettings,
    ThermostatSettings,
    WearableSettings,
)
from zodra_sim.household.unit import Surroundings
from zodra_sim.links.home_broker import HomeBroker
from zodra_sim.logs import logger
from zodra_sim.radio.air import Air

FILE_NAME: Final = "home.db"
NEIGHBOUR_DBM: Final = -88
"""Through a wall."""

AnyUnit = ButtonUnit | StrapUnit | ThermostatUnit | BabyMonitorUnit
U = TypeVar("U", ButtonUnit, StrapUnit, ThermostatUnit, BabyMonitorUnit)


class Home:
    """Everything in one house."""

    def __init__(self, settings: HomeSettings, clock: Clock) -> None:
        """Open the home's file and set the devices up; nothing is on the air yet.

        Raises:
            StoreError: the file cannot be used.
        """
        self.settings = settings
        self.clock = clock
        self.store = _open_store(settings)
        random = Random(settings.seed)  # noqa: S311  # noise of sensors, nothing to guess
        self._listeners: set[asyncio.Event] = set()
        self._around = Surroundings(
            clock, random, self.store, settings.hour_lasts_s, self._tell_listeners
        )
        strengths = {
            one.address: one.rssi_dbm
            for one in settings.devices
            if isinstance(one, ButtonSettings | WearableSettings)
        }
        self.air = Air(random, {beacon.ADDRESS: NEIGHBOUR_DBM, **strengths})
        self._neighbour = Neighbour(self.air, settings.air.neighbour_period_s)
        self.units: dict[str, AnyUnit] = {
            one.device_id: self._unit(one) for one in settings.devices
        }
        self._lights = Lights(self.store)
        self._light_broker: HomeBroker | None = None
        if settings.mqtt is not None:
            self._light_broker = HomeBroker(
                settings.mqtt,
                f"{settings.home_id}-lights",
                random,
                filters=(LIGHT_FILTER,),
                on_message=self._on_light,
            )

    async def open(self) -> int:
        """Let radios attach to the air.

        Returns:
            The air's port.

        Raises:
            AddressInUse: another process listens there.
        """
        return await self.air.open(self.settings.air.host, self.settings.air.port)

    async def run(self) -> None:
        """Live, until cancelled; then nothing is left on the air."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for unit in self.units.values():
                    tasks.create_task(unit.run())
                tasks.create_task(self._neighbour.run())
                if self._light_broker is not None:
                    tasks.create_task(self._light_broker.run())
        finally:
            await self.air.close()

    def close(self) -> None:
        """Keep what the devices remember, and close the file."""
        for unit in self.units.values():
            unit.save()
        self.store.close()

    # What one can do.

    async def press(self, device_id: str, kind: PressKind, which: int) -> dict[str, Any]:
        """Press a button; returns when it was said for the first time."""
        return await self._the(device_id, ButtonUnit).press(kind, which)

    def wear(
        self, device_id: str, seconds: float | None, hours: float | None, activity: Activity
    ) -> dict[str, Any]:
        """Wear a strap for a while."""
        strap = self._the(device_id, StrapUnit)
        return strap.wear(self._around.duration_ms(seconds, hours), activity)

    def heat(self, device_id: str, seconds: float | None, hours: float | None) -> dict[str, Any]:
        """Heat a room for a while."""
        thermostat = self._the(device_id, ThermostatUnit)
        return thermostat.heat(self._around.duration_ms(seconds, hours))

    def cry(self, device_id: str, seconds: float | None, hours: float | None) -> dict[str, Any]:
        """Let the baby cry for a while."""
        monitor = self._the(device_id, BabyMonitorUnit)
        return monitor.cry(self._around.duration_ms(seconds, hours))

    def change_diaper(self, device_id: str, count: int) -> dict[str, Any]:
        """Change some diapers."""
        return self._the(device_id, BabyMonitorUnit).change_diaper(count)

    def refill(self, device_id: str, units: int | None) -> dict[str, Any]:
        """Put diapers on the shelf."""
        return self._the(device_id, BabyMonitorUnit).refill(units)

    # What is true.

    def state(self) -> dict[str, Any]:
        """Give everything the page and the tests want to know, as plain values."""
        units = self.units.values()
        light_broker = self._light_broker
        return {
            "home_id": self.settings.home_id,
            "at": self._around.text_now(),
            "mqtt_connected": light_broker is not None and light_broker.connected,
            "radios_on_air": self.air.radios,
            "devices": [self._device_state(unit) for unit in units],
            "truth": {
                "presses": sum(one.pressed for one in units if isinstance(one, ButtonUnit)),
                "diaper_changes": sum(
                    one.changes for one in units if isinstance(one, BabyMonitorUnit)
                ),
                "worn_s": sum(one.worn_s for one in units if isinstance(one, StrapUnit)),
                "heating_s": sum(one.heating_s for one in units if isinstance(one, ThermostatUnit)),
            },
        }

    def truth(self, after: int) -> list[dict[str, Any]]:
        """List what really happened after a row, oldest first."""
        return [
            {
                "n": n,
                "at": one.at,
                "device_id": one.device_id,
                "what": one.what,
                "detail": one.detail,
            }
            for n, one in self.store.truths(after)
        ]

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever something that the page shows may have changed."""
        listener = asyncio.Event()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def _device_state(self, unit: AnyUnit) -> dict[str, Any]:
        lights = self.store.lights(unit.device_id)
        shown = ("slot_key", "state", "reason", "at", "signal_id", "gateway_id")
        state = {
            "device_id": unit.device_id,
            "family": unit.family,
            "label": unit.label,
            "online": unit.online,
            "battery_percent": unit.battery_percent,
            "facts": dict(unit.facts),
            "lights": [{name: getattr(light, name) for name in shown} for light in lights],
        }
        if isinstance(unit, ButtonUnit):
            state["pressed"] = unit.pressed
        return state

    def _tell_listeners(self) -> None:
        for listener in self._listeners:
            listener.set()

    def _on_light(self, topic: str, payload: bytes) -> None:
        if (light := self._lights.hear(topic, payload)) is not None:
            logger().info("light", device_id=light.device_id, state=light.state)
            self._tell_listeners()

    def _the(self, device_id: str, kind: type[U]) -> U:
        if (unit := self.units.get(device_id)) is None:
            raise UnknownDevice(f"this home has no device {device_id}")
        if not isinstance(unit, kind):
            raise WrongFamily(f"{device_id} is a {unit.family}; it cannot do that")
        return unit

    def _unit(self, settings: DeviceSettings) -> AnyUnit:
        match settings:
            case ButtonSettings():
                return ButtonUnit(settings, self._around, self.air)
            case WearableSettings():
                return StrapUnit(settings, self._around, self.air)
        if (mqtt := self.settings.mqtt) is None:
            raise ValueError("settings without [mqtt] were let through")
        match settings:
            case ThermostatSettings():
                return ThermostatUnit(settings, self._around, mqtt, self.settings.home_id)
            case BabyMonitorSettings():
                return BabyMonitorUnit(settings, self._around, mqtt, self.settings.home_id)


def _open_store(settings: HomeSettings) -> Store:
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise StoreError(f"data_dir = {folder} cannot be made: {fault.strerror}") from fault
    return Store(folder / FILE_NAME)
