"""A hundred ways for BlueZ to fail under a real gateway: noticed, healed, told, and heard after.

What is in which process, and how time is made to pass: `tests/radio/healing.py`.
"""

from collections.abc import Iterator

import pytest

from faults.harness import FULL, SHARDS, Tell, again, chance, share
from radio.failing import KINDS, heal
from radio.healing import HealingHome, NotHealed, healing_home

pytestmark = pytest.mark.timeout(3_600 if FULL else 300)


@pytest.fixture
def home() -> Iterator[HealingHome]:
    with healing_home() as made:
        yield made


@pytest.mark.parametrize("shard", range(SHARDS), ids=lambda n: f"shard{n}")
def test_a_dead_scanner_is_noticed_and_healed(home: HealingHome, shard: int, tell: Tell) -> None:
    draw = chance("heals", shard)
    took: dict[str, list[float]] = {}
    names: list[str] = []
    for number in range(share("HEALS", quick=3, full=100)):
        # Each way once before any comes again, in an order of this shard's own.
        names = names or draw.sample(sorted(KINDS), len(KINDS))
        name = names.pop()
        try:
            took.setdefault(name, []).append(heal(home, name, draw))
        except (NotHealed, AssertionError) as fault:
            raise AssertionError(f"case {number}, {name}: {fault}; {again()}") from fault
    done = [seconds for each in took.values() for seconds in each]
    tell(healed=len(done), **{f"longest_s_{shard}": max(done)})
    for name, each in sorted(took.items()):
        print(f"{name}: {len(each)}, longest {max(each):.1f} s")


@pytest.mark.parametrize(
    ("without", "name"),
    [
        ("power_cycle", "silent, a power cycle helps"),
        pytest.param("restart", "silent, a restart helps", marks=pytest.mark.long),
        pytest.param("rebuild", "silent, a new scanner helps", marks=pytest.mark.long),
    ],
)
def test_a_ladder_without_a_rung_is_noticed(without: str, name: str) -> None:
    with healing_home(without) as home, pytest.raises(NotHealed):
        heal(home, name, chance("control", without))
