"""Debian systems of their own, made once and kept in `.tools`, unpacked anew for each test."""

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
WITH = {"amd64": "python3,systemd,dbus", "arm64": "python3"}
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

    def run(self, *words: str, user: str = "", fails: bool = False) -> str:
        """Run a command in it; one that fails ends the test, unless it shall."""
        whose = [f"--userspec={user}:{user}"] if user else []
        done = subprocess.run(
            ["/usr/sbin/chroot", *whose, str(self.root), *self._runner, *words],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert fails or done.returncode == 0, done.stdout
        return done.stdout

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def put(self, file: Path, inside: str) -> None:
        shutil.copyfile(file, self.path(inside))
        self.path(inside).chmod(0o644)


def debian(arch: str, folder: Path) -> Debian:
    """Unpack one; the first time it is fetched, which takes a minute."""
    if os.geteuid() != 0:
        give_up("only root can chroot")
    if shutil.which("debootstrap", path="/usr/sbin:/usr/bin") is None:
        give_up(MissingTool("debootstrap is not installed: apt-get install debootstrap"))
    if arch == "arm64" and shutil.which(QEMU) is None:
        give_up(MissingTool("qemu is not installed: apt-get install qemu-user-static"))
    root = folder / arch
    root.mkdir()
    packed = CACHE / f"debian-{SUITE}-{arch}.tar"
    if not packed.exists():
        _fetch(arch, packed, folder / "fetched")
    subprocess.run(["tar", "-C", root, "--numeric-owner", "-xpf", packed], check=True)
    if arch == "amd64":
        return Debian(root)
    shutil.copy(str(shutil.which(QEMU)), root)
    return Debian(root, (f"/{QEMU}",))


def _fetch(arch: str, packed: Path, made: Path) -> None:
    foreign = [] if arch == "amd64" else ["--foreign"]
    subprocess.run(
        ["/usr/sbin/debootstrap", f"--arch={arch}", "--variant=minbase", *foreign,
         f"--include={WITH[arch]}", SUITE, str(made), MIRROR],
        check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    if foreign:
        # Its own second stage would run for minutes under emulation; its files are all we need.
        for package in sorted(made.glob("var/cache/apt/archives/*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, made], check=True)
    shutil.rmtree(made / "var/cache/apt/archives")
    CACHE.mkdir(exist_ok=True)
    half = packed.with_suffix(f".{os.getpid()}")
    subprocess.run(
        ["tar", "-C", made, "--numeric-owner", "--exclude=./dev/*", "-cpf", half, "."], check=True
    )
    half.rename(packed)
