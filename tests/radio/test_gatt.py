"""Connections to devices of bumble, in process, through the gateway's own radio and bleak.

The thermometer and the scale indicate, which is confirmed; a room sensor notifies and is read.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

import pytest
from bumble import hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Device
from bumble.gatt import Characteristic, Service

from edge_broker import free_port, until
from edge_frames import WEARABLE
from zodra_contract.reading import ReadingKind as Kind
from zodra_edge.clock import Clock
from zodra_edge.decode import Decoded, Family, decode
from zodra_edge.decode.frame import GattValue
from zodra_edge.errors import RadioFault
from zodra_edge.ladder import Limits, Mode, Plan
from zodra_edge.radio import Adapter, Adverts, Arrivals, Backends, Connection, Home, Slots
from zodra_sim.radio.air import Air
from zodra_sim.radio.backend import create

THERMOMETER: Final = 0x1809
SCALE: Final = 0x181D
ROOM: Final = 0x181A
TEMPERATURE_MEASUREMENT: Final = 0x2A1C
WEIGHT_MEASUREMENT: Final = 0x2A9D
TEMPERATURE: Final = 0x2A6E
HUMIDITY: Final = 0x2A6F
PRESSURE: Final = 0x2A6D
INDICATE: Final = Characteristic.Properties.INDICATE
NOTIFY_READ: Final = Characteristic.Properties.NOTIFY | Characteristic.Properties.READ
READ: Final = Characteristic.Properties.READ
ADDRESSES: Final = tuple(f"C4:22:00:00:00:{number:02X}" for number in range(1, 4))
GATEWAY: Final = "F0:F1:F2:F3:F4:F6"

Offer = tuple[int, Characteristic.Properties, bytes]
"""A characteristic, how it is told, and what it reads."""

OFFERS: Final[dict[int, tuple[Offer, ...]]] = {
    THERMOMETER: ((TEMPERATURE_MEASUREMENT, INDICATE, b""),),
    SCALE: ((WEIGHT_MEASUREMENT, INDICATE, b""),),
    ROOM: (
        (TEMPERATURE, NOTIFY_READ, bytes.fromhex("0f0a")),
        (HUMIDITY, READ, bytes.fromhex("8813")),
        (PRESSURE, READ, bytes.fromhex("207d0f00")),
    ),
}


class Peripheral:
    """One service of bumble; advertises whenever nobody is connected."""

    def __init__(self, air: Air, address: str, service: int) -> None:
        self.service = service
        controller = air.controller(address)
        self._controller = controller
        self.device = Device.with_hci(address, hci.Address(address), controller, controller)
        self.offered = {
            number: Characteristic[bytes](
                UUID.from_16_bits(number), how, Characteristic.READABLE, value
            )
            for number, how, value in OFFERS[service]
        }
        made = Service(UUID.from_16_bits(service), [*self.offered.values()])
        self.device.add_service(made)
        self.subscribed = 0
        for one in self.offered.values():
            one.on("subscription", self._on_subscription)

    def _on_subscription(self, _connection: object, notify: bool, indicate: bool) -> None:
        self.subscribed += notify or indicate

    @property
    def connected(self) -> int:
        return len(self.device.connections)

    async def open(self) -> None:
        await self.device.power_on()
        said = [
            (AdvertisingData.FLAGS, b"\x06"),
            (
                AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
                struct.pack("<H", self.service),
            ),
        ]
        await self.device.start_advertising(
            auto_restart=True,
            advertising_data=bytes(AdvertisingData(said)),
            advertising_interval_min=50,
            advertising_interval_max=50,
        )

    async def tell(self, number: int, value: bytes) -> None:
        """Send to whoever subscribed, in the way that the characteristic has."""
        one = self.offered[number]
        if INDICATE in one.properties:
            await self.device.indicate_subscribers(one, value)
        else:
            await self.device.notify_subscribers(one, value)

    async def hang_up(self) -> None:
        for connection in tuple(self.device.connections.values()):
            await connection.disconnect()

    async def close(self) -> None:
        self._controller.vanish()
        await asyncio.sleep(0)
        await self.device.power_off()


class House:
    """A gateway's radio, and devices of one kind."""

    def __init__(self, folder: Path, service: int, number: int, slots: Slots) -> None:
        self.slots = slots
        self.values: list[GattValue] = []
        self.air = Air(Random(3))
        self.port = free_port()
        self.near = [Peripheral(self.air, address, service) for address in ADDRESSES[:number]]
        self.clock = Clock(folder / "floor")
        profiles = dict.fromkeys(ADDRESSES, replace(WEARABLE, family=Family.SENSOR))
        home = Home(
            profiles, self.clock, lambda _: None, lambda _: None, connects=frozenset(profiles)
        )
        arrivals = Arrivals()
        self.adapter = Adapter(
            None,
            Adverts("sim", home, arrivals=arrivals),
            Plan(Mode.ACTIVE, "a test"),
            Limits(),
            slots,
            None,
            self._backends,
        )
        self.connections = [
            Connection(address, arrivals, [self.adapter], self.clock, self.values.append)
            for address in ADDRESSES[:number]
        ]
        self._made: Backends | None = None

    async def _backends(self) -> Backends:
        options = {"air": f"127.0.0.1:{self.port}", "address": GATEWAY}
        self._made = await create(options)
        return self._made

    async def keep_up(self, connection: Connection) -> None:
        """Come back for the next connection, as the supervisor does."""
        while True:
            with contextlib.suppress(RadioFault):
                await connection.run()

    def readings(self) -> dict[Kind, list[float]]:
        found: dict[Kind, list[float]] = {}
        for value in self.values:
            decoded = decode(value, replace(WEARABLE, family=Family.SENSOR, address=value.address))
            assert isinstance(decoded, Decoded)
            for reading in decoded.readings:
                found.setdefault(reading.kind, []).append(reading.value)
        return found

    @contextlib.asynccontextmanager
    async def lived_in(self) -> AsyncIterator[None]:
        await self.air.open("127.0.0.1", self.port)
        for one in self.near:
            await one.open()
        work = [self.adapter.run(), *(self.keep_up(one) for one in self.connections)]
        tasks = [asyncio.ensure_future(one) for one in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._made is not None:
                await self._made.close()
            for one in self.near:
                await one.close()
            await self.air.close()


@pytest.mark.parametrize(
    ("service", "number", "told", "kind", "expected"),
    [
        (
            THERMOMETER,
            TEMPERATURE_MEASUREMENT,
            ("006c0100ff", "01da0300ff"),
            Kind.BODY_TEMPERATURE_C,
            [36.4, 37.0],
        ),
        (SCALE, WEIGHT_MEASUREMENT, ("00c03a", "01c040"), Kind.BODY_WEIGHT_KG, [75.2, 75.1875]),
        (ROOM, TEMPERATURE, ("0f0a", "18fc"), Kind.ROOM_TEMPERATURE_C, [25.75, -10.0]),
    ],
    ids=["thermometer", "scale", "room"],
)
async def test_a_device_tells_and_is_subscribed_to_again_after_it_hung_up(
    tmp_path: Path,
    service: int,
    number: int,
    told: tuple[str, str],
    kind: Kind,
    expected: list[float],
) -> None:
    house = House(tmp_path, service, 1, Slots(5, 60))
    (one,) = house.near

    async def round_trip(subscriptions: int, value: bytes, want: float) -> None:
        await until(lambda: one.subscribed >= subscriptions)
        assert (house.slots.used, one.connected) == (1, 1)
        house.values.clear()
        await one.tell(number, value)
        await until(lambda: want in house.readings().get(kind, []))
        await one.hang_up()

    async with house.lived_in():
        for count, (value, want) in enumerate(zip(told, expected, strict=True), 1):
            await round_trip(count, bytes.fromhex(value), want)
    assert house.slots.used == 0


async def test_what_a_room_sensor_only_lets_read_is_read(tmp_path: Path) -> None:
    house = House(tmp_path, ROOM, 1, Slots(5, 60))
    wanted = {Kind.ROOM_TEMPERATURE_C: 25.75, Kind.HUMIDITY_PERCENT: 50.0, Kind.PRESSURE_HPA: 1015}
    async with house.lived_in():
        await until(lambda: wanted.keys() <= house.readings().keys())
    for kind, value in wanted.items():
        assert house.readings()[kind][0] == pytest.approx(value, abs=0.1)


@pytest.mark.parametrize("service", [THERMOMETER, SCALE], ids=["thermometers", "scales"])
async def test_more_devices_than_connections_take_turns_and_all_are_heard(
    tmp_path: Path, service: int
) -> None:
    house = House(tmp_path, service, 3, Slots(2, turn_s=0.3))
    number = OFFERS[service][0][0]
    value = bytes.fromhex("006c0100ff" if service == THERMOMETER else "00c03a")
    most = 0
    async with house.lived_in():
        while len({heard.address for heard in house.values}) < len(house.near):
            for one in house.near:
                # Who is just being left confirms nothing, and bumble would wait for half a minute.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await one.tell(number, value)
            # As the gateway sees it: a device hears of its end a moment later.
            held = sum(one.status.connected for one in house.connections)
            most = max(most, held, house.slots.used)
            await asyncio.sleep(0.02)
    assert most <= 2
    assert (house.slots.used, house.slots.waiting) == (0, 0)
