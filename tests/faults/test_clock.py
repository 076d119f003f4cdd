"""The wall clock jumps while a gateway works: nothing is lost, put out of order or sent again."""

import asyncio
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_broker import amqtt, free_port
from faults import harness
from faults.consumer import small_cloud
from zodra_contract.topics import Address

TESTS = Path(__file__).parents[1]
JUMPS = (
    timedelta(0),
    timedelta(days=-56 * 365),
    timedelta(0),
    timedelta(days=-21),
    timedelta(days=400),
    timedelta(hours=-1),
    timedelta(0),
)
PRESSES = 12


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with amqtt(tmp_path / "broker", port):
        yield port


@pytest.mark.long
@pytest.mark.needs_faketime
async def test_jumps_of_the_wall_clock_lose_double_and_reorder_nothing(
    tmp_path: Path, broker: int, tell: harness.Tell
) -> None:
    """Boot in 1970, be set right, fall back three weeks, run ahead a year, come back."""
    wall = tmp_path / "wall"

    def set_clock(shift: timedelta) -> None:
        fresh = tmp_path / "wall.new"
        fresh.write_text(f"@{datetime.now(UTC) + shift:%Y-%m-%d %H:%M:%S}")
        fresh.replace(wall)

    set_clock(timedelta(days=-56 * 365))
    async with small_cloud(broker, Address("hh-1", "gw-1"), tmp_path / "cloud.db") as cloud:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "faults.presser", str(broker), str(tmp_path / "data"),
            cwd=TESTS,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={
                **os.environ,
                "LD_PRELOAD": harness.LIBFAKETIME[0],
                "FAKETIME_TIMESTAMP_FILE": str(wall),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "TZ": "UTC",
            },
        )  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        told: list[str] = []
        for shift in JUMPS:
            set_clock(shift)
            child.stdin.write(f"{PRESSES}\n".encode())
            told += [(await child.stdout.readline()).decode().split()[0] for _ in range(PRESSES)]
        child.stdin.write(b"end\n")
        last = (await child.stdout.readline()).decode().split()
        assert await child.wait() == 0
    presses = PRESSES * len(JUMPS)
    assert told == ["kept"] * presses
    assert last == ["left", "0", "overdue", "0"]
    assert list(cloud.stored().items()) == [(f"p_{n}", n + 1) for n in range(presses)]
    assert cloud.ledger.deliveries == presses
    tell(jumps=len(JUMPS), presses=presses, lost=0, sent_again=0)
