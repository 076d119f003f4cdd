"""A maker's endpoint, and a world around it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dash_reading import logged_in
from dash_world import Endpoint, World
from zodra_cloud.store.engine import Database


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    opened = Endpoint()
    yield opened
    opened.close()


@pytest.fixture
def world_on_both(database: Database, endpoint: Endpoint) -> World:
    """Where rows are locked, unique or counted; the rest is tried on SQLite alone."""
    return World(database, event_url=endpoint.url)


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path, endpoint: Endpoint) -> Iterator[World]:
    shutil.copy(sqlite_template, tmp_path / "cloud.db")
    opened = Database.open(f"sqlite:///{tmp_path / 'cloud.db'}")
    yield World(opened, event_url=endpoint.url)
    opened.close()


@pytest.fixture
def token(world: World, endpoint: Endpoint) -> str:
    """A device that was let in, whose maker has been told."""
    tokens = logged_in(world)
    endpoint.taken.clear()
    return tokens
