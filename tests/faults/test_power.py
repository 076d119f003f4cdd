"""Power cuts, simulated under SQLite: what was committed is there, whatever was not synced yet."""

import contextlib
import random
import sqlite3
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from faults import harness, worlds
from faults.power import Connection, Content, CutVfs, Disk, PowerCut, transact
from zodra_contract.envelope import Rejection
from zodra_contract.outcome import RejectReason
from zodra_edge.errors import OutboxFault
from zodra_edge.outbox import Kept, schema
from zodra_edge.outbox.need import NeedFile, Press
from zodra_edge.outbox.rows.many import ROWS_A_STATEMENT
from zodra_edge.outbox.telemetry import TelemetryFile

OPERATIONS_MAX = 1_600
"""Past the first checkpoint and the reuse of the log, which come after some six hundred."""
ROWS_MAX = 100_000
CROWDED = 0.1
"""How often so many needs come together that they are written many in one statement."""
RESIZE_OPERATIONS = 60
"""Some more than writing a file anew with other pages takes."""


@dataclass
class Promise:
    """What must be found: the state before the transaction under way, or the one after it."""

    rows: dict[int, str] = field(default_factory=dict)
    memory: str | None = None
    next_sequence: int = 1
    settled_upto: int = field(default=0, compare=False)
    """Receipted, and to be deleted with whatever is written next."""

    def copy(self) -> "Promise":
        return Promise(dict(self.rows), self.memory, self.next_sequence, self.settled_upto)

    def settle(self) -> None:
        self.rows = {s: name for s, name in self.rows.items() if s > self.settled_upto}


@dataclass
class Trial:
    """One power cut on one of the two files."""

    draw: random.Random
    disk: Disk
    committed: Promise = field(default_factory=Promise)
    under_way: Promise = field(default_factory=Promise)
    commits: int = 0
    commits_max: int | None = None
    """The power goes right after the first need that is kept by so many or more; None if the disk
    says when."""

    def need_jobs(self) -> list[Any]:
        """Draw a group of jobs, and predict what they do."""
        after = self.under_way = self.committed.copy()
        jobs: list[Any] = []
        writes = False
        if self.draw.random() < CROWDED:
            first, count = after.next_sequence, self.draw.randrange(2, 3 * ROWS_A_STATEMENT)
            names = [f"p_{first + place}" for place in range(count)]
            after.rows.update(enumerate(names, first))
            after.memory, after.next_sequence = names[-1], first + count
            after.settle()
            return [partial(_keep_all, names)]
        for _ in range(self.draw.choice((1, 1, 1, 2, 5))):
            what = self.draw.random()
            if what < 0.8 or not after.rows:
                name = f"p_{after.next_sequence}"
                after.rows[after.next_sequence] = after.memory = name
                after.next_sequence += 1
                jobs.append(partial(_keep, name))
                writes = True
            else:
                upto = self.draw.choice(list(after.rows))
                after.settled_upto = max(after.settled_upto, upto)
                refused = self.draw.random() < 0.5
                jobs.append(partial(_receipt if refused else _all_taken, upto))
                writes |= refused
        if writes:
            after.settle()
        return jobs

    def reading_jobs(self) -> list[Any]:
        after = self.under_way = self.committed.copy()
        if self.draw.random() < 0.8 or not after.rows:
            first, rows = after.next_sequence, self.draw.randrange(1, 40)
            after.rows.update({first + n: str(first + n) for n in range(rows)})
            after.next_sequence += rows
            return [lambda c, f: f.keep(c, [worlds.reading(first + n) for n in range(rows)])]
        upto = self.draw.choice(list(after.rows))
        after.rows = {s: name for s, name in after.rows.items() if s > upto}
        return [partial(_receipt, upto)]

    def run(self, connection: Connection, file: NeedFile | TelemetryFile) -> None:
        """Go on until the power is gone."""
        while True:
            needs = isinstance(file, NeedFile)
            jobs = self.need_jobs() if needs else self.reading_jobs()
            results = transact(connection, file, *jobs)
            assert all(isinstance(r, Kept) for r in results if needs and hasattr(r, "sequence"))
            was_kept = self.under_way.rows.keys() - self.committed.rows.keys()
            self.committed = self.under_way
            self.commits += 1
            if was_kept and self.commits_max is not None and self.commits >= self.commits_max:
                self.disk.off = True
                raise PowerCut


def _press(name: str) -> Press:
    return Press.of(worlds.signal(name), [worlds.memory(name)], worlds.light(name), 1)


def _keep(name: str, connection: Any, file: NeedFile) -> object:
    return _press(name)(connection, file)


def _keep_all(names: list[str], connection: Any, file: NeedFile) -> object:
    return Press.do_all(connection, file, [_press(name) for name in names])


def _receipt(upto: int, connection: Any, file: NeedFile | TelemetryFile) -> object:
    # A row rejected for good goes to the quarantine, in the same transaction.
    return file.apply(connection, upto, [Rejection(upto, RejectReason.UNKNOWN_DEVICE)], 1)


def _all_taken(upto: int, connection: Any, file: NeedFile) -> object:
    return file.apply(connection, upto, [], 1)


LANES: dict[str, tuple[Any, Any, str]] = {
    "need": (schema.NEED, NeedFile, "need.db"),
    "telemetry": (schema.TELEMETRY, TelemetryFile, "telemetry.db"),
}


