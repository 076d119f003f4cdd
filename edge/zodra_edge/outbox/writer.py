"""One thread and one connection a file; whoever waits together is committed together.

There is no timer: while one transaction is being synced the next callers queue up, and all of them
share the next sync. A linger of 2 ms only halved what came through. All callers of one transaction
are told of it with one word to the loop: a word for each cost more than the writing.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

from zodra_edge.errors import OutboxFault, StorageFault
from zodra_edge.outbox.line import Doing, Errand, Job, Joint, Line, Place, tell
from zodra_edge.outbox.opening import (
    LaneSpec,
    empty_wal,
    no_connection,
    open_lane,
    trouble_of,
)
from zodra_edge.outbox.records import EMPTY, Level
from zodra_edge.outbox.room import Room
from zodra_edge.outbox.storage import Salvage, Trouble, classify

SALVAGES_MAX: Final = 8
"""Remembered for the status."""
VACUUM_PAGES_MIN: Final = 1_024
"""Give free pages back to the card from a MiB on, and only while nobody waits."""
VACUUM_PAGES_MAX: Final = 8_192
"""In one go: moving pages takes time and makes the WAL grow."""
GIVE_WAY_PAGES: Final = 128
"""In one go on a full disk: 128 KiB of WAL, and half a MiB with the pages of earlier builds."""
GIVE_WAY_ROUNDS_MAX: Final = 32


class LaneFile(Protocol):
    """The SQL of one file. Used by the writer's thread alone."""

    def load(self, connection: sqlite3.Connection) -> None:
        """Read the counters anew, at the start and after a rollback."""

    def finish(self, connection: sqlite3.Connection) -> None:
        """Write the counters, within the transaction."""

    def level(self, connection: sqlite3.Connection) -> Level:
        """Say how full the file is."""

    def give_way(self, connection: sqlite3.Connection) -> int:
        """Drop what may be dropped on a full disk; returns how many rows."""


File = TypeVar("File", bound=LaneFile)
Result = TypeVar("Result")


