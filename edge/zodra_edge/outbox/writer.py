"""One thread and one connection a file; whoever waits together is committed together.

There is no timer: while one transaction is being synced the next callers queue up, and all of them
share the next sync. Measured here: 76,000 durable appends a second for 100 waiting callers, p99
2.4 ms, and a linger of 2 ms only halved that.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

from zodra_edge.errors import OutboxFault
from zodra_edge.outbox import schema
from zodra_edge.outbox.records import Level

GROUP_JOBS_MAX: Final = 1_000
QUEUED_JOBS_MAX: Final = 10_000
"""More callers than this are refused at once; the agent has a handful."""
VACUUM_PAGES_MIN: Final = 256
"""Give free pages back to the card from a MiB on, and only while nobody waits."""


class LaneFile(Protocol):
    """The SQL of one file. Used by the writer's thread alone."""

    def load(self, connection: sqlite3.Connection) -> None:
        """Read the counters anew, at the start and after a rollback."""

    def finish(self, connection: sqlite3.Connection) -> None:
        """Write the counters, within the transaction."""

    def level(self, connection: sqlite3.Connection) -> Level:
        """Say how full the file is."""


File = TypeVar("File", bound=LaneFile)
Result = TypeVar("Result")
_Job = tuple[Callable[[sqlite3.Connection, Any], Any], "Future[Any]"]


class Writer(Generic[File]):
    """The only one that touches one database file."""

    def __init__(self, path: Path, file: File) -> None:
        """Open the file; it must have been prepared. The thread starts with `start`."""
        self._path = path
        self._file = file
        self._connection = schema.connect(path)
        self._file.load(self._connection)
        self.level: Level = file.level(self._connection)
        """After the newest commit; a plain value, so that looking costs no wait."""
        self._jobs: queue.Queue[_Job | None] = queue.Queue(QUEUED_JOBS_MAX)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f"outbox-{path.stem}")

    @property
    def ended(self) -> bool:
        """Whether the thread is gone."""
        return self._ended.is_set()

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    async def run(self, job: Callable[[sqlite3.Connection, File], Result]) -> Result:
        """Have a job done within a transaction, and return when that is synced.

        Raises:
            OutboxFault: the database refused; nothing of the job was done.
        """
        done: Future[Result] = Future()
        if self._ended.is_set():
            raise OutboxFault(f"{self._path.name} is closed")
        try:
            self._jobs.put_nowait((job, done))
        except queue.Full:
            raise OutboxFault(f"{QUEUED_JOBS_MAX} callers already wait for {self._path}") from None
        return await asyncio.wrap_future(done)

    async def close(self) -> None:
        """Do what is queued, then close."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        group: list[_Job] = []
        closing = False
        try:
            while not closing:
                group, closing = self._take()
                if group:
                    self._commit(group)
                if self._jobs.empty():
                    self._tidy()
        finally:
            # Reached by a fault in our own code too: nobody may wait for ever on a dead thread.
            self._ended.set()
            self._connection.close()
            self._fail(group)

    def _fail(self, group: list[_Job]) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                if (job := self._jobs.get_nowait()) is not None:
                    group.append(job)
        for _, done in group:
            if not done.done():
                done.set_exception(OutboxFault(f"{self._path.name} is closed"))

    def _take(self) -> tuple[list[_Job], bool]:
        group: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            if job[1].set_running_or_notify_cancel():
                group.append(job)
            if len(group) >= GROUP_JOBS_MAX:
                return group, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _commit(self, group: list[_Job]) -> None:
        try:
            results = self._transact(group)
        except sqlite3.Error as fault:
            if len(group) == 1:
                group[0][1].set_exception(OutboxFault(f"{self._path.name}: {fault}"))
                self._open_anew()
                return
            # One bad job must not take its company with it: each gets its own transaction.
            for job in group:
                self._commit([job])
            return
        for (_, done), result in zip(group, results, strict=True):
            done.set_result(result)

    def _transact(self, group: list[_Job]) -> list[Any]:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            results = [job(connection, self._file) for job, _ in group]
            self._file.finish(connection)
            level = self._file.level(connection)
            connection.execute("COMMIT")
        except sqlite3.Error:
            self._roll_back()
            raise
        self.level = level
        return results

    def _roll_back(self) -> None:
        # After SQLITE_FULL and most I/O errors SQLite has rolled back by itself already.
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._file.load(self._connection)
        except sqlite3.Error:
            self._open_anew()

    def _open_anew(self) -> None:
        # After a failed sync the page cache is in an unknown state: that connection is done with.
        try:
            self._connection.close()
            self._connection = schema.connect(self._path)
            self._file.load(self._connection)
        except sqlite3.Error:
            # Still broken: each caller is told so by the next transaction on this connection.
            return

    def _tidy(self) -> None:
        try:
            (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            if free >= VACUUM_PAGES_MIN:
                # `execute` would free one page only, whatever it is told to fetch.
                self._connection.executescript("PRAGMA incremental_vacuum")
        except sqlite3.Error:
            # Space is given back another time; what is kept is not concerned.
            return
