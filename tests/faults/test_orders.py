"""Many orders through a service whose every process is killed, at a shop that breaks: one each."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults import harness
from missing import MissingTool, give_up
from postgresql_server import PostgresqlMissing, PostgresqlServer

TESTS = Path(__file__).parents[1]
WORKERS = {"sqlite": 0, "postgresql": 2}
"""Beside the process that serves; on SQLite it is the only one that does jobs."""


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


@pytest.mark.timeout(36_000 if harness.FULL else 300)
@pytest.mark.parametrize("shard", range(harness.SHARDS), ids=lambda n: f"shard{n}")
async def test_every_yes_is_one_order_whatever_is_killed_lost_or_said_twice(
    kind: str, url: str, ram: Path, shard: int, tell: harness.Tell
) -> None:
    orders = harness.share("ORDERS", quick=20, full=2_000)
    began = time.monotonic()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "faults.buying"),
        *(str(ram), url, str(WORKERS[kind]), str(orders)),
        f"{harness.SEED}/orders/{kind}/{shard}",
        cwd=TESTS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    assert child.returncode == 0, f"{err.decode()[-8_000:]}\n{harness.again()}"
    account = json.loads(out)
    assert account["orders at the shop"] >= orders
    seconds = time.monotonic() - began
    tell(**account, duplicates=0, without_end=0, orders_a_second=orders / seconds)
