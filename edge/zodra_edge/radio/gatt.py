"""Connections to wearables: subscribe to what they notify, and again after every reconnect."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError
from bleak_retry_connector import establish_connection

from zodra_edge.clock import Clock
from zodra_edge.decode.frame import GattValue
from zodra_edge.errors import RadioFault
from zodra_edge.radio.adverts import Adverts
from zodra_edge.radio.backend import Backends

HEART_RATE: Final = "00002a37-0000-1000-8000-00805f9b34fb"
BATTERY: Final = "00002a19-0000-1000-8000-00805f9b34fb"
BATTERY_PERIOD_S: Final = 3_600.0
"""How often the battery is read again from a device that does not notify it."""
ATTEMPTS_MAX: Final = 3
"""Before waiting for the next advertisement again; Home Assistant's bar for a good adapter is that
95 % of connections succeed within two."""
DISCONNECT_S_MAX: Final = 5.0


@dataclass(slots=True)
class GattStatus:
    """How the connection stands."""

    connected: bool = False


class Wearable:
    """One wearable. `run` lasts for one connection; the supervisor comes back for the next."""

    def __init__(
        self,
        address: str,
        adverts: Adverts,
        clock: Clock,
        deliver: Callable[[GattValue], None],
    ) -> None:
        """Take the parts; `deliver` takes each value."""
        self._address = address
        self._adverts = adverts
        self._clock = clock
        self._deliver = deliver
        self.status = GattStatus()

    async def run(self, backends: Backends) -> None:
        """Wait until the device is heard, connect, and deliver until the connection ends.

        Raises:
            RadioFault: the device could not be connected to, or used.
        """
        device = await self._adverts.wait_for(self._address)
        gone = asyncio.Event()
        chosen: dict[str, Any] = {} if backends.client is None else {"backend": backends.client}
        try:
            client = await establish_connection(
                BleakClient,
                device,
                self._address,
                disconnected_callback=lambda _: gone.set(),
                max_attempts=ATTEMPTS_MAX,
                **chosen,
            )
        except (BleakError, OSError, TimeoutError) as fault:
            raise RadioFault(f"{self._address} could not be connected: {fault}") from fault
        try:
            self.status.connected = True
            await self._use(client, gone)
        except (BleakError, OSError, TimeoutError) as fault:
            raise RadioFault(f"{self._address} could not be used: {fault}") from fault
        finally:
            self.status.connected = False
            await self._leave(client)

    async def _use(self, client: BleakClient, gone: asyncio.Event) -> None:
        await client.start_notify(HEART_RATE, self._notified(HEART_RATE))
        battery = client.services.get_characteristic(BATTERY)
        if battery is not None and "notify" in battery.properties:
            await client.start_notify(battery, self._notified(BATTERY))
        while not gone.is_set():
            if battery is not None and "read" in battery.properties:
                self._value(BATTERY, bytes(await client.read_gatt_char(battery)))
            try:
                async with asyncio.timeout(BATTERY_PERIOD_S):
                    await gone.wait()
            except TimeoutError:
                continue

    def _notified(
        self, characteristic: str
    ) -> Callable[[BleakGATTCharacteristic, bytearray], None]:
        return lambda _, value: self._value(characteristic, bytes(value))

    def _value(self, characteristic: str, value: bytes) -> None:
        self._deliver(
            GattValue(self._adverts.name, self._address, characteristic, value, self._clock.now())
        )

    async def _leave(self, client: BleakClient) -> None:
        try:
            async with asyncio.timeout(DISCONNECT_S_MAX):
                await client.disconnect()
        except (BleakError, OSError, TimeoutError):
            # Gone already, or the adapter is: either way there is nothing left to leave.
            return
