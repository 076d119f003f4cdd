"""What the tests in the guest share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from missing import give_up
from radio_kernel.inside.airing import ADDRESSES, StillAir
from radio_kernel.inside.system import System


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
