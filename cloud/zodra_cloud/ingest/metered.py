"""Readings that say how much of something is left or was used, handed on in the ingest's commit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from zodra_cloud.store.engine import Database, provided
from zodra_cloud.store.types import from_ms
from zodra_contract.reading import ReadingKind

METERED: Final = frozenset({ReadingKind.REMAINING_UNITS, ReadingKind.USED_UNITS})

_NAME: Final = "ingest.metered"


@dataclass(frozen=True, slots=True)
class Metered:
    """One reading of a device that may be about a slot."""

    household_id: str
    device_id: str
    kind: str
    value: float
    observed_at: datetime


MeteredListener = Callable[[Connection, Sequence[Metered], datetime], None]
"""Takes such readings in, inside the unit of work that stores them; repeats are possible."""


def on_metered(database: Database, listener: MeteredListener) -> None:
    """Let one room hear them; `app` registers it before the first unit of work."""
    database.provide(_NAME, listener)


def metered_of(
    household_id: str, rows: Sequence[tuple[int, str, str, float, int]], base_ms: int
) -> list[Metered]:
    """Pick them from the rows of a batch."""
    return [
        Metered(household_id, device_id, kind, value, from_ms(base_ms + offset_ms))
        for _sequence, device_id, kind, value, offset_ms in rows
        if kind in METERED
    ]


def tell_metered(connection: Connection, heard: Sequence[Metered], now: datetime) -> None:
    """Hand them on, if anybody listens."""
    listener: Any = provided(connection, _NAME)
    if heard and listener is not None:
        listener(connection, heard, now)
