"""Builds the gateway's Debian packages, for any architecture on any machine: see `make deb`.

Nothing is compiled. The locked versions come as wheels for the architecture, by their hashes; our own
wheel is built here; bytecode is made here too, since CPython's is the same on every processor.
"""

import argparse
import compileall
import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
DEPLOY: Final = ROOT / "deploy" / "gateway"
LIBRARY: Final = "usr/lib/zodra-edge"
DOCUMENTS: Final = "usr/share/doc/zodra-edge"
PYTHON: Final = (3, 11)
"""Debian 12 and Raspberry Pi OS bookworm."""
PLATFORMS: Final = {"arm64": "aarch64-manylinux_2_28", "amd64": "x86_64-manylinux_2_28"}
UNUSED: Final = {"pip", "pyric"}
"""pip is for `sqlite-utils install` only. pyric, of which there is no wheel, is how another package
switches radios on through rfkill; we ask BlueZ instead, and never import it."""
UNNEEDED: Final = ("zodra_cloud", "zodra_sim", "bin", "_virtualenv.py")
PAGES: Final = ("install-pi.md", "operations.md", "devices.md", "reference.md")
FILES: Final = (
    (DEPLOY / "zodra-edge.service", "lib/systemd/system/zodra-edge.service", 0o644),
    (DEPLOY / "zodra-edge.dbus.conf", "usr/share/dbus-1/system.d/zodra-edge.conf", 0o644),
    (DEPLOY / "edge.toml", "etc/zodra/edge.toml", 0o644),
    (DEPLOY / "debian" / "zodra-edge", "usr/bin/zodra-edge", 0o755),
    (DEPLOY / "debian" / "copyright", f"{DOCUMENTS}/copyright", 0o644),
)


def run(*command: str | Path, **more: str) -> str:
    """Run a command; its error ends the build."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env={**os.environ, **more},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout


def version() -> str:
    """Read our own version."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return str(found["project"]["version"])


def epoch() -> str:
    """Say the instant that everything in the package carries: that of the commit."""
    if said := os.environ.get("SOURCE_DATE_EPOCH"):
        return said
    return run("git", "log", "-1", "--format=%ct").strip() if (ROOT / ".git").exists() else "0"


def locked(folder: Path) -> Path:
    """Write the versions and hashes that the lock file has for the gateway."""
    said = run(
        uv(), "export", "--frozen", "--quiet", "--no-dev", "--extra", "edge",
        "--no-emit-project", "--no-annotate", "--no-header",
        *(f"--no-emit-package={name}" for name in sorted(UNUSED)),
    )  # fmt: skip
    (folder / "requirements.txt").write_text(said)
    return folder / "requirements.txt"


def uv() -> str:
    """Name the project's own uv."""
    return str(Path(sys.executable).parent / "uv")


def install(tree: Path, arch: str, requirements: Path, wheel: Path) -> None:
    """Put the packages in place, for a machine that is not this one."""
    library = tree / LIBRARY
    common = (
        uv(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:",
        "--target", library, "--python-version", ".".join(map(str, PYTHON)),
        "--python-platform", PLATFORMS[arch], "--link-mode", "copy",
    )  # fmt: skip
    run(*common, "--require-hashes", "-r", requirements)
    run(*common, wheel)
    for name in UNNEEDED:
        shutil.rmtree(library / name, ignore_errors=True)
        (library / name).unlink(missing_ok=True)
    tidy(library)
    (library / "__main__.py").write_text("from zodra_edge.__main__ import main\n\nmain()\n")


def tidy(library: Path) -> None:
    """Leave out what only building, checking types and testing need."""
    for path in sorted(library.rglob("*"), reverse=True):
        if path.is_dir() and path.name in {"__pycache__", "tests", "test"}:
            shutil.rmtree(path)
        elif path.suffix in {".pyi", ".c", ".h", ".pyx", ".pxd", ".cpp"} or path.name in {
            "RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock",
        }:  # fmt: skip
            path.unlink()


def precompile(tree: Path) -> None:
    """Make the bytecode: with docstrings for a person's commands, without for the agent.

    Unchecked, since the files are dpkg's: nothing is compared at each start, and nothing else
    depends on when they were unpacked.
    """
    good = all(
        compileall.compile_dir(
            tree / LIBRARY,
            quiet=1,
            optimize=optimize,
            stripdir=str(tree),
            prependdir="/",
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        for optimize in (0, 2)
    )
    if not good:
        sys.exit("some of the packages could not be compiled")


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
        f" -- The Zodra authors <zodra@localhost>  {date}\n"
    )
    (folder / "changelog").write_text(said)
    run("gzip", "-9n", folder / "changelog")


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
        "Maintainer: The Zodra authors <zodra@localhost>\n"
        f"Installed-Size: {sizes_kb}\n"
        f"Depends: python3 (>= {PYTHON[0]}.{PYTHON[1]}), python3 (<< {PYTHON[0]}.{PYTHON[1] + 1}), "
        "libc6 (>= 2.28), passwd\n"
        "Recommends: bluez, dbus\n"
        "Section: net\nPriority: optional\n"
        "Description: gateway that carries a home's needs to Zodra\n"
        " Hears buttons, wearables and sensors over Bluetooth and the home's MQTT broker, keeps each\n"
        " need on the disk, and carries it to the cloud once there is a connection.\n"
    )
    (folder / "conffiles").write_text("/etc/zodra/edge.toml\n")
    sums = [
        f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n"
        for path in files
        if "etc" not in path.relative_to(tree).parts[:1]
    ]
    (folder / "md5sums").write_text("".join(sums))
    for name in ("postinst", "prerm", "postrm"):
        shutil.copyfile(DEPLOY / "debian" / name, folder / name)


def settle(tree: Path, seconds: int) -> None:
    """Give every file its mode and its time, whatever this machine's umask and clock say."""
    modes = {tree / place: mode for _, place, mode in FILES}
    modes |= {tree / "DEBIAN" / name: 0o755 for name in ("postinst", "prerm", "postrm")}
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
    install(tree, arch, requirements, wheel)
    precompile(tree)
    for source, place, _ in FILES:
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, tree / place)
    document(tree, epoch())
    control(tree, arch)
    settle(tree, int(epoch()))
    package = to / f"zodra-edge_{version()}_{arch}.deb"
    run(
        "dpkg-deb",
        "--root-owner-group",
        "-Zxz",
        "--build",
        tree,
        package,
        SOURCE_DATE_EPOCH=epoch(),
    )
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
