"""What is under way, when a row holds the watermark back and when the file is another one."""

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
