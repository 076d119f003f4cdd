"""The shops, each started once for a test process, and whole again before every test."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from _pytest.mark.structures import ParameterSet

from merchants.peers import Connector, Peer
from merchants.started import Started

SHOPS = ("ucp", "oscar", "oscar-plugin", "woocommerce", "medusa")


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with closing(Started(tmp_path_factory.mktemp)) as shops:
        yield shops


def _param(name: str) -> ParameterSet:
    return pytest.param(name, marks=[pytest.mark.long] if name == "medusa" else [])


@pytest.fixture(params=[_param(name) for name in SHOPS])
def peer(request: pytest.FixtureRequest, started: Started) -> Iterator[Peer]:
    shop = started(request.param)
    shop.proxy.mend()
    yield shop
    shop.proxy.mend()


@pytest.fixture
def shop(peer: Peer) -> Iterator[Connector]:
    """A connector with time for a slow machine."""
    connector = peer.connect(20.0)
    yield connector
    connector.close()


@pytest.fixture
def hasty(peer: Peer) -> Iterator[Connector]:
    """A connector that does not wait for a shop that hangs."""
    connector = peer.connect(0.6)
    yield connector
    connector.close()
