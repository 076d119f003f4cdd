"""Tells onlookers who is near."""

import asyncio
from pathlib import Path
from typing import Final

from zodra_edge.clock import monotonic_s
from zodra_edge.nearby import Strangers
from zodra_edge.status import Tally, listing, write_nearby

WRITE_S: Final = 3.0
"""Somebody who presses a new device looks for it at once."""


class Neighbours:
    """Writes the list of strangers, while there are new ones to tell of."""

    def __init__(
        self, data_dir: Path, runtime_dir: Path | None, strangers: Strangers, tally: Tally
    ) -> None:
        """Take the parts."""
        self._data_dir = data_dir
        self._runtime_dir = runtime_dir
        self._strangers = strangers
        self._tally = tally

    async def run(self) -> None:
        """Write for ever."""
        while True:
            await asyncio.sleep(WRITE_S)
            self.write()

    def write(self) -> None:
        """Write the list as it is now."""
        try:
            write_nearby(self._data_dir, self._runtime_dir, listing(self._strangers, monotonic_s()))
        except OSError:
            self._tally.add("nearby_not_written")
