"""The shops, each started once for a test process, and whole again before every test."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from merchants import peers
from merchants.medusa import medusa
from merchants.peers import Connector, OscarProcess, Peer
from merchants.woo_double import woocommerce
from missing import give_up

SHOPS = ("ucp", "oscar", "oscar-plugin", "woocommerce", "medusa")
MEDUSA = "MEDUSA_FOLDER"
"""Names the folder that `scripts/merchants.sh` filled."""


class Started:
    """Starts a shop when the first test asks for it, and ends them all."""

    def __init__(self, folder: Callable[[str], Path]) -> None:
        self._folder = folder
        self._open = ExitStack()
        self._peers: dict[str, Peer] = {}
        self._oscar: OscarProcess | None = None

    def __call__(self, name: str) -> Peer:
        if name not in self._peers:
            self._peers[name] = self._open.enter_context(self._start(name))
        return self._peers[name]

    def _start(self, name: str) -> AbstractContextManager[Peer]:
        if name == "ucp":
            return peers.ucp(self._folder(name))
        if name == "woocommerce":
            return woocommerce()
        if name == "medusa":
            if MEDUSA not in os.environ:
                give_up("Medusa is brought by make merchants")
            return medusa(Path(os.environ[MEDUSA]), self._folder(name))
        if self._oscar is None:
            self._oscar = self._open.enter_context(OscarProcess(self._folder("oscar")))
        return peers.oscar(self._oscar, plugin=name == "oscar-plugin")

    def close(self) -> None:
        self._open.close()


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
