"""A backend of bleak over bumble: the gateway's radio when there is no Bluetooth on the machine.

A gateway names `zodra_sim.radio.backend:create` in its settings and uses bleak as ever. When the
air goes away (its process ended), connections drop and operations raise `BleakError`; the radio
attaches again by itself as soon as the air is back, and a scanner that was running then runs on.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Final, NamedTuple

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError
from bumble import hci
from bumble.core import BaseBumbleError
from bumble.core import TimeoutError as BumbleTimeoutError
from bumble.device import Advertisement, Connection, Device, Peer

from zodra_sim.radio.attachment import Radio
from zodra_sim.radio.heard import advertisement_data, uuid_text

MTU_WANTED: Final = 247
"""What phones and BlueZ ask for; one notification then fills one link-layer packet."""
MTU_DEFAULT: Final = 23
ATT_HEADER_BYTES: Final = 3
DISCONNECT_S_MAX: Final = 2.0


class Backends(NamedTuple):
    """What a factory of radio backends gives to a gateway."""

    scanner: type[BaseBleakScanner] | None
    client: type[BaseBleakClient] | None
    close: Callable[[], Awaitable[None]]
    power_cycle: Callable[[], Awaitable[None]]


async def create(options: Mapping[str, str]) -> Backends:
    """Make the backends of one radio. It attaches at its first use, so the air may come later.

    Args:
        options: `air`, as `host:port`; and `address` of the radio, a static random one.

    Raises:
        BleakError: an option is missing.
    """
    if missing := {"air", "address"} - options.keys():
        raise BleakError(f"the radio's options lack {', '.join(sorted(missing))}")
    radio = Radio(options["air"], options["address"])
    return Backends(
        type("BumbleScanner", (BumbleScanner,), {"radio": radio}),
        type("BumbleClient", (BumbleClient,), {"radio": radio}),
        radio.close,
        radio.power_cycle,
    )


class BumbleScanner(BaseBleakScanner):
    """Hears advertisements."""

    radio: ClassVar[Radio]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        **_platform: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode == "active"

    async def start(self) -> None:
        """Start to listen; raises BleakError when the air is not there."""
        self.seen_devices = {}
        await self.radio.listen(self._heard, active=self._active)

    async def stop(self) -> None:
        """Stop listening."""
        await self.radio.forget(self._heard)

    def _heard(self, advert: Advertisement) -> None:
        data = advertisement_data(advert)
        address = advert.address.to_string(False).upper()
        known = self.seen_devices.get(address)
        name = data.local_name or (known[0].name if known else None)
        device = self.create_or_update_device(address, address, name, advert.address, data)
        if self.is_allowed_uuid(data.service_uuids):
            self.call_detection_callbacks(device, data)


class BumbleClient(BaseBleakClient):
    """One connection to one device."""

    radio: ClassVar[Radio]

    def __init__(self, address_or_ble_device: BLEDevice | str, **options: Any) -> None:
        super().__init__(address_or_ble_device, **options)
        known = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._name = (known.name if known else None) or self.address
        self._connection: Connection | None = None
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        """The device's name, or its address where it never said one."""
        return self._name

    @property
    def mtu_size(self) -> int:
        """What one ATT packet holds on this connection."""
        return self._connection.att_mtu if self._connection else MTU_DEFAULT

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    async def connect(self, pair: bool, **_platform: Any) -> None:
        """Connect and discover what the device offers."""
        device = await self.radio.device()
        heard = self.radio.addresses.get(self.address.upper(), hci.Address(self.address))
        try:
            self._connection = await self.radio.during(self._open(device, heard))
            self._connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
            self.services = await self.radio.during(self._discover(Peer(self._connection)))
            if pair:
                await self.pair()
        except (BleakError, asyncio.CancelledError):
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        """End the connection; harmless when there is none."""
        if (connection := self._connection) is None:
            return
        with contextlib.suppress(BleakError, TimeoutError):
            async with asyncio.timeout(DISCONNECT_S_MAX):
                await self.radio.during(connection.disconnect())
        self._on_disconnection(0)

    async def pair(self, *_args: Any, **_platform: Any) -> None:
        """Pair, in whatever way the device asks for."""
        await self.radio.during(self._connected().pair())

    async def unpair(self) -> None:
        """Forget the keys that pairing left."""
        if keys := (await self.radio.device()).keystore:
            await keys.delete(self.address)

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, **_platform: Any
    ) -> bytearray:
        """Read a value from the device, never from a cache."""
        self._connected()
        return bytearray(await self.radio.during(characteristic.obj.read_value()))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, **_platform: Any
    ) -> bytearray:
        """Read a descriptor from the device."""
        self._connected()
        return bytearray(await self.radio.during(descriptor.obj.read_value()))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Write a value, and with `response` wait until the device has taken it."""
        self._connected()
        await self.radio.during(characteristic.obj.write_value(bytes(data), response))

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        """Write a descriptor."""
        self._connected()
        await self.radio.during(descriptor.obj.write_value(bytes(data), True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_platform: Any
    ) -> None:
        """Have each new value brought to a callback."""
        self._connected()
        if characteristic.handle in self._subscribers:
            raise BleakError(f"notifications of {characteristic.uuid} were started before")

        def changed(value: bytes) -> None:
            callback(bytearray(value))

        await self.radio.during(characteristic.obj.subscribe(changed))
        self._subscribers[characteristic.handle] = changed

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """End what `start_notify` began."""
        self._connected()
        if subscriber := self._subscribers.pop(characteristic.handle, None):
            await self.radio.during(characteristic.obj.unsubscribe(subscriber))

    def _connected(self) -> Connection:
        if self._connection is None:
            raise BleakError(f"{self.address} is not connected")
        return self._connection

    def _on_disconnection(self, _reason: int) -> None:
        if self._connection is None:
            return
        self._connection = None
        self._subscribers.clear()
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def _open(self, device: Device, address: hci.Address) -> Connection:
        for left_over in list(device.connections.values()):
            if left_over.peer_address == address:
                await left_over.disconnect()
        try:
            return await device.connect(address, timeout=self._timeout)
        except asyncio.CancelledError:
            # The controller would go on waiting for the device, and connect for nobody.
            with contextlib.suppress(BaseBumbleError, TimeoutError):
                async with asyncio.timeout(DISCONNECT_S_MAX):
                    await device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
            raise
        except BumbleTimeoutError as late:
            raise BleakDeviceNotFoundError(
                self.address, f"{self.address} did not answer within {self._timeout:g} s"
            ) from late

    async def _discover(self, peer: Peer) -> BleakGATTServiceCollection:
        await peer.request_mtu(MTU_WANTED)
        found = BleakGATTServiceCollection()
        for service in await peer.discover_services():
            shown = BleakGATTService(service, service.handle, uuid_text(bytes(service.uuid)))
            found.add_service(shown)
            for item in await service.discover_characteristics():
                characteristic = BleakGATTCharacteristic(
                    item,
                    item.handle,
                    uuid_text(bytes(item.uuid)),
                    list(gatt_char_props_to_strs(int(item.properties))),
                    lambda: self.mtu_size - ATT_HEADER_BYTES,
                    shown,
                )
                found.add_characteristic(characteristic)
                for one in await item.discover_descriptors():
                    uuid = uuid_text(bytes(one.type))
                    found.add_descriptor(BleakGATTDescriptor(one, one.handle, uuid, characteristic))
        return found
