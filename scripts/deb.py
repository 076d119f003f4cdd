"""Builds the gateway's Debian packages, for any architecture on any Debian: see `make deb`."""

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

from deb_library import PLATFORMS, PYTHON, fill, locked
from deb_running import ROOT, epoch, run, uv

DEPLOY: Final = ROOT / "deploy" / "gateway"
DOCUMENTS: Final = "usr/share/doc/zodra-edge"
PAGES: Final = (
    "devices.md",
    "home-assistant.md",
    "install-pi.md",
    "mqtt-dialects.md",
    "operations.md",
    "pairing.md",
    "radio.md",
    "reference.md",
)
MAINTAINER: Final = "The Zodra authors <zodra@localhost>"
SCRIPTS: Final = ("postinst", "prerm", "postrm")
FILES: Final = (
    (DEPLOY / "zodra-edge.service", "lib/systemd/system/zodra-edge.service", 0o644),
    (DEPLOY / "zodra-edge.dbus.conf", "usr/share/dbus-1/system.d/zodra-edge.conf", 0o644),
    (DEPLOY / "edge.toml", "usr/share/zodra-edge/edge.toml", 0o644),
    (DEPLOY / "debian" / "zodra-edge", "usr/bin/zodra-edge", 0o755),
    (DEPLOY / "debian" / "copyright", f"{DOCUMENTS}/copyright", 0o644),
    (DEPLOY / "debian" / "lintian-overrides", "usr/share/lintian/overrides/zodra-edge", 0o644),
    (DEPLOY / "debian" / "zodra-edge.8", "usr/share/man/man8/zodra-edge.8", 0o644),
)


def version() -> str:
    """Read our own version."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return str(found["project"]["version"])


def document(tree: Path, seconds: str) -> None:
    """Add the pages, and the changes as Debian wants them."""
    folder = tree / DOCUMENTS
    folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        shutil.copyfile(ROOT / "docs" / page, folder / page)
    date = run("date", "-u", "-R", "-d", f"@{seconds}").strip()
    said = (
        f"zodra-edge ({version()}) stable; urgency=medium\n\n"
        "  * What is new stands in CHANGELOG.md of the project.\n\n"
        f" -- {MAINTAINER}  {date}\n"
    )
    (folder / "changelog").write_text(said)
    run("gzip", "-9n", folder / "changelog", tree / "usr/share/man/man8/zodra-edge.8")


def control(tree: Path, arch: str) -> None:
    """Write what dpkg asks for."""
    folder = tree / "DEBIAN"
    folder.mkdir()
    files = sorted(
        path for path in tree.rglob("*") if path.is_file() and folder not in path.parents
    )
    sizes_kb = sum(-(-path.stat().st_size // 1024) for path in files)
    (folder / "control").write_text(
        f"Package: zodra-edge\nVersion: {version()}\nArchitecture: {arch}\n"
        f"Maintainer: {MAINTAINER}\n"
        f"Installed-Size: {sizes_kb}\n"
        f"Depends: python3 (>= {PYTHON[0]}.{PYTHON[1]}), python3 (<< {PYTHON[0]}.{PYTHON[1] + 1}), "
        "libc6 (>= 2.28), libgcc-s1, passwd, init-system-helpers (>= 1.54)\n"
        "Recommends: bluez, dbus\n"
        "Section: net\nPriority: optional\n"
        "Description: gateway that carries a home's needs to Zodra\n"
        " Hears buttons, wearables and sensors over Bluetooth and the home's MQTT\n"
        " broker, keeps each need on the disk, and carries it to the cloud once there\n"
        " is a connection.\n"
    )
    sums = [
        f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n"
        for path in files
    ]
    (folder / "md5sums").write_text("".join(sums))
    for name in SCRIPTS:
        shutil.copyfile(DEPLOY / "debian" / name, folder / name)


def settle(tree: Path, seconds: int) -> None:
    """Give every file its mode and its time, whatever this machine's umask and clock say."""
    modes = {tree / place: mode for _, place, mode in FILES}
    modes |= {tree / "DEBIAN" / name: 0o755 for name in SCRIPTS}
    modes[tree / "etc/zodra/credentials"] = 0o700
    for path in sorted(tree.rglob("*"), reverse=True):
        path.chmod(modes.get(path, 0o755 if path.is_dir() else 0o644))
        os.utime(path, (seconds, seconds))
    tree.chmod(0o755)
    os.utime(tree, (seconds, seconds))


def build(arch: str, wheel: Path, requirements: Path, folder: Path, to: Path) -> Path:
    """Build the package of one architecture."""
    tree = folder / arch
    (tree / "etc/zodra/credentials").mkdir(parents=True)
    fill(tree, arch, requirements, wheel)
    for source, place, _ in FILES:
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, tree / place)
    document(tree, epoch())
    control(tree, arch)
    settle(tree, int(epoch()))
    package = to / f"zodra-edge_{version()}_{arch}.deb"
    packing = ("dpkg-deb", "--root-owner-group", "-Zxz", "--build")
    run(*packing, tree, package, SOURCE_DATE_EPOCH=epoch())
    return package


def main() -> None:
    """Build the packages that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arch", nargs="*", help="arm64, amd64; both if none is named")
    parser.add_argument("--to", type=Path, default=ROOT / "dist")
    asked = parser.parse_args()
    if sys.version_info[:2] != PYTHON:
        sys.exit(f"bytecode for Debian 12 needs Python {PYTHON[0]}.{PYTHON[1]} here, too")
    # The order of what a set holds must not be another one in each build.
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(
            sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"}
        )
    asked.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        run(uv(), "build", "--quiet", "--wheel", "--out-dir", folder, SOURCE_DATE_EPOCH=epoch())
        (wheel,) = folder.glob("zodra-*.whl")
        requirements = locked(folder)
        for arch in asked.arch or sorted(PLATFORMS):
            package = build(arch, wheel, requirements, folder, asked.to)
            print(f"{package.name}: {package.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
