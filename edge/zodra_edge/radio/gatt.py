"""Connections: subscribe to what a device notifies, again after every reconnect, in turns."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from bleak_retry_connector import establish_connection

from zodra_edge.clock import Clock
from zodra_edge.decode.ble import heart_rate
from zodra_edge.decode.ble.gatt import BATTERY_LEVEL, READS, number_of
from zodra_edge.decode.frame import GattValue
from zodra_edge.errors import RadioFault
from zodra_edge.radio.adapter import Adapter
from zodra_edge.radio.adverts import Arrivals
from zodra_edge.radio.slots import Turn

BATTERY_PERIOD_S: Final = 3_600.0
"""How often the battery is read again from a device that does not notify it."""
READ_PERIOD_S: Final = 60.0
"""How often another value is, such as a room's temperature."""
ATTEMPTS_MAX: Final = 3
"""Before waiting for the next advertisement again; Home Assistant's bar for a good adapter is that
95 % of connections succeed within two."""
DISCONNECT_S_MAX: Final = 5.0

_NUMBERS: Final = frozenset(READS) | heart_rate.NUMBERS


@dataclass(slots=True)
class GattStatus:
    """How the connection stands."""

    connected: bool = False
    waiting: bool = False
    """For its turn, since the adapter holds as many connections as it may."""


class Connection:
    """One device. `run` lasts for one connection; the supervisor comes back for the next."""

    def __init__(
        self,
        address: str,
        arrivals: Arrivals,
        adapters: Sequence[Adapter],
        clock: Clock,
        deliver: Callable[[GattValue], None],
    ) -> None:
        """Take the parts; `deliver` takes each value."""
        self._address = address
        self._arrivals = arrivals
        self._adapters = adapters
        self._clock = clock
        self._deliver = deliver
        self.status = GattStatus()

    async def run(self) -> None:
        """Wait until the device is heard, connect, and deliver until the connection ends.

        Raises:
            RadioFault: the device could not be connected to, or used.
        """
        device, name = await self._arrivals.wait_for(self._address)
        adapter = next(one for one in self._adapters if one.adverts.name == name)
        self.status.waiting = True
        try:
            async with adapter.slots.turn(self._address) as turn:
                self.status.waiting = False
                await self._hold(adapter, device, turn)
        finally:
            self.status.waiting = False

    async def _hold(self, adapter: Adapter, device: BLEDevice, turn: Turn) -> None:
        gone, dropped = asyncio.Event(), adapter.dropped
        chosen: dict[str, Any] = {}
        if adapter.backends is not None and adapter.backends.client is not None:
            chosen["backend"] = adapter.backends.client
        try:
            client = await establish_connection(
                BleakClient,
                device,
                self._address,
                disconnected_callback=lambda _: gone.set(),
                max_attempts=ATTEMPTS_MAX,
                **chosen,
            )
        except (BleakError, OSError, EOFError, TimeoutError) as fault:
            raise RadioFault(f"{self._address} could not be connected: {fault}") from fault
        try:
            self.status.connected = True
            await self._use(client, adapter.adverts.name, (gone, dropped, turn.over))
        except (BleakError, OSError, EOFError, TimeoutError) as fault:
            # A device that hangs up in the middle of a question is no fault, and not waited for.
            if not gone.is_set() and not dropped.is_set():
                raise RadioFault(f"{self._address} could not be used: {fault}") from fault
        finally:
            self.status.connected = False
            await self._leave(client)

    async def _use(self, client: BleakClient, source: str, ends: tuple[asyncio.Event, ...]) -> None:
        known = [
            one
            for one in client.services.characteristics.values()
            if number_of(one.uuid) in _NUMBERS
        ]
        if not known:
            raise RadioFault(f"{self._address} offers nothing that is read here")
        asked: dict[float, list[BleakGATTCharacteristic]] = {
            BATTERY_PERIOD_S: [],
            READ_PERIOD_S: [],
        }
        for one in known:
            if {"notify", "indicate"} & set(one.properties):
                await client.start_notify(one, self._notified(source, one.uuid))
            if "read" in one.properties:
                period_s = READ_PERIOD_S
                if number_of(one.uuid) == BATTERY_LEVEL:
                    period_s = BATTERY_PERIOD_S
                asked[period_s].append(one)
        ending = [asyncio.ensure_future(event.wait()) for event in ends]
        reading = [
            asyncio.ensure_future(self._read(client, source, some, period_s))
            for period_s, some in asked.items()
            if some
        ]
        try:
            done, _ = await asyncio.wait([*ending, *reading], return_when=asyncio.FIRST_COMPLETED)
            for one_read in done & set(reading):
                if not any(event.is_set() for event in ends):
                    one_read.result()
        finally:
            for task in (*ending, *reading):
                task.cancel()
            await asyncio.gather(*ending, *reading, return_exceptions=True)

    async def _read(
        self,
        client: BleakClient,
        source: str,
        some: Sequence[BleakGATTCharacteristic],
        period_s: float,
    ) -> None:
        while True:
            for one in some:
                self._value(source, one.uuid, bytes(await client.read_gatt_char(one)))
            await asyncio.sleep(period_s)

    def _notified(
        self, source: str, characteristic: str
    ) -> Callable[[BleakGATTCharacteristic, bytearray], None]:
        return lambda _, value: self._value(source, characteristic, bytes(value))

    def _value(self, source: str, characteristic: str, value: bytes) -> None:
        now = self._clock.now()
        self._deliver(GattValue(source, self._address, characteristic, value, now))

    async def _leave(self, client: BleakClient) -> None:
        try:
            async with asyncio.timeout(DISCONNECT_S_MAX):
                await client.disconnect()
        except (BleakError, OSError, EOFError, TimeoutError):
            # Gone already, or the adapter is: either way there is nothing left to leave.
            return
