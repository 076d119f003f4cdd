"""A Debian with a systemd of its own as process 1, without a virtual machine."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from missing import MissingTool, give_up
from packaging_debian import Debian

BOOT = Path(__file__).parent / "packaging" / "boot.sh"
BOOT_S_MAX = 120.0
Found = TypeVar("Found")


class Booted(Debian):
    """One that runs."""

    def __init__(self, init: int) -> None:
        super().__init__(Path(f"/proc/{init}/root"))
        self._enter = (
            "nsenter",
            f"--target={init}",
            "-m",
            "-u",
            "-i",
            "-n",
            "-p",
            "-C",
            "-r",
            "-w",
        )

    def entered(self, words: tuple[str, ...], user: str) -> list[str]:
        whose = ["runuser", "-u", user, "--"] if user else []
        return [*self._enter, *whose, *words]

    def shows(self, unit: str, *names: str) -> dict[str, str]:
        """Ask systemd for what it knows of a unit."""
        said = self.run("systemctl", "show", unit, *(f"--property={name}" for name in names))
        return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


@contextmanager
def booted(lower: Path, scratch: Path) -> Iterator[Booted]:
    """Boot one over the files in a folder, which stay as they are."""
    group = _control_group()
    scratch.mkdir()
    child = subprocess.Popen(
        ["sh", BOOT, lower, scratch, group],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        init = until(lambda: _init(child), "a first process")
        machine = Booted(init)
        until(lambda: _is_up(machine, child), "the end of the boot")
        yield machine
    finally:
        # All its processes and mounts end with its first process.
        child.kill()
        child.communicate()
        until(lambda: _gone(group), "its control groups to empty")


def until(look: Callable[[], Found | None], what: str, seconds: float = BOOT_S_MAX) -> Found:
    """Look again and again, until there is something."""
    end = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)
    return found


def _init(child: subprocess.Popen[bytes]) -> int | None:
    if child.poll() is not None:
        said = child.stdout.read().decode() if child.stdout else ""
        give_up(f"no Debian can be booted here: {said.strip()[-300:]}")
    found = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
    if not found:
        return None
    runs_systemd = Path(f"/proc/{found[0]}/comm").read_text().strip() == "systemd"
    return int(found[0]) if runs_systemd else None


def _is_up(machine: Booted, child: subprocess.Popen[bytes]) -> bool | None:
    assert child.poll() is None, "its first process ended"
    said = subprocess.run(
        machine.entered(("systemctl", "is-system-running"), ""),
        capture_output=True,
        text=True,
        check=False,
    )
    return True if said.stdout.strip() in {"running", "degraded"} else None


def _control_group() -> Path:
    if os.geteuid() != 0:
        give_up("only root can boot a Debian of its own")
    for tool in ("unshare", "nsenter", "setpriv", "ip"):
        if shutil.which(tool) is None:
            give_up(MissingTool(f"{tool} is not installed: apt-get install util-linux iproute2"))
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    places = [Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"]
    if not places:
        give_up("no control groups of version 2 are mounted here")
    group = places[0] / f"zodra-deb-test-{os.getpid()}-{time.monotonic_ns()}"
    try:
        group.mkdir()
    except OSError as fault:
        give_up(f"no control group can be made in {places[0]}: {fault.strerror}")
    return group


def _gone(group: Path) -> bool | None:
    for inner in sorted(group.rglob("*"), reverse=True):
        if inner.is_dir():
            _remove(inner)
    _remove(group)
    return None if group.exists() else True


def _remove(group: Path) -> None:
    try:
        group.rmdir()
    except OSError:
        # A process in it is still ending.
        return
