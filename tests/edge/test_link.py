"""The conversation with the cloud: its table, its patience, and who goes first."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zodra_edge.link import (
    ANSWER_KEEPALIVES,
    BACKOFF_S_MAX,
    BURST_S,
    PACE_S_MAX,
    TRANSITIONS,
    Lane,
    LaneFacts,
    LinkEvent,
    LinkState,
    Pace,
    Resend,
    Send,
    SendLimits,
    Wait,
    advance,
    ask_in_s,
    backoff_s,
    hear_pace,
    next_batch,
    pace_wait_s,
    reconnect_s,
    spend,
)

LIMITS = SendLimits(need_batches_max=2, telemetry_batches_max=1, receipt_timeout_s=10)
FACTS = st.builds(
    LaneFacts,
    unsent=st.integers(0, 5),
    batches_in_flight=st.integers(0, 5),
    oldest_in_flight_s=st.floats(0, 20),
    wait_s=st.sampled_from([0.0, 0.5, 40.0]),
)


def walk(*events: LinkEvent) -> LinkState:
    state = LinkState.IDLE
    for event in events:
        state = advance(state, event)
    return state


def test_the_ordinary_way() -> None:
    assert walk(LinkEvent.START) == LinkState.CONNECTING
    assert walk(LinkEvent.START, LinkEvent.CONNECTED) == LinkState.SUBSCRIBING
    online = (LinkEvent.START, LinkEvent.CONNECTED, LinkEvent.SUBSCRIBED)
    assert walk(*online) == LinkState.ONLINE
    assert walk(*online, LinkEvent.LOST, LinkEvent.RETRY_DUE) == LinkState.CONNECTING
    assert walk(*online, LinkEvent.DENIED) == LinkState.REFUSED


def test_every_state_is_reached_and_every_state_but_the_last_can_be_left_and_stopped() -> None:
    reached = {LinkState.IDLE, *TRANSITIONS.values()}
    assert reached == set(LinkState)
    for state in LinkState:
        ways = {to for (start, _), to in TRANSITIONS.items() if start is state}
        assert bool(ways) == (state is not LinkState.STOPPED)
        assert advance(state, LinkEvent.STOP) == LinkState.STOPPED


@given(events=st.lists(st.sampled_from(LinkEvent)))
def test_nothing_is_online_without_being_subscribed_since_it_connected(
    events: list[LinkEvent],
) -> None:
    if walk(*events) is LinkState.ONLINE:
        assert LinkEvent.SUBSCRIBED in events[events.index(LinkEvent.CONNECTED) :]
    assert walk(*events, LinkEvent.STOP, *events) == LinkState.STOPPED


@pytest.mark.parametrize("wait_s", [backoff_s, reconnect_s])
@given(attempt=st.integers(-5, 10**6), unit=st.floats(0, 1, exclude_max=True))
def test_a_wait_is_drawn_from_the_whole_span(
    wait_s: Callable[[int, float], float], attempt: int, unit: float
) -> None:
    assert 0 <= wait_s(attempt, unit) < BACKOFF_S_MAX
    assert wait_s(attempt, 0) == 0
    assert wait_s(attempt, unit) == pytest.approx(unit * wait_s(attempt, 1))


def test_after_a_short_break_nobody_waits_long_for_the_link() -> None:
    spans = [reconnect_s(attempt, 1.0) for attempt in (1, 20, 30, 31, 32, 35, 36)]
    assert spans == [2, 2, 2, 4, 8, 60, 60]
    assert reconnect_s(1, 0.5, max_s=0.1) == 0.05


def test_the_span_doubles_up_to_its_maximum() -> None:
    spans = [backoff_s(attempt, 1.0) for attempt in range(1, 9)]
    assert spans == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff_s(20, 0.5, max_s=10) == 5


@pytest.mark.parametrize(
    ("silent_s", "keepalive_s", "ask_s"),
    [
        pytest.param(0, 20, 20, id="just heard"),
        pytest.param(12, 20, 8, id="quiet for a while"),
        pytest.param(20, 20, 0, id="a keepalive"),
        pytest.param(90, 20, 0, id="longer, such as after the machine slept"),
        pytest.param(0.5, 1, 0.5, id="the shortest"),
    ],
)
def test_when_the_broker_is_asked_whether_it_is_there(
    silent_s: float, keepalive_s: float, ask_s: float
) -> None:
    assert ask_in_s(silent_s, keepalive_s) == ask_s


@given(keepalive_s=st.integers(1, 600), silent_s=st.floats(0, 600))
def test_a_silent_line_is_given_up_within_one_and_a_half_keepalives(
    keepalive_s: int, silent_s: float
) -> None:
    given_up_s = silent_s + ask_in_s(silent_s, keepalive_s) + keepalive_s * ANSWER_KEEPALIVES
    assert given_up_s <= max(1.5 * keepalive_s, silent_s + 0.5 * keepalive_s) + 1e-6


@pytest.mark.parametrize(
    ("pace", "now_s", "wait_s"),
    [
        pytest.param(Pace(), 0, 0, id="nothing was sent yet"),
        pytest.param(spend(Pace(), 500, 20_000, 9), 9, 0, id="a batch of a burst"),
        pytest.param(spend(Pace(), 20_000, 20_000, 9), 9, 0.75, id="a second's worth at once"),
        pytest.param(spend(Pace(), 20_000, 20_000, 9), 9.5, 0.25, id="half of it is over"),
        pytest.param(spend(Pace(), 20_000, 20_000, 9), 11, 0, id="all of it is over"),
        pytest.param(spend(Pace(), 0, 10, 9), 9, 0, id="fresh rows have no rate"),
        pytest.param(hear_pace(Pace(), 2_000), 9, 0, id="asked to wait, and nothing went before"),
        pytest.param(hear_pace(spend(Pace(), 0, 10, 9), 2_000), 9.5, 1.5, id="asked to wait"),
        pytest.param(hear_pace(spend(Pace(), 0, 10, 9), 10**12), 9, PACE_S_MAX, id="for ever"),
        pytest.param(hear_pace(spend(Pace(asked_s=9), 0, 10, 9), None), 9, 0, id="no longer"),
        pytest.param(hear_pace(spend(Pace(asked_s=9), 0, 10, 9), 0), 9, 0, id="nor so"),
    ],
)
def test_when_the_next_telemetry_may_go(pace: Pace, now_s: float, wait_s: float) -> None:
    assert pace_wait_s(pace, now_s) == wait_s


@settings(max_examples=50)
@given(
    rate=st.integers(10, 50_000),
    steps=st.lists(
        st.tuples(
            st.integers(0, 1_000),
            st.floats(0, 2),
            st.none() | st.integers(0, 60_000),
            st.booleans(),
        ),
        max_size=60,
    ),
)
def test_no_drain_is_faster_than_its_rate_and_no_two_batches_are_closer_than_asked(
    rate: int, steps: list[tuple[int, float, int | None, bool]]
) -> None:
    pace, now_s, rows_sent, newest_s = Pace(), 0.0, 0, None
    for rows, passed_s, pace_ms, patient in steps:
        now_s += passed_s
        pace = hear_pace(pace, pace_ms)
        wait_s = pace_wait_s(pace, now_s)
        assert 0 <= wait_s <= max(PACE_S_MAX, 1_000 / rate + 1e-6)
        now_s += wait_s if patient else 0
        if pace_wait_s(pace, now_s) > 1e-6:
            continue
        if newest_s is not None:
            assert now_s - newest_s >= pace.asked_s - 1e-6
        # What went before this batch fits the rate, with a burst and one batch ahead of it.
        assert rows_sent <= rate * (now_s + BURST_S) + 1e-3
        pace = spend(pace, rows, rate, now_s)
        rows_sent, newest_s = rows_sent + rows, now_s


@pytest.mark.parametrize(
    ("need", "telemetry", "expected"),
    [
        pytest.param(LaneFacts(), LaneFacts(), Wait(None), id="nothing to do"),
        pytest.param(LaneFacts(1), LaneFacts(9), Send(Lane.NEED, 500), id="needs first"),
        pytest.param(LaneFacts(1, 1, 3), LaneFacts(9), Send(Lane.NEED, 500), id="a second batch"),
        pytest.param(
            LaneFacts(1, 2, 3), LaneFacts(9), Send(Lane.TELEMETRY, 1000), id="window of needs full"
        ),
        pytest.param(LaneFacts(0, 1, 3), LaneFacts(0, 1, 8), Wait(2), id="wait for receipts"),
        pytest.param(LaneFacts(1, 2, 3), LaneFacts(9, 1, 1), Wait(7), id="both windows full"),
        pytest.param(LaneFacts(1, 1, 10), LaneFacts(9), Resend(Lane.NEED), id="no receipt"),
        pytest.param(LaneFacts(0), LaneFacts(0, 1, 11), Resend(Lane.TELEMETRY), id="nor here"),
        pytest.param(
            LaneFacts(1), LaneFacts(0, 1, 11), Send(Lane.NEED, 500), id="a need before a resend"
        ),
        pytest.param(LaneFacts(), LaneFacts(9, wait_s=3), Wait(3), id="telemetry has a pace"),
        pytest.param(
            LaneFacts(1), LaneFacts(9, wait_s=3), Send(Lane.NEED, 500), id="a need has none"
        ),
        pytest.param(
            LaneFacts(1, wait_s=4), LaneFacts(9), Send(Lane.TELEMETRY, 1000), id="a lane that waits"
        ),
        pytest.param(LaneFacts(1, wait_s=4), LaneFacts(0, 1, 8), Wait(2), id="the nearest end"),
        pytest.param(LaneFacts(), LaneFacts(0, wait_s=3), Wait(None), id="a pace of nothing"),
    ],
)
def test_what_goes_next(
    need: LaneFacts, telemetry: LaneFacts, expected: Send | Resend | Wait
) -> None:
    assert next_batch(True, need, telemetry, LIMITS) == expected


@given(need=FACTS, telemetry=FACTS)
def test_no_need_waits_for_telemetry_and_no_window_is_passed(
    need: LaneFacts, telemetry: LaneFacts
) -> None:
    assert next_batch(False, need, telemetry, LIMITS) == Wait(None)
    match next_batch(True, need, telemetry, LIMITS):
        case Send(Lane.NEED):
            assert need.wait_s == 0
            assert need.batches_in_flight < LIMITS.need_batches_max
        case Send(Lane.TELEMETRY):
            assert not need.unsent or need.wait_s or need.batches_in_flight >= 2
            assert telemetry.wait_s == 0
            assert telemetry.batches_in_flight < LIMITS.telemetry_batches_max
        case Wait(at_most_s):
            under_way = need.batches_in_flight + telemetry.batches_in_flight
            assert at_most_s is not None or under_way == 0
            assert at_most_s is None or at_most_s > 0
        case Resend():
            pass
