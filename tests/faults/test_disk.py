"""Disks that are full, read-only or without power: told, survived, and nothing kept is lost."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from faults import harness, worlds
from faults.mounts import mounted, run
from zodra_edge.errors import OutboxFault
from zodra_edge.link import Lane
from zodra_edge.outbox import Kept, NotKept, Outbox
from zodra_edge.settings import OutboxLimits

TESTS = Path(__file__).parents[1]


async def keep(outbox: Outbox, name: str) -> Kept | NotKept:
    return await outbox.keep(
        worlds.signal(name), [worlds.memory(name)], worlds.light(name), worlds.AT
    )


def names_in(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT signal_id FROM need ORDER BY sequence").fetchall()
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    return [name for (name,) in rows]


@pytest.mark.needs_tmpfs
async def test_a_full_disk_refuses_visibly_and_takes_again_when_there_is_room(
    tmp_path: Path, tell: harness.Tell
) -> None:
    place = tmp_path / "small"
    with mounted(place, "-t", "tmpfs", "-o", "size=2m", "none"):
        async with Outbox(place, OutboxLimits()) as outbox:
            kept: list[str] = []
            while isinstance(answer := await keep(outbox, f"p_{len(kept)}"), Kept):
                kept.append(f"p_{len(kept)}")
                assert len(kept) < 5_000
            assert isinstance(answer, NotKept)
            # What is kept can still be sent: reading needs no room.
            batch = await outbox.need_batch(0, 5_000, worlds.AT)
            assert batch is not None
            assert [need.signal_id for _, need in batch.rows] == kept
            run("mount", "-o", "remount,size=8m", place)
            assert isinstance(await keep(outbox, "p_again"), Kept)
            assert outbox.level(Lane.NEED).depth == len(kept) + 1
        assert names_in(place / "need.db") == [*kept, "p_again"]
    tell(kept_until_full=len(kept), lost=0)


@pytest.mark.needs_tmpfs
async def test_nothing_is_kept_on_a_read_only_disk_and_that_is_told(tmp_path: Path) -> None:
    place = tmp_path / "small"
    with mounted(place, "-t", "tmpfs", "-o", "size=2m", "none"):
        run("mount", "-o", "remount,ro", place)
        # Either it does not start and names the file, or it starts and refuses each need.
        with contextlib.suppress(OutboxFault):
            outbox = Outbox(place, OutboxLimits())
            async with outbox:
                assert isinstance(await keep(outbox, "p_1"), NotKept)


async def newest(said: asyncio.StreamReader, line: bytes) -> int:
    """Read all that was said after a line; return the last sequence that was confirmed."""
    with contextlib.suppress(TimeoutError):
        while True:
            async with asyncio.timeout(0.1):
                line = await said.readline()
    assert line.startswith(b"kept"), line
    return int(line.split()[1])


async def cut_power(folder: Path, cuts: int, *weak: str) -> tuple[int, int, int]:
    """Copy the image of a running writer's file system again and again, and look into the copies.

    Returns:
        Needs confirmed at the last cut, and how many were lost in how many of the cuts.
    """
    image, copy, place = folder / "image", folder / "copy", folder / "place"
    with image.open("wb") as file:
        file.truncate(96 * 2**20)
    run("mkfs.ext4", "-qF", image)
    confirmed = lost = losing = 0
    with mounted(place, "-o", "loop", image):
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "faults.writer", str(place), "1000000", *weak,
            cwd=TESTS, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert writer.stdout is not None
        try:
            for number in range(cuts):
                line = await writer.stdout.readline()
                await asyncio.sleep(0.01 * (number % 7))
                subprocess.run(["kill", "-STOP", str(writer.pid)], check=True)
                confirmed = max(confirmed, await newest(writer.stdout, line))
                run("cp", "--sparse=always", image, copy)
                subprocess.run(["kill", "-CONT", str(writer.pid)], check=True)
                with mounted(folder / "after", "-o", "loop", copy):
                    there = len(names_in(folder / "after" / "need.db"))
                lost += max(0, confirmed - there)
                losing += there < confirmed
        finally:
            writer.kill()
            await writer.wait()
    return confirmed, lost, losing


@pytest.mark.long
@pytest.mark.needs_loop
@pytest.mark.parametrize("shard", range(harness.SHARDS), ids=lambda n: f"shard{n}")
async def test_a_whole_file_system_without_power_has_what_was_confirmed(
    tmp_path: Path, shard: int, tell: harness.Tell
) -> None:
    # Each shard has a file system of its own; looking into a copy takes longer the more is kept.
    cuts = harness.share("IMAGES", quick=5, full=1_000)
    confirmed, lost, _ = await cut_power(tmp_path, cuts)
    assert confirmed > cuts * 10
    assert lost == 0
    tell(cuts=cuts, confirmed=confirmed, lost=lost)


@pytest.mark.long
@pytest.mark.needs_loop
async def test_a_whole_file_system_shows_a_store_that_syncs_less(
    tmp_path: Path, tell: harness.Tell
) -> None:
    _, lost, losing = await cut_power(tmp_path, 10, "NORMAL")
    assert lost > 0
    tell(cuts=10, cuts_that_lost=losing, lost=lost)
