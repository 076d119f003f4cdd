"""Hearing advertisements, and showing how many: a quiet home and a deaf radio look alike.

`bluetoothd` restarting kills a running scan without a word (SignalK/signalk-server#3057 measured 20
adverts a second to none), so after a silence the scanner is built anew by the supervisor.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from zodra_edge.clock import Clock, monotonic_s
from zodra_edge.decode.ble.patterns import CONNECTIONS, PATTERNS
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import DecodeRefusal
from zodra_edge.errors import RadioFault
from zodra_edge.nearby import Strangers
from zodra_edge.radio.backend import Backends
from zodra_edge.settings import Radio

FLOOD: Final = "advert_flood"
"""How an advertisement is counted that came too soon after many of the same device."""
LOOK_S: Final = 1.0
MINUTE_S: Final = 60

_PATTERNS: Final = [
    OrPattern(0, AdvertisementDataType(pattern.ad_type), pattern.start)
    for pattern in (*CONNECTIONS, *(one for some in PATTERNS.values() for one in some))
]
"""What BlueZ must be told to let through in passive mode; without patterns it refuses to start."""


@dataclass(frozen=True, slots=True)
class AdapterStatus:
    """How one adapter is doing."""

    name: str
    scanning: bool
    adverts_per_min: float
    last_advert_age_s: float | None
    strangers: int
    """Advertisers heard within the last minute that are none of the home's devices."""


class Adverts:
    """Scans with one adapter. `run` lasts until the adapter fails or falls silent."""

    def __init__(
        self,
        settings: Radio,
        profiles: Mapping[str, DeviceProfile],
        clock: Clock,
        deliver: Callable[[BleAdvert], None],
        count: Callable[[str], None],
        lets: Callable[[str, int], bool] = lambda _address, _now_ms: True,
    ) -> None:
        """Take the parts.

        Args:
            settings: mode, and the longest silence.
            profiles: the home's devices by upper-case address.
            clock: dates each advertisement.
            deliver: takes those of the home's buttons.
            count: counts a refusal by reason.
            lets: whether a device of the home, at so many milliseconds, may say yet more.
        """
        self._settings = settings
        self._profiles = profiles
        self._clock = clock
        self._deliver = deliver
        self._count = count
        self._lets = lets
        self.name = "hci0" if settings.backend is None else settings.backend.partition(".")[0]
        self._scanning = False
        self._last_s: float | None = None
        self._seconds: deque[tuple[int, int]] = deque(maxlen=MINUTE_S)
        self.strangers = Strangers()
        """Heard, and not named by the settings."""
        self._makers: dict[str, Mapping[int, bytes]] = {}
        self._seen: dict[str, BLEDevice] = {}
        self._rssi: dict[str, int] = {}
        self._arrivals: dict[str, asyncio.Event] = {}

    def status(self) -> AdapterStatus:
        """Say how the adapter is doing now."""
        now_s = monotonic_s()
        heard = sum(count for second, count in self._seconds if now_s - second < MINUTE_S)
        age_s = None if self._last_s is None else max(0.0, now_s - self._last_s)
        strangers = self.strangers.recent(now_s, MINUTE_S)
        return AdapterStatus(self.name, self._scanning, float(heard), age_s, strangers)

    async def wait_for(self, address: str) -> BLEDevice:
        """Wait for the next advertisement of a device that one connects to."""
        arrival = self._arrivals.setdefault(address.upper(), asyncio.Event())
        arrival.clear()
        await arrival.wait()
        return self._seen[address.upper()]

    def rssi_dbm(self, address: str) -> int | None:
        """Say how strongly a device was last heard."""
        return self._rssi.get(address.upper())

    async def run(self, backends: Backends) -> None:
        """Scan.

        Raises:
            RadioFault: the adapter cannot scan, or nothing was heard for too long.
        """
        try:
            async with self._scanner(backends):
                self._scanning = True
                await self._watch()
        except FileNotFoundError as fault:
            # What bleak raises where there is no D-Bus socket, and so no BlueZ behind it.
            raise RadioFault(
                f"{self.name} cannot scan: no system D-Bus here; is bluez installed and running?"
            ) from fault
        except (BleakError, OSError) as fault:
            raise RadioFault(f"{self.name} cannot scan: {fault}") from fault
        finally:
            self._scanning = False

    def _scanner(self, backends: Backends) -> BleakScanner:
        chosen: dict[str, Any] = {}
        if backends.scanner is not None:
            chosen["backend"] = backends.scanner
        elif self._settings.scanning_mode == "passive":
            chosen["bluez"] = BlueZScannerArgs(or_patterns=[*_PATTERNS])
        return BleakScanner(self._heard, scanning_mode=self._settings.scanning_mode, **chosen)

    async def _watch(self) -> None:
        began_s = monotonic_s()
        while True:
            await asyncio.sleep(LOOK_S)
            silent_s = monotonic_s() - max(began_s, self._last_s or began_s)
            if silent_s > self._settings.silence_s_max:
                raise RadioFault(f"{self.name} heard nothing for {silent_s:.0f} s")

    def _heard(self, device: BLEDevice, advert: AdvertisementData) -> None:
        now_s = monotonic_s()
        self._last_s = now_s
        second = int(now_s)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1] = (second, self._seconds[-1][1] + 1)
        else:
            self._seconds.append((second, 1))
        address = device.address.upper()
        profile = self._profiles.get(address)
        if profile is None:
            self._stranger(address, advert, now_s)
            return
        self._rssi[address] = advert.rssi
        if not self._lets(address, int(now_s * 1000)):
            self._count(FLOOD)
            return
        if profile.family is Family.WEARABLE:
            self._arrived(address, device)
        else:
            frame = self._frame(address, advert)
            before = self._makers.get(address)
            self._makers[address] = frame.manufacturer_data
            self._deliver(replace(frame, manufacturer_data=_news(before, frame.manufacturer_data)))

    def _frame(self, address: str, advert: AdvertisementData) -> BleAdvert:
        return BleAdvert(
            source=self.name,
            address=address,
            name=advert.local_name,
            rssi_dbm=advert.rssi,
            service_data=advert.service_data,
            manufacturer_data=advert.manufacturer_data,
            service_uuids=tuple(advert.service_uuids),
            heard=self._clock.now(),
        )

    def _arrived(self, address: str, device: BLEDevice) -> None:
        self._seen[address] = device
        if address in self._arrivals:
            self._arrivals[address].set()

    def _stranger(self, address: str, advert: AdvertisementData, now_s: float) -> None:
        # A phone or a beacon next door is usual. A device of a kind that we read, but that nobody
        # introduced, may be one that somebody waits for.
        if self.strangers.heard(address, advert.rssi, now_s, lambda: self._frame(address, advert)):
            self._count(DecodeRefusal.UNKNOWN_DEVICE)


def _news(before: Mapping[int, bytes] | None, now: Mapping[int, bytes]) -> Mapping[int, bytes]:
    """Name what an advertisement added: BlueZ hands over all that it ever heard of a device.

    ThermoPro writes its measurement where others write their company, so only the latest counts.
    """
    if before is None or len(now) < 2:
        return now
    return {company: data for company, data in now.items() if before.get(company) != data} or now
