"""Withdrawals, refunds and reductions, as rules."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_cloud.law.policy.period import Exclusion, Terms
from zodra_cloud.law.policy.prices import Reduction, Seen, reduction
from zodra_cloud.law.policy.withdrawing import (
    WITHDRAWAL_OPEN,
    WITHDRAWAL_TRANSITIONS,
    NotPossible,
    Standing,
    WithdrawalEvent,
    WithdrawalState,
    judge,
    judge_quantity,
    next_state,
    refund_by,
    refund_minor,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def standing(**facts: object) -> Standing:
    given_facts: dict[str, object] = {
        "contract": True,
        "quantity": 3,
        "withdrawn": 0,
        "terms": Terms(14, None),
        "ends_at": NOW + DAY,
    }
    return Standing(**(given_facts | facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        pytest.param({}, None, id="within the period"),
        pytest.param({"ends_at": None}, None, id="nothing delivered yet"),
        pytest.param({"ends_at": NOW}, NotPossible.PERIOD_OVER, id="the very end"),
        pytest.param({"withdrawn": 2}, None, id="a part is left"),
        pytest.param({"withdrawn": 3}, NotPossible.ALL_WITHDRAWN, id="nothing is left"),
        pytest.param({"contract": False}, NotPossible.NO_CONTRACT, id="cancelled"),
        pytest.param(
            {"terms": Terms(0, Exclusion.PERISHABLE)}, NotPossible.EXCLUDED, id="perishable"
        ),
        pytest.param({"terms": Terms(14, Exclusion.SEALED_HYGIENE)}, None, id="sealed"),
    ],
)
def test_who_may_withdraw(facts: dict[str, object], answer: NotPossible | None) -> None:
    assert judge(standing(**facts), NOW) is answer


@pytest.mark.parametrize(
    ("quantity", "shown", "answer"),
    [
        (1, 1, None),
        (2, 1, None),
        (3, 1, NotPossible.BAD_QUANTITY),
        (0, 1, NotPossible.BAD_QUANTITY),
        (-1, 1, NotPossible.BAD_QUANTITY),
        (1, 0, NotPossible.CHANGED),
    ],
)
def test_a_part_can_be_withdrawn_from(
    quantity: int, shown: int, answer: NotPossible | None
) -> None:
    assert judge_quantity(standing(withdrawn=1), quantity, shown) is answer


@given(
    st.integers(1, 40).flatmap(
        lambda quantity: st.tuples(
            st.just(quantity),
            st.lists(st.integers(1, quantity), min_size=1, max_size=quantity),
            st.integers(0, 10_000_000),
            st.integers(0, 100_000),
        )
    )
)
def test_parts_add_up_to_the_whole_and_never_to_more(
    case: tuple[int, list[int], int, int],
) -> None:
    quantity, wanted, goods, shipping = case
    withdrawn, back = 0, 0
    for part in wanted:
        now = min(part, quantity - withdrawn)
        if now == 0:
            break
        due = refund_minor(
            total_minor=goods + shipping,
            goods_minor=goods,
            quantity=quantity,
            withdrawn_before=withdrawn,
            quantity_now=now,
        )
        assert due >= 0
        withdrawn, back = withdrawn + now, back + due
    assert back == goods + shipping if withdrawn == quantity else back <= goods


def test_the_delivery_goes_back_with_the_last_piece() -> None:
    def part(before: int) -> int:
        return refund_minor(
            total_minor=1_295,
            goods_minor=1_000,
            quantity=3,
            withdrawn_before=before,
            quantity_now=1,
        )

    assert [part(0), part(1), part(2)] == [333, 333, 629]


@pytest.mark.parametrize(
    ("free_after", "waits", "by_after"),
    [
        pytest.param(None, True, 14, id="nothing back yet"),
        pytest.param(3, True, 14, id="back early"),
        pytest.param(13, True, 16, id="back at the end"),
        pytest.param(40, True, 43, id="back late"),
        pytest.param(40, False, 14, id="the law does not let us wait"),
    ],
)
def test_the_money_is_back_in_fourteen_days_or_with_the_goods(
    free_after: int | None, waits: bool, by_after: int
) -> None:
    free_at = None if free_after is None else NOW + free_after * DAY
    assert refund_by(NOW, free_at, may_wait_for_goods=waits) == NOW + by_after * DAY


def test_every_open_withdrawal_can_end_and_none_that_ended_moves() -> None:
    for state in WithdrawalState:
        reached = {to for (start, _event), to in WITHDRAWAL_TRANSITIONS.items() if start is state}
        assert bool(reached) == (state in WITHDRAWAL_OPEN)
    for state in WITHDRAWAL_OPEN:
        assert next_state(state, WithdrawalEvent.REFUNDED) is WithdrawalState.REFUNDED


@given(st.lists(st.sampled_from(WithdrawalEvent), max_size=12))
def test_whatever_happens_in_whatever_order_money_is_due_once(
    events: list[WithdrawalEvent],
) -> None:
    state, passed = WithdrawalState.DECLARED, [WithdrawalState.DECLARED]
    for event in events:
        state = next_state(state, event) or state
        passed.append(state)
    changes = [after for before, after in pairwise(passed) if before is not after]
    assert changes.count(WithdrawalState.REFUND_DUE) <= 1
    assert changes.count(WithdrawalState.REFUNDED) <= 1
    assert len(changes) == len(set(changes))


def seen(*prices: tuple[float, int]) -> list[Seen]:
    """Prices by how many days ago they were seen."""
    return [Seen(NOW - days * DAY, price) for days, price in prices]


@pytest.mark.parametrize(
    ("history", "found"),
    [
        pytest.param(seen((40, 1_000), (0, 800)), (1_000, 20), id="lower than it ever was"),
        pytest.param(
            seen((40, 1_000), (35, 1_200), (0, 1_000)),
            (1_200, 16),
            id="the price that stood counts",
        ),
        pytest.param(
            seen((40, 1_000), (20, 1_500), (0, 1_100)), None, id="raised before it was lowered"
        ),
        pytest.param(
            seen((40, 1_000), (20, 700), (10, 1_000), (0, 800)), None, id="cheaper three weeks ago"
        ),
        pytest.param(
            seen((60, 700), (31, 1_000), (0, 800)),
            (1_000, 20),
            id="what was before the days is not asked",
        ),
        pytest.param(seen((29, 1_000), (0, 800)), None, id="nobody knows thirty days"),
        pytest.param([], None, id="nothing is known"),
        pytest.param(seen((40, 800), (0, 800)), None, id="the same price"),
        pytest.param(
            seen((45, 1_000), (10, 800), (5, 800), (0, 800)),
            (1_000, 20),
            id="it has stood for days",
        ),
        pytest.param(
            seen((90, 1_000), (50, 1_000), (10, 800), (4, 900), (0, 800)),
            None,
            id="up and down again",
        ),
    ],
)
def test_a_reduction_is_measured_by_the_lowest_price_of_thirty_days(
    history: list[Seen], found: tuple[int, int] | None
) -> None:
    now_minor = history[-1].unit_price_minor if history else 500
    given_back = reduction(history, now_minor, NOW)
    assert (given_back and (given_back.before_minor, given_back.percent)) == found


HISTORIES = st.lists(
    st.builds(
        lambda hours, price: Seen(NOW - timedelta(hours=hours), price),
        st.integers(0, 24 * 120),
        st.integers(1, 2_000),
    ),
    max_size=40,
)


@given(HISTORIES, st.integers(1, 2_000))
def test_no_reduction_is_claimed_that_somebody_saw_refuted(
    history: list[Seen], now_minor: int
) -> None:
    found = reduction(history, now_minor, NOW)
    if found is None:
        return
    assert isinstance(found, Reduction)
    window = [
        each.unit_price_minor
        for each in history
        if found.since - 30 * DAY < each.observed_at < found.since
    ]
    assert now_minor < found.before_minor
    assert all(found.before_minor <= price for price in window)
    assert any(each.observed_at <= found.since - 30 * DAY for each in history)
    assert 0 <= found.percent <= 100


@given(HISTORIES, st.integers(1, 2_000), st.integers(1, 24 * 29), st.integers(1, 2_000))
def test_one_more_price_in_the_window_never_makes_a_reduction_larger(
    history: list[Seen], now_minor: int, hours: int, price: int
) -> None:
    before = reduction(history, now_minor, NOW)
    more = Seen(NOW - timedelta(hours=hours), price)
    after = reduction([*history, more], now_minor, NOW)
    if before is not None and after is not None and after.since == before.since:
        assert after.before_minor <= before.before_minor


@given(HISTORIES, st.integers(1, 2_000))
def test_the_order_in_which_prices_are_read_does_not_matter(
    history: list[Seen], now_minor: int
) -> None:
    assert reduction(history, now_minor, NOW) == reduction(history[::-1], now_minor, NOW)
