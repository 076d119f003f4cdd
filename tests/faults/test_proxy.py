"""The real uplink over a spoiled line to a real broker: everything arrives, once, in its place."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from edge_broker import amqtt, free_port, until
from faults import harness
from faults.consumer import Edge, SmallCloud, edge, settings, small_cloud
from faults.proxy import Proxy, proxy
from zodra_contract.topics import Address
from zodra_edge.link import Lane, LinkState

CONNACK_BYTES = 4
"""And the first byte of what answers the subscription is one more."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with amqtt(tmp_path / "broker", port):
        yield port


@pytest.fixture
async def cloud(broker: int, tmp_path: Path) -> AsyncIterator[SmallCloud]:
    async with small_cloud(broker, Address("hh-1", "gw-1"), tmp_path / "cloud.db") as served:
        yield served


@pytest.fixture
async def line(broker: int) -> AsyncIterator[Proxy]:
    async with proxy(broker) as made:
        yield made


@pytest.fixture
async def home(line: Proxy, cloud: SmallCloud, tmp_path: Path) -> AsyncIterator[Edge]:
    async with edge(settings(line.port, tmp_path / "data")) as made:
        await until(lambda: made.uplink.status.state is LinkState.ONLINE)
        yield made


async def all_there(home: Edge, cloud: SmallCloud, presses: int) -> None:
    await until(lambda: home.outbox.level(Lane.NEED).depth == 0, 60)
    assert cloud.stored() == {f"p_{n}": n + 1 for n in range(presses)}
    assert cloud.ledger.faults == []


async def test_resets_black_holes_and_cuts_lose_and_double_nothing(
    home: Edge, cloud: SmallCloud, line: Proxy, tell: harness.Tell
) -> None:
    draw = harness.chance("proxy")
    presses = harness.count("PRESSES", quick=40, full=400)
    spoiled = 0
    for number in range(presses):
        await home.press(f"p_{number}")
        if number % 10 == 5:
            spoiled += 1
            match spoiled % 5:
                case 0:
                    line.reset_all()
                case 1:
                    line.up.cut_after = draw.randrange(1, 900)
                case 2:
                    line.down.cut_after = draw.randrange(1, 200)
                case 3:
                    line.up.latency_s = line.down.latency_s = draw.random() * 0.1
                case _:
                    line.refuses = True
                    line.reset_all()
        elif number % 10 == 9:
            line.refuses = False
            line.up.latency_s = line.down.latency_s = 0.0
        await asyncio.sleep(draw.random() * 0.02)
    line.refuses = False
    line.up.cut_after = line.down.cut_after = None
    await all_there(home, cloud, presses)
    repeats = cloud.ledger.deliveries - presses
    tell(presses=presses, connections=line.connections, repeats=repeats, lost=0, doubled=0)


async def test_receipts_that_vanish_only_cost_repeats(
    home: Edge, cloud: SmallCloud, line: Proxy
) -> None:
    line.down.drop = True
    for number in range(5):
        await home.press(f"p_{number}")
    await until(lambda: len(cloud.stored()) == 5)
    assert home.outbox.level(Lane.NEED).depth == 5
    # The broker's word vanishes too; a line that is dead in one direction ends by a new one.
    line.down.drop = False
    line.reset_all()
    await all_there(home, cloud, 5)
    assert cloud.ledger.deliveries > 5


async def test_a_line_dead_in_both_directions_keeps_everything_until_it_is_back(
    home: Edge, cloud: SmallCloud, line: Proxy
) -> None:
    line.up.drop = line.down.drop = True
    for number in range(5):
        await home.press(f"p_{number}")
    await until(lambda: "receipt_overdue" in home.counts)
    assert home.outbox.level(Lane.NEED).depth == 5
    assert cloud.stored() == {}
    line.up.drop = line.down.drop = False
    line.reset_all()
    await all_there(home, cloud, 5)


async def test_a_line_that_breaks_before_it_is_subscribed_is_tried_again_at_once(
    line: Proxy, cloud: SmallCloud, tmp_path: Path
) -> None:
    """aiomqtt goes on waiting for the answer, for all of its ten seconds."""
    line.down.cut_after = CONNACK_BYTES + 1
    async with edge(settings(line.port, tmp_path / "data")) as home:
        await until(lambda: home.uplink.status.failures, 8)
        await until(lambda: home.uplink.status.state is LinkState.ONLINE)
        await home.press("p_0")
        await all_there(home, cloud, 1)


@pytest.mark.parametrize(
    "keepalive_s",
    [pytest.param(2, id="short"), pytest.param(20, id="usual", marks=pytest.mark.long)],
)
@pytest.mark.parametrize(
    "both", [pytest.param(True, id="both", marks=pytest.mark.long), pytest.param(False, id="down")]
)
async def test_a_half_open_line_is_noticed_within_one_and_a_half_keepalives(
    cloud: SmallCloud,
    line: Proxy,
    tmp_path: Path,
    keepalive_s: int,
    both: bool,
    tell: harness.Tell,
) -> None:
    """Nothing is sent, nothing is refused, and nobody is there any more.

    That it is our own question which ends the connection says when: paho by itself would take half
    a keepalive more, and the kernel sees a line that works.
    """
    loop = asyncio.get_running_loop()
    async with edge(settings(line.port, tmp_path / "data", keepalive_s=keepalive_s)) as home:
        await until(lambda: home.uplink.status.state is LinkState.ONLINE)
        line.up.drop, line.down.drop = both, True
        began = loop.time()
        await until(lambda: home.uplink.status.state is not LinkState.ONLINE, 120)
        assert home.uplink.status.reason == "silent"
        tell(keepalive_s=keepalive_s, noticed_after_s=round(loop.time() - began, 2))
        line.up.drop = line.down.drop = False
        await home.press("p_0")
        await all_there(home, cloud, 1)


async def test_a_quiet_line_that_works_is_never_given_up(
    cloud: SmallCloud, line: Proxy, tmp_path: Path
) -> None:
    async with edge(settings(line.port, tmp_path / "data", keepalive_s=1)) as home:
        await until(lambda: home.uplink.status.state is LinkState.ONLINE)
        await asyncio.sleep(2.2)
        await home.press("p_0")
        await all_there(home, cloud, 1)
        assert (line.connections, home.uplink.status.failures) == (1, 0)
