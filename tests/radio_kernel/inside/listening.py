"""Our own scanner on an air that is silent but for what a test says, and what arrives behind it."""

import asyncio
import itertools
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from bleak import BleakScanner
from bumble import hci

from edge_frames import KEY
from radio_kernel.inside.airing import StillAir
from radio_kernel.inside.waiting import UNTIL_S
from zodra_edge.clock import Clock
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.ladder import Mode, Plan
from zodra_edge.radio.adverts import Adverts, Home
from zodra_edge.radio.backend import BlueZ
from zodra_edge.radio.scan import Scan
from zodra_sim.radio.controller import Advert

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
        # BlueZ answers that it scans, or watches, before the kernel does; and each group of
        # patterns begins the kernel's scan anew.
        begun = -1
        async with asyncio.timeout(UNTIL_S):
            while not self._controller.le_scan_enable or begun != len(self._controller.scans):
                begun = len(self._controller.scans)
                await asyncio.sleep(SETTLE_S / 2)


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
