"""Real processes under the supervisor: started, restarted, given up, ended with their children."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from zodra_sim.clock import SystemClock
from zodra_sim.demo.supervisor import (
    Died,
    Happening,
    Part,
    PartFailed,
    Started,
    Supervisor,
    Writes,
    describe_exit,
    end_leftovers,
)

SLEEPER = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
path = pathlib.Path(sys.argv[1])
new = path.with_suffix(".new")
new.write_text(str(child.pid))
new.replace(path)
time.sleep(600)
"""

LEAVER = """
import pathlib, signal, sys, time

def leave(*_):
    with open(sys.argv[3], "a") as said:
        said.write(sys.argv[2] + "\\n")
    sys.exit(0)

signal.signal(signal.SIGTERM, leave)
pathlib.Path(sys.argv[1]).write_text("up")
time.sleep(600)
"""


def supervisor(tmp_path: Path, told: list[Happening]) -> Supervisor:
    return Supervisor(told.append, tmp_path / "pids", os.environ, SystemClock())


def sleeper(tmp_path: Path, name: str = "part") -> Part:
    mark = tmp_path / f"{name}.mark"
    argv = (sys.executable, "-c", SLEEPER, str(mark))
    return Part(name, argv, tmp_path / f"{name}.log", Writes(mark))


async def until_dead(pid: int) -> None:
    async with asyncio.timeout(10):
        while True:
            with suppress(psutil.Error):
                if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                    await asyncio.sleep(0.02)
                    continue
            return


async def test_a_killed_part_is_started_again_and_its_children_are_ended(tmp_path: Path) -> None:
    told: list[Happening] = []
    part = sleeper(tmp_path)
    running = supervisor(tmp_path, told)
    await running.start([part], 20)
    first, child = running.pid("part"), int((tmp_path / "part.mark").read_text())
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until_dead(child)
    async with asyncio.timeout(20):
        while Started("part", 1) not in told:
            await asyncio.sleep(0.02)
    assert told == [Started("part", 0), Died("part", "SIGKILL", 0.2), Started("part", 1)]
    assert running.pid("part") not in (None, first)
    assert (tmp_path / "pids").read_text() == f"{running.pid('part')} part\n"
    child = int((tmp_path / "part.mark").read_text())
    await running.stop()
    await until_dead(child)
    assert not (tmp_path / "pids").exists()


async def test_a_part_that_never_comes_up_is_given_up_with_its_log(tmp_path: Path) -> None:
    told: list[Happening] = []
    part = Part(
        "broken",
        (sys.executable, "-c", "import sys; print('no luck', file=sys.stderr); sys.exit(7)"),
        tmp_path / "broken.log",
        Writes(tmp_path / "never"),
    )
    running = supervisor(tmp_path, told)
    with pytest.raises(
        PartFailed, match=r"broken ended 4 times .*exit 7\): no luck; its log: .*broken\.log"
    ):
        await running.start([part], 30)
    await running.stop()


async def test_a_part_that_hangs_is_named_when_the_time_is_up(tmp_path: Path) -> None:
    part = Part(
        "slow",
        (sys.executable, "-c", "import time; time.sleep(600)"),
        tmp_path / "slow.log",
        Writes(tmp_path / "never"),
    )
    running = supervisor(tmp_path, [])
    with pytest.raises(PartFailed, match="slow was not ready after"):
        await running.start([part], 0.3)
    pid = running.pid("slow")
    assert pid is not None
    await running.stop()
    await until_dead(pid)


async def test_parts_end_in_the_order_asked_for_and_the_others_last(tmp_path: Path) -> None:
    said = tmp_path / "farewells"
    names = ("gateway", "broker", "other", "cloud")
    parts = {name: leaver(tmp_path, name, said) for name in names}
    running = supervisor(tmp_path, [])
    await running.start(parts.values(), 20)
    await running.stop([[parts["gateway"]], [parts["cloud"]], [parts["broker"]]])
    assert said.read_text().split() == ["gateway", "cloud", "broker", "other"]


def leaver(tmp_path: Path, name: str, said: Path) -> Part:
    """A part that says goodbye."""
    mark = tmp_path / f"{name}.mark"
    argv = (sys.executable, "-c", LEAVER, str(mark), name, str(said))
    return Part(name, argv, tmp_path / f"{name}.log", Writes(mark))


async def test_what_a_killed_demo_left_running_is_ended_by_the_next(tmp_path: Path) -> None:
    running = supervisor(tmp_path, [])
    await running.start([sleeper(tmp_path)], 20)
    pid = running.pid("part")
    (tmp_path / "pids").write_text(f"{pid} part\n{os.getpid()} stranger\n999999999 gone\n")
    # The part's command line names the folder; this test's own does not.
    ended = await asyncio.to_thread(end_leftovers, tmp_path / "pids", tmp_path)
    assert ended == ["part"]
    await running.stop()


@pytest.mark.parametrize(("code", "said"), [(0, "exit 0"), (-9, "SIGKILL"), (-200, "signal 200")])
def test_an_exit_code_is_said_as_people_do(code: int, said: str) -> None:
    assert describe_exit(code) == said
