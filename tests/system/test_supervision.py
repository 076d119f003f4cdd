"""The supervisor itself killed: its parts end with it, and the folder is continued."""

import os
import shutil
import signal
from pathlib import Path

import psutil
import pytest

from demo_runs import DemoRun, ShopBook
from missing import MissingTool, give_up

pytestmark = pytest.mark.timeout(300)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_parts_end_with_a_killed_supervisor_and_the_next_demo_goes_on(tmp_path: Path) -> None:
    if shutil.which("setpriv") is None:
        give_up(MissingTool("setpriv is not installed: apt-get install util-linux"))
    data = tmp_path / "data"
    with DemoRun(data, "--once") as demo:
        demo.wait_for("The shop accepted the order of paper towels")
        pids = demo.pids().values()
        os.kill(demo.process.pid, signal.SIGKILL)
        demo.end()
        demo.wait_until(lambda: not any(map(alive, pids)), "the end of every part")
    with DemoRun(data, "--once") as again:
        assert again.end() == 0, again.text
    assert "Going on with the household" in again.text
    references = ShopBook(data).references()
    assert len(set(references)) == len(references)
