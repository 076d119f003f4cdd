"""What is in the packages of `make deb`, and that a second build makes the same."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from missing import MissingTool, give_up
from packaging_debian import ROOT

pytestmark = pytest.mark.deb

INSTALLED_KB_MAX = 60_000
SOURCES = ("contract", "edge", "cloud", "firmware-sim", "scripts", "deploy", "docs")
COMMITTED_AT = "1767225600"


@pytest.fixture(params=["amd64", "arm64"])
def package(request: pytest.FixtureRequest) -> Path:
    """Each of the two."""
    fixture = {"amd64": "for_a_pc", "arm64": "for_a_pi"}[request.param]
    found = request.getfixturevalue(fixture)
    assert isinstance(found, Path)
    return found


def places(package: Path) -> list[list[str]]:
    said = subprocess.check_output(["dpkg-deb", "-c", package], text=True)
    return [row.split(maxsplit=5) for row in said.splitlines()]


def test_all_is_of_root_and_only_the_command_may_be_run(package: Path) -> None:
    rows = places(package)
    assert {row[1] for row in rows} == {"root/root"}
    runnable = [row[5] for row in rows if re.match(r"-..x", row[0])]
    assert runnable == ["./usr/bin/zodra-edge"]
    assert not [row[5] for row in rows if re.match(r"-.{4}w|-.{7}w", row[0])]


def test_what_a_gateway_uses_is_there_and_nothing_else(package: Path) -> None:
    found = {row[5] for row in places(package)}
    for needed in ("copyright", "changelog.gz", "install-pi.md"):
        assert f"./usr/share/doc/zodra-edge/{needed}" in found
    left_out = ("zodra_cloud", "zodra_sim", "/tests/", "SelfTest", "aiohttp", "/pip/")
    assert not [place for place in found if any(name in place for name in left_out)]
    assert not [place for place in found if place.endswith((".pyi", ".c", ".h"))]
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[package.stem.rpartition("_")[2]]
    compiled = {place for place in found if place.endswith(".so")}
    assert compiled
    assert not [so for so in compiled if "linux-gnu" in so and machine not in so]


def test_every_module_has_its_bytecode_with_docstrings_and_without(package: Path) -> None:
    found = {row[5] for row in places(package)}
    sources = [Path(place) for place in found if place.endswith(".py")]
    assert sources
    for source in sources:
        for kind in ("", ".opt-2"):
            made = source.parent / "__pycache__" / f"{source.stem}.cpython-311{kind}.pyc"
            assert f"./{made}" in found


def test_it_is_as_small_as_it_was_made(package: Path) -> None:
    said = subprocess.check_output(["dpkg-deb", "-f", package, "Installed-Size"], text=True)
    assert int(said) <= INSTALLED_KB_MAX


def test_lintian_finds_no_error_and_no_warning(package: Path) -> None:
    if shutil.which("lintian") is None:
        give_up(MissingTool("lintian is not installed: apt-get install lintian"))
    said = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", package],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout


def test_a_second_build_elsewhere_is_the_same_byte_by_byte(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for part in SOURCES:
        shutil.copytree(ROOT / part, tmp_path / "one" / part, ignore=ignored)
    for file in ("pyproject.toml", "uv.lock", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path / "one" / file)
    shutil.copytree(tmp_path / "one", tmp_path / "elsewhere" / "two")
    builds = [
        rebuilt(tmp_path / "one", 0o022, TZ="UTC"),
        rebuilt(tmp_path / "elsewhere" / "two", 0o077, TZ="Asia/Tokyo", LC_ALL="C"),
    ]
    assert builds[0] == builds[1]


def rebuilt(sources: Path, umask: int, **other: str) -> bytes:
    """Build the package of a Pi from a copy of the sources, in other surroundings."""
    (sources / "made").mkdir()
    subprocess.run(
        [ROOT / ".venv/bin/python", sources / "scripts/deb.py", "arm64", "--to", sources],
        check=True,
        cwd=sources / "made",
        env={
            **os.environ,
            "TMPDIR": str(sources / "made"),
            "SOURCE_DATE_EPOCH": COMMITTED_AT,
            **other,
        },
        umask=umask,
    )
    return next(sources.glob("*.deb")).read_bytes()
