"""One database behind one small surface: SQLite by default, PostgreSQL by its URL.

A unit of work is one `write()`: one transaction, one commit at its end, none if it raises.

SQLite has one writing connection in this process (BEGIN IMMEDIATE behind a lock), which is also
the only one that checkpoints (SQLite before 3.51.3 has a WAL-reset fault with two), and readers
that cannot write. On PostgreSQL two units of work run at the same time: name the household, and
units of the same household follow each other there too.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

from sqlalchemy import Connection, Engine, MetaData, StaticPool, create_engine, event, text
from sqlalchemy.engine import URL, make_url

from zodra_cloud.errors import UnknownDatabase

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
"""Every room puts its tables here, each with `sqlite_strict=True`."""

BUSY_TIMEOUT_MS: Final = 5_000
"""How long a command in another process may hold the write lock before we call it a fault."""
READERS_MAX: Final = 8
WAL_CHECKPOINT_PAGES: Final = 4_000
"""16 MiB: at the rated load a checkpoint about twice a second instead of eight times."""

WAL_ATTEMPTS: Final = 100

_AFTER_COMMIT: Final = "zodra_after_commit"
_WOKEN: Final = "zodra_woken_jobs"
_PROVIDED: Final = "zodra_provided"


class Database:
    """The one handle on the database; safe to share between threads."""

    dialect: Literal["sqlite", "postgresql"]

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self._writer = writer
        self._reader = reader
        self.dialect = "sqlite" if writer.dialect.name == "sqlite" else "postgresql"
        self._write_lock = threading.Lock() if self.dialect == "sqlite" else None
        self._wake: Callable[[frozenset[str] | None], None] = _nobody
        self._provided: dict[str, Any] = {}

    @classmethod
    def open(cls, url: str) -> "Database":
        """Open a database; nothing is created or changed but an empty SQLite file.

        Args:
            url: `sqlite:////absolute/path` or `postgresql+psycopg://user@host/name`.

        Raises:
            UnknownDatabase: the URL names neither.
        """
        parsed = make_url(url)
        if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
            return cls(*_sqlite_engines(parsed))
        if parsed.drivername in ("postgresql", "postgresql+psycopg"):
            engine = create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                pool_size=READERS_MAX,
                max_overflow=READERS_MAX,
                pool_pre_ping=True,
            )
            # Repeatable, so that the sums of one page fit each other as they do on SQLite.
            reader = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            return cls(engine, reader)
        raise UnknownDatabase(parsed.drivername)

    @contextmanager
    def write(self, household_id: str | None = None) -> Iterator[Connection]:
        """Open one unit of work; commits at the end, rolls back if the block raises.

        Never nest two: on SQLite the second would wait for the first for ever.

        Args:
            household_id: if given, no other unit of work that names it runs at the same time.
        """
        if self._write_lock is None:
            with self._transaction(household_id) as connection:
                yield connection
            return
        with self._write_lock, self._transaction(None) as connection:
            yield connection

    @contextmanager
    def _transaction(self, household_id: str | None) -> Iterator[Connection]:
        with self._writer.connect() as connection:
            callbacks: dict[Callable[[], None], None] = {}
            connection.info[_AFTER_COMMIT] = callbacks
            woken: set[str | None] = set()
            connection.info[_WOKEN] = woken
            connection.info[_PROVIDED] = self._provided
            with connection.begin():
                if household_id is not None:
                    connection.execute(
                        text("SELECT pg_advisory_xact_lock(:key)"),
                        {"key": _lock_key(household_id)},
                    )
                yield connection
        for callback in callbacks:
            callback()
        if woken:
            self._wake(None if None in woken else frozenset(filter(None, woken)))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a snapshot to read from; a write inside it is an error."""
        with self._reader.connect() as connection, connection.begin():
            yield connection

    def on_new_jobs(self, wake: Callable[[frozenset[str] | None], None]) -> None:
        """Set what is called after each commit that stored a job: the runner of this process.

        It is given the kinds, or None for every kind.
        """
        self._wake = wake

    def provide(self, name: str, thing: object) -> None:
        """Put something within reach of every unit of work on this handle, before the first one.

        For what `app` hands to a room and no caller of that room may forget to pass on, such as
        the listeners to an order's moves. One name holds one thing.
        """
        if name in self._provided:
            raise ValueError(f"{name!r} is provided already")
        self._provided[name] = thing

    def find_provided(self, name: str) -> Any:
        """Give what is provided under a name; None if nothing."""
        return self._provided.get(name)

    def close(self) -> None:
        """Close every connection; on SQLite this also tidies the WAL away."""
        self._reader.dispose()
        self._writer.dispose()


