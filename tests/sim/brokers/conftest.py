"""One broker of each kind for all tests that do not kill it."""

from collections.abc import Iterator

import pytest

from sim.brokers.brokers import KINDS, RunningBroker, running


@pytest.fixture(scope="session", params=KINDS)
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningBroker]:
    with running(request.param, tmp_path_factory.mktemp(request.param)) as started:
        yield started
