"""One scanner of bleak: started, started again, thrown away, and its failures told by kind."""

import asyncio
from typing import Any, Final, Literal

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)

from zodra_edge.decode.ble.patterns import CONNECTIONS, PATTERNS
from zodra_edge.errors import RadioFault, RadioGone
from zodra_edge.ladder import Mode, Plan
from zodra_edge.radio.adverts import Adverts
from zodra_edge.radio.backend import Backends

STOP_S_MAX: Final = 3.0
"""A scanner that does not end is left behind; the next one is a new one."""

_FLAGS: Final = (b"\x02", b"\x04", b"\x05", b"\x06", b"\x1a")
"""How the advertisements of most devices begin, a phone's and a neighbour's among them: without
these a home whose buttons rest would be as silent, passively, as a deaf radio."""
OR_PATTERNS: Final = [
    *(
        OrPattern(0, AdvertisementDataType(pattern.ad_type), pattern.start)
        for pattern in (*CONNECTIONS, *(one for some in PATTERNS.values() for one in some))
    ),
    *(OrPattern(0, AdvertisementDataType.FLAGS, flags) for flags in _FLAGS),
]
"""What BlueZ must be told to let through in passive mode; without patterns it refuses to start."""
PATTERNS_MAX: Final = 7
"""For one scanner. A `bluetoothd` before the fix of bluez/bluez#2398 (2026-08) counts the bytes of
a monitor's patterns, 34 each, in eight bits: with more of them it writes past its memory and dies,
as 5.66 did in `make radio-kernel`. A kernel takes 16."""
_NOT_THERE: Final = frozenset(
    {
        "org.freedesktop.DBus.Error.ServiceUnknown",
        "org.freedesktop.DBus.Error.NameHasNoOwner",
        "org.freedesktop.DBus.Error.UnknownObject",
        "org.freedesktop.DBus.Error.NoReply",
        "org.freedesktop.DBus.Error.Disconnected",
    }
)
"""How D-Bus says that BlueZ, or the adapter, is not there."""
_NOT_STARTED: Final = ("org.freedesktop.DBus.Error.Spawn.", "org.freedesktop.systemd1.")
"""How such an error begins when the bus tried to start BlueZ, and could not."""
_NO_PASSIVE: Final = "passive scanning on Linux requires"
"""bleak tells it by its words alone."""


class Scan:
    """What one adapter scans with."""

    def __init__(self, adverts: Adverts, plan: Plan) -> None:
        """Take who hears, and how to listen."""
        self.plan = plan
        self.running = False
        self._adverts = adverts
        self._scanners: list[BleakScanner] = []
        """The first hears; the others only have BlueZ let more through, which the first hears."""

    async def open(self, backends: Backends, adapter: str | None) -> None:
        """Make a scanner and start it.

        Args:
            backends: which bleak to use.
            adapter: of BlueZ; None for another backend's own.

        Raises:
            RadioGone: there is no adapter to scan with.
            RadioFault: it cannot scan.
        """
        self._scanners = self._made(backends, adapter)
        try:
            await self._start()
        except RadioFault as fault:
            if _NO_PASSIVE not in str(fault) or self.plan.chosen:
                raise
            self.plan = Plan(Mode.ACTIVE, "this BlueZ cannot scan passively")
            self._scanners = self._made(backends, adapter)
            await self._start()

    async def restart(self, backends: Backends, adapter: str | None) -> None:
        """Stop the scan, and start it again with the same scanner.

        Raises:
            RadioFault: it cannot scan.
        """
        if not self._scanners:
            await self.open(backends, adapter)
            return
        await self._stop()
        await self._start()

    async def rebuild(self, backends: Backends, adapter: str | None) -> None:
        """Throw the scanner away, and start a new one.

        Raises:
            RadioFault: it cannot scan.
        """
        await self.close()
        await self.open(backends, adapter)

    async def close(self) -> None:
        """Stop, as far as that is possible."""
        await self._stop()
        self._scanners = []

    def lost(self) -> None:
        """Note that the scan ended without our doing."""
        self.running = False

    def _made(self, backends: Backends, adapter: str | None) -> list[BleakScanner]:
        if backends.scanner is not None:
            return [self._one(self._adverts.heard, backend=backends.scanner)]
        bluez = BlueZScannerArgs() if adapter is None else BlueZScannerArgs(adapter=adapter)
        if self.plan.mode is Mode.ACTIVE:
            return [self._one(self._adverts.heard, bluez=bluez)]
        return [
            self._one(
                _heard_already if first else self._adverts.heard,
                bluez={**bluez, "or_patterns": OR_PATTERNS[first : first + PATTERNS_MAX]},
            )
            for first in range(0, len(OR_PATTERNS), PATTERNS_MAX)
        ]

    def _one(self, heard: AdvertisementDataCallback, **chosen: Any) -> BleakScanner:
        mode: Literal["active", "passive"] = (
            "passive" if self.plan.mode is Mode.PASSIVE else "active"
        )
        return BleakScanner(heard, scanning_mode=mode, **chosen)

    async def _start(self) -> None:
        if not self._scanners:
            raise RadioFault(f"{self._adverts.name} has no scanner")
        try:
            for scanner in self._scanners:
                await scanner.start()
        except FileNotFoundError as fault:
            # What bleak raises where there is no D-Bus socket, and so no BlueZ behind it.
            raise RadioGone(
                f"{self._adverts.name} cannot scan: no system D-Bus here; is bluez installed and "
                "running?"
            ) from fault
        except (BleakError, OSError, EOFError) as fault:
            kind = RadioGone if _is_gone(fault) else RadioFault
            raise kind(f"{self._adverts.name} cannot scan: {fault or type(fault).__name__}") from (
                fault
            )
        self.running = True

    async def _stop(self) -> None:
        self.running = False
        if not self._scanners:
            return
        stopping = asyncio.gather(
            *(scanner.stop() for scanner in self._scanners), return_exceptions=True
        )
        # How it ends does not matter: what follows is a new start, which says what is wrong.
        await asyncio.wait((stopping,), timeout=STOP_S_MAX)
        if not stopping.done():
            stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)


def _heard_already(_device: BLEDevice, _advert: AdvertisementData) -> None:
    """Do nothing: bleak tells each scanner of an adapter whatever any of them had let through."""


def _is_gone(fault: Exception) -> bool:
    if isinstance(fault, BleakBluetoothNotAvailableError):
        return fault.reason is BleakBluetoothNotAvailableReason.NO_BLUETOOTH
    if isinstance(fault, BleakDBusError):
        return fault.dbus_error in _NOT_THERE or fault.dbus_error.startswith(_NOT_STARTED)
    if isinstance(fault, BleakError):
        return "not found" in str(fault)
    return isinstance(fault, (ConnectionError, EOFError))
