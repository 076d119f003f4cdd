"""The provider, started once for a test process, and whole again before every test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from paying.home import PayingHome, paying_home
from paying.peer import Stripe, stripe
from zodra_cloud.payments.stripe.provider import StripeProvider
from zodra_cloud.store.engine import Database


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stripe]:
    with stripe(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture
def peer(started: Stripe) -> Iterator[Stripe]:
    started.proxy.mend()
    started.counter.wire.clear()
    started.counter.refuse_next.clear()
    # The homes of the tests have the same names, and the provider outlives them.
    started.counter.ask("DELETE", "/_config/data")
    yield started
    started.proxy.mend()


@pytest.fixture(scope="session")
def connector(started: Stripe) -> Iterator[StripeProvider]:
    connected = started.connect()
    yield connected
    connected.close()


@pytest.fixture
def provider(peer: Stripe, connector: StripeProvider) -> StripeProvider:
    return connector


@pytest.fixture
def home(database: Database, provider: StripeProvider) -> PayingHome:
    return paying_home(database, provider)


@pytest.fixture
def sqlite_home(
    sqlite_template: Path, tmp_path: Path, provider: StripeProvider
) -> Iterator[PayingHome]:
    """For what is about the provider alone."""
    shutil.copy(sqlite_template, tmp_path / "alone.db")
    database = Database.open(f"sqlite:///{tmp_path / 'alone.db'}")
    yield paying_home(database, provider)
    database.close()