class Writer(Generic[File]):
    """The only one that touches one database file."""

    def __init__(self, path: Path, file: File, spec: LaneSpec, room: Room) -> None:
        """Open the file, or be in trouble with it. The thread starts with `start`.

        Raises:
            OutboxFault: the file is another program's.
        """
        self._path = path
        self._file = file
        self._spec = spec
        self._room = room
        self._connection = no_connection()
        self._is_open = False
        self._is_start = True
        self._under_way: list[Any] = []
        self.level: Level = EMPTY
        """After the newest commit; a plain value, so that looking costs no wait."""
        self.trouble: Trouble | None = None
        """Why the newest writing failed; None once one succeeded."""
        self.salvages: tuple[Salvage, ...] = ()
        """Since the start."""
        self.on_full: Callable[[], None] = _nobody
        """Called from the thread when the disk is full."""
        self._line = Line(path.name)
        self._thread = threading.Thread(target=self._serve, name=f"outbox-{path.stem}")
        self._open()

    @property
    def ended(self) -> bool:
        """Whether the thread is gone."""
        return self._line.ended

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    async def run(self, job: Callable[[sqlite3.Connection, File], Result]) -> Result:
        """Have a job done within a transaction, and return when that is synced.

        Raises:
            StorageFault: the disk refused; nothing of the job was done.
            OutboxFault: the database refused; likewise.
        """
        result: Result = await self.queue(job)
        return result

    async def mend(self) -> bool:
        """Try whether writing works, after trouble; True if it does."""
        return self.trouble is None or bool(await self.queue(Errand.MEND))

    async def answer(self) -> None:
        """Return once the thread has come round to us; one that hangs on its disk does not."""
        await self.queue(Errand.ANSWER)

    async def give_way(self) -> None:
        """Drop what may be dropped and give its room back, if the disk still lacks it by then."""
        await self.queue(Errand.GIVE_WAY)

    def give_way_soon(self) -> None:
        """Have it done, from any thread and without waiting for it."""
        self._line.leave(Errand.GIVE_WAY)

    def queue(self, job: Callable[[sqlite3.Connection, File], Any] | Errand) -> asyncio.Future[Any]:
        """Have a job done as `run` does, and return what can be waited for.

        Raises:
            OutboxFault: the file is closed, or too many wait already.
        """
        return self._line.ask(job)

    async def close(self) -> None:
        """Do what is queued, then close."""
        self._line.close()
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        group: list[Place] = []
        try:
            while not self._line.is_over:
                group = self._line.take()
                if jobs := self._without_errands(group):
                    self._commit(jobs)
                if self._line.is_empty:
                    self._tidy()
        finally:
            # Reached by a fault in our own code too: nobody may wait for ever on a dead thread.
            self._line.ended = True
            self._connection.close()
            self._line.fail(group)

    def _commit(self, group: list[Job]) -> None:
        try:
            results = self._transact(group) if self._is_open else None
        except sqlite3.Error as fault:
            trouble = classify(fault)
            if trouble is not None:
                results = self._transact_again(group, trouble, fault)
            elif len(group) == 1:
                results = [OutboxFault(f"{self._path.name}: {fault}")]
            else:
                # One bad job must not take its company with it: each gets its own transaction.
                for job in group:
                    self._commit([job])
                return
        if results is None:
            said = StorageFault(f"{self._path.name}: {self.trouble}", str(self.trouble))
            results = [said] * len(group)
        tell(group, results)

    def _without_errands(self, group: list[Place]) -> list[Job]:
        jobs = [(job, waiter) for job, waiter in group if not isinstance(job, Errand)]
        if len(jobs) == len(group):
            return jobs
        for job, waiter in group:
            if isinstance(job, Errand):
                self._run(job)
                tell([(job, waiter)], [self.trouble is None])
        return jobs

    def _run(self, errand: Errand) -> None:
        if errand is Errand.ANSWER:
            return
        if errand is Errand.MEND or self.trouble is not None:
            self._try_to_mend()
        else:
            self._try_to_give_way()

    def _transact(self, group: list[Job]) -> list[Any]:
        connection = self._connection
        before = connection.total_changes
        self._under_way = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            results = self._do([job for job, _ in group])
            self._file.finish(connection)
            level = self._file.level(connection)
            self._under_way = results
            connection.execute("COMMIT")
        except sqlite3.Error:
            self._roll_back()
            raise
        if connection.total_changes != before:
            self.trouble = None
        self.level = level
        return results

    def _do(self, jobs: Sequence[Doing]) -> list[Any]:
        """Do jobs in their order, neighbours of one kind together."""
        connection, file = self._connection, self._file
        results: list[Any] = []
        for kind, alike in groupby(jobs, type):
            if issubclass(kind, Joint):
                results += kind.do_all(connection, file, list(alike))
            else:
                results += [job(connection, file) for job in alike]
        return results

    def _transact_again(
        self, group: list[Job], trouble: Trouble, fault: sqlite3.Error
    ) -> list[Any] | None:
        """Do what can be done about a fault of the storage, and try once more."""
        sequence_before = self.level.next_sequence
        under_way = self._under_way
        try:
            if trouble is Trouble.FULL:
                self._make_room()
            elif trouble is Trouble.DAMAGED:
                self._open(damage=str(fault))
            else:
                self._open()
            if not self._is_open:
                return None
            landed = self.level.next_sequence > sequence_before
            if landed and trouble is Trouble.IO_ERROR and len(under_way) == len(group):
                # The commit failed late, yet it is in the file; doing it again would double it.
                self.trouble = None
                return under_way
            return self._transact(group)
        except sqlite3.Error as still:
            self.trouble = classify(still) or trouble
            return None

    def _roll_back(self) -> None:
        # After SQLITE_FULL and most I/O errors SQLite has rolled back by itself already.
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._file.load(self._connection)
        except sqlite3.Error:
            self._open()

    def _open(self, damage: str = "") -> None:
        """Open the file, or open it anew; on failure say why in `trouble` and stay closed.

        After a failed sync the page cache is in an unknown state: that connection is done with, and
        the WAL is emptied before anything is added to it.
        """
        self._is_open = False
        try:
            self._connection.close()
            opened = open_lane(self._path, self._spec, self._room, self._is_start, damage)
            self._connection = opened.connection
            if opened.salvage is not None:
                self.salvages = (*self.salvages, opened.salvage)[-SALVAGES_MAX:]
                self._room.look()
            empty_wal(self._connection)
            self._file.load(self._connection)
            self.level = self._file.level(self._connection)
        except (sqlite3.Error, OSError) as fault:
            self.trouble = trouble_of(fault) or Trouble.IO_ERROR
            return
        self._is_open = True
        self._is_start = False

    def _make_room(self) -> None:
        """Give way on a full disk: first the reserve, then rows that may be dropped.

        In small steps, each emptying the WAL, since deleting needs room too.
        """
        self._room.release()
        self.on_full()
        empty_wal(self._connection)
        for _ in range(GIVE_WAY_ROUNDS_MAX):
            if not self._drop_some():
                return
            for _ in range(GIVE_WAY_ROUNDS_MAX):
                if not self._vacuum(GIVE_WAY_PAGES):
                    break
                empty_wal(self._connection)
            if self._room.rebuild():
                return

    def _drop_some(self) -> int:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            dropped = self._file.give_way(self._connection)
            self._file.finish(self._connection)
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            self._roll_back()
            raise
        self.level = self._file.level(self._connection)
        return dropped

    def _try_to_give_way(self) -> None:
        # It waited in the queue: by now the other file, or whoever filled the disk, may have made
        # room, and giving up a reserve that was just built again would leave it missing.
        if not self._room.lacks_room():
            self._room.rebuild()
            return
        try:
            self._make_room()
        except sqlite3.Error as fault:
            self.trouble = classify(fault) or Trouble.IO_ERROR

    def _try_to_mend(self) -> None:
        if not self._is_open:
            self._open()
        if not self._is_open:
            return
        try:
            if self.trouble is Trouble.FULL and self._room.lacks_room():
                self._make_room()
            empty_wal(self._connection)
            # Written for the sake of writing; the page is synced like any other.
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("UPDATE meta SET value = value WHERE name = 'restarts'")
            self._connection.execute("COMMIT")
        except sqlite3.Error as fault:
            self._roll_back()
            self.trouble = classify(fault) or Trouble.IO_ERROR
            return
        self.trouble = None

    def _tidy(self) -> None:
        if not self._is_open:
            return
        try:
            (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            if free >= VACUUM_PAGES_MIN:
                self._vacuum(VACUUM_PAGES_MAX)
        except sqlite3.Error:
            # Space is given back another time; what is kept is not concerned.
            return

    def _vacuum(self, pages_max: int) -> bool:
        """Give free pages back to the disk; False if there were none."""
        (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
        # `execute` would free one page only, whatever it is told to fetch.
        self._connection.executescript(f"PRAGMA incremental_vacuum({pages_max})")
        return bool(free)


def _nobody() -> None:
    """Tell nobody that the disk is full."""
