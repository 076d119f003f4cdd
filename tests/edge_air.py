"""A radio without hardware, behind bleak's own seam: what a test says is what is heard."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError

from edge_frames import BATTERY, BTHOME, HEART_RATE


class Backends(NamedTuple):
    scanner: type[BaseBleakScanner]
    client: type[BaseBleakClient]
    close: Callable[[], Awaitable[None]]


@dataclass
class Air:
    """What is in the air, and who is connected."""

    scanners: list["Scanner"] = field(default_factory=list)
    clients: list["Client"] = field(default_factory=list)
    scans_started: int = 0
    refuses_connections: int = 0
    battery: int = 87
    offers: tuple[tuple[str, str, list[str]], ...] = (
        ("180d", HEART_RATE, ["notify"]),
        ("180f", BATTERY, ["read"]),
    )
    """What a device has that one connects to: service, characteristic, properties."""
    closed: bool = False
    start_faults: list[Exception] = field(default_factory=list)
    """What the next starts of a scanner raise, one each."""

    def advertise(
        self,
        address: str,
        service_data: Mapping[str, bytes] | None = None,
        name: str | None = "a device",
    ) -> None:
        advert = AdvertisementData(
            local_name=name,
            manufacturer_data={},
            service_data=dict(service_data or {}),
            service_uuids=[],
            tx_power=None,
            rssi=-61,
            platform_data=(),
        )
        for scanner in list(self.scanners):
            device = scanner.create_or_update_device(address, address, "a device", None, advert)
            scanner.call_detection_callbacks(device, advert)

    def backends(self) -> Backends:
        async def close() -> None:
            self.closed = True

        scanner = type("AirScanner", (Scanner,), {"air": self})
        client = type("AirClient", (Client,), {"air": self})
        return Backends(scanner, client, close)


class Scanner(BaseBleakScanner):
    air: Air

    def __init__(
        self,
        detection_callback: Any,
        service_uuids: Any,
        scanning_mode: str,
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        if self.air.start_faults:
            raise self.air.start_faults.pop(0)
        self.air.scans_started += 1
        self.air.scanners.append(self)

    async def stop(self) -> None:
        if self in self.air.scanners:
            self.air.scanners.remove(self)


class Client(BaseBleakClient):
    """A heart rate strap with a battery that it does not notify."""

    air: Air

    def __init__(self, device: BLEDevice | str, **options: Any) -> None:
        super().__init__(device, **options)
        self.notified: dict[str, Callable[[bytearray], None]] = {}
        self._connected = False

    async def connect(self, pair: bool, **_: Any) -> None:
        if self.air.refuses_connections:
            self.air.refuses_connections -= 1
            raise BleakError("the air is thick")
        services = BleakGATTServiceCollection()
        for handle, (service, characteristic, properties) in enumerate(self.air.offers):
            full = f"0000{service}-0000-1000-8000-00805f9b34fb"
            made = BleakGATTService(None, 10 * handle + 1, full)
            services.add_service(made)
            services.add_characteristic(
                BleakGATTCharacteristic(
                    None, 10 * handle + 2, characteristic, properties, lambda: 20, made
                )
            )
        self.services = services
        self._connected = True
        self.air.clients.append(self)

    async def disconnect(self) -> None:
        self.drop()

    def drop(self) -> None:
        if self._connected:
            self._connected = False
            self.air.clients.remove(self)
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
        self.notified[characteristic.uuid] = callback

    async def stop_notify(self, characteristic: Any) -> None:
        del self.notified[characteristic.uuid]

    async def read_gatt_char(self, characteristic: Any, **_: Any) -> bytearray:
        return bytearray([self.air.battery])

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
    def __init__(self, air: Air) -> None:
        self._air = air

    def datagram_received(self, data: bytes, _: Any) -> None:
        said = json.loads(data)
        self._air.advertise(said["address"], {BTHOME: bytes.fromhex(said["bthome"])})


def say(port: int, address: str, bthome: bytes) -> None:
    """Say something once to whoever listens on a port."""
    said = json.dumps({"address": address, "bthome": bthome.hex()}).encode()
    with socket.socket(type=socket.SOCK_DGRAM) as air:
        air.sendto(said, ("127.0.0.1", port))


async def create(options: Mapping[str, str]) -> Backends:
    """Make a radio for a gateway in another process: it hears the datagrams sent to a port."""
    air = Air()
    port = int(options["port"])
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Datagrams(air), local_addr=("127.0.0.1", port)
    )

    async def close() -> None:
        transport.close()
        # It lets go of the port in the loop's next round.
        await asyncio.sleep(0)

    return air.backends()._replace(close=close)
