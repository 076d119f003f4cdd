"""A radio for the gateway that costs next to nothing: it says what datagrams tell it to say.

What bumble would add to the gateway's process, its stack and its virtual air, is not the gateway's.
bleak's BlueZ backend is imported although it is not used, because a real gateway would hold it.
"""

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

import bleak.backends.bluezdbus.client
import bleak.backends.bluezdbus.scanner  # noqa: F401 - held in memory by a real gateway
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection

BTHOME: Final = "0000fcd2-0000-1000-8000-00805f9b34fb"
HEART_RATE_SERVICE: Final = "0000180d-0000-1000-8000-00805f9b34fb"
HEART_RATE: Final = "00002a37-0000-1000-8000-00805f9b34fb"
NOTIFY_S: Final = 1.0
ADDRESS_BYTES: Final = 6


class Backends(NamedTuple):
    scanner: type[BaseBleakScanner]
    client: type[BaseBleakClient]
    close: Callable[[], Awaitable[None]]


class Scanner(BaseBleakScanner):
    """Hears an address and, unless it is empty, BTHome service data; or else a heart rate strap."""

    def __init__(
        self, detection_callback: Any, service_uuids: Any, scanning_mode: str, **_: Any
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        SCANNING.add(self)

    async def stop(self) -> None:
        SCANNING.discard(self)

    def hear(self, address: str, service_data: bytes) -> None:
        advert = AdvertisementData(
            local_name=None,
            manufacturer_data={},
            service_data={BTHOME: service_data} if service_data else {},
            service_uuids=[] if service_data else [HEART_RATE_SERVICE],
            tx_power=None,
            rssi=-61,
            platform_data=(),
        )
        self._tell(address, advert)

    def hear_all(self, address: str, said: Mapping[str, Any]) -> None:
        """Hear one whose name, maker's data and services are told, too."""
        makers = {int(maker): bytes.fromhex(data) for maker, data in said["makers"].items()}
        services = {uuid: bytes.fromhex(data) for uuid, data in said["services"].items()}
        self._tell(
            address,
            AdvertisementData(
                local_name=said["name"],
                manufacturer_data=makers,
                service_data=services,
                service_uuids=said["uuids"],
                tx_power=None,
                rssi=-61,
                platform_data=(),
            ),
        )

    def _tell(self, address: str, advert: AdvertisementData) -> None:
        device = self.create_or_update_device(address, address, None, None, advert)
        self.call_detection_callbacks(device, advert)


SCANNING: Final[set[Scanner]] = set()


class Client(BaseBleakClient):
    """A strap that tells a heart rate each second."""

    def __init__(self, device: BLEDevice | str, **options: Any) -> None:
        super().__init__(device, **options)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._connected = False

    async def connect(self, pair: bool, **_: Any) -> None:
        services = BleakGATTServiceCollection()
        service = BleakGATTService(None, 1, HEART_RATE_SERVICE)
        services.add_service(service)
        services.add_characteristic(
            BleakGATTCharacteristic(None, 2, HEART_RATE, ["notify"], lambda: 20, service)
        )
        self.services = services
        self._connected = True

    async def disconnect(self) -> None:
        self._connected = False
        if self._disconnected_callback:
            self._disconnected_callback()

    @property
    def is_connected(self) -> bool:
        return self._connected

    @property
    def mtu_size(self) -> int:
        return 23

    @property
    def name(self) -> str:
        return "strap"

    async def start_notify(self, characteristic: Any, callback: Any, **_: Any) -> None:
        async def beat() -> None:
            while self._connected:
                callback(bytearray(struct.pack("<BB", 0x06, 72)))
                await asyncio.sleep(NOTIFY_S)

        self._tasks[characteristic.uuid] = asyncio.create_task(beat())

    async def stop_notify(self, characteristic: Any) -> None:
        self._tasks.pop(characteristic.uuid).cancel()

    async def read_gatt_char(self, characteristic: Any, **_: Any) -> bytearray:
        raise NotImplementedError

    async def pair(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError

    async def unpair(self) -> None:
        raise NotImplementedError

    async def write_gatt_char(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError

    async def read_gatt_descriptor(self, *_: Any, **__: Any) -> bytearray:
        raise NotImplementedError

    async def write_gatt_descriptor(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError


class _Datagrams(asyncio.DatagramProtocol):
    def datagram_received(self, data: bytes, _: Any) -> None:
        address = ":".join(f"{byte:02X}" for byte in data[:ADDRESS_BYTES])
        for scanner in list(SCANNING):
            if data[ADDRESS_BYTES:].startswith(b"{"):
                scanner.hear_all(address, json.loads(data[ADDRESS_BYTES:]))
            else:
                scanner.hear(address, data[ADDRESS_BYTES:])


async def create(options: Mapping[str, str]) -> Backends:
    """Listen on the port in `options`.

    A datagram is six bytes of address, and then service data, or JSON with all that is advertised.
    """
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        _Datagrams, local_addr=("127.0.0.1", int(options["port"]))
    )

    async def close() -> None:
        transport.close()

    return Backends(Scanner, Client, close)
