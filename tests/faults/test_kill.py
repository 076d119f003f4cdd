"""SIGKILL at any moment: what was confirmed is there, once, in its place, with its memory."""

import asyncio
import json
import sys
import time
from pathlib import Path

import pytest

from faults import harness

TESTS = Path(__file__).parents[1]


@pytest.mark.timeout(7_200 if harness.FULL else 300)
@pytest.mark.parametrize("shard", range(harness.SHARDS), ids=lambda n: f"shard{n}")
async def test_nothing_confirmed_is_lost_when_the_process_is_killed(
    tmp_path: Path, ram: Path, shard: int, tell: harness.Tell
) -> None:
    # The page cache outlives a process, so memory serves as well as a disk; one shard is on a disk
    # all the same, for its moments within a sync.
    folder = tmp_path if harness.FULL and shard == 0 else ram
    kills = harness.share("KILLS", quick=200, full=10_000)
    began = time.monotonic()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "faults.kill",
        str(folder),
        str(kills),
        f"{harness.SEED}/kill/{shard}",
        cwd=TESTS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    assert child.returncode == 0, err.decode()
    account = json.loads(out)
    assert account.pop("faults") == [], harness.again()
    assert account["confirmed"] > kills
    tell(**account, lost=0, kills_a_second=kills / (time.monotonic() - began))
