"""Files of a broker that only its owner may read."""

import os
from pathlib import Path


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def private_file(path: Path, text: str) -> Path:
    """Write a file that only its owner may read, in one step.

    It is made with mode 0600 rather than changed to it afterwards, so there is no moment at which
    another account could open it.
    """
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    beside.replace(path)
    return path
