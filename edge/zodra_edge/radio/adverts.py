"""Hearing advertisements, and showing how many: a quiet home and a deaf radio look alike."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from zodra_edge.clock import Clock, monotonic_s
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import DecodeRefusal
from zodra_edge.nearby import Strangers

FLOOD: Final = "advert_flood"
"""How an advertisement is counted that came too soon after many of the same device."""
MINUTE_S: Final = 60


class Arrival(NamedTuple):
    """A device that one connects to, as it was just heard."""

    device: BLEDevice
    adapter: str
    """Who heard it, and so whom it can be connected through."""


class Arrivals:
    """Where connections wait until their device is heard by any adapter."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._waiting: dict[str, set[asyncio.Future[Arrival]]] = {}

    async def wait_for(self, address: str) -> Arrival:
        """Wait for the next advertisement of a device."""
        held = self._waiting.setdefault(address.upper(), set())
        future: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()
        held.add(future)
        try:
            return await future
        finally:
            held.discard(future)

    def arrived(self, address: str, device: BLEDevice, adapter: str) -> None:
        """Tell whoever waits for it."""
        for future in self._waiting.get(address, ()):
            if not future.done():
                future.set_result(Arrival(device, adapter))


@dataclass(frozen=True, slots=True)
class Heard:
    """What one adapter hears."""

    adverts_per_min: float
    last_advert_age_s: float | None
    strangers: int
    """Advertisers heard within the last minute that are none of the home's devices."""


@dataclass(frozen=True, slots=True)
class Home:
    """What the adapters of one gateway share."""

    profiles: Mapping[str, DeviceProfile]
    """The home's devices by upper-case address."""
    clock: Clock
    """Dates each advertisement."""
    deliver: Callable[[BleAdvert], None]
    """Takes those of the home's devices."""
    count: Callable[[str], None]
    """Counts a refusal by reason."""
    lets: Callable[[str, int], bool] = lambda _address, _now_ms: True
    """Whether a device of the home, at so many milliseconds, may say yet more."""
    connects: frozenset[str] = frozenset()
    """Upper-case addresses of devices that are read over a connection alone."""


class Adverts:
    """Takes what one adapter hears."""

    def __init__(
        self,
        name: str,
        home: Home,
        canary: str | None = None,
        strangers: Strangers | None = None,
        arrivals: Arrivals | None = None,
    ) -> None:
        """Take the adapter's name, and what it shares with others."""
        self.name = name
        self.last_s: float | None = None
        """When something that says anything was last heard, by the monotonic clock."""
        self.canary_s: float | None = None
        """When the expected beacon was."""
        self.strangers = Strangers() if strangers is None else strangers
        """Heard, and not named by the settings."""
        self._home = home
        self._canary = canary
        self._arrivals = Arrivals() if arrivals is None else arrivals
        self._seconds: deque[tuple[int, int]] = deque(maxlen=MINUTE_S)
        self._makers: dict[str, Mapping[int, bytes]] = {}
        self._rssi: dict[str, int] = {}

    def status(self) -> Heard:
        """Say how much is heard now."""
        now_s = monotonic_s()
        heard = sum(count for second, count in self._seconds if now_s - second < MINUTE_S)
        age_s = None if self.last_s is None else max(0.0, now_s - self.last_s)
        return Heard(float(heard), age_s, self.strangers.recent(now_s, MINUTE_S))

    def rssi_dbm(self, address: str) -> int | None:
        """Say how strongly a device was last heard."""
        return self._rssi.get(address.upper())

    def heard(self, device: BLEDevice, advert: AdvertisementData) -> None:
        """Take one advertisement."""
        now_s = monotonic_s()
        address = device.address.upper()
        if not _says_anything(advert):
            # BlueZ calls it one, too, when a device connects or its signal strength is forgotten.
            return
        self.last_s = now_s
        if address == self._canary:
            self.canary_s = now_s
        second = int(now_s)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1] = (second, self._seconds[-1][1] + 1)
        else:
            self._seconds.append((second, 1))
        profile = self._home.profiles.get(address)
        if profile is None:
            self._stranger(address, advert, now_s)
            return
        self._rssi[address] = advert.rssi
        if profile.adapter not in (None, self.name):
            # Known here only so that a person sees who would hear it better.
            return
        if not self._home.lets(address, int(now_s * 1000)):
            self._home.count(FLOOD)
            return
        self._arrivals.arrived(address, device, self.name)
        if address in self._home.connects:
            return
        frame = self._frame(address, advert)
        before = self._makers.get(address)
        self._makers[address] = frame.manufacturer_data
        self._home.deliver(replace(frame, manufacturer_data=_news(before, frame.manufacturer_data)))

    def _frame(self, address: str, advert: AdvertisementData) -> BleAdvert:
        return BleAdvert(
            source=self.name,
            address=address,
            name=advert.local_name,
            rssi_dbm=advert.rssi,
            service_data=advert.service_data,
            manufacturer_data=advert.manufacturer_data,
            service_uuids=tuple(advert.service_uuids),
            heard=self._home.clock.now(),
        )

    def _stranger(self, address: str, advert: AdvertisementData, now_s: float) -> None:
        # A phone or a beacon next door is usual. A device of a kind that we read, but that nobody
        # introduced, may be one that somebody waits for.
        if self.strangers.heard(address, advert.rssi, now_s, lambda: self._frame(address, advert)):
            self._home.count(DecodeRefusal.UNKNOWN_DEVICE)


def _says_anything(advert: AdvertisementData) -> bool:
    return bool(
        advert.service_data or advert.manufacturer_data or advert.service_uuids or advert.local_name
    )


def _news(before: Mapping[int, bytes] | None, now: Mapping[int, bytes]) -> Mapping[int, bytes]:
    """Name what an advertisement added: BlueZ hands over all that it ever heard of a device.

    ThermoPro writes its measurement where others write their company, so only the latest counts.
    """
    if before is None or len(now) < 2:
        return now
    return {company: data for company, data in now.items() if before.get(company) != data} or now
