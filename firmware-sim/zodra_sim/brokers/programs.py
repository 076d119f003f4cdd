"""Finding a broker's program on this machine."""

import shutil
import sys
from pathlib import Path
from typing import Final

from zodra_sim.brokers.errors import ProgramMissing

_FURTHER: Final = ("/usr/local/sbin", "/usr/sbin", "/opt/homebrew/sbin")
"""Where servers lie that an ordinary account does not have in its PATH."""


def find(name: str, given: Path | None, install: str) -> Path:
    """Find a program: the given one, or beside this Python, or on PATH, or among the servers.

    Args:
        name: the program's name.
        given: a path from the settings.
        install: the command that installs it, for the sentence when it is missing.

    Raises:
        ProgramMissing: it is nowhere.
    """
    if given is not None:
        if (found := shutil.which(given)) is None:
            raise ProgramMissing(f"program {given} cannot be run; set it, or leave it out")
        return Path(found)
    beside = Path(sys.executable).parent
    folders = [str(beside), *_FURTHER]
    found = shutil.which(name, path=folders[0]) or shutil.which(name)
    for folder in folders[1:]:
        found = found or shutil.which(name, path=folder)
    if found is None:
        raise ProgramMissing(f"{name} is not installed: {install}")
    return Path(found)
