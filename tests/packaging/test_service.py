"""The service under a systemd that runs: ready, watched, closed, with its credentials."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from missing import MissingTool, give_up
from packaging_booted import Booted, until
from packaging_home import (
    CREDENTIAL,
    PASSWORD,
    STATE,
    UNIT,
    agent,
    claim,
    depth,
    kept,
    press,
    says,
    tell,
)

pytestmark = pytest.mark.deb

HEARS_A_CONNECT = (
    "/usr/bin/python3", "-I", "-c",
    "import socket\n"
    "door = socket.create_server(('127.0.0.1', 8883))\n"
    "while True:\n"
    "    caller, _ = door.accept()\n"
    "    print(caller.recv(500).hex(), flush=True)\n",
)  # fmt: skip
WATCHDOG_S = 30


@pytest.fixture
def claimed(machine: Booted) -> Booted:
    """A machine with the package, whose gateway has one press that waits."""
    machine.run("dpkg", "-i", "/srv/zodra.deb")
    claim(machine)
    press(machine, 1)
    return machine


def timed_out(machine: Booted) -> bool | None:
    said = machine.run("journalctl", "-u", UNIT, "--no-pager")
    return True if "Watchdog timeout" in said else None


def bitten(machine: Booted) -> bool | None:
    """Whether the watchdog ended the agent, and systemd began it anew."""
    said = machine.run("journalctl", "-u", UNIT, "--no-pager")
    return True if re.search(r"(?s)Watchdog timeout.*Scheduled restart", said) else None


def test_the_service_is_ready_once_the_outbox_is_open(claimed: Booted) -> None:
    claimed.run("systemctl", "restart", UNIT)
    # `restart` came back, so the agent has said that it is ready.
    assert depth(claimed) == 1
    assert claimed.path(f"{STATE}/need.db").exists()
    shown = claimed.shows(UNIT, "Type", "NotifyAccess", "WatchdogUSec", "User", "Restart")
    assert shown == {
        "Type": "notify",
        "NotifyAccess": "main",
        "WatchdogUSec": f"{WATCHDOG_S}s",
        "User": "zodra",
        "Restart": "always",
    }


def test_settings_that_are_wrong_are_never_ready_and_say_why(claimed: Booted) -> None:
    settings = claimed.path("/etc/zodra/edge.toml")
    good = settings.read_text()
    settings.write_text(good.replace("port = 8883", "port = 88830"))
    claimed.run("systemctl", "restart", UNIT, fails=True)
    until(
        lambda: "cloud.port" in claimed.run("journalctl", "-u", UNIT, "--no-pager") or None,
        "the reason in the journal",
    )
    settings.write_text(good)
    # It is tried again by itself.
    says(claimed, kept(1))


def test_credentials_reach_the_agent_alone(claimed: Booted) -> None:
    handed = f"/run/credentials/{UNIT}/zodra_cloud.password"
    assert claimed.run("cat", handed, user="zodra") == f"{PASSWORD}\n"
    claimed.run("cat", handed, user="nobody", fails=True)
    claimed.run("cat", CREDENTIAL, user="zodra", fails=True)

    # A cloud without encryption, to see what arrives.
    settings = claimed.path("/etc/zodra/edge.toml")
    settings.write_text(settings.read_text().replace("port = 8883", "port = 8883\ntls = false"))
    claimed.run("systemd-run", "--quiet", "--unit=cloud", *HEARS_A_CONNECT)
    claimed.run("systemctl", "restart", UNIT)
    until(
        lambda: (
            PASSWORD.encode().hex() in claimed.run("journalctl", "-u", "cloud", "--no-pager")
            or None
        ),
        "the password at the cloud",
    )


def test_a_credential_that_is_not_there_is_named(claimed: Booted) -> None:
    claimed.run("mv", CREDENTIAL, "/srv")
    claimed.run("systemctl", "restart", UNIT, fails=True)
    until(
        lambda: "cannot read" in claimed.run("journalctl", "-u", UNIT, "--no-pager") or None,
        "the reason in the journal",
    )
    claimed.run("mv", "/srv/cloud.password", CREDENTIAL)
    says(claimed, kept(1))


def test_the_sandbox_holds_in_the_running_process(claimed: Booted) -> None:
    process = claimed.path(f"/proc/{agent(claimed)}")
    status = dict(
        line.split(":\t", 1)
        for line in (process / "status").read_text().splitlines()
        if ":\t" in line
    )
    none = "0000000000000000"
    assert [status[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")] == [none] * 4
    assert status["NoNewPrivs"] == "1"
    # A filter of system calls.
    assert status["Seccomp"] == "2"
    assert "0" not in status["Uid"].split()
    mounts = [line.split() for line in (process / "mountinfo").read_text().splitlines()]
    ways = {mount[4]: mount[5].split(",")[0] for mount in mounts}
    assert ways["/"] == "ro"
    assert ways[STATE] == ways["/run/zodra"] == "rw"
    writable = {place for place, way in ways.items() if way == "rw"}
    assert not {place for place in writable if place.startswith(("/etc", "/usr", "/home"))}
    # Its own users: in there nobody but itself and root is anybody.
    assert (process / "uid_map").read_text() != claimed.path("/proc/1/uid_map").read_text()

    shown = claimed.shows(UNIT, "MemoryMax", "TasksMax", "ProtectSystem", "MemoryDenyWriteExecute")
    assert shown == {
        "MemoryMax": str(256 * 2**20),
        "TasksMax": "64",
        "ProtectSystem": "strict",
        "MemoryDenyWriteExecute": "yes",
    }
    said = claimed.run("systemd-analyze", "--no-pager", "security", UNIT)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found is not None
    assert float(found[1]) <= 1.5


def test_an_agent_that_stands_still_is_ended_and_begun_anew(claimed: Booted) -> None:
    before = agent(claimed)
    os.kill(int(outside(claimed, before)), signal.SIGSTOP)
    until(lambda: bitten(claimed), "the watchdog", WATCHDOG_S * 4)
    says(claimed, kept(1))
    assert agent(claimed) != before
    press(claimed, 2)


def test_an_agent_whose_disk_hangs_is_ended_and_begun_anew(claimed: Booted) -> None:
    if shutil.which("strace") is None:
        give_up(MissingTool("strace is not installed: apt-get install strace"))
    before = agent(claimed)
    process = outside(claimed, before)
    # A sync that takes ten minutes: what a dying card does.
    with subprocess.Popen(
        ["strace", "-qq", "-f", "-o", "/dev/null", "-p", process,
         "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:delay_enter=600000000"],
        stdin=subprocess.DEVNULL,
    ) as disk:  # fmt: skip
        try:
            until(lambda: traced(process) or None, "the disk to hang")
            claimed.run(*tell(2))
            until(lambda: timed_out(claimed), "the watchdog", WATCHDOG_S * 4)
        finally:
            disk.kill()
    until(lambda: bitten(claimed), "the next agent")
    says(claimed, "waiting for the cloud")
    # Nobody was told that the second press is kept; it may be.
    found = depth(claimed)
    assert found in {1, 2}
    press(claimed, found + 1)


def traced(process: str) -> bool:
    return "TracerPid:\t0\n" not in Path(f"/proc/{process}/status").read_text()


def outside(machine: Booted, pid: str) -> str:
    """Name one of its processes as this machine does."""
    wanted = (machine.path(f"/proc/{pid}/ns/pid")).readlink()
    for found in machine.root.parent.parent.glob("[0-9]*"):
        try:
            line = (found / "status").read_text()
            same = (found / "ns/pid").readlink() == wanted
        except OSError:
            continue
        if same and re.search(rf"(?m)^NSpid:.*\t{pid}$", line):
            return found.name
    raise AssertionError(f"process {pid} is not to be found")


def test_what_the_watchdog_hears_comes_from_the_agent_alone(claimed: Booted) -> None:
    feigned = "import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); "
    feigned += "s.sendto(b'STATUS=all is lost', '/run/systemd/notify')"
    claimed.run("/usr/bin/python3", "-c", feigned, user="zodra")
    assert "all is lost" not in claimed.shows(UNIT, "StatusText")["StatusText"]
