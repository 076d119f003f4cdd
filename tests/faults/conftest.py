"""What is skipped and why, and the table of what was done."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults import harness

_FIGURES = "figures"
_RAM = Path("/dev/shm")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what this machine cannot do, with the reason; each thing is tried once."""
    for name in harness.PROBES:
        if item.get_closest_marker(name):
            harness.need(name)


@pytest.fixture
def ram(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where syncing costs nothing; for faults that never reach a disk."""
    if not os.access(_RAM, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="zodra-faults-", dir=_RAM) as folder:
        yield Path(folder)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> harness.Tell:
    """Put figures into the table at the end; those of several shards are added up."""

    def say(**figures: int | float) -> None:
        record_property(_FIGURES, figures)

    return say


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    rows: dict[str, dict[str, float]] = defaultdict(dict)
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, figures in getattr(report, "user_properties", ()):
                if name != _FIGURES or getattr(report, "when", "") != "call":
                    continue
                row = rows[report.nodeid.partition("[shard")[0]]
                for what, number in figures.items():
                    row[what] = row.get(what, 0) + number
    if not rows:
        return
    terminalreporter.section(f"faults, seed {harness.SEED}")
    for test, row in sorted(rows.items()):
        said = ", ".join(f"{what} {_short(number)}" for what, number in row.items())
        terminalreporter.write_line(f"{test.partition('::')[2]}: {said}")


def _short(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) or number >= 100 else f"{number:.2f}"
