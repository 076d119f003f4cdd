"""A command asks, a running agent answers; nothing is done twice, late or by two at once."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_edge import spool
from zodra_edge.clock import boot_id, monotonic_s
from zodra_edge.errors import SpoolFault
from zodra_edge.spool import Answer, RelearnRequest, ReplayRequest

RELEARN = RelearnRequest(device_id="btn-kitchen", within_s=60)


def agent(
    folder: Path, said: Answer, rounds: int = 200
) -> Callable[[], list[spool.Request | None]]:
    """Answer what is asked, from another thread; call the result for what was asked."""
    asked: list[spool.Request | None] = []
    ended = threading.Event()

    def serve() -> None:
        for _ in range(200):
            for name, request in spool.take(folder):
                asked.append(request)
                spool.answer(folder, name, said)
            if asked or ended.wait(0.02):
                return

    thread = threading.Thread(target=serve)
    thread.start()

    def stop() -> list[spool.Request | None]:
        ended.set()
        thread.join()
        return asked

    return stop


@pytest.mark.parametrize(
    "request_", [RELEARN, ReplayRequest(lane="need", reason="unknown_device", rows=(1, 2))]
)
def test_what_is_asked_is_answered_and_leaves_nothing_behind(
    tmp_path: Path, request_: spool.Request
) -> None:
    stop = agent(tmp_path, Answer(refused="not today"))
    answer = spool.ask(tmp_path, request_, 10, lambda: True)
    assert stop() == [request_]
    assert answer == Answer(refused="not today")
    assert list(tmp_path.iterdir()) == []


def test_a_request_that_nobody_takes_up_is_withdrawn(tmp_path: Path) -> None:
    with pytest.raises(SpoolFault, match="nothing was done"):
        spool.ask(tmp_path, RELEARN, 0.1, lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_an_agent_that_ended_leaves_the_command_to_do_it(tmp_path: Path) -> None:
    assert spool.ask(tmp_path, RELEARN, 10, lambda: False) is None
    assert list(tmp_path.iterdir()) == []


def test_what_was_taken_up_and_not_answered_is_not_called_undone(tmp_path: Path) -> None:
    taken = []

    def lives() -> bool:
        taken.extend(spool.take(tmp_path))
        return True

    with pytest.raises(SpoolFault, match="before you ask again"):
        spool.ask(tmp_path, RELEARN, 0.2, lives)
    assert len(taken) == 1


def test_a_folder_that_takes_no_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpoolFault, match="the agent's own account, or root"):
        spool.ask(tmp_path / "nowhere", RELEARN, 1, lambda: True)


def letter(folder: Path, age_s: float, boot: str) -> None:
    held = spool._Letter(
        asked_monotonic_s=monotonic_s() - age_s, boot_id=boot, request=ReplayRequest()
    )
    (folder / "request-0.json").write_text(held.model_dump_json())


@pytest.mark.parametrize(
    ("age_s", "boot", "is_read"),
    [(1, boot_id(), True), (61, boot_id(), False), (1, "another-boot", False)],
    ids=["fresh", "a minute old", "from another boot"],
)
def test_an_old_request_is_not_carried_out(
    tmp_path: Path, age_s: float, boot: str, is_read: bool
) -> None:
    letter(tmp_path, age_s, boot)
    ((_, request),) = spool.take(tmp_path)
    assert (request is not None) == is_read


@given(st.binary(max_size=300))
def test_no_bytes_are_more_than_a_request_that_cannot_be_read(raw: bytes) -> None:
    assert spool._read(raw) is None


def test_what_an_earlier_agent_left_is_swept_away(tmp_path: Path) -> None:
    letter(tmp_path, 0, boot_id())
    spool.take(tmp_path)
    (tmp_path / "answer-9.json").write_text("{}")
    spool.sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_of_another_version_says_what_to_do(tmp_path: Path) -> None:
    def lives() -> bool:
        for name, _ in spool.take(tmp_path):
            (tmp_path / f"answer-{name}.json").write_text('{"from": "the future"}')
        return True

    with pytest.raises(SpoolFault, match="restart the agent"):
        spool.ask(tmp_path, RELEARN, 5, lives)


def test_a_replay_says_which_rows_it_means() -> None:
    assert ReplayRequest().wants("need", 1, "malformed")
    assert not ReplayRequest(lane="need").wants("telemetry", 1, "malformed")
    assert not ReplayRequest(reason="expired").wants("need", 1, "malformed")
    assert ReplayRequest(lane="need", rows=(1,)).wants("need", 1, "malformed")
    assert not ReplayRequest(lane="need", rows=(1,)).wants("need", 2, "malformed")
