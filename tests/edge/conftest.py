"""Brokers for the edge's tests: one a test process, told apart by each test's own gateway id."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_broker import amqtt, free_port

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def broker_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    with amqtt(tmp_path_factory.mktemp("broker"), port):
        yield port


@pytest.fixture(scope="session")
def closed_broker_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A broker that knows nobody."""
    port = free_port()
    with amqtt(tmp_path_factory.mktemp("closed-broker"), port, closed=True):
        yield port


@pytest.fixture
def gateway_id() -> str:
    return f"gw-{next(_NUMBERS)}"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder
