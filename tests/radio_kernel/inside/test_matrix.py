"""What a real kernel and a real `bluetoothd` let through to the gateway, advertiser by advertiser.

Each cell says one thing twenty times, on an air that is silent but for it, and counts what arrives
behind our own scanner. A second advertiser would push out what the kernel holds back.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pytest
from bleak import BleakScanner
from bleak.exc import BleakError
from bumble import hci

from edge_frames import KEY
from radio_kernel.inside.adapters import ScanAsked
from radio_kernel.inside.airing import StillAir
from radio_kernel.inside.system import System, is_on
from radio_kernel.inside.waiting import UNTIL_S, until
from zodra_edge.clock import Clock
from zodra_edge.decode.ble.patterns import CONNECTIONS, PATTERNS, Pattern
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.ladder import Mode, Plan
from zodra_edge.radio.adverts import Adverts, Home
from zodra_edge.radio.backend import BlueZ
from zodra_edge.radio.scan import OR_PATTERNS, PATTERNS_MAX, Scan
from zodra_sim.radio.controller import Advert

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

TIMES: Final = 20
GAP_S: Final = 0.12
LONG_S: Final = 40.0
"""A kernel ends each active scan after 10 s, and BlueZ begins the next."""
SETTLE_S: Final = 1.5
"""What is on its way arrives well within it, also where the processor is emulated."""
FLAGS: Final = b"\x02\x01\x06"
_numbers = itertools.count(1)


class Kind(StrEnum):
    """What is said, twenty times."""

    SAME = "the same"
    """Nobody can connect to it, and it never changes: a button without a counter."""
    COUNTING = "counting"
    """As that, with a packet id that counts."""
    LONE = "counting, never answers"
    """One could connect to it, or ask it, and it does not answer."""
    ANSWERING = "counting, answers"
    """As that, and it answers with nothing to add."""


class How(StrEnum):
    """How an adapter listens."""

    ACTIVE = "active"
    EVERY = "active, every duplicate"
    PASSIVE = "passive"


@dataclass(frozen=True)
class Cell:
    adapter: str
    how: How
    kind: Kind
    heard: int


TABLE: Final = [
    Cell("hci0", How.ACTIVE, Kind.SAME, TIMES),
    Cell("hci0", How.ACTIVE, Kind.COUNTING, TIMES),
    Cell("hci0", How.ACTIVE, Kind.LONE, 0),
    Cell("hci0", How.ACTIVE, Kind.ANSWERING, TIMES),
    Cell("hci0", How.EVERY, Kind.SAME, TIMES),
    Cell("hci0", How.EVERY, Kind.COUNTING, TIMES),
    Cell("hci0", How.EVERY, Kind.LONE, 0),
    Cell("hci0", How.EVERY, Kind.ANSWERING, TIMES),
    Cell("hci0", How.PASSIVE, Kind.SAME, 1),
    Cell("hci0", How.PASSIVE, Kind.COUNTING, TIMES),
    Cell("hci0", How.PASSIVE, Kind.LONE, TIMES),
    Cell("hci0", How.PASSIVE, Kind.ANSWERING, TIMES),
    Cell("hci1", How.ACTIVE, Kind.SAME, TIMES),
    Cell("hci1", How.ACTIVE, Kind.COUNTING, TIMES),
    Cell("hci1", How.ACTIVE, Kind.LONE, 0),
    Cell("hci1", How.ACTIVE, Kind.ANSWERING, TIMES),
    Cell("hci1", How.PASSIVE, Kind.SAME, 1),
    Cell("hci1", How.PASSIVE, Kind.COUNTING, TIMES),
    Cell("hci1", How.PASSIVE, Kind.LONE, TIMES),
    Cell("hci1", How.PASSIVE, Kind.ANSWERING, TIMES),
]


def fresh() -> str:
    """Give an address that BlueZ never heard of."""
    number = next(_numbers)
    return f"A4:C1:38:01:{number >> 8:02X}:{number & 255:02X}"


def bthome(number: int) -> bytes:
    return FLAGS + b"\x08\x16\xd2\xfc\x40\x00" + bytes([number]) + b"\x3a\x01"


class Gateway:
    """Our own scanner, and what it hands on of the devices of its home."""

    def __init__(self, still: StillAir, adapter: str, *addresses: str) -> None:
        self._controller = still.controller(adapter)
        self.heard: list[BleAdvert] = []
        profiles = {
            one: DeviceProfile(
                f"btn-{number}", Family.BUTTON, "button-1", address=one, bind_key=KEY
            )
            for number, one in enumerate(addresses)
        }
        clock = Clock(Path("/tmp/time-floor"))
        home = Home(profiles, clock, self.heard.append, lambda _reason: None)
        self.adverts = Adverts(adapter, home)
        self._adapter = adapter

    async def hear(self, how: How, speak: Callable[[], Any]) -> None:
        """Listen while something is said."""
        if how is How.EVERY:
            bluez: Any = {"adapter": self._adapter, "filters": {"DuplicateData": True}}
            async with BleakScanner(self.adverts.heard, bluez=bluez):
                await self._listening()
                await speak()
                await asyncio.sleep(SETTLE_S)
            return
        scan = Scan(self.adverts, Plan(Mode(how.value), "the test says so", chosen=True))
        await scan.open(BlueZ(), self._adapter)
        try:
            await self._listening()
            await speak()
            await asyncio.sleep(SETTLE_S)
        finally:
            await scan.close()

    async def _listening(self) -> None:
        # BlueZ answers that it scans, or watches, before the kernel does.
        async with asyncio.timeout(UNTIL_S):
            while not self._controller.le_scan_enable:
                await asyncio.sleep(0.02)


def said(still: StillAir, address: str, kind: Kind, number: int) -> None:
    """Say it once."""
    advertiser = hci.Address(address, hci.Address.PUBLIC_DEVICE_ADDRESS)
    data = bthome(0 if kind is Kind.SAME else number)
    connectable = kind in (Kind.LONE, Kind.ANSWERING)
    answer = None if kind is Kind.LONE else b""

    async def send() -> None:
        still.air.send(Advert(advertiser, data, connectable, answer))

    still.do(send())


async def twenty(still: StillAir, address: str, kind: Kind) -> None:
    for number in range(TIMES):
        await asyncio.sleep(GAP_S)
        await asyncio.to_thread(said, still, address, kind, number)


def measure(still: StillAir, adapter: str, how: How, kind: Kind) -> int:
    address = fresh()
    gateway = Gateway(still, adapter, address)
    asyncio.run(gateway.hear(how, lambda: twenty(still, address, kind)))
    return len(gateway.heard)


def named(cell: Cell) -> str:
    return f"{cell.adapter}: {cell.how}: {cell.kind}"


@pytest.mark.parametrize("cell", TABLE, ids=named)
def test_what_is_let_through(still: StillAir, cell: Cell, record_property: Any) -> None:
    heard = measure(still, cell.adapter, cell.how, cell.kind)
    record_property("heard", f"{heard} of {TIMES}")
    assert heard == cell.heard


@pytest.mark.parametrize("adapter", ["hci0", "hci1"])
def test_the_control_an_adapter_that_is_deaf_fails_the_table(still: StillAir, adapter: str) -> None:
    still.controller(adapter).deaf = "reset"
    try:
        for how in (How.ACTIVE, How.PASSIVE):
            with pytest.raises(AssertionError):
                assert measure(still, adapter, how, Kind.COUNTING) == TIMES
    finally:
        still.controller(adapter).deaf = ""


@pytest.mark.parametrize("how", list(How))
def test_an_adapter_that_leaves_out_repeats_lets_what_counts_through(
    still: StillAir, how: How, record_property: Any
) -> None:
    """The kernel asks every adapter to do so, in each mode; ours otherwise does not listen."""
    still.controller("hci0").obeys = True
    try:
        same = measure(still, "hci0", how, Kind.SAME)
        counting = measure(still, "hci0", how, Kind.COUNTING)
    finally:
        still.controller("hci0").obeys = False
    record_property("the same", f"{same} of {TIMES}")
    record_property("counting", f"{counting} of {TIMES}")
    assert counting == TIMES
    assert 1 <= same < TIMES


@pytest.mark.parametrize("how", [How.ACTIVE, How.PASSIVE])
def test_listening_for_long_has_no_hole_that_a_press_could_fall_into(
    still: StillAir, how: How, record_property: Any
) -> None:
    """A press is said for half a second at least; a scan that rests for longer loses it."""
    address = fresh()
    gateway = Gateway(still, "hci0", address)

    async def all_the_time() -> None:
        for number in range(200):
            await asyncio.sleep(LONG_S / 200)
            await asyncio.to_thread(said, still, address, Kind.COUNTING, number)

    asyncio.run(gateway.hear(how, all_the_time))
    at_ms = [each.heard.monotonic_ms for each in gateway.heard]
    hole_s = max(b - a for a, b in itertools.pairwise(at_ms)) / 1000
    record_property("heard", f"{len(at_ms)} of 200")
    record_property("longest hole", f"{hole_s:.2f} s")
    assert hole_s < LONG_S / 10


def test_another_advertiser_lets_go_what_the_kernel_holds_back(
    still: StillAir, record_property: Any
) -> None:
    lone, other = fresh(), fresh()
    gateway = Gateway(still, "hci0", lone)

    async def both() -> None:
        for number in range(TIMES):
            await asyncio.sleep(GAP_S)
            await asyncio.to_thread(said, still, lone, Kind.LONE, number)
            await asyncio.to_thread(said, still, other, Kind.COUNTING, number)

    asyncio.run(gateway.hear(How.ACTIVE, both))
    record_property("heard", f"{len(gateway.heard)} of {TIMES}")
    assert len(gateway.heard) == TIMES


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
