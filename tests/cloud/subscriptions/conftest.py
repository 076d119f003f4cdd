"""One database is enough for rules; what storage decides is tried on both."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from zodra_cloud.store.engine import Database


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database on SQLite."""
    shutil.copy(sqlite_template, tmp_path / "cloud.db")
    opened = Database.open(f"sqlite:///{tmp_path / 'cloud.db'}")
    yield opened
    opened.close()
