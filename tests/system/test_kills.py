"""Any one process killed in the middle of `--once`: the order is still placed exactly once."""

import json
import random
import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from demo_runs import DemoRun, ShopBook

pytestmark = pytest.mark.timeout(300)
"""Two walks on a machine that is busy with other tests; alone, one takes about 15 s."""

PARTS = ("broker", "home-broker", "shop", "cloud", "household", "edge")

MOMENTS = {
    "signed_in": "Signed in on the household",
    "pressed": "Somebody pressed",
    "kept": "has kept the need on disk",
    "received": "The cloud has received it",
    "quoted": "The household can see a quote",
    "confirming": "Confirming the quote",
    "confirmed": "The household confirmed",
    "ordered": "The shop accepted",
    "second_press": "a second time",
    "waiting": "waiting until all orders are delivered",
}
"""A moment of the walk, and the words by which the account tells it."""

QUICK = [
    ("edge", "kept"),
    ("cloud", "confirming"),
    ("shop", "confirmed"),
    ("broker", "kept"),
    ("home-broker", "signed_in"),
    ("household", "pressed"),
]


def walk_with_a_kill(data: Path, part: str, words: str) -> None:
    with DemoRun(data, "--once") as demo:
        demo.wait_for(words)
        demo.kill(part)
        assert demo.end() == 0, demo.text
    assert re.search(r"ended \(SIGKILL\); starting it again", demo.text), demo.text
    placed_exactly_once(data, demo)


def placed_exactly_once(data: Path, demo: DemoRun) -> None:
    book = ShopBook(data)
    assert Counter(book.items()) == Counter(["paper-towels-6", "hr-strap", "diapers-size3-44"])
    assert max(Counter(book.references()).values()) == 1
    needs, *parts = map(int, re.findall(r"\d+", demo.line_with(" needs = ").partition("  ")[2]))
    assert needs == sum(parts)
    assert needs >= 5
    assert kept_at_the_edge(data) <= received_by_the_cloud(data)


def kept_at_the_edge(data: Path) -> set[str]:
    """The needs whose light said "kept": none of them may have to be pressed again."""
    lines = (data / "logs" / "edge.log").read_text().splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    return {event["signal_id"] for event in events if event["event"] == "need_kept"}


def received_by_the_cloud(data: Path) -> set[str]:
    database = (data / "cloud" / "cloud.db").as_uri()
    with sqlite3.connect(f"{database}?mode=ro", uri=True) as connection:
        return {row[0] for row in connection.execute("SELECT signal_id FROM need_signals")}


@pytest.mark.parametrize(("part", "moment"), QUICK)
def test_a_killed_part_changes_no_order(tmp_path: Path, part: str, moment: str) -> None:
    walk_with_a_kill(tmp_path / "data", part, MOMENTS[moment])


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("part", PARTS)
def test_each_part_killed_at_each_moment(tmp_path: Path, part: str, moment: str) -> None:
    walk_with_a_kill(tmp_path / "data", part, MOMENTS[moment])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_several_parts_killed_at_drawn_moments(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    moments = sorted(draw.sample(range(len(MOMENTS)), 3))
    with DemoRun(tmp_path / "data", "--once", "--timeout", "150") as demo:
        for moment in moments:
            demo.wait_for(list(MOMENTS.values())[moment])
            demo.kill(draw.choice(PARTS))
        assert demo.end(180) == 0, demo.text
    placed_exactly_once(tmp_path / "data", demo)
