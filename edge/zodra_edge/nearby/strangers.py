"""Who was heard that the settings do not name. Bounded, and cheap for each advertisement.

Three pools, so that none pushes out another: devices that a parser knows, of which one may be the
household's own and waits to be introduced; the rest; and those whose addresses may change, since
one phone is a hundred advertisers a day.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from zodra_edge.decode.ble import registry
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.nearby import naming

LOOK_S: Final = 1.0
"""How often one advertiser's frame is looked into; the rest of a thousand a second is counted."""


class Pool(StrEnum):
    """Who a stranger seems to be."""

    RECOGNISED = "recognised"
    """A device that could be read, or connected to, if the settings named it."""
    UNKNOWN = "unknown"
    """Something that no parser knows."""
    CHANGING = "changing"
    """Likewise, and with an address that may be gone in a quarter of an hour: mostly a phone."""


ENTRIES_MAX: Final = {Pool.RECOGNISED: 128, Pool.UNKNOWN: 64, Pool.CHANGING: 64}
"""The one silent for the longest is forgotten for a new one, and counted."""


@dataclass(slots=True)
class Stranger:
    """One advertiser."""

    address: str
    pool: Pool
    advert: BleAdvert
    """The latest that was looked into, each `LOOK_S` at most."""
    parser: str
    """By whom it is recognised; `connection` for one that is read over a connection."""
    model: str
    needs_key: bool
    """It sends what it says encrypted."""
    seems: str
    """Its maker and services, as far as numbers tell."""
    name: str | None
    """As it last said; not every frame does."""
    rssi_dbm: int
    count: int
    first_at: datetime
    first_s: float
    last_s: float
    looked_s: float

    @property
    def last_at(self) -> datetime:
        """When it was last heard, by the clock at which it was first heard."""
        return self.first_at + timedelta(seconds=self.last_s - self.first_s)

    def per_s(self) -> float:
        """Say how often it is heard."""
        return (
            (self.count - 1) / (self.last_s - self.first_s) if self.last_s > self.first_s else 0.0
        )


class Strangers:
    """Remembers them."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._pools: dict[Pool, dict[str, Stranger]] = {pool: {} for pool in Pool}
        self._pool_of: dict[str, Pool] = {}
        self.forgotten: dict[Pool, int] = dict.fromkeys(Pool, 0)
        """How many were given up for newer ones."""
        self.heard_count = 0

    def __len__(self) -> int:
        """Count them."""
        return len(self._pool_of)

    def heard(
        self, address: str, rssi_dbm: int, now_s: float, look: Callable[[], BleAdvert]
    ) -> bool:
        """Note one advertisement.

        Args:
            address: whose; upper case.
            rssi_dbm: how strong.
            now_s: by the monotonic clock.
            look: makes the advertisement; asked for each `LOOK_S` at most.

        Returns:
            Whether this is the first that shows a device which could be read.
        """
        self.heard_count += 1
        pool = self._pool_of.get(address)
        if pool is None:
            return self._add(address, rssi_dbm, now_s, look())
        entries = self._pools[pool]
        entry = entries.pop(address)
        entries[address] = entry
        entry.count += 1
        entry.rssi_dbm = rssi_dbm
        entry.last_s = now_s
        if now_s - entry.looked_s < LOOK_S:
            return False
        return self._look(entry, now_s, look())

    def recent(self, now_s: float, within_s: float) -> int:
        """Count those heard of late."""
        return sum(
            now_s - entry.last_s < within_s
            for entries in self._pools.values()
            for entry in entries.values()
        )

    def entries(self) -> tuple[Stranger, ...]:
        """Name them: those that could be read first, and of each pool the latest first."""
        return tuple(
            replace(entry) for pool in Pool for entry in reversed(self._pools[pool].values())
        )

    def _add(self, address: str, rssi_dbm: int, now_s: float, advert: BleAdvert) -> bool:
        parser, model, needs_key = _known(advert)
        entry = Stranger(
            address=address,
            pool=_pool(address, parser),
            advert=advert,
            parser=parser,
            model=model,
            needs_key=needs_key,
            seems=naming.seems(advert),
            name=advert.name,
            rssi_dbm=rssi_dbm,
            count=1,
            first_at=advert.heard.at,
            first_s=now_s,
            last_s=now_s,
            looked_s=now_s,
        )
        self._keep(entry)
        return entry.pool is Pool.RECOGNISED

    def _look(self, entry: Stranger, now_s: float, advert: BleAdvert) -> bool:
        entry.looked_s = now_s
        entry.name = advert.name or entry.name
        parser, model, needs_key = _known(advert)
        if not parser and entry.parser:
            # A scan response says less than the frame it answers for.
            return False
        entry.advert = advert
        entry.seems = naming.seems(advert) or entry.seems
        entry.parser, entry.model = parser, model
        entry.needs_key = needs_key
        if parser and entry.pool is not Pool.RECOGNISED:
            del self._pools[entry.pool][entry.address]
            entry.pool = Pool.RECOGNISED
            self._keep(entry)
            return True
        return False

    def _keep(self, entry: Stranger) -> None:
        entries = self._pools[entry.pool]
        entries[entry.address] = entry
        self._pool_of[entry.address] = entry.pool
        if len(entries) > ENTRIES_MAX[entry.pool]:
            oldest = next(iter(entries))
            del entries[oldest], self._pool_of[oldest]
            self.forgotten[entry.pool] += 1


def _known(advert: BleAdvert) -> tuple[str, str, bool]:
    known = registry.recognise(advert)
    if known is not None:
        return known.name, known.model, registry.needs_key(known, advert)
    service = naming.connects(advert)
    return ("connection", service, False) if service is not None else ("", "", False)


def _pool(address: str, parser: str) -> Pool:
    if parser:
        return Pool.RECOGNISED
    return Pool.CHANGING if naming.may_change(address) else Pool.UNKNOWN
