"""A damaged file is set aside whole, and its good rows move to a new file under a new buffer id.

The steps can be cut off anywhere and are taken up at the next start, by a marker that says where
the damaged file goes. Nothing is deleted: what could not be saved is still in the file set aside.
"""

import os
import secrets
from pathlib import Path
from typing import Final

from zodra_edge.outbox.migrations import Migrations
from zodra_edge.outbox.room import ASIDE
from zodra_edge.outbox.salvage.fill import Filling, Late, beside
from zodra_edge.outbox.schema import sync_folder
from zodra_edge.outbox.storage import Salvage

MARKER: Final = ".salvaging"
FRESH: Final = ".fresh"
_TAILS: Final = ("-wal", "-shm")


def under_way(path: Path) -> bool:
    """Whether an earlier salvage of this file was cut off."""
    return beside(path, MARKER).exists()


def salvage(path: Path, migrations: Migrations, why: str, late: Late) -> Salvage:
    """Set a damaged file aside, and make a new one with all of its rows that are whole.

    Args:
        path: the damaged file, or where it was if a salvage was cut off.
        migrations: of the lane.
        why: what was found, for the report.
        late: asked now and then; once it says so, what has been saved must do.

    Raises:
        OSError: the disk refuses; nothing is lost, and it can be tried again.
        sqlite3.Error: likewise.
    """
    marker = beside(path, MARKER)
    aside = _marked(path, marker)
    if aside is None:
        # Unique and without a time: the clock of a gateway in trouble may say anything.
        aside = path.with_name(path.name + ASIDE + secrets.token_hex(4))
        _write(marker, aside.name)
    if not aside.exists() and not path.exists():
        # Nothing of it is left, and that is told like any other damage.
        aside.touch()
    if not aside.exists():
        for tail in _TAILS:
            if beside(path, tail).exists():
                beside(path, tail).replace(beside(aside, tail))
        path.replace(aside)
        sync_folder(path)
    filling = Filling(late)
    if not path.exists():
        fresh = beside(path, FRESH)
        filling.fill(fresh, aside, migrations)
        fresh.replace(path)
        sync_folder(path)
    # Looking in makes these; they hold nothing that is not in the file itself.
    beside(aside, "-shm").unlink(missing_ok=True)
    if beside(aside, "-wal").exists() and beside(aside, "-wal").stat().st_size == 0:
        beside(aside, "-wal").unlink()
    marker.unlink()
    return Salvage(
        path.name,
        aside.name,
        why,
        filling.saved,
        filling.damaged,
        filling.complete,
        filling.memory_lost,
    )


def _marked(path: Path, marker: Path) -> Path | None:
    """Read where the damaged file goes; None if the marker does not say."""
    if not marker.exists():
        return None
    name = marker.read_bytes().decode("ascii", errors="replace").strip()
    if name.startswith(path.name + ASIDE) and "/" not in name:
        return path.with_name(name)
    if path.exists():
        return None
    # Damaged itself, and the file was moved already: the newest that was set aside is the one.
    moved = path.parent.glob(f"{path.name}{ASIDE}*")
    whole = [one for one in moved if not one.name.endswith(_TAILS)]
    return max(whole, key=lambda one: one.stat().st_mtime, default=None)


def _write(path: Path, text: str) -> None:
    fresh = beside(path, FRESH)
    with fresh.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path)
