"""The conversation with the cloud: its table, its patience, and who goes first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_edge.link import (
    BACKOFF_S_MAX,
    TRANSITIONS,
    Lane,
    LaneFacts,
    LinkEvent,
    LinkState,
    Resend,
    Send,
    SendLimits,
    Wait,
    advance,
    backoff_s,
    next_batch,
)

LIMITS = SendLimits(need_batches_max=2, telemetry_batches_max=1, receipt_timeout_s=10)
FACTS = st.builds(
    LaneFacts,
    unsent=st.integers(0, 5),
    batches_in_flight=st.integers(0, 5),
    oldest_in_flight_s=st.floats(0, 20),
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


@given(attempt=st.integers(-5, 10**6), unit=st.floats(0, 1, exclude_max=True))
def test_a_wait_is_drawn_from_the_whole_span(attempt: int, unit: float) -> None:
    assert 0 <= backoff_s(attempt, unit) < BACKOFF_S_MAX
    assert backoff_s(attempt, 0) == 0


def test_the_span_doubles_up_to_its_maximum() -> None:
    spans = [backoff_s(attempt, 1.0) for attempt in range(1, 9)]
    assert spans == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff_s(20, 0.5, max_s=10) == 5


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
            assert need.batches_in_flight < LIMITS.need_batches_max
        case Send(Lane.TELEMETRY):
            assert not need.unsent or need.batches_in_flight >= LIMITS.need_batches_max
            assert telemetry.batches_in_flight < LIMITS.telemetry_batches_max
        case Wait(at_most_s):
            under_way = need.batches_in_flight + telemetry.batches_in_flight
            assert (at_most_s is None) == (under_way == 0)
            assert at_most_s is None or at_most_s > 0
        case Resend():
            pass
