"""What the other rooms use of the shops: the port, and which of their events are new."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from zlib import crc32

from sqlalchemy import Connection

from zodra_cloud.merchants import repository
from zodra_cloud.merchants.events import WINDOW
from zodra_cloud.merchants.port import ShopOrder

KEPT: Final = 4 * WINDOW
"""An event older than twice the window cannot pass the signature's check again."""

FORGETS_ONE_IN: Final = 64
"""One event in so many also forgets the old ones: with each it would be a statement an event."""

OrderListener = Callable[[ShopOrder, str, datetime], bool]
"""Takes in what a shop tells of an order: the order, the event's id, and the instant. False if
the order is none of ours."""


def is_new(connection: Connection, event_id: str, now: datetime) -> bool:
    """Remember an event in the unit of work that takes it in; False if it was taken in before."""
    if crc32(event_id.encode()) % FORGETS_ONE_IN == 0:
        repository.forget(connection, now - KEPT)
    return repository.take(connection, event_id, now)
