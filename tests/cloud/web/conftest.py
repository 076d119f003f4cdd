"""A furnished home behind the real pages."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cloud_builders import FakeClock
from web_home import Home
from web_reading import sign_in
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households.models import Role
from zodra_cloud.store.engine import Database


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """Pages do not know the database; the rooms below are tested on both."""
    shutil.copy(sqlite_template, tmp_path / "cloud.db")
    opened = Database.open(f"sqlite:///{tmp_path / 'cloud.db'}")
    yield opened
    opened.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def home(database: Database, clock: FakeClock) -> Home:
    return Home(database, clock).furnish(Purpose.REPLENISH, Purpose.OFFERS)


@pytest.fixture
def stranger(home: Home) -> TestClient:
    """Somebody who is not signed in."""
    client = TestClient(home.app(), follow_redirects=False)
    client.headers["accept-language"] = "en"
    return client


@pytest.fixture
def resident(home: Home) -> TestClient:
    """Someone of the household."""
    return sign_in(home, Role.HOUSEHOLD)


@pytest.fixture
def operator(home: Home) -> TestClient:
    return sign_in(home, Role.OPERATOR)
