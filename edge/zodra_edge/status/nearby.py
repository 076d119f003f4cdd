"""Who was heard nearby that the settings do not name, as a file for onlookers.

A neighbour's devices are nobody's business for long, and a list that changes all the time would
wear out a card: it is written to memory or not at all, and gone with the next boot.
"""

import contextlib
from pathlib import Path
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from zodra_edge.clock import boot_id, monotonic_s
from zodra_edge.decode.ble import registry
from zodra_edge.nearby import Pool, Stranger, Strangers, structures
from zodra_edge.status.store import in_memory, is_ours, name_of, replace_file, told

FILE: Final = "nearby.json"
AGE_S_MAX: Final = 60.0
"""An older list says nothing about who is near."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class StrangerPart(_Value):
    """One advertiser."""

    address: str
    pool: Pool
    name: str | None = None
    parser: str = ""
    """Who recognises it: a parser of docs/devices.md, or `connection`; empty if nobody does."""
    model: str = ""
    """As far as that can be told without reading it."""
    needs_key: bool = False
    """What it says is encrypted: it needs a bind key before it can be introduced."""
    seems: str = ""
    """Its maker and services, as far as numbers tell."""
    rssi_dbm: int
    count: int
    per_s: float
    first_heard_at: AwareDatetime
    last_heard_at: AwareDatetime
    last_heard_age_s: float
    raw: str
    """Its frame in hexadecimal: AD structures, which `zodra_edge.nearby.structures` reads back."""


class Nearby(_Value):
    """All of them."""

    version: int = 1
    boot_id: str
    written_monotonic_s: float
    strangers: tuple[StrangerPart, ...] = ()
    """Those that could be read first, and the latest first."""
    forgotten: dict[Pool, int] = {}
    """How many were given up for newer ones, by pool."""
    heard_count: int = 0
    """Advertisements of strangers since the start."""
    broken_parsers: tuple[str, ...] = ()
    """Names that installed packages promise, and behind which no parser can be loaded."""


def listing(strangers: Strangers, now_s: float) -> Nearby:
    """Say who is near."""
    return Nearby(
        boot_id=boot_id(),
        written_monotonic_s=now_s,
        strangers=tuple(_part(entry, now_s) for entry in strangers.entries()),
        forgotten={pool: count for pool, count in strangers.forgotten.items() if count},
        heard_count=strangers.heard_count,
        # Before the first advertisement nothing was loaded, and nothing is missing.
        broken_parsers=registry.loaded().broken if strangers.heard_count else (),
    )


def _part(entry: Stranger, now_s: float) -> StrangerPart:
    return StrangerPart(
        address=entry.address,
        pool=entry.pool,
        name=entry.name,
        parser=entry.parser,
        model=entry.model,
        needs_key=entry.needs_key,
        seems=entry.seems,
        rssi_dbm=entry.rssi_dbm,
        count=entry.count,
        per_s=round(entry.per_s(), 2),
        first_heard_at=entry.first_at,
        last_heard_at=entry.last_at,
        last_heard_age_s=round(max(0.0, now_s - entry.last_s), 1),
        raw=structures.write(entry.advert).hex(),
    )


def write_nearby(data_dir: Path, runtime_dir: Path | None, nearby: Nearby) -> None:
    """Replace the file, in memory.

    Raises:
        OSError: there is no memory to write it to.
    """
    if runtime_dir is not None:
        folder = runtime_dir
        file = folder / f"nearby-{name_of(data_dir)}.json"
    else:
        folder = in_memory(data_dir)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if not is_ours(folder, data_dir):
            raise PermissionError(f"{folder} belongs to somebody else")
        file = folder / FILE
    replace_file(file, nearby.model_dump_json())


def look_nearby(data_dir: Path) -> Nearby | None:
    """Read the list; None if there is none of this boot that is fresh enough to be true."""
    places = [in_memory(data_dir) / FILE] if is_ours(in_memory(data_dir), data_dir) else []
    if (status := told(data_dir)) is not None:
        places.append(status.parent / f"nearby-{name_of(data_dir)}.json")
    found = [nearby for nearby in map(_read, places) if nearby is not None]
    this_boot, now_s = boot_id(), monotonic_s()
    fresh = [
        nearby
        for nearby in found
        if nearby.boot_id == this_boot and now_s - nearby.written_monotonic_s <= AGE_S_MAX
    ]
    return max(fresh, key=lambda nearby: nearby.written_monotonic_s, default=None)


def _read(file: Path) -> Nearby | None:
    try:
        return Nearby.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None
