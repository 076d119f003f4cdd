"""A home with everything going wrong, from a seed: nothing kept is lost, nothing comes twice."""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from structlog.typing import EventDict

from faults import harness
from faults.simhome import Home, Report
from faults.simloop import run

EVENTS_A_RUN = 5_000
LYING_SEEDS = 10
"""Each of them loses a need that was confirmed, and so did the 90 seeds behind them."""
SEEDS = Path(__file__).with_name("seeds.txt")
broke: list[object] = []


def _hear(_logger: object, _name: str, event: EventDict) -> EventDict:
    if event["event"] == "part_broke":
        fault = sys.exc_info()[1]
        broke.append(f"{event['part']}: {fault!r}")
    raise structlog.DropEvent


@pytest.fixture(autouse=True)
def _only_what_broke() -> Iterator[None]:
    broke.clear()
    structlog.configure(processors=[_hear])
    yield
    structlog.reset_defaults()


def live(seed: int, folder: Path, events: int, **options: bool) -> Report:
    async def main() -> Report:
        return await Home(seed, folder / str(seed), **options).live(events)

    report = run(random.Random(seed), main())
    if broke:
        report.faults.append(f"a part broke: {broke[:3]}")
    return report


@pytest.mark.timeout(7_200 if harness.FULL else 120)
@pytest.mark.parametrize("shard", range(harness.SHARDS), ids=lambda n: f"shard{n}")
def test_nothing_is_lost_or_doubled_whatever_comes(
    ram: Path, shard: int, tell: harness.Tell
) -> None:
    events = harness.share("EVENTS", quick=6_000, full=1_000_000)
    draw = harness.chance("simulator", shard)
    done = 0
    while done < events:
        seed = draw.randrange(2**32)
        report = live(seed, ram, min(EVENTS_A_RUN, events - done + 1))
        assert report.faults == [], f"add {seed} to {SEEDS.name}; {harness.again()}"
        done += report.events
        figures = {k: v for k, v in vars(report).items() if k != "faults"}
        tell(runs=1, **figures, lost=0, doubled=0)


def test_seeds_that_once_failed_fail_no_more(ram: Path) -> None:
    for line in SEEDS.read_text().splitlines():
        if line[:1].isdigit():
            assert live(int(line.split()[0]), ram, EVENTS_A_RUN).faults == [], line


def test_a_row_that_spoils_its_batch_stops_nothing_and_loses_nothing(ram: Path) -> None:
    """Also while refusals come late, twice or not at all; and no good row goes aside with it."""
    once_failed = 11
    for seed in sorted({once_failed, *range(harness.count("POISONED", quick=1, full=20))}):
        report = live(seed, ram, 1_500, poison=True)
        assert report.faults == [], f"seed {seed} with poison"


def test_a_cloud_that_does_not_know_needs_by_name_is_noticed(ram: Path) -> None:
    report = live(1, ram, 500, by_signal=False)
    assert any("acted upon twice" in fault for fault in report.faults)


def test_a_disk_that_has_not_written_what_it_says_is_noticed(ram: Path) -> None:
    for seed in range(1, LYING_SEEDS + 1):
        report = live(seed, ram, 500, disk_lies=True)
        assert any("confirmed to a person and lost" in fault for fault in report.faults), seed


def test_the_same_seed_is_the_same_run(ram: Path) -> None:
    first, second = (live(7, ram / name, 800) for name in "ab")
    assert vars(first) == vars(second)
