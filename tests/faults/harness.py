"""How much to do, with which seed, and what this machine can do."""

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from missing import MissingTool, give_up

FULL: Final = os.environ.get("FAULTS") == "full"
"""Set by `make faults`: all of it, not only the quick part."""
SHARDS: Final = max(1, len(os.sched_getaffinity(0)) if FULL else 1)
"""What is counted is split over this many test items, so that they run in parallel."""


def count(name: str, quick: int, full: int) -> int:
    """Say how many of something to do: from the environment, or as many as the run is for."""
    return int(os.environ.get(name) or (full if FULL else quick))


def share(name: str, quick: int, full: int) -> int:
    """Say how many of them one shard does."""
    return -(-count(name, quick, full) // SHARDS)


def _seed() -> int:
    if given := os.environ.get("SEED"):
        return int(given)
    # The quick run is the same every time; only the full one goes looking.
    return random.SystemRandom().randrange(2**32) if FULL else 1


SEED: Final = _seed()
os.environ["SEED"] = str(SEED)  # for the worker processes of this run


def chance(*what: object) -> random.Random:
    """Make a source of randomness that follows from the seed and a name."""
    return random.Random("/".join(str(part) for part in (SEED, *what)))


def again() -> str:
    """Say how to run the same once more."""
    return f"again with: make faults SEED={SEED}"


Tell = Callable[..., None]
"""Puts figures into the table at the end."""

Probe = Callable[[], str]
"""Tries once; says why it cannot be done here, or nothing. A `MissingTool` can be mended."""


def _ran(*command: str) -> str:
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except FileNotFoundError:
        return MissingTool(f"{command[0]} is not installed")
    except (OSError, subprocess.TimeoutExpired) as fault:
        return f"{command[0]}: {fault}"
    return "" if run.returncode == 0 else f"{' '.join(command)}: {run.stderr.strip()[:200]}"


@cache
def no_strace() -> str:
    """Injecting needs ptrace, which some containers forbid."""
    if shutil.which("strace") is None:
        return MissingTool("strace is not installed: apt-get install strace")
    return _ran("strace", "-qq", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO", "true")


@cache
def no_tmpfs() -> str:
    """Small file systems in memory."""
    if os.geteuid() != 0:
        return "mounting needs root"
    with tempfile.TemporaryDirectory() as folder:
        if why := _ran("mount", "-t", "tmpfs", "-o", "size=1m", "none", folder):
            return why
        return _ran("umount", folder)


@cache
def no_loop() -> str:
    """A file system in a file, whose image can be copied at any moment."""
    if os.geteuid() != 0:
        return "mounting needs root"
    if shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
        return MissingTool("mkfs.ext4 is not installed: apt-get install e2fsprogs")
    with tempfile.TemporaryDirectory() as folder:
        image, place = Path(folder) / "image", Path(folder) / "place"
        place.mkdir()
        with image.open("wb") as file:
            file.truncate(8 * 2**20)
        env_path = f"PATH={os.environ['PATH']}:/usr/sbin:/sbin"
        why = _ran("env", env_path, "mkfs.ext4", "-qF", str(image)) or _ran(
            "mount", "-o", "loop", str(image), str(place)
        )
        return why or _ran("umount", str(place))


LIBFAKETIME: Final = tuple(
    str(path) for path in Path("/usr/lib").glob("*-linux-gnu*/faketime/libfaketime.so.1")
)


@cache
def no_faketime() -> str:
    """A wall clock that can be set for one process."""
    if LIBFAKETIME:
        return ""
    return MissingTool("libfaketime is not installed: apt-get install faketime")


PROBES: Final[dict[str, Probe]] = {
    "needs_strace": no_strace,
    "needs_tmpfs": no_tmpfs,
    "needs_loop": no_loop,
    "needs_faketime": no_faketime,
}


def need(name: str) -> None:
    """Go on only where the machine can do this; see `missing.give_up`."""
    if why := PROBES[name]():
        give_up(why)
