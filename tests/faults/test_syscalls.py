"""A fault at each system call that writes: killed, refused by the disk, or without room."""

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest

from faults import harness

pytestmark = [pytest.mark.long, pytest.mark.needs_strace]

TESTS = Path(__file__).parents[1]
NEEDS = 12
FAULTS = {
    "killed at a sync": "fdatasync:signal=KILL",
    "killed at a write": "pwrite64:signal=KILL",
    "killed at a truncation": "ftruncate:signal=KILL",
    "a sync fails": "fdatasync:error=EIO",
    "a write fails": "pwrite64:error=EIO",
    "no room for a write": "pwrite64:error=ENOSPC",
    "no more writing": "pwrite64:error=EROFS",
}
LAST = {"pwrite64": 270, "fdatasync": 52, "ftruncate": 9}
"""How many of each one run makes; half of the writes and most of the others make both files."""


async def write_with(folder: Path, fault: str, when: str) -> list[list[str]]:
    """Run the writer with a fault in its way; return what it said."""
    folder.mkdir()
    return await write(
        folder, "strace", "-f", "-qq", "-o", "/dev/null",
        "-e", f"trace={fault.partition(':')[0]}", "-e", f"inject={fault}:when={when}",
        may_die="KILL" in fault,
    )  # fmt: skip


async def write_without(folder: Path) -> list[list[str]]:
    """Run the writer and let it be."""
    return await write(folder)


async def write(folder: Path, *before: str, may_die: bool = False) -> list[list[str]]:
    command = (*before, sys.executable, "-m", "faults.writer", str(folder), str(NEEDS))
    child = await asyncio.create_subprocess_exec(
        *command, cwd=TESTS, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await child.communicate()
    assert may_die or child.returncode == 0, err.decode()[-2_000:]
    return [line.split(maxsplit=2) for line in out.decode().splitlines()]


def needs_in(folder: Path) -> dict[int, str]:
    """Read what is there; nothing if the file had not got its tables."""
    if not (folder / "need.db").exists():
        return {}
    connection = sqlite3.connect(folder / "need.db")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE name = 'need'")
        if tables.fetchone() is None:
            return {}
        return dict(connection.execute("SELECT sequence, signal_id FROM need ORDER BY sequence"))
    finally:
        connection.close()


@pytest.mark.parametrize("what", FAULTS)
async def test_what_was_confirmed_is_there(tmp_path: Path, what: str, tell: harness.Tell) -> None:
    tried = hit = confirmed = 0
    draw = harness.chance("syscalls", what)
    last = LAST[FAULTS[what].partition(":")[0]]
    wanted = min(last, harness.count("SYSCALLS", quick=4, full=16))
    places = draw.sample(range(1, last + 1), wanted)
    for place in places:
        folder = tmp_path / str(place)
        said = await write_with(folder, FAULTS[what], str(place))
        kept = {int(words[1]): words[2] for words in said if words[0] == "kept"}
        there = needs_in(folder)
        assert kept.items() <= there.items(), f"{what}, number {place}"
        assert sorted(there) == list(range(1, len(there) + 1))
        # What was refused is not there: nobody was told that it is kept, and it may be pressed
        # again.
        refused = {words[2] for words in said if words[0] == "not_kept"}
        assert not refused & set(there.values()), f"{what}, number {place}"
        # And the store takes more, as if nothing had happened.
        after = await write_without(folder)
        assert [words[0] for words in after] == ["kept"] * NEEDS
        assert kept.items() <= needs_in(folder).items()
        tried += 1
        hit += len(kept) < NEEDS
        confirmed += len(kept)
    tell(places=tried, hit=hit, confirmed=confirmed, lost=0)


async def test_one_failed_sync_is_over_with_the_need_it_hit(tmp_path: Path) -> None:
    """The connection is opened anew: after a failed sync its page cache cannot be trusted."""
    healed = 0
    for place in range(12, 28, 3):
        folder = tmp_path / str(place)
        said = await write_with(folder, "fdatasync:error=EIO", str(place))
        answers = [words[0] for words in said]
        if "not_kept" in answers:
            assert answers[answers.index("not_kept") + 1 :].count("kept") > 0
            healed += 1
        kept = {int(words[1]): words[2] for words in said if words[0] == "kept"}
        assert kept.items() <= needs_in(folder).items()
    assert healed


async def test_a_disk_that_stays_read_only_is_a_refusal_each_time_and_no_crash(
    tmp_path: Path,
) -> None:
    said = await write_with(tmp_path / "w", "pwrite64:error=EROFS", "60+")
    answers = [words[0] for words in said]
    assert len(answers) == NEEDS or answers == ["fault"]
    assert "not_kept" in answers or answers == ["fault"]
