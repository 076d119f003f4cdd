"""Small disks that can be filled and made read-only, where this machine lets us mount them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from faults import harness
from faults.mounts import mounted, run

Mount = Callable[[str], Path]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Mount]:
    """Mount a file system in memory of a given size, such as "6m"."""
    harness.need("needs_tmpfs")
    place = tmp_path / "disk"
    with ExitStack() as stack:

        def mount(size: str) -> Path:
            return stack.enter_context(mounted(place, "-t", "tmpfs", "-o", f"size={size}", "none"))

        yield mount


@pytest.fixture
def remount() -> Callable[[Path, str], None]:
    """Change how a small disk is mounted: `ro`, `rw`, `size=8m`."""

    def change(place: Path, how: str) -> None:
        run("mount", "-o", f"remount,{how}", place)

    return change
