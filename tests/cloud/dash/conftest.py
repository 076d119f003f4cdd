"""A maker's endpoint, and a world around it."""

from collections.abc import Iterator

import pytest

from dash_world import Endpoint, World
from zodra_cloud.store.engine import Database


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    opened = Endpoint()
    yield opened
    opened.close()


@pytest.fixture
def world(database: Database, endpoint: Endpoint) -> World:
    return World(database, event_url=endpoint.url)
