"""How BlueZ and the kernel listen on our behalf, and what they let through beside the table."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from bleak import BleakScanner
from bleak.exc import BleakError
from bumble import hci

from radio_kernel.inside.adapters import ScanAsked
from radio_kernel.inside.airing import StillAir
from radio_kernel.inside.listening import (
    GAP_S,
    SETTLE_S,
    TIMES,
    Gateway,
    How,
    Kind,
    fresh,
    said,
    twenty,
)
from radio_kernel.inside.system import System, is_on
from radio_kernel.inside.waiting import until
from zodra_edge.decode.ble.patterns import CONNECTIONS, PATTERNS, Pattern
from zodra_edge.ladder import Mode, Plan
from zodra_edge.radio.backend import BlueZ
from zodra_edge.radio.scan import OR_PATTERNS, PATTERNS_MAX, Scan

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@contextmanager
def asked(still: StillAir, adapter: str) -> Iterator[list[ScanAsked]]:
    """Note how the kernel asks an adapter to scan meanwhile."""
    scans = still.controller(adapter).scans
    scans.clear()
    yield scans


@pytest.mark.parametrize("adapter", ["hci0", "hci1"])
@pytest.mark.parametrize("how", list(How))
def test_what_the_kernel_asks_of_the_adapter(
    still: StillAir, adapter: str, how: How, record_property: Any
) -> None:
    with asked(still, adapter) as scans:
        asyncio.run(Gateway(still, adapter).hear(how, lambda: asyncio.sleep(0)))
    kinds = {"active" if each.active else "passive" for each in scans}
    record_property("asked", f"{len(scans)} times, {', '.join(kinds)}")
    record_property("filters duplicates", {each.filters_duplicates for each in scans})
    assert scans
    assert all(each.active is (how is not How.PASSIVE) for each in scans)


@pytest.mark.parametrize("adapter", ["hci0", "hci1"])
def test_many_devices_at_once_are_all_heard(
    still: StillAir, adapter: str, record_property: Any
) -> None:
    devices = [fresh() for _ in range(TIMES)]
    gateway = Gateway(still, adapter, *devices)

    async def all_speak() -> None:
        for number in range(4):
            for address in devices:
                await asyncio.to_thread(said, still, address, Kind.COUNTING, number)
                await asyncio.sleep(GAP_S / 2)

    asyncio.run(gateway.hear(How.PASSIVE, all_speak))
    heard = {address: 0 for address in devices}
    for each in gateway.heard:
        heard[each.address] += 1
    record_property("heard", f"{sum(heard.values())} of {4 * len(devices)}")
    assert set(heard.values()) == {4}


PASSED: Final = [
    *((f"connections {one.ad_type:#x} {one.start.hex()}", one) for one in CONNECTIONS),
    *(
        (f"{parser} {one.ad_type:#x} {one.start.hex()}", one)
        for parser, some in PATTERNS.items()
        for one in some
    ),
]


def test_bluez_takes_all_our_patterns_and_each_lets_its_devices_through(still: StillAir) -> None:
    devices = {fresh(): pattern for pattern in PASSED}
    gateway = Gateway(still, "hci0", *devices)
    asyncio.run(gateway.hear(How.PASSIVE, lambda: one_each(still, devices)))
    heard = {each.address for each in gateway.heard}
    assert [name for address, (name, _) in devices.items() if address not in heard] == []


async def one_each(still: StillAir, devices: dict[str, tuple[str, Pattern]]) -> None:
    for address, (_, pattern) in devices.items():
        # Without flags, which are a pattern of their own.
        content = pattern.start if pattern.ad_type in (2, 3) else pattern.start + b"\x01\x02"
        data = bytes([len(content) + 1, pattern.ad_type]) + content
        await asyncio.sleep(GAP_S)
        await asyncio.to_thread(spoken, still, address, data)


def spoken(still: StillAir, address: str, data: bytes) -> None:
    advertiser = hci.Address(address, hci.Address.PUBLIC_DEVICE_ADDRESS)

    async def send() -> None:
        still.air.transmit(advertiser, data)

    still.do(send())


def test_passively_what_no_pattern_names_is_not_heard_and_actively_it_is(still: StillAir) -> None:
    for how, times in ((How.PASSIVE, 0), (How.ACTIVE, 1)):
        address = fresh()
        gateway = Gateway(still, "hci0", address)

        async def once(address: str = address) -> None:
            await asyncio.to_thread(spoken, still, address, b"\x05\xff\x34\x12\x01\x02")

        asyncio.run(gateway.hear(how, once))
        assert len(gateway.heard) == times, how


def test_another_program_that_scans_and_stops_leaves_ours_hearing(still: StillAir) -> None:
    address = fresh()
    gateway = Gateway(still, "hci0", address)

    async def beside() -> None:
        other = await asyncio.create_subprocess_exec("bluetoothctl", "--timeout", "4", "scan", "on")
        await other.wait()
        await twenty(still, address, Kind.COUNTING)

    asyncio.run(gateway.hear(How.ACTIVE, beside))
    assert len(gateway.heard) == TIMES


def test_whether_bluez_lives_through_all_patterns_at_once_is_told(
    system: System, still: StillAir, record_property: Any
) -> None:
    """Ours are dealt out among scanners, seven each, since the one of Debian 12 does not."""
    assert len(OR_PATTERNS) > PATTERNS_MAX

    async def scan() -> bool:
        bluez: Any = {"adapter": "hci0", "or_patterns": [*OR_PATTERNS]}
        try:
            async with BleakScanner(scanning_mode="passive", bluez=bluez):
                await asyncio.sleep(SETTLE_S)
        except (BleakError, EOFError):
            return False
        return system.bluez_lives()

    record_property("lives", asyncio.run(scan()))
    system.stop_bluez()
    system.start_bluez()
    until(lambda: is_on("hci0") and is_on("hci1"))


def test_bluez_without_experiments_scans_actively_and_says_why(
    system: System, still: StillAir
) -> None:
    system.stop_bluez()
    system.start_bluez("--noplugin=sap")
    try:
        until(lambda: is_on("hci0"))
        address = fresh()
        gateway = Gateway(still, "hci0", address)
        scan = Scan(gateway.adverts, Plan(Mode.PASSIVE, "chosen by the devices"))

        async def hear() -> None:
            await scan.open(BlueZ(), "hci0")
            await twenty(still, address, Kind.COUNTING)
            await asyncio.sleep(SETTLE_S)
            await scan.close()

        asyncio.run(hear())
        assert scan.plan == Plan(Mode.ACTIVE, "this BlueZ cannot scan passively")
        assert len(gateway.heard) == TIMES
    finally:
        system.stop_bluez()
        system.start_bluez()
        until(lambda: is_on("hci0") and is_on("hci1"))
