"""The built packages, a Debian to install them in, and others to upgrade from and to."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from missing import give_up
from packaging_booted import Booted, booted
from packaging_debian import ROOT, unpacked

OLDER, NEWER = "0.0.9", "99.0"


def built(arch: str) -> Path:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    package = ROOT / "dist" / f"zodra-edge_{version}_{arch}.deb"
    if not package.exists():
        give_up("not built: make deb")
    return package


@pytest.fixture(scope="session")
def for_a_pc() -> Path:
    return built("amd64")


@pytest.fixture(scope="session")
def for_a_pi() -> Path:
    return built("arm64")


@pytest.fixture(scope="session")
def lower(for_a_pc: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Debian with the packages in /srv, not installed, which no test writes to."""
    folder = tmp_path_factory.mktemp("debian")
    root = unpacked("amd64", folder / "amd64")
    (root / "srv" / "zodra.deb").write_bytes(for_a_pc.read_bytes())
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", for_a_pc, tree], check=True)
    (tree / "usr/lib/zodra-edge/zodra_gone.py").write_text("")
    _pack(tree, OLDER, root / "srv" / "older.deb")
    _pack(tree, NEWER, root / "srv" / "newer.deb")
    # Its files are never unpacked.
    (tree / "DEBIAN/preinst").write_text('#!/bin/sh\n[ "$1" = install ]\n')
    (tree / "DEBIAN/preinst").chmod(0o755)
    _pack(tree, NEWER, root / "srv" / "breaks.deb")
    return root


def _pack(tree: Path, version: str, to: Path) -> None:
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", f"Version: {version}", control.read_text()))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, to], check=True)


@pytest.fixture
def machine(lower: Path, tmp_path: Path) -> Iterator[Booted]:
    """A Debian that runs; the package is in /srv, not installed."""
    with booted(lower, tmp_path / "machine") as found:
        yield found
