"""Which retained topics were published, so that what is no longer meant is taken away.

Whoever publishes a retained message owns it: a broker keeps it for ever, and Home Assistant shows
it again after each restart.
"""

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

FILE: Final = "home-assistant.json"
TOPICS_MAX: Final = 32_768


class Published:
    """The topics, in a file of the data folder."""

    def __init__(self, data_dir: Path) -> None:
        """Take up what was published before a restart."""
        self._path = data_dir / FILE
        self.topics = _read(self._path)

    def keep(self, topics: Iterable[str]) -> None:
        """Remember these and no others; the file goes when there are none.

        Raises:
            OSError: the disk refuses.
        """
        wanted = frozenset(topics)
        if wanted == self.topics:
            return
        if not wanted:
            self._path.unlink(missing_ok=True)
        else:
            fresh = self._path.with_name(f"{FILE}.new")
            with fresh.open("w", encoding="utf-8") as file:
                json.dump({"topics": sorted(wanted)}, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        self.topics = wanted


def _read(path: Path) -> frozenset[str]:
    with contextlib.suppress(OSError, ValueError):
        said = json.loads(path.read_text(encoding="utf-8"))
        topics = said.get("topics") if isinstance(said, dict) else None
        if isinstance(topics, list):
            return frozenset(topic for topic in topics[:TOPICS_MAX] if isinstance(topic, str))
    return frozenset()
