"""The two tables: every state has a way to an end, ends stay ends, and words match."""

import pytest

from zodra_cloud.replenish.policy import Reason
from zodra_cloud.replenish.repository import tables
from zodra_cloud.replenish.states import (
    AT_SHOP,
    FOLLOW_UP_TRANSITIONS,
    ORDER_OPEN,
    ORDER_TRANSITIONS,
    QUOTE_TRANSITIONS,
    QUOTE_WAITS,
    SIGNAL_STATES,
    Ending,
    FollowUpEvent,
    FollowUpState,
    OrderEvent,
    OrderState,
    QuoteEvent,
    QuoteState,
    next_follow_up_state,
    next_order_state,
    next_quote_state,
)
from zodra_contract.outcome import PROGRESS, SignalState


def reachable(table: dict[tuple[str, str], str], start: str) -> set[str]:
    seen, todo = {start}, [start]
    while todo:
        state = todo.pop()
        for (source, _event), target in table.items():
            if source == state and target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


@pytest.mark.parametrize("state", OrderState)
def test_an_order_that_is_open_can_end_and_one_that_ended_cannot_move(state: OrderState) -> None:
    ends = reachable(dict(ORDER_TRANSITIONS), state) - ORDER_OPEN
    if state in ORDER_OPEN:
        assert ends
    else:
        assert all(next_order_state(state, event) is None for event in OrderEvent)


@pytest.mark.parametrize("state", QuoteState)
def test_a_quote_that_waits_can_end_and_one_that_ended_cannot_move(state: QuoteState) -> None:
    if state in QUOTE_WAITS:
        assert reachable(dict(QUOTE_TRANSITIONS), state) - QUOTE_WAITS
    else:
        assert all(next_quote_state(state, event) is None for event in QuoteEvent)


def test_the_question_whether_it_was_right_ends_and_is_answered_once() -> None:
    table = dict(FOLLOW_UP_TRANSITIONS)
    assert reachable(table, FollowUpState.DUE) == set(FollowUpState)
    for ended in (FollowUpState.ANSWERED, FollowUpState.EXPIRED):
        assert all(next_follow_up_state(ended, event) is None for event in FollowUpEvent)


def test_what_has_left_the_shop_is_not_cancelled_by_the_household() -> None:
    wishes = {state for state, event in ORDER_TRANSITIONS if event is OrderEvent.WANT_CANCEL}
    assert wishes == {OrderState.PLACED}


def test_every_state_is_reached() -> None:
    assert reachable(dict(ORDER_TRANSITIONS), OrderState.CONFIRMED) == set(OrderState)
    starts = (QuoteState.QUESTION, QuoteState.REQUESTED)
    reached = set().union(*(reachable(dict(QUOTE_TRANSITIONS), start) for start in starts))
    assert reached == set(QuoteState)


def test_only_the_households_yes_confirms_or_the_contract_that_it_concluded() -> None:
    confirming = {key for key, to in QUOTE_TRANSITIONS.items() if to is QuoteState.CONFIRMED}
    assert confirming == {
        (QuoteState.OPEN, QuoteEvent.CONFIRM),
        (QuoteState.OPEN, QuoteEvent.CALL_OFF),
    }


def test_no_order_is_placed_before_it_was_submitted() -> None:
    assert next_order_state(OrderState.CONFIRMED, OrderEvent.PLACED) is None


def test_an_order_that_may_be_at_the_shop_is_never_submitted_anew() -> None:
    submits = {state for (state, event) in ORDER_TRANSITIONS if event is OrderEvent.SUBMIT}
    assert submits == {OrderState.CONFIRMED}


def test_the_light_only_goes_forward_along_the_table() -> None:
    for (state, _event), target in ORDER_TRANSITIONS.items():
        assert PROGRESS[SIGNAL_STATES[target]] >= PROGRESS[SIGNAL_STATES[state]]


def test_every_order_state_is_told_to_the_household() -> None:
    assert SIGNAL_STATES.keys() == set(OrderState)
    assert {SIGNAL_STATES[state] for state in AT_SHOP} == {
        SignalState.ORDERED,
        SignalState.SHIPPED,
        SignalState.DELIVERED,
    }


def test_the_unique_indexes_name_the_states_of_the_tables() -> None:
    indexes = {
        index.name: index for table in (tables.quotes, tables.orders) for index in table.indexes
    }
    for name, states in (("uq_quotes_waiting", QUOTE_WAITS), ("uq_orders_open", ORDER_OPEN)):
        where = str(indexes[name].dialect_options["sqlite"]["where"])
        assert {word for word in where.split("'")[1::2]} == {state.value for state in states}


def test_no_name_means_two_things() -> None:
    assert not {reason.value for reason in Reason} & {ending.value for ending in Ending}
