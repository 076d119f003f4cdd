"""`zodra demo --once`: the whole way, with real processes, seen from outside."""

import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from demo_runs import DemoRun, ShopBook, WireTap, files_below
from zodra_contract.envelope import NeedBatch, TelemetryBatch
from zodra_contract.reading import GOES_UP, STAYS_HOME

pytestmark = pytest.mark.timeout(300)
"""Two walks on a machine that is busy with other tests; alone, one takes about 15 s."""

BALANCE = "5 needs = 3 ordered + 1 asked + 1 refused + 0 expired + 0 pending"

INTIMATE = [kind.value for kind in STAYS_HOME]


def test_once_ends_with_an_exact_balance_leaves_no_trace_outside_its_folder_and_is_continued(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    data = tmp_path / "data"
    with DemoRun(data, "--once", home=home) as demo:
        with WireTap(demo) as tap:
            code = demo.end()
        assert code == 0, demo.text
    said = demo.text
    assert BALANCE in said
    assert "The whole way works" in said
    book = ShopBook(data)
    assert Counter(book.items()) == Counter(["paper-towels-6", "hr-strap", "diapers-size3-44"])
    assert set(book.statuses()) == {"delivered"}
    assert files_below(home) == []
    assert files_below(tmp_path, but=data) == []
    assert {path.stat().st_mode & 0o077 for path in (data / "secrets").iterdir()} == {0}
    nothing_intimate_left_home(tap, data)
    a_folder_is_continued(data, demo.settings["ports"])


def nothing_intimate_left_home(tap: WireTap, data: Path) -> None:
    messages = tap.messages()
    rows = [
        row for message in messages if isinstance(message, TelemetryBatch) for row in message.rows
    ]
    needs = [row for message in messages if isinstance(message, NeedBatch) for row in message.rows]
    # The tap heard the run: otherwise finding nothing would prove nothing.
    assert {row.signal.kind for row in needs} >= {"press", "low_stock", "worn_out", "service_due"}
    assert {row.kind for row in rows} <= GOES_UP
    wire = b"\n".join(tap.unpacked)
    stored = everything_in(data / "cloud" / "cloud.db")
    for word in INTIMATE:
        # As a word of its own: `promotion` is not about anybody's `motion`.
        assert not re.search(rf"\b{word}\b", wire.decode())
        assert not re.search(rf"\b{word}\b", stored)
    # And under no other name: `encrypt` is the only word with `cry` in it that may be there.
    intimate = re.compile(r"heart_?rate|breath|\bbpm\b|pulse|(?<!en)cry(?!pt)", re.IGNORECASE)
    assert not intimate.search(wire.decode())
    assert not intimate.search(stored)


def a_folder_is_continued(data: Path, ports: dict[str, int]) -> None:
    with DemoRun(data, "--once") as second:
        assert second.end() == 0, second.text
    assert second.settings["ports"] == ports
    assert "Going on with the household" in second.text
    assert len(ShopBook(data).items()) == 6


def everything_in(database: Path) -> str:
    with sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True) as connection:
        return "\n".join(connection.iterdump())


def test_a_demo_that_is_interrupted_ends_every_process(tmp_path: Path) -> None:
    with DemoRun(tmp_path / "data") as demo:
        demo.wait_for("Ctrl-C ends everything")
        pids = demo.pids()
        assert sorted(pids) == ["broker", "cloud", "edge", "home-broker", "household", "shop"]
        code = demo.interrupt()
    assert code == 0, demo.text
    assert demo.still_running(pids.values()) == []


def test_a_walk_that_cannot_finish_says_what_it_waited_for(tmp_path: Path) -> None:
    # The strap takes four seconds to wear out, the parcels one, and signing in is before both.
    with DemoRun(tmp_path / "data", "--once", "--timeout", "5") as demo:
        assert demo.end() == 1, demo.text
    assert "still waited for" in demo.text
    assert str(tmp_path / "data" / "logs") in demo.text
