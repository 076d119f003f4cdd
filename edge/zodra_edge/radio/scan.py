"""One scanner of bleak: started, started again, thrown away, and its failures told by kind."""

import asyncio
from typing import Any, Final, Literal

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
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
_NO_PASSIVE: Final = "passive scanning on Linux requires"
"""bleak tells it by its words alone."""


class Scan:
    """What one adapter scans with."""

    def __init__(self, adverts: Adverts, plan: Plan) -> None:
        """Take who hears, and how to listen."""
        self.plan = plan
        self.running = False
        self._adverts = adverts
        self._scanner: BleakScanner | None = None

    async def open(self, backends: Backends, adapter: str | None) -> None:
        """Make a scanner and start it.

        Args:
            backends: which bleak to use.
            adapter: of BlueZ; None for another backend's own.

        Raises:
            RadioGone: there is no adapter to scan with.
            RadioFault: it cannot scan.
        """
        self._scanner = self._made(backends, adapter)
        try:
            await self._start()
        except RadioFault as fault:
            if _NO_PASSIVE not in str(fault) or self.plan.chosen:
                raise
            self.plan = Plan(Mode.ACTIVE, "this BlueZ cannot scan passively")
            self._scanner = self._made(backends, adapter)
            await self._start()

    async def restart(self, backends: Backends, adapter: str | None) -> None:
        """Stop the scan, and start it again with the same scanner.

        Raises:
            RadioFault: it cannot scan.
        """
        if self._scanner is None:
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
        self._scanner = None

    def lost(self) -> None:
        """Note that the scan ended without our doing."""
        self.running = False

    def _made(self, backends: Backends, adapter: str | None) -> BleakScanner:
        chosen: dict[str, Any] = {}
        if backends.scanner is not None:
            chosen["backend"] = backends.scanner
        else:
            bluez = BlueZScannerArgs()
            if self.plan.mode is Mode.PASSIVE:
                bluez["or_patterns"] = [*OR_PATTERNS]
            if adapter is not None:
                bluez["adapter"] = adapter
            chosen["bluez"] = bluez
        mode: Literal["active", "passive"] = (
            "passive" if self.plan.mode is Mode.PASSIVE else "active"
        )
        return BleakScanner(self._adverts.heard, scanning_mode=mode, **chosen)

    async def _start(self) -> None:
        if self._scanner is None:
            raise RadioFault(f"{self._adverts.name} has no scanner")
        try:
            await self._scanner.start()
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
        if self._scanner is None:
            return
        stopping = asyncio.ensure_future(self._scanner.stop())
        # How it ends does not matter: what follows is a new start, which says what is wrong.
        await asyncio.wait((stopping,), timeout=STOP_S_MAX)
        if not stopping.done():
            stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)


def _is_gone(fault: Exception) -> bool:
    if isinstance(fault, BleakBluetoothNotAvailableError):
        return fault.reason is BleakBluetoothNotAvailableReason.NO_BLUETOOTH
    if isinstance(fault, BleakDBusError):
        return fault.dbus_error in _NOT_THERE
    if isinstance(fault, BleakError):
        return "not found" in str(fault)
    return isinstance(fault, (ConnectionError, EOFError))
