"""The package in a Debian that runs: installed, upgraded, broken off, removed, purged, anew."""

import re
from pathlib import Path

import pytest

from packaging_booted import Booted, booted, until
from packaging_debian import ROOT, Debian, unpacked
from packaging_home import (
    CLAIMED,
    CREDENTIAL,
    PASSWORD,
    SETTINGS,
    STATE,
    UNIT,
    agent,
    claim,
    depth,
    kept,
    press,
    says,
)

pytestmark = pytest.mark.deb
PAGE = ROOT / "docs" / "install-pi.md"


def install(machine: Booted, name: str = "zodra") -> str:
    return machine.run("dpkg", "-i", f"/srv/{name}.deb")


def version(machine: Booted) -> str:
    return machine.run("dpkg-query", "-Wf", "${Version}", "zodra-edge")


def test_the_page_on_installing_is_right_to_the_letter(machine: Booted) -> None:
    block = PAGE.read_text().split("```sh\n")[1].split("```")[0]
    commands = [line.partition("  #")[0].strip() for line in block.splitlines()]
    (package,) = re.findall(r"\./\S+\.deb", commands[0])
    name = package.removeprefix("./").replace("arm64", "amd64")
    machine.run("mv", "/srv/zodra.deb", f"/srv/{name}")
    machine.path("/usr/bin/editor").write_text(f"#!/bin/sh\ncat >$1 <<'END'\n{CLAIMED}\nEND\n")
    machine.run("chmod", "755", "/usr/bin/editor")

    told = ""
    for number, command in enumerate(commands):
        asked = command.replace("arm64", "amd64").replace("apt install", "apt -y install")
        typed = f"{PASSWORD}\n" if "/dev/stdin" in command else ""
        if number == commands.index("systemctl status zodra-edge", 2):
            says(machine, "need")
        told += f"$ {command}\n"
        told += machine.run("sh", "-c", f"cd /srv; {asked}", typed=typed, fails="doctor" in command)

    before, after = told.split("$ editor")
    assert "not claimed yet" in before.split("$ systemctl status")[1]
    assert "no need waits" in after.split("$ systemctl status")[1]
    # There is no cloud; everything else is in order.
    assert "Traceback" not in told
    assert "127.0.0.1" in after.split("$ zodra-edge doctor")[1]
    assert "installed" in machine.run("dpkg-query", "-Wf", "${Status}", "bluez")
    wanted = {
        STATE: "700 zodra",
        "/etc/zodra/credentials": "700 root",
        CREDENTIAL: "600 root",
        SETTINGS: "644 root",
        "/run/zodra": "755 zodra",
    }
    for place, mode in wanted.items():
        assert machine.run("stat", "-c", "%a %U", place).strip() == mode


def test_an_upgrade_keeps_presses_and_settings_and_goes_on(machine: Booted) -> None:
    install(machine, "older")
    claim(machine)
    press(machine, 1)
    before = agent(machine)
    install(machine)
    says(machine, kept(1))
    assert version(machine) != "0.0.9"
    assert agent(machine) != before
    assert machine.path(SETTINGS).read_text() == CLAIMED
    assert not machine.path("/usr/lib/zodra-edge/zodra_gone.py").exists()
    press(machine, 2)
    # What a person looks with, as root, leaves nothing behind that the agent cannot write.
    assert machine.run("find", STATE, "!", "-user", "zodra") == ""


def test_an_upgrade_that_breaks_off_leaves_the_old_one_running(machine: Booted) -> None:
    install(machine)
    claim(machine)
    press(machine, 1)
    said = machine.run("dpkg", "-i", "/srv/breaks.deb", fails=True)
    assert "pre-installation script" in said
    assert version(machine) != "99.0"
    says(machine, kept(1))
    press(machine, 2)