def cut(
    lane: str, folder: Path, draw: random.Random, pragmas: str, after_commits: int | None = None
) -> Trial:
    """Run the outbox's own statements on the disk until the power goes; leave what is left."""
    migrations, made, name = LANES[lane]
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        path = Path(fresh) / name
        schema.prepare(path, migrations, "b")
        base = path.read_bytes()
    disk = Disk()
    disk.files[name] = Content.of(base)
    trial = Trial(draw, disk, commits_max=after_commits)
    connection = Connection(name, CutVfs("cut", disk))
    try:
        for pragma in pragmas.split(";"):
            connection.execute(pragma)
        file = made(ROWS_MAX, 10_000)
        file.load(connection)
        if after_commits is None:
            disk.cut_at = disk.operations + draw.randrange(1, OPERATIONS_MAX)
        trial.run(connection, file)
    except PowerCut:
        pass
    connection.drop()
    disk.leave(folder, draw)
    return trial


def found(lane: str, folder: Path) -> Promise:
    """Open what is left as the gateway would, and read everything."""
    migrations, made, name = LANES[lane]
    path = folder / name
    schema.prepare(path, migrations, "other")
    connection = schema.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        file = made(ROWS_MAX, 10_000)
        file.load(connection)
        batch = file.batch(connection, 0, ROWS_MAX, 1)
        level = file.level(connection)
        assert level.buffer_id == "b"
        rows = {} if batch is None else dict(map(_named, batch.rows))
        assert level.depth == len(rows), "a damaged row"
        memory = None
        if isinstance(file, NeedFile):
            held = file.memories(connection).get(worlds.DEVICE)
            memory = held and held.split('"')[3]
        return Promise(rows, memory, level.next_sequence)
    finally:
        connection.close()


def _named(row: Any) -> tuple[int, str]:
    return row[0], row[1].signal_id if hasattr(row[1], "signal_id") else str(int(row.value))


@pytest.mark.parametrize("shard", range(harness.SHARDS), ids=lambda n: f"shard{n}")
def test_no_power_cut_loses_what_was_committed(ram: Path, shard: int, tell: harness.Tell) -> None:
    cuts = harness.share("CUTS", quick=80, full=1_000)
    commits = 0
    for number in range(cuts):
        lane = "telemetry" if number % 4 == 3 else "need"
        folder = ram / str(number)
        folder.mkdir()
        trial = cut(lane, folder, harness.chance("power", shard, number), schema.PRAGMAS)
        left = found(lane, folder)
        assert left in (trial.committed, trial.under_way), (
            f"shard {shard}, cut {number} of the {lane} lane, {harness.again()}"
        )
        commits += trial.commits
    tell(cuts=cuts, commits=commits, lost=0)


COMMITS_MAX = 60
"""Of a trial that is cut right after one; the first checkpoint, which syncs, comes after more."""


def lost_after_confirming(folder: Path, level: str, number: int) -> bool:
    """Cut the power right after a need was kept, and say whether one that was confirmed is gone."""
    pragmas = schema.PRAGMAS.replace("synchronous = FULL", f"synchronous = {level}")
    assert (pragmas == schema.PRAGMAS) == (level == "FULL")
    draw = harness.chance("right after", level, number)
    trial = cut("need", folder, draw, pragmas, draw.randrange(1, COMMITS_MAX))
    assert trial.committed.rows
    assert trial.commits >= (trial.commits_max or 1)
    try:
        left = found("need", folder)
    except (OutboxFault, sqlite3.Error, AssertionError):
        return True  # nothing can be read any more
    return not trial.committed.rows.items() <= left.rows.items()


@pytest.mark.parametrize(("level", "lost_min"), [("FULL", 0), ("NORMAL", 30), ("OFF", 30)])
def test_a_store_that_syncs_less_loses_what_it_confirmed_and_is_noticed(
    ram: Path, level: str, lost_min: int, tell: harness.Tell
) -> None:
    lost = 0
    for number in range(30):
        folder = ram / str(number)
        folder.mkdir()
        lost += lost_after_confirming(folder, level, number)
    assert lost >= lost_min
    assert lost == 0 or level != "FULL"
    tell(cuts=30, cuts_that_lost_a_confirmed_need=lost)


def with_large_pages(folder: Path) -> Path:
    """Make a file with needs in it, as an earlier build left it."""
    path = folder / "need.db"
    schema.prepare(path, schema.NEED, "b")
    connection: Any
    with contextlib.closing(schema.connect(path)) as connection:
        file = NeedFile(ROWS_MAX, 10_000)
        file.load(connection)
        transact(connection, file, *(partial(_keep, f"p_{number}") for number in range(1, 41)))
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("VACUUM")
        assert schema.page_bytes(connection) == 4096
    return path


def test_no_power_cut_while_a_file_gets_smaller_pages_loses_a_need(
    ram: Path, tell: harness.Tell
) -> None:
    base = with_large_pages(ram).read_bytes()
    draw = harness.chance("smaller pages")
    sizes: list[int] = []
    for number in range(harness.count("RESIZES", quick=40, full=600)):
        folder = ram / str(number)
        folder.mkdir()
        disk = Disk()
        disk.files["need.db"] = Content.of(base)
        connection: Any = Connection("need.db", CutVfs("cut", disk))
        # Not in WAL, so that it may let go of the file as the gateway's own connection does.
        connection.execute("PRAGMA locking_mode = NORMAL")
        connection.execute("PRAGMA temp_store = MEMORY")
        disk.cut_at = draw.randrange(1, RESIZE_OPERATIONS)
        with contextlib.suppress(PowerCut):
            schema._resize_pages(ram / "need.db", connection)
        connection.drop()
        disk.leave(folder, draw)
        with contextlib.closing(sqlite3.connect(folder / "need.db")) as looking:
            sizes.append(schema.page_bytes(looking))
        assert len(found("need", folder).rows) == 40, f"cut {number}, {harness.again()}"
    assert set(sizes) == {4096, schema.PAGE_BYTES}, "cut before it is done, and after"
    tell(resizes=len(sizes), cut_before_it_was_done=sizes.count(4096), lost=0)
