"""The SQL of the table `light`: what the lights of the last few needs of each slot said."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from zodra_edge.outbox.records import LightRow
from zodra_edge.outbox.rows.many import Insert, delete

LIGHTS_PER_SLOT_MAX: Final = 8
"""Needs of one slot whose light is remembered; older ones are done with."""
LIGHTS_OVER_MAX: Final = 8
"""So many more may be there before they are deleted, all at once: they lie in another page."""
LIGHT_PLACE_MAX: Final = 2**62
"""A flipped bit can leave a row with a larger number; counting goes on below it."""

Slot = tuple[str, ...]
"""A device and its slot."""

_COLUMNS: Final = "place, device_id, slot_key, signal_id, state, reason, at_ms, round"
_INSERT: Final = Insert("light", _COLUMNS)


class LightTable:
    """What the writer's thread knows about the table between transactions."""

    def __init__(self) -> None:
        """Know nothing; see `load`."""
        self._next = 1
        """The place of the next one."""
        self._places: dict[Slot, dict[str, int]] = {}
        """Signals and the place of each, by slot, the oldest first."""

    def load(self, connection: sqlite3.Connection) -> None:
        """Read where the lights are, at the start and after a rollback."""
        self._places = {}
        for place, signal_id, *slot in connection.execute(
            "SELECT place, signal_id, device_id, slot_key FROM light ORDER BY place"
        ):
            self._places.setdefault(tuple(slot), {})[signal_id] = place
        (newest,) = connection.execute(
            "SELECT max(place) FROM light WHERE place < ?", (LIGHT_PLACE_MAX,)
        ).fetchone()
        self._next = max(newest or 0, 0) + 1

    def shine(self, connection: sqlite3.Connection, lights: Sequence[LightRow]) -> None:
        """Store what lights say, and forget the oldest needs of their slots."""
        fresh: list[Any] = []
        done_with: list[int] = []
        known, place = self._places, self._next
        for light in lights:
            slot, signal_id = light[:2], light[2]
            places = known.get(slot)
            if places is None:
                places = known[slot] = {}
            elif signal_id in places:
                # It may be among those that are not inserted yet.
                _INSERT.run(connection, fresh)
                fresh.clear()
                connection.execute(
                    "UPDATE light SET state = ?, reason = ?, at_ms = ?, round = ? WHERE place = ?",
                    (*light[3:], places[signal_id]),
                )
                continue
            places[signal_id] = place
            fresh.append(place)
            fresh += light
            place += 1
            if len(places) >= LIGHTS_PER_SLOT_MAX + LIGHTS_OVER_MAX:
                oldest = list(places)[:-LIGHTS_PER_SLOT_MAX]
                done_with += [places.pop(name) for name in oldest]
        self._next = place
        _INSERT.run(connection, fresh)
        delete(connection, "light", "place", done_with)

    def read(self, connection: sqlite3.Connection) -> list[LightRow]:
        """Read all lights, the oldest need first."""
        held = {
            place: LightRow(*row)
            for place, *row in connection.execute(
                f"SELECT {_COLUMNS} FROM light ORDER BY place"  # noqa: S608 - our own names
            )
        }
        newest = (list(places.values())[-LIGHTS_PER_SLOT_MAX:] for places in self._places.values())
        return [held[place] for place in sorted(place for some in newest for place in some)]