def after_commit(connection: Connection, callback: Callable[[], None]) -> None:
    """Run `callback` once this unit of work has committed, never if it does not.

    For telling: an open page, the job runner. It runs after the lock is released, must not raise
    and must not write: what must not be lost is a job, not a callback. The same callback given
    twice runs once.
    """
    callbacks: dict[Callable[[], None], None] = connection.info[_AFTER_COMMIT]
    callbacks[callback] = None


def wake_jobs_after_commit(connection: Connection, kind: str | None = None) -> None:
    """Wake the job runner of this process once this unit of work has committed.

    Args:
        connection: of the unit of work.
        kind: of the job that it may look for; None for any.
    """
    woken: set[str | None] = connection.info[_WOKEN]
    woken.add(kind)


def provided(connection: Connection, name: str) -> Any:
    """Give what `Database.provide` put under a name; None if nothing."""
    return connection.info.get(_PROVIDED, {}).get(name)


def lock_households(connection: Connection, household_ids: Collection[str]) -> None:
    """Let no other unit of work that names one of these households run until this one ends.

    For a unit of work that serves many at once; in one order for everybody, so that two of them
    never wait for each other. On SQLite there is one writer anyhow.
    """
    if connection.dialect.name == "postgresql" and household_ids:
        keys = sorted(_lock_key(each) for each in household_ids)
        connection.execute(
            text(
                "SELECT count(pg_advisory_xact_lock(key))"
                " FROM unnest(CAST(:keys AS BIGINT[])) AS key"
            ),
            {"keys": keys},
        )


def lock_migrations(connection: Connection) -> None:
    """Let one process migrate at a time; SQLite's write lock already does."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:key)"), {"key": _lock_key("zodra migrations")}
        )


def _nobody(_kinds: frozenset[str] | None) -> None:
    """There is no job runner in this process."""


def _lock_key(name: str) -> int:
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _sqlite_engines(url: URL) -> tuple[Engine, Engine]:
    writer = create_engine(
        url, poolclass=StaticPool, connect_args={"check_same_thread": False, "timeout": 0}
    )
    reader = create_engine(
        url,
        pool_size=READERS_MAX,
        max_overflow=READERS_MAX,
        connect_args={"check_same_thread": False, "timeout": 0},
    )
    event.listen(writer, "connect", _prepare_writer)
    event.listen(writer, "begin", _begin_immediate)
    event.listen(reader, "connect", _prepare_reader)
    event.listen(reader, "begin", _begin_deferred)
    return writer, reader


def _prepare_writer(dbapi_connection: Any, _record: Any) -> None:
    # SQLAlchemy says BEGIN itself (below): the driver's own would be a deferred one.
    dbapi_connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "auto_vacuum=INCREMENTAL",
    ):
        dbapi_connection.execute(f"PRAGMA {pragma}")
    _switch_to_wal(dbapi_connection)
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-65536",
        f"wal_autocheckpoint={WAL_CHECKPOINT_PAGES}",
        "journal_size_limit=67108864",
    ):
        dbapi_connection.execute(f"PRAGMA {pragma}")


def _switch_to_wal(dbapi_connection: Any) -> None:
    """Turn WAL on; the one moment in which SQLite does not honour `busy_timeout`."""
    for attempt in range(WAL_ATTEMPTS):
        try:
            dbapi_connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if attempt == WAL_ATTEMPTS - 1:
                raise
            threading.Event().wait(BUSY_TIMEOUT_MS / 1_000 / WAL_ATTEMPTS)
        else:
            return


def _prepare_reader(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.isolation_level = None
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "query_only=ON"):
        dbapi_connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
