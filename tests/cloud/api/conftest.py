"""A home with an API in front of it, on both databases."""

import pytest

from api_home import ApiHome, Caller, furnished
from cloud_builders import FakeClock
from zodra_cloud.store.engine import Database


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def home(database: Database, clock: FakeClock) -> ApiHome:
    return furnished(database, clock)


@pytest.fixture
def caller(home: ApiHome) -> Caller:
    """A program that may read and act."""
    return home.caller()
