"""What is under way, when a row holds the watermark back and when the file is another one."""

import pytest

from zodra_contract.envelope import BatchName
from zodra_edge.link import LaneFacts
from zodra_edge.outbox.records import EMPTY, Level
from zodra_edge.uplink.window import Window


def level(buffer_id: str, upto: int) -> Level:
    return Level(buffer_id, upto, 0, upto + 1, 0, 0, 0, {})


def test_another_file_begins_with_nothing_sent() -> None:
    window = Window(10)
    assert window.facts(EMPTY, 0.0) == LaneFacts()
    assert window.facts(level("old", 8), 0.0).unsent == 8
    window.send(1, 8, 8, 0.0)
    assert window.facts(level("old", 8), 1.0) == LaneFacts(0, 1, 1.0)
    # Salvaged: six rows under new sequences; no receipt of the old ones may touch them.
    assert window.facts(level("new", 6), 2.0) == LaneFacts(6, 0, 0.0)
    assert window.sent_upto == 0


def test_a_held_row_frees_the_window_batch_by_batch_and_plans_one_retry() -> None:
    window = Window(10)
    for sequence in (1, 2, 3):
        window.send(sequence, sequence, 1, float(sequence))
    assert window.receipted(0, is_held=True) is None
    window.hold(9.0)
    window.hold(7.0)
    assert window.facts(level("", 3), 4.0).batches_in_flight == 2
    assert window.retry_in_s(4.0) == 5.0
    assert window.retry_in_s(10.0) == 0.0
    window.retry()
    assert (window.after, window.retry_in_s(10.0), window.held_tries) == (0, None, 1)


def test_what_went_past_a_held_row_is_sent_again_once_it_is_taken() -> None:
    window = Window(10)
    for sequence in (1, 2, 3):
        window.send(sequence, sequence, 1, float(sequence))
    window.receipted(0, is_held=True)
    window.hold(9.0)
    assert window.after == 3
    # Rows 2 and 3 may have been lost on the way while the watermark could not tell.
    assert window.receipted(1) is None
    assert (window.after, window.held_tries, window.retry_at_s) == (0, 0, None)


def test_a_lane_waits_for_the_longer_of_its_own_pause_and_its_pace() -> None:
    window = Window(10, paused_until_s=9.0)
    waits = [window.facts(EMPTY, now_s, 3.0).wait_s for now_s in (4.0, 8.0, 20.0)]
    assert waits == [5.0, 3.0, 3.0]
    assert window.facts(EMPTY, 20.0).wait_s == 0.0


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        pytest.param((1, 8), 4, id="the first under way"),
        pytest.param((9, 2), 1, id="another under way"),
        pytest.param((1, 4), None, id="the half of one"),
        pytest.param((5, 4), None, id="in the middle of one"),
        pytest.param((11, 1), None, id="one that never went"),
    ],
)
def test_only_a_refusal_of_what_is_under_way_narrows_the_lane(
    name: tuple[int, int], rows: int | None
) -> None:
    window = Window(8)
    window.send(1, 8, 8, 0.0)
    window.send(9, 10, 2, 0.0)
    assert window.refused(BatchName(*name)) == (rows is not None)
    assert (window.rows, window.narrowed) == (rows or 8, rows is not None)
    assert window.after == (0 if rows else 10)


def test_the_late_refusal_of_a_whole_batch_blames_nothing_on_its_first_row() -> None:
    window = Window(8)
    for rows in (8, 4, 2):
        window.send(1, rows, rows, 0.0)
        assert window.refused(BatchName(1, rows))
    window.send(1, 1, 1, 0.0)
    for rows in (8, 4, 2, 8):
        assert not window.refused(BatchName(1, rows))
    assert (window.after, window.set_aside_in_a_row) == (1, 0)
    assert window.refused(BatchName(1, 1))
    assert window.set_aside_in_a_row == 1


def test_a_lane_widens_again_and_forgives_once_the_cloud_takes_a_batch() -> None:
    window = Window(8)
    for _ in range(2):
        window.send(1, 1, 1, 0.0)
        assert window.refused(BatchName(1, 1))
    assert window.set_aside_in_a_row == 2
    window.rows = 1
    for rows in (1, 2, 4, 8):
        window.send(1, 1, 1, 0.0)
        assert (window.rows, window.receipted(1)) == (rows, 0.0)
    assert (window.rows, window.set_aside_in_a_row, window.narrowed) == (8, 0, False)


def test_what_came_after_the_connection_was_made_did_not_wait_for_it() -> None:
    window = Window(10)
    window.facts(level("old", 8), 0.0)
    window.send(1, 8, 8, 0.0)
    window.reconnect(level("old", 20))
    assert (window.waited_upto, window.after) == (20, 0)
    window.facts(level("new", 30), 0.0)
    assert window.waited_upto == 0, "another file's rows have other numbers"
