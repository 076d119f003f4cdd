"""How long a message of the home's broker may have waited."""

from zodra_edge.heard import UNKNOWN_ERROR_MS
from zodra_edge.local_mqtt.waiting import NOTICED_MS_MAX, SETTLED_MS, SETTLING_MS_MAX, Waiting

HOUR_MS = 3_600_000


def back_after(away_ms: int) -> tuple[Waiting, int]:
    """A broker lost after an hour and found again."""
    waiting = Waiting()
    waiting.connected(session_present=False, now_ms=0)
    waiting.lost(HOUR_MS)
    waiting.connected(session_present=True, now_ms=HOUR_MS + away_ms)
    return waiting, HOUR_MS + away_ms


def test_what_an_earlier_run_left_behind_is_of_any_age() -> None:
    waiting = Waiting()
    waiting.connected(session_present=True, now_ms=5)
    assert waiting.ms_max(6) == UNKNOWN_ERROR_MS


def test_a_broker_that_kept_nothing_for_us_hands_out_live_messages() -> None:
    waiting = Waiting()
    waiting.connected(session_present=False, now_ms=5)
    assert waiting.ms_max(6) == 0


def test_right_after_coming_back_a_message_may_be_as_old_as_the_absence() -> None:
    waiting, now = back_after(2 * HOUR_MS)
    assert waiting.ms_max(now + 10) == 2 * HOUR_MS + 10 + NOTICED_MS_MAX


def test_after_a_pause_messages_are_live() -> None:
    waiting, now = back_after(HOUR_MS)
    assert waiting.ms_max(now + SETTLED_MS) > 0
    assert waiting.ms_max(now + 2 * SETTLED_MS + 1) == 0
    assert waiting.ms_max(now + 2 * SETTLED_MS + 2) == 0


def test_in_a_home_that_never_pauses_messages_are_live_after_a_minute() -> None:
    waiting, now = back_after(HOUR_MS)
    ages = [waiting.ms_max(now + ms) for ms in range(0, SETTLING_MS_MAX + 2_000, 1_000)]
    assert all(ages[:-1])
    assert ages[-1] == 0


def test_a_connection_lost_too_soon_leaves_the_rest_as_old_as_before() -> None:
    waiting, now = back_after(HOUR_MS)
    waiting.lost(now + 100)
    waiting.connected(session_present=True, now_ms=now + 200)
    assert waiting.ms_max(now + 300) == HOUR_MS + 300 + NOTICED_MS_MAX


def test_a_connection_that_was_refused_is_none() -> None:
    waiting, now = back_after(HOUR_MS)
    waiting.ms_max(now + 2 * SETTLED_MS)
    waiting.lost(now + 3 * SETTLED_MS)
    waiting.lost(now + HOUR_MS)
    waiting.connected(session_present=True, now_ms=now + 2 * HOUR_MS)
    assert waiting.ms_max(now + 2 * HOUR_MS) > HOUR_MS


def test_how_long_nobody_listened_before_a_connection() -> None:
    waiting, _ = back_after(HOUR_MS)
    assert waiting.away_ms_max == HOUR_MS + NOTICED_MS_MAX
    first = Waiting()
    first.connected(session_present=False, now_ms=5)
    assert first.away_ms_max == UNKNOWN_ERROR_MS
