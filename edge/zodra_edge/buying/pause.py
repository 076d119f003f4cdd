"""The pause: while it is on, each need-moment is kept and sent, and the cloud asks first.

A need of a device that did not prove itself may notify, and never orders (the contract says so of
`authenticated`), in every version of the cloud. So a paused gateway does not vouch for any device,
and says why in the evidence. What was kept before the pause goes as it is.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from zodra_contract.signal import BUYING_PAUSED, EVIDENCE_ENTRIES_MAX, NeedSignal

FILE: Final = "buying-paused"
_BYTES_MAX: Final = 64


class Pause:
    """Remembered in a file of the data folder, so that it survives a restart and a power cut."""

    def __init__(self, data_dir: Path) -> None:
        """Take up what was switched before."""
        self._path = data_dir / FILE
        self.since = since(data_dir)
        """When it was switched on; None while it is off."""

    def switch(self, paused: bool, at: datetime) -> bool:
        """Switch it; on holds at once, off only when the disk has it.

        Returns:
            Whether anything changed.

        Raises:
            OSError: it cannot be remembered.
        """
        if paused == (self.since is not None):
            return False
        if paused:
            self.since = at
            fresh = self._path.with_name(f"{FILE}.new")
            with fresh.open("w", encoding="utf-8") as file:
                file.write(at.isoformat())
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        else:
            self._path.unlink(missing_ok=True)
            self.since = None
        _settle(self._path.parent)
        return True

    def mark(self, signal: NeedSignal) -> NeedSignal:
        """Make of a need one that only asks, while the pause is on."""
        if self.since is None:
            return signal
        # Why it asks matters more to the household than the last of eight facts.
        first = tuple(signal.evidence.items())[: EVIDENCE_ENTRIES_MAX - 1]
        evidence = dict(first) | {BUYING_PAUSED: 1}
        return signal.model_copy(update={"authenticated": False, "evidence": evidence})


def since(data_dir: Path) -> datetime | None:
    """Read since when buying is paused; None if it is not.

    A file that cannot be read still pauses: asking once too often costs nothing.
    """
    path = data_dir / FILE
    try:
        with path.open(encoding="utf-8") as file:
            at = datetime.fromisoformat(file.read(_BYTES_MAX).strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return datetime.fromtimestamp(0, UTC)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _settle(folder: Path) -> None:
    """Bring the folder's own entry to disk."""
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
