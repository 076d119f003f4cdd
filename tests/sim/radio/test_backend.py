"""The bleak backend through bleak's own API, over a real HCI connection to the air."""

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bumble import hci

from sim.brokers.brokers import free_port
from zodra_sim.devices import wearable
from zodra_sim.devices.button import Button, ButtonMake, PressKind, press
from zodra_sim.radio.air import Air
from zodra_sim.radio.backend import MTU_WANTED, Backends, create
from zodra_sim.radio.peripherals import ButtonRadio, StrapRadio

BUTTON = "A4:C1:38:00:00:01"
STRAP = "F4:C1:38:00:00:02"
GATEWAY = "F0:F1:F2:F3:F4:F5"
RATE = "00002a37-0000-1000-8000-00805f9b34fb"
LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
_, BURST = press(Button(), ButtonMake(BUTTON, bytes(16), advert_gap_ms=20), PressKind.PRESS)


class House:
    """An air with a button and a strap, that can go away and come back on its port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._open = False

    async def open(self) -> None:
        self.air = Air(Random(1), {STRAP: -70})
        await self.air.open("127.0.0.1", self.port)
        self.button = ButtonRadio(self.air, BUTTON)
        self.strap = StrapRadio(self.air, STRAP, "HR Strap", lambda: 87)
        await self.strap.open()
        self._open = True

    async def close(self) -> None:
        if self._open:
            await self.strap.close()
            await self.air.close()
        self._open = False

    async def press(self) -> None:
        await self.button.send(BURST, lambda: None)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    await house.open()
    yield house
    await house.close()
    left = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
    assert not [one for one in left if "bumble" in repr(one) or "zodra" in repr(one)]


@pytest.fixture
async def backends(house: House) -> AsyncIterator[Backends]:
    made = await create({"air": f"127.0.0.1:{house.port}", "address": GATEWAY})
    yield made
    await made.close()


class Ears:
    """What a scanner told."""

    def __init__(self) -> None:
        self.heard: list[tuple[BLEDevice, AdvertisementData]] = []

    def __call__(self, device: BLEDevice, advert: AdvertisementData) -> None:
        self.heard.append((device, advert))

    def of(self, address: str) -> list[AdvertisementData]:
        return [advert for device, advert in self.heard if device.address == address]


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(15):
        while not true():
            await asyncio.sleep(0.01)


def scanner(ears: Ears, backends: Backends, **options: Any) -> BleakScanner:
    return BleakScanner(ears, backend=backends.scanner, **options)


def client(backends: Backends, address: str | BLEDevice = STRAP, **options: Any) -> BleakClient:
    return BleakClient(address, backend=backends.client, **options)


@pytest.mark.parametrize("mode", ["active", "passive"])
async def test_every_advertisement_is_heard_once_as_it_was_sent(
    house: House, backends: Backends, mode: str
) -> None:
    ears = Ears()
    async with scanner(ears, backends, scanning_mode=mode):
        await house.press()
        await until(lambda: len(ears.of(BUTTON)) == 6 and ears.of(STRAP))
    adverts = ears.of(BUTTON)
    assert {advert.service_data[BTHOME] for advert in adverts} == {BURST.data[7:]}
    assert all(-63 <= advert.rssi <= -57 for advert in adverts)
    assert {advert.local_name for advert in adverts} == {None}
    first = ears.of(STRAP)[0]
    assert first.local_name == "HR Strap"
    assert first.service_uuids[0] == "0000180d-0000-1000-8000-00805f9b34fb"
    assert -73 <= first.rssi <= -67
    assert first.tx_power is None


async def test_a_power_cycle_drops_connections_and_scanning_goes_on(
    house: House, backends: Backends
) -> None:
    ears = Ears()
    async with scanner(ears, backends):
        await until(lambda: ears.of(STRAP))
        gone = asyncio.Event()
        strap = client(backends, disconnected_callback=lambda _: gone.set())
        await strap.connect()
        await backends.power_cycle()
        await until(gone.is_set)
        assert not strap.is_connected
        ears.heard.clear()
        await until(lambda: ears.of(STRAP))


async def test_a_filter_on_services_is_kept(house: House, backends: Backends) -> None:
    ears = Ears()
    async with scanner(ears, backends, service_uuids=["0000180d-0000-1000-8000-00805f9b34fb"]):
        await house.press()
        await until(lambda: ears.of(STRAP))
    assert ears.of(BUTTON) == []


async def test_two_scanners_share_the_radio(house: House, backends: Backends) -> None:
    first, second = Ears(), Ears()
    async with scanner(first, backends):
        async with scanner(second, backends, scanning_mode="passive"):
            await house.press()
            await until(lambda: second.of(BUTTON))
        count = len(second.heard)
        await house.press()
        await until(lambda: len(first.of(BUTTON)) == 12)
    assert len(second.heard) == count


async def test_heart_rate_is_notified_and_the_battery_read(
    house: House, backends: Backends
) -> None:
    got: list[bytes] = []
    async with client(backends) as strap:
        assert strap.mtu_size == MTU_WANTED
        await strap.start_notify(RATE, lambda _who, value: got.append(bytes(value)))
        measurement = wearable.encode(wearable.Measurement(62, True, (0.97,)))
        await house.strap.notify_rate(measurement)
        await until(lambda: got)
        assert got == [measurement]
        assert await strap.read_gatt_char(LEVEL) == b"\x57"
        await strap.stop_notify(RATE)
        await house.strap.notify_rate(measurement)
        assert await strap.read_gatt_char(LEVEL) == b"\x57"
        assert len(got) == 1


async def test_writing_what_cannot_be_written_is_an_answer(
    house: House, backends: Backends
) -> None:
    async with client(backends) as strap:
        with pytest.raises(BleakGATTProtocolError):
            await strap.write_gatt_char(LEVEL, b"\x01", response=True)
        assert await strap.read_gatt_char(LEVEL) == b"\x57"


async def test_notifications_start_once(house: House, backends: Backends) -> None:
    async with client(backends) as strap:
        await strap.start_notify(RATE, lambda _who, _value: None)
        with pytest.raises(BleakError, match="started before"):
            await strap.start_notify(RATE, lambda _who, _value: None)


async def test_a_device_can_be_connected_again_and_says_when_it_is_gone(
    house: House, backends: Backends
) -> None:
    gone: list[BleakClient] = []
    strap = client(backends, disconnected_callback=gone.append)
    for times in (1, 2):
        await strap.connect()
        assert strap.is_connected
        await strap.disconnect()
        assert len(gone) == times
        await until(lambda: not house.strap.connected)


async def test_a_device_that_is_not_there_is_not_found(house: House, backends: Backends) -> None:
    with pytest.raises(BleakDeviceNotFoundError):
        await client(backends, "F4:C1:38:00:00:99", timeout=0.2).connect()
    async with client(backends) as strap:
        assert strap.is_connected


async def test_giving_up_a_connection_leaves_the_radio_usable(
    house: House, backends: Backends
) -> None:
    hopeless = asyncio.create_task(client(backends, "F4:C1:38:00:00:99").connect())
    await asyncio.sleep(0.05)
    hopeless.cancel()
    await asyncio.wait({hopeless})
    assert hopeless.cancelled()
    async with client(backends) as strap:
        assert strap.is_connected


async def test_everything_comes_back_after_the_air_was_away(
    house: House, backends: Backends
) -> None:
    ears, gone = Ears(), asyncio.Event()
    async with scanner(ears, backends):
        strap = client(backends, disconnected_callback=lambda _client: gone.set())
        await strap.connect()
        await house.close()
        await asyncio.wait_for(gone.wait(), 5)
        assert not strap.is_connected
        with pytest.raises(BleakError, match="no air at"):
            await strap.connect()
        with pytest.raises(BleakError, match="no air at"):
            await scanner(Ears(), backends).start()
        before = len(ears.heard)
        await house.open()
        await until(lambda: len(ears.heard) > before)
        await house.press()
        await until(lambda: len(ears.of(BUTTON)) == 6)
        await strap.connect()
        assert await strap.read_gatt_char(LEVEL) == b"\x57"
        await strap.disconnect()


async def test_work_under_way_ends_with_the_air(house: House, backends: Backends) -> None:
    ears = Ears()
    async with scanner(ears, backends):
        await until(lambda: ears.heard)
        hopeless = asyncio.create_task(client(backends, "F4:C1:38:00:00:99").connect())
        await asyncio.sleep(0.05)
        await house.close()
        with pytest.raises(BleakError):
            await asyncio.wait_for(hopeless, 5)


async def test_a_radio_that_is_made_before_the_air_attaches_when_it_is_used() -> None:
    house = House()
    made = await create({"air": f"127.0.0.1:{house.port}", "address": GATEWAY})
    ears = Ears()
    with pytest.raises(BleakError, match="no air at"):
        await scanner(ears, made).start()
    await house.open()
    async with scanner(ears, made):
        await until(lambda: ears.heard)
    await made.close()
    with pytest.raises(BleakError, match="closed"):
        await scanner(ears, made).start()
    await house.close()


async def test_two_gateways_hear_the_same_press_and_one_gets_the_strap(
    house: House, backends: Backends
) -> None:
    other = await create({"air": f"127.0.0.1:{house.port}", "address": "F0:F1:F2:F3:F4:F6"})
    first, second = Ears(), Ears()
    async with scanner(first, backends), scanner(second, other), client(backends) as strap:
        await house.press()
        await until(lambda: len(first.of(BUTTON)) == len(second.of(BUTTON)) == 6)
        with pytest.raises(BleakDeviceNotFoundError):
            await client(other, timeout=0.5).connect()
        assert strap.is_connected
    await other.close()


async def test_a_gateway_that_dies_sets_the_strap_free(house: House, backends: Backends) -> None:
    dying = await create({"air": f"127.0.0.1:{house.port}", "address": "F0:F1:F2:F3:F4:F6"})
    await client(dying).connect()
    await dying.close()
    await until(lambda: not house.strap.connected)
    async with client(backends) as strap:
        assert strap.is_connected


@pytest.mark.parametrize("missing", ["air", "address"])
async def test_options_are_needed(missing: str) -> None:
    options = {"air": "127.0.0.1:1", "address": GATEWAY}
    del options[missing]
    with pytest.raises(BleakError, match=missing):
        await create(options)


async def test_a_port_that_is_taken_is_named(house: House) -> None:
    with pytest.raises(Exception, match=rf"air\.port = {house.port}"):
        await Air(Random(1)).open("127.0.0.1", house.port)


async def test_too_long_for_an_advertisement(house: House) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        house.air.transmit(hci.Address(BUTTON), bytes(32))


async def test_noise_on_the_airs_port_harms_nobody(house: House, backends: Backends) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n" + bytes(range(256)))
    writer.write_eof()
    await reader.read()
    writer.close()
    async with client(backends) as strap:
        assert strap.is_connected
