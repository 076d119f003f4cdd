"""What the tests in the guest share."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from missing import give_up
from radio_kernel.inside.airing import ADDRESSES, StillAir
from radio_kernel.inside.home import Home
from radio_kernel.inside.system import System
from radio_kernel.inside.waiting import until


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """D-Bus and BlueZ of a machine."""
    if not Path("/dev/vhci").exists():
        give_up("there is no /dev/vhci here; `make radio-kernel` runs this in a guest that has one")
    running = System()
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def still(system: System) -> Iterator[StillAir]:
    """Adapters, and nobody who speaks."""
    made = StillAir()
    try:
        for name in ADDRESSES:
            made.plug(name)
        yield made
    finally:
        made.close()


_numbers = itertools.count(1)


@pytest.fixture
def home(still: StillAir) -> Iterator[Home]:
    """A gateway that hears on both adapters, and at the end has not crashed.

    A new one for each test: it switches an adapter off and on once in five minutes at most.
    """
    made = Home(still, Path(f"/tmp/gateway-{next(_numbers)}"))
    try:
        until(made.agent.hears)
        yield made
        assert made.agent.child.poll() is None
    finally:
        made.close()
        print(made.agent.log())
    # What a library says of a bus that is gone is a warning of its own; a step of ours must not.
    assert [one for one in made.agent.events("radio_step_failed") if one["level"] == "error"] == []
