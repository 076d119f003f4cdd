"""The packages of `make deb`, in a Debian of their own: `make deb-test`."""

import json
import os
import re
import socket
import subprocess
import tomllib
from pathlib import Path

import pytest

from missing import give_up
from packaging_debian import ENVIRONMENT, ROOT, Debian, debian

pytestmark = pytest.mark.long

PROBE = Path(__file__).parent / "installed.py"
STATE = "/var/lib/zodra"
PYTHON = ("/usr/bin/python3.11", "-I")
DECODED = {"room_temperature_c": 25.06, "humidity_percent": 50.55}
CLAIMED = """
data_dir = "/var/lib/zodra"
gateway_id = "gw-1"
household_id = "hh-1"
[cloud]
host = "127.0.0.1"
port = 9
password_credential = "cloud.password"
"""


def built(arch: str) -> Path:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    package = ROOT / "dist" / f"zodra-edge_{version}_{arch}.deb"
    if not package.exists():
        give_up("not built: make deb")
    return package


def newer(package: Path, folder: Path) -> Path:
    """The same, under the next version."""
    tree, made = folder / "tree", folder / "newer.deb"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 99.0", control.read_text()))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, made], check=True)
    return made


def waiting(machine: Debian, *press: str) -> list[str]:
    said = machine.run(*PYTHON, "/tmp/installed.py", STATE, *press, user="zodra")
    found = json.loads(said.splitlines()[-1])
    assert found["decoded"] == DECODED
    needs: list[str] = found["needs"]
    return needs


def agent_says(machine: Debian, wanted: str) -> None:
    """Start the agent as the unit does, and wait for a word of it to the service manager."""
    path = machine.path("/tmp/notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        path.chmod(0o777)
        manager.settimeout(120)
        child = subprocess.Popen(
            ["/usr/sbin/chroot", "--userspec=zodra:zodra", str(machine.root),
             "/usr/bin/zodra-edge", "run", "--config", "/etc/zodra/edge.toml"],
            env={**ENVIRONMENT, "NOTIFY_SOCKET": "/tmp/notify",
                 "CREDENTIALS_DIRECTORY": "/tmp/credentials"},
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            heard = ""
            while wanted not in heard or "READY=1" not in heard:
                heard += manager.recv(4096).decode() + "\n"
        finally:
            child.terminate()
            child.wait(20)
            path.unlink()


def test_settings_and_presses_outlive_upgrade_and_removal_but_not_a_purge(tmp_path: Path) -> None:
    package, machine = built("amd64"), debian("amd64", tmp_path)
    machine.put(package, "/tmp/zodra.deb")
    machine.put(newer(package, tmp_path), "/tmp/newer.deb")
    machine.put(PROBE, "/tmp/installed.py")
    machine.run("mkdir", "/tmp/credentials")
    machine.path("/tmp/credentials/zodra_cloud.password").write_text("open sesame\n")

    assert "write /etc/zodra/edge.toml" in machine.run("dpkg", "-i", "/tmp/zodra.deb")
    assert "zodra" in machine.run("zodra-edge", "--version")
    assert "enabled" in machine.run("systemctl", "is-enabled", "zodra-edge")
    agent_says(machine, "not claimed yet")
    said = machine.run("systemd-analyze", "verify", "zodra-edge.service")
    assert "zodra-edge.service: " not in said
    wanted = {STATE: "700 zodra", "/etc/zodra/credentials": "700 root"}
    for place, mode in wanted.items():
        assert machine.run("stat", "-c", "%a %U", place).strip() == mode

    machine.path("/etc/zodra/edge.toml").write_text(CLAIMED)
    assert waiting(machine, "s-1") == ["s-1"]
    agent_says(machine, "1 need waiting")
    machine.run("dpkg", "-i", "/tmp/newer.deb")
    assert waiting(machine, "s-2") == ["s-1", "s-2"]
    agent_says(machine, "2 needs waiting")
    assert f"{STATE} keeps" in machine.run("dpkg", "-r", "zodra-edge")
    assert not machine.path("/usr/lib/zodra-edge").exists()
    machine.run("dpkg", "-i", "/tmp/zodra.deb")
    assert waiting(machine) == ["s-1", "s-2"]
    assert machine.path("/etc/zodra/edge.toml").read_text() == CLAIMED
    assert f"deleting {STATE}" in machine.run("dpkg", "-P", "zodra-edge")
    assert not machine.path(STATE).exists()
    assert not machine.path("/etc/zodra").exists()


def test_the_package_for_a_pi_reads_keeps_and_explains_on_its_own_processor(
    tmp_path: Path,
) -> None:
    package, machine = built("arm64"), debian("arm64", tmp_path)
    subprocess.run(["dpkg-deb", "-x", package, machine.root], check=True)
    machine.put(PROBE, "/tmp/installed.py")
    command = (*PYTHON, "/usr/lib/zodra-edge")
    assert "zodra" in machine.run(*command, "--version")
    said = machine.run(
        *command, "doctor", "--config", "/etc/zodra/edge.toml", "--listen", "0", fails=True
    )
    assert "not claimed yet" in said
    assert "Traceback" not in said
    for needs in (["s-1"], ["s-1", "s-2"]):
        out = machine.run(*PYTHON, "/tmp/installed.py", "/tmp/outbox", needs[-1], fails=False)
        assert json.loads(out.splitlines()[-1]) == {"decoded": DECODED, "needs": needs}


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_a_package_is_of_root_and_holds_nothing_that_dpkg_would_have_to_guess(arch: str) -> None:
    package = built(arch)
    rows = subprocess.check_output(["dpkg-deb", "-c", package], text=True).splitlines()
    assert {row.split()[1] for row in rows} == {"root/root"}
    places = {row.split()[5] for row in rows}
    for needed in ("copyright", "changelog.gz", "install-pi.md"):
        assert f"./usr/share/doc/zodra-edge/{needed}" in places
    assert not [row for row in rows if re.match(r"-..x|-.....[wx]", row) and "/bin/" not in row]
    assert not [place for place in places if "zodra_cloud" in place or "zodra_sim" in place]
    libraries = {place for place in places if place.endswith(".so")}
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[arch]
    assert libraries
    assert not [so for so in libraries if "linux-gnu" in so and machine not in so]


def test_a_second_build_is_the_same_byte_by_byte(tmp_path: Path) -> None:
    builds = []
    for name in ("one", "two"):
        command = [
            ROOT / ".venv/bin/python",
            ROOT / "scripts/deb.py",
            "amd64",
            "--to",
            tmp_path / name,
        ]
        subprocess.run([str(word) for word in command], check=True, env=dict(os.environ))
        builds += [next((tmp_path / name).glob("*.deb")).read_bytes()]
    assert builds[0] == builds[1]
