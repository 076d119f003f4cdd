"""A world with a maker that wants to be told nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dash_world import World, still_world
from zodra_cloud.store.engine import Database


@pytest.fixture
def bare(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    shutil.copy(sqlite_template, tmp_path / "cloud.db")
    opened = Database.open(f"sqlite:///{tmp_path / 'cloud.db'}")
    yield opened
    opened.close()


@pytest.fixture
def world(bare: Database) -> World:
    """What a form or an address may hold has nothing to do with the database."""
    return World(bare)


@pytest.fixture
def world_on_both(database: Database) -> World:
    return World(database)


@pytest.fixture(scope="module")
def still(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with still_world(sqlite_template, tmp_path_factory.mktemp("still")) as world:
        yield world


@pytest.fixture(scope="module")
def still_browser(still: World) -> TestClient:
    return still.browser()