def test_an_upgrade_starts_nothing_that_a_person_stopped_or_switched_off(machine: Booted) -> None:
    install(machine, "older")
    machine.run("systemctl", "stop", UNIT)
    install(machine)
    assert machine.shows(UNIT, "ActiveState")["ActiveState"] == "inactive"
    assert machine.run("systemctl", "is-enabled", UNIT).strip() == "enabled"

    machine.run("systemctl", "disable", "--quiet", UNIT)
    machine.run("systemctl", "start", UNIT)
    install(machine, "newer")
    says(machine, "not claimed yet")
    assert machine.run("systemctl", "is-enabled", UNIT, fails=True).strip() == "disabled"


def test_a_removal_keeps_the_presses_and_a_new_install_sends_them(machine: Booted) -> None:
    install(machine)
    claim(machine)
    press(machine, 1)
    assert f"{STATE} keeps" in machine.run("apt-get", "-y", "remove", "zodra-edge")
    assert machine.shows(UNIT, "ActiveState")["ActiveState"] == "inactive"
    assert not machine.path("/usr/lib/zodra-edge").exists()
    assert machine.path(f"{STATE}/need.db").stat().st_size > 0
    assert machine.path(CREDENTIAL).read_text() == f"{PASSWORD}\n"

    install(machine)
    says(machine, kept(1))
    assert machine.run("systemctl", "is-enabled", UNIT).strip() == "enabled"
    assert machine.path(SETTINGS).read_text() == CLAIMED
    assert depth(machine) == 1


def test_a_purge_deletes_all_and_says_so(machine: Booted) -> None:
    install(machine)
    claim(machine)
    press(machine, 1)
    assert f"deleting {STATE}" in machine.run("apt-get", "-y", "purge", "zodra-edge")
    left = machine.run(
        "find", "/etc", "/usr", "/var/lib", "/run", "-xdev", "-name", "*zodra*",
        "-not", "-path", "*/journal/*",
    )  # fmt: skip
    assert left == ""
    assert "zodra" in machine.run("getent", "passwd", "zodra")

    install(machine)
    says(machine, "not claimed yet")
    assert machine.run("systemctl", "is-enabled", UNIT).strip() == "enabled"


def test_an_image_made_without_systemd_starts_at_its_first_boot(
    for_a_pc: Path, tmp_path: Path
) -> None:
    image = Debian(unpacked("amd64", tmp_path / "image"))
    image.path("/srv/zodra.deb").write_bytes(for_a_pc.read_bytes())
    image.run("dpkg", "-i", "/srv/zodra.deb")
    with booted(image.root, tmp_path / "machine") as machine:
        says(machine, "not claimed yet")


def test_bluez_answers_the_gateway_and_nobody_else(machine: Booted) -> None:
    # Without BlueZ's own rule, so that what is seen is the package's.
    owner = "/etc/dbus-1/system.d/test.conf"
    machine.path(owner).write_text(
        "<busconfig><policy user='root'><allow own='org.bluez'/></policy></busconfig>\n"
    )
    install(machine)
    machine.run("systemd-run", "--quiet", "--unit=bluez", *BLUEZ)
    ask = ("dbus-send", "--system", "--print-reply", "--dest=org.bluez", "/", PING)
    until(
        lambda: "org.bluez" in machine.run(*NAMES) or None,
        "somebody to be BlueZ",
    )
    assert "method return" in machine.run(*ask, user="zodra")
    assert "AccessDenied" in machine.run(*ask, user="nobody", fails=True)


PING = "org.freedesktop.DBus.Peer.Ping"
NAMES = (
    "dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus",
    "/org/freedesktop/DBus", "org.freedesktop.DBus.ListNames",
)  # fmt: skip
BLUEZ = (
    "/usr/bin/python3", "-I", "-c",
    "import asyncio, sys\n"
    "sys.path.insert(0, '/usr/lib/zodra-edge')\n"
    "from dbus_fast import BusType\n"
    "from dbus_fast.aio import MessageBus\n"
    "async def main():\n"
    "    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()\n"
    "    await bus.request_name('org.bluez')\n"
    "    await bus.wait_for_disconnect()\n"
    "asyncio.run(main())\n",
)  # fmt: skip
