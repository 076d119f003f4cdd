"""Looking into the outbox of a gateway that runs: at a copy, without asking it for anything."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from edge_outbox import keep
from zodra_contract.signal import NeedSignal
from zodra_edge.errors import OutboxFault
from zodra_edge.link import Lane
from zodra_edge.outbox import Kept, Outbox, schema
from zodra_edge.rescue.export import export
from zodra_edge.rescue.look import read
from zodra_edge.rescue.salvage import salvage
from zodra_edge.rescue.still import still
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import sole_owner

LOOKS = 15


@contextlib.asynccontextmanager
async def holder(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Have the folder held, and written to, by a process of its own."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("agent_that_writes.py")),
        str(folder),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.stdout is not None
    try:
        assert await child.stdout.readline() == b"writing\n"
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGCONT)
            child.kill()
        await child.wait()


async def test_a_copy_is_whole_whatever_the_agent_writes_meanwhile(tmp_path: Path) -> None:
    newest = 0
    async with holder(tmp_path) as child:
        for _ in range(LOOKS):
            with (
                still(tmp_path) as folder,
                contextlib.closing(schema.connect_to_look(folder / "need.db")) as connection,
            ):
                assert folder != tmp_path
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                (count, last) = connection.execute(
                    "SELECT count(*), max(sequence) FROM need"
                ).fetchone()
                kept = schema.counters(connection)["next_sequence"] - 1
            assert count == last == kept >= newest
            newest = kept
            await asyncio.sleep(0.01)
        assert newest > 100
        assert not list(tmp_path.glob("*-shm")), "an index beside the file is written back"
        assert child.returncode is None
    assert all(NeedSignal.model_validate(row["signal"], strict=False) for row in export(tmp_path))


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


async def stands_still(pid: int) -> None:
    """Wait for each thread: one that is inside a system call writes to its end before it stops."""
    tasks = Path(f"/proc/{pid}/task")
    while any(
        (task / "stat").read_text().rpartition(")")[2].split()[0] != "T" for task in tasks.iterdir()
    ):
        await asyncio.sleep(0.01)


async def test_an_agent_that_hangs_can_be_looked_into_and_is_let_be(tmp_path: Path) -> None:
    async with holder(tmp_path) as child:
        child.send_signal(signal.SIGSTOP)
        await stands_still(child.pid)
        before = digests(tmp_path)
        (need, _) = read(tmp_path)
        assert need.depth > 0
        assert need.file == str(tmp_path / "need.db")
        assert len(list(export(tmp_path))) == need.depth
        with salvage(tmp_path / "need.db") as found:
            assert found.summary()["saved"] == need.depth
            assert not found.complaint
        assert digests(tmp_path) == before


async def test_a_killed_agent_leaves_no_lock_and_loses_nothing(tmp_path: Path) -> None:
    async with holder(tmp_path) as child:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            sqlite3.connect(tmp_path / "need.db", timeout=0).execute("SELECT 1 FROM need")
        child.kill()
        await child.wait()
        (need, _) = read(tmp_path)
        with sole_owner(tmp_path):
            async with Outbox(tmp_path, OutboxLimits(need_rows_max=1_000_000)) as outbox:
                assert outbox.level(Lane.NEED).depth == need.depth
                assert outbox.storage().need is None
                assert isinstance(await keep(outbox, "p_after"), Kept)


def command(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "zodra_edge", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


async def test_a_second_agent_and_a_file_that_is_overtaken_end_in_a_sentence(
    tmp_path: Path,
) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(
        'gateway_id = "gw-1"\nhousehold_id = "hh-1"\ndata_dir = "data"\n'
        '[cloud]\nhost = "127.0.0.1"\nport = 1\n'
    )
    (tmp_path / "data").mkdir()
    async with holder(tmp_path / "data"):
        second = await asyncio.to_thread(command, "run", "--config", config)
        assert second.returncode != 0
        assert "Traceback" not in second.stderr
        assert "already" in second.stderr
        shown = await asyncio.to_thread(command, "outbox", "show", "--json", "--config", config)
        assert json.loads(shown.stdout)[0]["depth"] > 0
        # As while the agent writes a file anew; a copy would be of neither the old nor the new one.
        (tmp_path / "data" / "need.db-journal").write_bytes(b"")
        with pytest.raises(OutboxFault, match=r"faster than it can be copied.*stop it first"):
            still(tmp_path / "data", within_s=0.2).__enter__()


async def test_without_room_for_a_copy_a_person_hears_where_to_make_some(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await keep(outbox, "p_1")
        with (tmp_path / "need.db").open("r+b") as file:
            file.truncate(2**43)
        with sole_owner(tmp_path), pytest.raises(OutboxFault, match=r"no room.*TMPDIR"):
            read(tmp_path)


async def test_a_person_who_looks_into_the_file_does_not_keep_the_agent_from_it(
    tmp_path: Path,
) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await keep(outbox, "p_1")
    with contextlib.closing(schema.connect_to_look(tmp_path / "need.db")) as person:
        assert person.execute("SELECT count(*) FROM need").fetchone() == (1,)
        async with Outbox(tmp_path, OutboxLimits()) as outbox:
            assert await keep(outbox, "p_2") == Kept(2)
            assert outbox.storage().need is None
            assert person.execute("SELECT count(*) FROM need").fetchone() == (2,)


async def test_no_copy_stays_behind_and_others_cannot_read_it(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        await keep(outbox, "p_1")
        with sole_owner(tmp_path), still(tmp_path) as folder:
            assert folder.parent == Path(tempfile.gettempdir())
            assert folder.stat().st_mode & 0o777 == 0o700
            assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        assert not folder.exists()
    with still(tmp_path) as folder:
        assert folder == tmp_path, "nobody writes to it"
