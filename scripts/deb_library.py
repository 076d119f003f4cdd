"""What lies in /usr/lib/zodra-edge: the locked packages and our own, as small as they work.

Nothing is compiled. The locked versions come as wheels for the architecture, by their hashes;
bytecode is made here, since CPython's is the same on every processor. Two halves of the wheels are
left out: what nothing of ours imports, and what is for debuggers. `make deb-test` imports the rest.
"""

import compileall
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from deb_running import run, uv

LIBRARY: Final = "usr/lib/zodra-edge"
PYTHON: Final = (3, 11)
"""Debian 12 and Raspberry Pi OS bookworm."""
PLATFORMS: Final = {"arm64": "aarch64-manylinux_2_28", "amd64": "x86_64-manylinux_2_28"}
TRIPLETS: Final = {"arm64": "aarch64-linux-gnu", "amd64": "x86_64-linux-gnu"}
UNUSED: Final = {
    # For `sqlite-utils install` only.
    "pip",
    # No wheel of it exists. Another package switches radios on through rfkill with it; we ask BlueZ.
    "pyric",
    # xiaomi-ble's client for the maker's cloud, which zodra_edge.decode.ble.libraries.lean leaves out.
    "aiohappyeyeballs",
    "aiohttp",
    "aiosignal",
    "attrs",
    "frozenlist",
    "idna",
    "multidict",
    "orjson",
    "propcache",
    "yarl",
}
UNNEEDED: Final = (
    "zodra_cloud",
    "zodra_sim",
    "bin",
    "_virtualenv.py",
    "Cryptodome/SelfTest",
    # Its other backend is the one that CPython takes.
    "zstandard/backend_cffi.py",
    "zstandard/_cffi.*",
    # Models of an older pydantic, and a plugin for mypy.
    "pydantic/v1",
    "pydantic/mypy.py",
)
FOR_BUILDERS: Final = {".pyi", ".c", ".h", ".pyx", ".pxd", ".cpp", ".typed"}
FOR_INSTALLERS: Final = {
    "RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock",
}  # fmt: skip


def fill(tree: Path, arch: str, requirements: Path, wheel: Path) -> None:
    """Put the packages in place, for a machine that is not this one."""
    library = tree / LIBRARY
    common = (
        uv(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:",
        "--target", library, "--python-version", ".".join(map(str, PYTHON)),
        "--python-platform", PLATFORMS[arch], "--link-mode", "copy",
    )  # fmt: skip
    run(*common, "--require-hashes", "-r", requirements)
    run(*common, wheel)
    tidy(library)
    strip(library, arch)
    (library / "__main__.py").write_text("from zodra_edge.__main__ import main\n\nmain()\n")
    precompile(tree)


def locked(folder: Path) -> Path:
    """Write the versions and hashes that the lock file has for the gateway."""
    said = run(
        uv(), "export", "--frozen", "--quiet", "--no-dev", "--extra", "edge",
        "--no-emit-project", "--no-annotate", "--no-header",
        *(f"--no-emit-package={name}" for name in sorted(UNUSED)),
    )  # fmt: skip
    (folder / "requirements.txt").write_text(said)
    return folder / "requirements.txt"


def tidy(library: Path) -> None:
    """Leave out what nothing here imports, and what only builders, checkers and tests need."""
    for pattern in UNNEEDED:
        for path in library.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in sorted(library.rglob("*"), reverse=True):
        if path.is_dir() and path.name in {"__pycache__", "tests", "test"}:
            shutil.rmtree(path)
        elif path.suffix in FOR_BUILDERS or path.name in FOR_INSTALLERS:
            path.unlink()


def strip(library: Path, arch: str) -> None:
    """Take out of the compiled modules what is for debuggers: two thirds of their bytes."""
    tool = f"{TRIPLETS[arch]}-strip"
    if shutil.which(tool) is None:
        sys.exit(
            f"{tool} is not installed, and without it the package would be twice as large and "
            f"another one: as root, bash scripts/tools.sh deb"
        )
    modules = sorted(path for path in library.rglob("*.so*") if path.is_file())
    said = subprocess.run(
        [tool, "--strip-unneeded", "--remove-section=.comment", "--remove-section=.note", *modules],
        check=False,
        capture_output=True,
        text=True,
    )
    if said.returncode != 0 or said.stderr:
        sys.exit(f"{tool}: {said.stderr}")


def precompile(tree: Path) -> None:
    """Make the bytecode: with docstrings for a person's commands, without for the agent.

    Unchecked, since the files are dpkg's: nothing is compared at each start, and nothing else
    depends on when they were unpacked.
    """
    # The Makefile has Python keep bytecode elsewhere; this belongs beside its source.
    sys.pycache_prefix = None
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
