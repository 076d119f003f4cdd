"""Debian systems of their own, made once and kept in `.tools`: folders to look into, or booted."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from missing import MissingTool, give_up

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".tools"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
SUITE = "bookworm"
QEMU = "qemu-aarch64-static"
WITH = {"amd64": "python3,systemd,systemd-sysv,dbus", "arm64": "python3"}
BROKER = "mosquitto,mosquitto-clients"
"""In the one that boots: a home's broker, with devices on it."""
OFFERED = "bluez"
"""In apt's cache there, with all that it recommends: what `apt install` of the package brings."""
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C.UTF-8",
}


class Debian:
    """One root folder, and what is run in it."""

    def __init__(self, root: Path, runner: tuple[str, ...] = ()) -> None:
        self.root = root
        self._runner = runner

    def entered(self, words: tuple[str, ...], user: str) -> list[str]:
        """Say how a command is run in it."""
        whose = [f"--userspec={user}:{user}"] if user else []
        return ["/usr/sbin/chroot", *whose, str(self.root), *self._runner, *words]

    def run(self, *words: str, user: str = "", fails: bool = False, typed: str = "") -> str:
        """Run a command in it; one that fails ends the test, unless it shall."""
        done = subprocess.run(
            self.entered(words, user),
            env=ENVIRONMENT,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert fails == (done.returncode != 0), f"{words}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def put(self, file: Path, inside: str) -> None:
        shutil.copyfile(file, self.path(inside))
        self.path(inside).chmod(0o644)


def unpacked(arch: str, root: Path) -> Path:
    """Unpack one into a new folder; the first time it is fetched, which takes a minute."""
    if os.geteuid() != 0:
        give_up("only root can make a Debian of its own")
    if shutil.which("debootstrap", path="/usr/sbin:/usr/bin") is None:
        give_up(MissingTool("debootstrap is not installed: apt-get install debootstrap"))
    recipe = hashlib.sha256(f"{WITH[arch]} {BROKER} {OFFERED} 2".encode()).hexdigest()[:8]
    packed = CACHE / f"debian-{SUITE}-{arch}-{recipe}.tar"
    root.mkdir()
    CACHE.mkdir(exist_ok=True)
    # Of tests that run beside each other, one fetches.
    with (CACHE / f"{packed.stem}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not packed.exists():
            _fetch(arch, packed, root.with_name(f"{root.name}-fetched"))
    subprocess.run(["tar", "-C", root, "--numeric-owner", "-xpf", packed], check=True)
    return root


def emulated(root: Path) -> Debian:
    """Unpack one for a Pi's processor, whose programs qemu runs one by one."""
    if shutil.which(QEMU) is None:
        give_up(MissingTool("qemu is not installed: apt-get install qemu-user-static"))
    unpacked("arm64", root)
    shutil.copy(str(shutil.which(QEMU)), root)
    return Debian(root, (f"/{QEMU}",))


def _fetch(arch: str, packed: Path, made: Path) -> None:
    foreign = [] if arch == "amd64" else ["--foreign"]
    said = subprocess.run(
        ["/usr/sbin/debootstrap", f"--arch={arch}", "--variant=minbase", *foreign,
         f"--include={WITH[arch]}", SUITE, str(made), MIRROR],
        check=False,
        capture_output=True,
        text=True,
    )  # fmt: skip
    if said.returncode != 0:
        give_up(MissingTool(f"debootstrap could not fetch from {MIRROR}: {said.stdout[-300:]}"))
    if foreign:
        # Its own second stage would run for minutes under emulation; its files are all we need.
        for package in sorted(made.glob("var/cache/apt/archives/*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, made], check=True)
        shutil.rmtree(made / "var/cache/apt/archives")
    else:
        _furnish(Debian(made))
    half = packed.with_suffix(f".{os.getpid()}")
    subprocess.run(
        ["tar", "-C", made, "--numeric-owner", "--exclude=./dev/*", "-cpf", half, "."], check=True
    )
    half.rename(packed)
    shutil.rmtree(made)


def _furnish(machine: Debian) -> None:
    """Add what the tests of a booted one need; they have no network."""
    apt = ("apt-get", "-qq", "-y", "install")
    machine.run("apt-get", "-qq", "update")
    machine.run(*apt, "--no-install-recommends", *BROKER.split(","))
    machine.run("apt-get", "clean")
    machine.run(*apt, "--download-only", *OFFERED.split(","))
    # Whatever the tests lose with the power, they lose: no disk is waited for.
    machine.path("/etc/dpkg/dpkg.cfg.d/unsafe").write_text("force-unsafe-io\n")
    machine.path("/etc/resolv.conf").write_text("")
