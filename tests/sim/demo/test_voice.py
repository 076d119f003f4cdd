"""Following the parts' logs, and printing what they are worth."""

import json
from pathlib import Path

import pytest

from zodra_sim.clock import SystemClock
from zodra_sim.demo.telling.account import Account, LogLine
from zodra_sim.demo.telling.voice import Follower, Voice


def event(name: str, at: str, **fields: object) -> str:
    return json.dumps({"event": name, "at": at, **fields}) + "\n"


def kept(at: str, signal_id: str) -> str:
    fields = {"signal_id": signal_id, "device_id": "btn-kitchen", "kind": "press"}
    return event("need_kept", at, **fields, occurred_at=at)


@pytest.fixture
def logs(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "edge.log").write_text(kept("2026-11-22T11:00:00Z", "p_old"))
    return tmp_path / "edge.log", tmp_path / "cloud.log"


def follower(logs: tuple[Path, Path], heard: list[LogLine]) -> Follower:
    edge, cloud = logs
    parts = [("edge", edge), ("cloud", cloud)]
    return Follower(parts, Account("en"), Voice(SystemClock()), heard.append)


def test_lines_are_told_in_the_order_in_which_they_happened_and_old_ones_not(
    logs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[LogLine] = []
    following = follower(logs, heard)
    edge, cloud = logs
    with edge.open("a") as file:
        file.write(kept("2026-11-22T12:00:00.5Z", "p_1"))
    cloud.write_text(
        event("need_received", "2026-11-22T12:00:00.7Z", signal_id="p_1")
        + event("need_received", "2026-11-22T12:00:00.1Z", signal_id="p_0")
    )
    following.catch_up()
    assert [line.text("signal_id") for line in heard] == ["p_0", "p_1", "p_1"]
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 3
    assert said[1].endswith("the button in the kitchen (a press) and has kept the need on disk.")
    assert "\x1b" not in "".join(said)


def test_half_a_line_waits_and_what_is_no_event_is_passed_over(logs: tuple[Path, Path]) -> None:
    heard: list[LogLine] = []
    following = follower(logs, heard)
    line = kept("2026-11-22T12:00:00Z", "p_1")
    with logs[0].open("a") as file:
        file.write('Traceback:\n[1]\n{"event": 1}\n{"at": "yesterday", "event": "x"}\n')
        file.write(line[:30])
        file.flush()
        following.catch_up()
        assert heard == []
        file.write(line[30:])
    following.catch_up()
    following.catch_up()
    assert [line.text("signal_id") for line in heard] == ["p_1"]


def test_a_table_and_links_are_plain_where_nobody_watches(
    capsys: pytest.CaptureFixture[str],
) -> None:
    voice = Voice(SystemClock())
    voice.table("Times", ["need", "ms"], [["button", "12"], ["strap", "4,012"]])
    voice.link("The page:", "http://127.0.0.1:1/?token=x")
    assert capsys.readouterr().out.splitlines() == [
        "Times",
        "  need    ms",
        "  button  12",
        "  strap   4,012",
        "  The page:",
        "    http://127.0.0.1:1/?token=x",
    ]
