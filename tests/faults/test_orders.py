"""Many orders through a service whose every process is killed, at a shop that breaks: one each."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faults import harness
from faults.orders import WORKERS
from missing import MissingTool, give_up
from postgresql_server import PostgresqlMissing, PostgresqlServer

TESTS = Path(__file__).parents[1]


@pytest.fixture(params=sorted(WORKERS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(kind: str, ram: Path) -> Iterator[str]:
    """An empty database; what a killed process wrote is kept by the kernel, so memory will do."""
    if kind == "sqlite":
        yield f"sqlite:///{ram / 'cloud.db'}"
        return
    try:
        server = PostgresqlServer(durable=False)
    except PostgresqlMissing as missing:
        give_up(MissingTool(missing))
    with server:
        yield server.create("orders")


async def street(ram: Path, url: str, *options: str) -> tuple[dict[str, Any], str]:
    """Run one street to its end; gives its account, and what was said beside it."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "faults.buying", str(ram), url, *options),
        cwd=TESTS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    said = err.decode()[-8_000:]
    assert out, said
    account: dict[str, Any] = json.loads(out)
    assert (child.returncode == 0) == (account["findings"] == {}), said
    return account, said


@pytest.mark.timeout(3_600 if harness.FULL else 300)
@pytest.mark.parametrize("shard", range(harness.SHARDS), ids=lambda n: f"shard{n}")
async def test_every_yes_is_one_order_whatever_is_killed_lost_or_said_twice(
    kind: str, url: str, ram: Path, shard: int, tell: harness.Tell
) -> None:
    orders = harness.share("ORDERS", quick=20, full=2_000)
    began = time.monotonic()
    account, said = await street(
        *(ram, url, "--workers", str(WORKERS[kind]), "--orders", str(orders)),
        *("--chance", f"{harness.SEED}/orders/{kind}/{shard}"),
    )
    assert account.pop("findings") == {}, f"{said}\n{harness.again()}"
    assert account["orders at the shop"] >= orders
    seconds = time.monotonic() - began
    tell(**account, without_end=0, orders_a_second=orders / seconds)


async def test_a_second_order_behind_our_back_is_noticed_from_every_side(ram: Path) -> None:
    """A control: the line orders all goods again, once as it was asked and once by another name."""
    account, said = await street(
        *(ram, f"sqlite:///{ram / 'cloud.db'}", "--orders", "1", "--chance", "control", "--calm"),
        # What is asked twice under one key shows only where the shop does not look at keys.
        *("--keyless", "100", "--replay", "same_key", "--replay", "fresh_key"),
    )
    # Whether the second order is delivered before the account is made is a matter of the moment.
    assert set(account["findings"]) - {"not told of a delivery"} == {
        "two orders under one key",
        "two orders of one quote",
        "two orders for one need",
        "goods that no order of ours explains",
        "an order at the shop that we do not know",
        "sold without a yes",
    }, said
    assert account["duplicates"] > 0
