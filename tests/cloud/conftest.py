"""The databases that the cloud's tests run on: each test on SQLite and on PostgreSQL."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from missing import MissingTool, give_up
from postgresql_server import PostgresqlMissing, PostgresqlServer
from zodra_cloud.store.engine import Database
from zodra_cloud.store.migrate import migrate

_MEMORY = Path("/dev/shm")
_BYTES_MIN = 1024**3


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory where there is room: no test here is about a disk that loses power.

    Of a test's time a quarter went into syncing commits, on a quiet disk. Set `KEEP=1` to have
    the folders where pytest keeps them.
    """
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _BYTES_MIN
    if not roomy or "KEEP" in os.environ:
        yield tmp_path_factory.mktemp("cloud")
        return
    with TemporaryDirectory(prefix="zodra-t-", dir=_MEMORY, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """One server a test process, with a migrated template database."""
    try:
        server = PostgresqlServer(durable=False)
    except PostgresqlMissing as missing:
        give_up(MissingTool(missing))
    with server:
        database = Database.open(server.create("zodra_template"))
        migrate(database)
        database.close()
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "cloud.db"
    database = Database.open(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database of the test's own."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "cloud.db")
        yield f"sqlite:///{tmp_path / 'cloud.db'}"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    name = f"test_{uuid4().hex}"
    yield server.create(name, template="zodra_template")
    server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated, empty database, on SQLite and on PostgreSQL in turn."""
    opened = Database.open(database_url)
    yield opened
    opened.close()
