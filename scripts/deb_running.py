"""How the build of the Debian packages runs other programs, and which of them it names."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


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


def uv() -> str:
    """Name the project's own uv."""
    return str(Path(sys.executable).parent / "uv")


def epoch() -> str:
    """Say the instant that everything in the package carries: that of the commit."""
    if said := os.environ.get("SOURCE_DATE_EPOCH"):
        return said
    return run("git", "log", "-1", "--format=%ct").strip() if (ROOT / ".git").exists() else "0"
