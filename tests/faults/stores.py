"""A store to damage: made by the real outbox, copied with its log while it is open."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from faults import worlds
from zodra_edge.outbox import schema
from zodra_edge.outbox.need import NeedFile, Press

ROWS = 60
ROWS_MAX = 100_000


@dataclass(frozen=True)
class Store:
    """The file, its log, and what was committed in which order."""

    base: bytes
    log: bytes
    names: tuple[str, ...]

    def write(self, folder: Path) -> Path:
        """Lay it down anew; returns the path of the file."""
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        path = folder / "need.db"
        path.write_bytes(self.base)
        (folder / "need.db-wal").write_bytes(self.log)
        return path


def make(folder: Path, rows: int = ROWS) -> Store:
    """Keep needs one by one, all of them in the log and none in the file yet."""
    path = folder / "made.db"
    schema.prepare(path, schema.NEED, "b")
    base = path.read_bytes()
    connection = schema.connect(path)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    file = NeedFile(ROWS_MAX, 10_000)
    file.load(connection)
    names = tuple(f"p_{number}" for number in range(1, rows + 1))
    for name in names:
        connection.execute("BEGIN IMMEDIATE")
        file.keep(
            connection,
            [Press.of(worlds.signal(name), [worlds.memory(name)], worlds.light(name), 1)],
        )
        file.finish(connection)
        connection.execute("COMMIT")
    log = Path(f"{path}-wal").read_bytes()
    connection.close()
    return Store(base, log, names)


def settled(store: Store, folder: Path) -> Store:
    """The same with everything in the file and no log."""
    path = store.write(folder)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return Store(path.read_bytes(), b"", store.names)


@dataclass(frozen=True)
class Read:
    """What the outbox gives out of a damaged store."""

    rows: dict[int, str]
    aside: int
    memory: str | None


def read(path: Path) -> Read:
    """Open it as the gateway does, and read everything; raises as the gateway would hear it."""
    schema.prepare(path, schema.NEED, "other")
    connection = schema.connect(path)
    try:
        file = NeedFile(ROWS_MAX, 10_000)
        file.load(connection)
        rows: dict[int, str] = {}
        connection.execute("BEGIN IMMEDIATE")
        batch = file.batch(connection, 0, ROWS_MAX, 1)
        if batch is not None:
            rows = {sequence: signal.model_dump_json() for sequence, signal in batch.rows}
        level = file.level(connection)
        memory = file.memories(connection).get(worlds.DEVICE)
        file.finish(connection)
        connection.execute("COMMIT")
        return Read(rows, level.quarantined, memory)
    finally:
        connection.close()
