"""The one Bluetooth device of a gateway: attached to the air, and again when the air was lost."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from bleak.exc import BleakError, BleakGATTProtocolError
from bumble import hci
from bumble.att import ATT_Error
from bumble.core import BaseBumbleError
from bumble.device import Advertisement, Device
from bumble.transport import open_transport
from bumble.transport.common import Transport

from zodra_sim.logs import logger

REATTACH_S: Final = 0.5
ATTACH_S_MAX: Final = 5.0
"""A process that listens there and does not answer like a controller is given up on."""

T = TypeVar("T")
Listener = Callable[[Advertisement], None]


class Radio:
    """What scanners and clients of one gateway share, as they share one adapter on a Pi."""

    def __init__(self, air: str, address: str) -> None:
        """Name the air and this radio; nothing is opened yet.

        Args:
            air: `host:port` of the air.
            address: of this radio, `AA:BB:CC:DD:EE:FF`; a static random one.
        """
        self.addresses: dict[str, hci.Address] = {}
        """Of the advertisers heard, with their kind of address, which a text does not tell."""
        self.address = address
        self._air = air
        self._device: Device | None = None
        self._transport: Transport | None = None
        self._gone: asyncio.Future[None] | None = None
        self._listeners: dict[Listener, bool] = {}
        self._lock = asyncio.Lock()
        self._again: asyncio.Task[None] | None = None
        self._closed = False

    async def device(self) -> Device:
        """Give the attached device, attaching it if need be.

        Raises:
            BleakError: the air is not there.
        """
        async with self._lock:
            if self._closed:
                raise BleakError("this radio was closed")
            return self._device or await self._attach()

    async def listen(self, listener: Listener, *, active: bool) -> None:
        """Scan on behalf of one listener, beside the others; it survives the loss of the air.

        Raises:
            BleakError: the air is not there; then nobody listens.
        """
        device = await self.device()
        self._listeners[listener] = active
        await self.during(self._scan(device))

    async def forget(self, listener: Listener) -> None:
        """Stop scanning on behalf of one listener; harmless when the air is gone."""
        self._listeners.pop(listener, None)
        if self._device is not None:
            with contextlib.suppress(BleakError):
                await self.during(self._scan(self._device))

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for some work on the radio, for as long as there is a radio.

        Raises:
            BleakError: the work failed, or the air went away meanwhile.
        """
        task = asyncio.ensure_future(work)
        both: list[asyncio.Future[Any]] = [task] if self._gone is None else [task, self._gone]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() or task.cancelled():
                raise BleakError(f"the air at {self._air} went away")
            return task.result()
        except ATT_Error as fault:
            raise BleakGATTProtocolError(fault.error_code) from fault
        except (BaseBumbleError, OSError) as fault:
            raise BleakError(str(fault) or type(fault).__name__) from fault
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def power_cycle(self) -> None:
        """Leave the air and attach anew; connections drop, and whoever listened listens on.

        Raises:
            BleakError: the air is not there.
        """
        if self._transport is not None and self._gone is not None:
            await self._transport.close()
            await self._gone
        await self.during(self._scan(await self.device()))

    async def settle(self) -> None:
        """Wait until what the air sent before is heard; harmless when the air is gone."""
        if self._device is not None:
            with contextlib.suppress(BleakError):
                # The controller answers in order, so its answer comes after what it had to tell.
                await self.during(self._device.send_sync_command(hci.HCI_Read_BD_ADDR_Command()))

    async def close(self) -> None:
        """Leave the air for good."""
        self._closed = True
        if self._again is not None:
            self._again.cancel()
            await asyncio.gather(self._again, return_exceptions=True)
        if self._transport is not None:
            await self._transport.close()
        if self._gone is not None:
            await self._gone

    async def _attach(self) -> Device:
        transport: Transport | None = None
        try:
            async with asyncio.timeout(ATTACH_S_MAX):
                transport = await open_transport(f"tcp-client:{self._air}")
                address = hci.Address(self.address)
                device = Device.with_hci("gateway", address, transport.source, transport.sink)
                await device.power_on()
        except (OSError, TimeoutError, BaseBumbleError) as fault:
            if transport is not None:
                await transport.close()
            raise BleakError(f"no air at {self._air}: {fault}") from fault
        device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        self._device, self._transport, self._gone = device, transport, transport.source.terminated
        self._gone.add_done_callback(self._on_gone)
        return device

    async def _scan(self, device: Device) -> None:
        if device.is_scanning:
            await device.stop_scanning()
        if self._listeners:
            await device.start_scanning(active=any(self._listeners.values()))

    def _on_advertisement(self, advert: Advertisement) -> None:
        self.addresses[advert.address.to_string(False).upper()] = advert.address
        for listener in tuple(self._listeners):
            listener(advert)

    def _on_gone(self, _terminated: asyncio.Future[None]) -> None:
        self._device = None
        if not self._closed and (self._again is None or self._again.done()):
            logger().warning("air_gone", air=self._air)
            self._again = asyncio.get_running_loop().create_task(self._attach_again())

    async def _attach_again(self) -> None:
        while not self._closed:
            await asyncio.sleep(REATTACH_S)
            try:
                device = await self.device()
                await self.during(self._scan(device))
            except BleakError:
                continue
            if self._device is device:
                logger().info("air_back", air=self._air, listeners=len(self._listeners))
                return
