"""Small file systems that are mounted for one test."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

SBIN = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}


def run(*command: str | Path) -> None:
    """Run a command as root; its error stops the test."""
    subprocess.run([str(word) for word in command], check=True, capture_output=True, env=SBIN)


@contextlib.contextmanager
def mounted(place: Path, *how: str | Path) -> Iterator[Path]:
    """Mount something, and unmount it at the end."""
    place.mkdir(exist_ok=True)
    run("mount", *how, place)
    try:
        yield place
    finally:
        run("umount", "-l", place)
