"""What follows from a provider's answer: for every answer, state and instant."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_cloud.kit.money import Money
from zodra_cloud.payments.policy import (
    AFTER_SENDING,
    BEFORE_ORDER,
    ENDS_MANDATE,
    SOFT,
    Facts,
    judge,
    lets_place,
    next_retry,
    payable,
    refundable,
    wait_s,
)
from zodra_cloud.payments.port import Charge, ChargeState, PaymentRefusal, Refused
from zodra_cloud.payments.states import (
    MANDATE_TRANSITIONS,
    PAYMENT_BUSY,
    PAYMENT_ENDS,
    PAYMENT_TRANSITIONS,
    REFUND_TRANSITIONS,
    PaymentEvent,
    PaymentState,
    next_payment_state,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PRICE = Money(1_094, "EUR")

instants = st.integers(0, 31_536_000).map(lambda seconds: NOW + timedelta(seconds=seconds))
facts = st.builds(
    Facts,
    goods_sent=st.booleans(),
    failures=st.integers(0, 6),
    first_failed_at=st.none() | instants,
    by_link=st.booleans(),
)
charges = st.builds(
    Charge,
    charge_id=st.just("pi_1"),
    key=st.just("pa_1"),
    state=st.sampled_from(ChargeState),
    amount=st.just(PRICE),
    decline=st.none() | st.sampled_from(PaymentRefusal),
    method_id=st.none(),
)
answers = charges | st.builds(Refused, st.sampled_from(PaymentRefusal))
FRESH = Facts(goods_sent=False, failures=0, first_failed_at=None, by_link=False)


@given(answers, facts, instants)
def test_an_answer_leads_one_way(answer: Charge | Refused, facts: Facts, now: datetime) -> None:
    step = judge(answer, facts, now)
    assert not (step.to_link and step.again)
    if step.event is not None:
        assert not step.to_link
        for state in (PaymentState.ASKING, PaymentState.UNKNOWN):
            assert next_payment_state(state, step.event) is not None
    if step.event is PaymentEvent.NOT_NOW:
        assert step.retry_at is not None
        assert step.retry_at > now


@given(answers, facts, instants)
def test_a_shop_is_asked_only_when_the_money_is_there(
    answer: Charge | Refused, facts: Facts, now: datetime
) -> None:
    step = judge(answer, facts, now)
    state = None if step.event is None else next_payment_state(PaymentState.ASKING, step.event)
    there = isinstance(answer, Charge) and answer.state in (ChargeState.HELD, ChargeState.CAPTURED)
    assert (state is not None and lets_place(state)) == there


@given(answers, facts, instants)
def test_goods_that_were_sent_are_never_declined_away(
    answer: Charge | Refused, facts: Facts, now: datetime
) -> None:
    step = judge(answer, facts, now)
    if facts.goods_sent:
        assert step.event is not PaymentEvent.DECLINED
    else:
        assert step.event is not PaymentEvent.GIVE_UP


@given(st.sampled_from(sorted(set(PaymentRefusal) - SOFT)), facts, instants)
def test_a_hard_no_is_never_asked_again(
    reason: PaymentRefusal, facts: Facts, now: datetime
) -> None:
    step = judge(Refused(reason), facts, now)
    assert step.event is not PaymentEvent.NOT_NOW
    assert step.retry_at is None


@given(st.sampled_from(sorted(SOFT)), st.booleans(), instants)
def test_a_soft_no_is_asked_as_often_as_the_schedule_says_and_no_more(
    reason: PaymentRefusal, sent: bool, now: datetime
) -> None:
    schedule = AFTER_SENDING if sent else BEFORE_ORDER
    began, asked = now, 0
    state = Facts(goods_sent=sent, failures=0, first_failed_at=None, by_link=False)
    while (step := judge(Refused(reason), state, now)).event is PaymentEvent.NOT_NOW:
        assert step.retry_at is not None
        asked += 1
        now = step.retry_at
        state = Facts(goods_sent=sent, failures=asked, first_failed_at=began, by_link=False)
    assert asked == len(schedule)
    assert now == began + schedule[-1]
    assert step.event is (PaymentEvent.GIVE_UP if sent else PaymentEvent.DECLINED)


def test_a_service_that_was_down_does_not_ask_twice_in_a_row() -> None:
    late = Facts(
        goods_sent=False, failures=1, first_failed_at=NOW - timedelta(hours=9), by_link=False
    )
    assert next_retry(late, NOW) == NOW + BEFORE_ORDER[0]


@pytest.mark.parametrize("reason", sorted(ENDS_MANDATE))
def test_what_will_not_work_next_time_ends_the_mandate(reason: PaymentRefusal) -> None:
    assert judge(Refused(reason), FRESH, NOW).ends_mandate


@pytest.mark.parametrize("reason", sorted(SOFT))
def test_a_soft_no_leaves_the_mandate(reason: PaymentRefusal) -> None:
    assert not judge(Refused(reason), FRESH, NOW).ends_mandate


def test_approval_is_asked_of_the_household_never_of_the_bank_again() -> None:
    step = judge(Refused(PaymentRefusal.AUTHENTICATION_REQUIRED), FRESH, NOW)
    assert (step.to_link, step.event, step.retry_at) == (True, None, None)


@given(st.integers())
def test_an_amount_is_payable_within_bounds(amount: int) -> None:
    assert payable(amount) == (1 <= amount <= 99_999_999)


@given(st.integers(1, 10_000), st.lists(st.integers(-10, 10_000), max_size=8))
def test_no_more_goes_back_than_was_taken(taken: int, wishes: list[int]) -> None:
    back = 0
    for wish in wishes:
        if refundable(taken, back, wish):
            back += wish
    assert 0 <= back <= taken


@given(st.integers(0, 10_000))
def test_waits_are_bounded_and_grow(times: int) -> None:
    assert 2.0 <= wait_s(times) <= wait_s(times + 1) <= 600.0


@given(st.lists(st.sampled_from(PaymentEvent), max_size=40))
def test_an_ended_payment_stays_ended(events: list[PaymentEvent]) -> None:
    state, ended = PaymentState.DUE, False
    for event in events:
        after = next_payment_state(state, event)
        if ended:
            assert after is None
        state = after or state
        ended = state in PAYMENT_ENDS


def test_every_state_is_reached_and_every_event_used() -> None:
    reached = {PaymentState.DUE, *PAYMENT_TRANSITIONS.values()}
    assert reached == set(PaymentState)
    assert {event for _state, event in PAYMENT_TRANSITIONS} == set(PaymentEvent)
    assert {state for state, _event in PAYMENT_TRANSITIONS} == set(PaymentState) - PAYMENT_ENDS
    assert PAYMENT_BUSY | PAYMENT_ENDS | {PaymentState.AUTHORIZED, PaymentState.UNPAID} == set(
        PaymentState
    )


def test_what_may_be_wished_away_can_be() -> None:
    """An order can end in any state of its payment; then nothing may stay held."""
    moves = {state for state, event in PAYMENT_TRANSITIONS if event is PaymentEvent.WANT_VOID}
    ends_by_itself = PAYMENT_ENDS | {PaymentState.CAPTURING, PaymentState.VOIDING}
    assert moves == set(PaymentState) - ends_by_itself


def test_the_other_tables_end_too() -> None:
    for table in (REFUND_TRANSITIONS, MANDATE_TRANSITIONS):
        ends = set(table.values()) - {state for state, _event in table}
        assert ends
