"""What a real kernel and a real `bluetoothd` let through to the gateway, advertiser by advertiser.

Each cell says one thing twenty times, on an air that is silent but for it, and counts what arrives
behind our own scanner. A second advertiser would push out what the kernel holds back.
"""

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any, Final

import pytest

from radio_kernel.inside.airing import StillAir
from radio_kernel.inside.listening import (
    GAP_S,
    LONG_S,
    TIMES,
    Gateway,
    How,
    Kind,
    fresh,
    measure,
    said,
)

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Cell:
    adapter: str
    how: How
    kind: Kind
    heard: int


TABLE: Final = [
    Cell("hci0", How.ACTIVE, Kind.SAME, TIMES),
    Cell("hci0", How.ACTIVE, Kind.COUNTING, TIMES),
    Cell("hci0", How.ACTIVE, Kind.LONE, 0),
    Cell("hci0", How.ACTIVE, Kind.ANSWERING, TIMES),
    Cell("hci0", How.EVERY, Kind.SAME, TIMES),
    Cell("hci0", How.EVERY, Kind.COUNTING, TIMES),
    Cell("hci0", How.EVERY, Kind.LONE, 0),
    Cell("hci0", How.EVERY, Kind.ANSWERING, TIMES),
    Cell("hci0", How.PASSIVE, Kind.SAME, 1),
    Cell("hci0", How.PASSIVE, Kind.COUNTING, TIMES),
    Cell("hci0", How.PASSIVE, Kind.LONE, TIMES),
    Cell("hci0", How.PASSIVE, Kind.ANSWERING, TIMES),
    Cell("hci1", How.ACTIVE, Kind.SAME, TIMES),
    Cell("hci1", How.ACTIVE, Kind.COUNTING, TIMES),
    Cell("hci1", How.ACTIVE, Kind.LONE, 0),
    Cell("hci1", How.ACTIVE, Kind.ANSWERING, TIMES),
    Cell("hci1", How.PASSIVE, Kind.SAME, 1),
    Cell("hci1", How.PASSIVE, Kind.COUNTING, TIMES),
    Cell("hci1", How.PASSIVE, Kind.LONE, TIMES),
    Cell("hci1", How.PASSIVE, Kind.ANSWERING, TIMES),
]


def named(cell: Cell) -> str:
    return f"{cell.adapter}: {cell.how}: {cell.kind}"


@pytest.mark.parametrize("cell", TABLE, ids=named)
def test_what_is_let_through(still: StillAir, cell: Cell, record_property: Any) -> None:
    heard = measure(still, cell.adapter, cell.how, cell.kind)
    record_property("heard", f"{heard} of {TIMES}")
    assert heard == cell.heard


@pytest.mark.parametrize("adapter", ["hci0", "hci1"])
def test_the_control_an_adapter_that_is_deaf_fails_the_table(still: StillAir, adapter: str) -> None:
    still.controller(adapter).deaf = "reset"
    try:
        for how in (How.ACTIVE, How.PASSIVE):
            with pytest.raises(AssertionError):
                assert measure(still, adapter, how, Kind.COUNTING) == TIMES
    finally:
        still.controller(adapter).deaf = ""


@pytest.mark.parametrize("how", list(How))
def test_an_adapter_that_leaves_out_repeats_lets_what_counts_through(
    still: StillAir, how: How, record_property: Any
) -> None:
    """The kernel asks every adapter to do so, in each mode; ours otherwise does not listen."""
    still.controller("hci0").obeys = True
    try:
        same = measure(still, "hci0", how, Kind.SAME)
        counting = measure(still, "hci0", how, Kind.COUNTING)
    finally:
        still.controller("hci0").obeys = False
    record_property("the same", f"{same} of {TIMES}")
    record_property("counting", f"{counting} of {TIMES}")
    assert counting == TIMES
    assert 1 <= same < TIMES


@pytest.mark.parametrize("how", [How.ACTIVE, How.PASSIVE])
def test_listening_for_long_has_no_hole_that_a_press_could_fall_into(
    still: StillAir, how: How, record_property: Any
) -> None:
    """A press is said for half a second at least; a scan that rests for longer loses it."""
    address = fresh()
    gateway = Gateway(still, "hci0", address)

    async def all_the_time() -> None:
        for number in range(200):
            await asyncio.sleep(LONG_S / 200)
            await asyncio.to_thread(said, still, address, Kind.COUNTING, number)

    still.controller("hci0").scans.clear()
    asyncio.run(gateway.hear(how, all_the_time))
    at_ms = [each.heard.monotonic_ms for each in gateway.heard]
    hole_s = max(b - a for a, b in itertools.pairwise(at_ms)) / 1000
    record_property("heard", f"{len(at_ms)} of 200")
    record_property("longest hole", f"{hole_s:.2f} s")
    record_property("scans", f"{len(still.controller('hci0').scans)} in {LONG_S:.0f} s")
    assert hole_s < LONG_S / 10


def test_another_advertiser_lets_go_what_the_kernel_holds_back(
    still: StillAir, record_property: Any
) -> None:
    lone, other = fresh(), fresh()
    gateway = Gateway(still, "hci0", lone)

    async def both() -> None:
        for number in range(TIMES):
            await asyncio.sleep(GAP_S)
            await asyncio.to_thread(said, still, lone, Kind.LONE, number)
            await asyncio.to_thread(said, still, other, Kind.COUNTING, number)

    asyncio.run(gateway.hear(How.ACTIVE, both))
    record_property("heard", f"{len(gateway.heard)} of {TIMES}")
    assert len(gateway.heard) == TIMES
