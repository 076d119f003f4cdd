"""The guest: Debian's kernel, BlueZ and Python with our locked packages; made once, and kept.

What it is made of names the folder under `.tools`, so that a change makes a new one.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
HERE: Final = Path(__file__).parent
CACHE: Final = ROOT / ".tools"
SUITE: Final = "bookworm"
"""Raspberry Pi OS and the package are of it, and Python 3.11 is its own."""
KERNEL: Final = os.environ.get("RADIO_KERNEL", f"{SUITE}-backports")
"""The release that the kernel is of; empty for the suite's own.

Linux 6.12 has "L2CAP: Fix corrupted list in hci_chan_del", which is what 6.1 of the suite dies of.
"""
MIRROR: Final = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
SECURITY: Final = os.environ.get("DEBIAN_SECURITY_MIRROR", "http://deb.debian.org/debian-security")
PACKAGES: Final = "bluez,busybox-static,cpio,dbus-daemon,kmod,passwd,python3"
TESTING: Final = ("iniconfig", "pluggy", "pytest", "pytest-timeout")
"""Of the packages for development, what the tests need in there."""
UNWANTED: Final = ("pip", "pyric")
"""pyric has no wheel; it is for rfkill, and never imported by us."""
TOOLS: Final = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
}
PATH: Final = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
MAKING_S_MAX: Final = 1_800
UV: Final = Path(sys.executable).parent / "uv"


class NoGuestError(Exception):
    """Why there is no guest to run in."""


def missing() -> list[str]:
    """Name the packages that this machine lacks."""
    return [package for tool, package in TOOLS.items() if shutil.which(tool, path=PATH) is None]


def image() -> Path:
    """Give the folder with `kernel`, `initrd` and `disk`, made if need be.

    Raises:
        NoGuestError: it cannot be made here.
    """
    if lacking := missing():
        raise NoGuestError(f"not installed here: {', '.join(lacking)} (apt-get install them)")
    wanted = _requirements()
    digest = hashlib.sha256(f"{SUITE} {KERNEL} {PACKAGES} {wanted}".encode())
    for name in ("root.sh", "initrd-init"):
        digest.update((HERE / name).read_bytes())
    made = CACHE / f"radio-kernel-{digest.hexdigest()[:12]}"
    if not made.is_dir():
        for old in CACHE.glob("radio-kernel-*"):
            shutil.rmtree(old)
        half = CACHE / f"radio-half-{os.getpid()}"
        half.mkdir(parents=True)
        try:
            _make(half, wanted)
            half.rename(made)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return made


def _requirements() -> str:
    everything = _exported("--only-group", "dev")
    testing = [one for one in _blocks(everything) if one.split("==")[0] in TESTING]
    return "\n".join(
        [*_blocks(_exported("--no-dev", "--extra", "edge", "--extra", "sim")), *testing]
    )


def _exported(*what: str) -> str:
    done = _run(
        str(UV), "export", "--frozen", "--quiet", *what, "--no-emit-project", "--no-annotate",
        "--no-header", *(f"--no-emit-package={name}" for name in UNWANTED),
    )  # fmt: skip
    return done


def _blocks(requirements: str) -> list[str]:
    return [one.strip() for one in re.split(r"\n(?=\S)", requirements) if one.strip()]


def _make(folder: Path, wanted: str) -> None:
    (folder / "requirements.txt").write_text(wanted)
    _run(
        str(UV), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:",
        "--target", str(folder / "lib"), "--python-version", "3.11",
        "--python-platform", "x86_64-manylinux_2_28", "--link-mode", "copy",
        "--require-hashes", "-r", str(folder / "requirements.txt"),
    )  # fmt: skip
    shutil.copy(HERE / "initrd-init", folder)
    without = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
    _run(
        "mmdebstrap", "--quiet", "--variant=apt", "--format=null", f"--include={PACKAGES}",
        *(f"--dpkgopt=path-exclude={path}" for path in without),
        f'--customize-hook=sh "{HERE}/root.sh" "$1" "{folder}" {KERNEL}', SUITE, "/dev/null",
        f"deb {MIRROR} {SUITE} main", f"deb {SECURITY} {SUITE}-security main",
        *([f"deb {MIRROR} {KERNEL} main"] if KERNEL else []),
    )  # fmt: skip
    shutil.rmtree(folder / "lib")


def _run(*command: str) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PATH": PATH},
        capture_output=True,
        text=True,
        check=False,
        timeout=MAKING_S_MAX,
    )
    if done.returncode != 0:
        end = "\n".join(done.stderr.strip().splitlines()[-12:])
        raise NoGuestError(f"{Path(command[0]).name} failed:\n{end}")
    return done.stdout
