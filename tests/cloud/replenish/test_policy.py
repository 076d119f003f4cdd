"""What holds for a decision whatever the facts, and what an agreement and a price allow."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decision_facts import NOW
from zodra_cloud.kit.money import Money
from zodra_cloud.replenish.policy import (
    ORDER_LABELS,
    Binding,
    Cover,
    CoverBasis,
    Need,
    Reason,
    Standing,
    Verdict,
    age_s_max,
    decide,
    judge_call_off,
    judge_price,
    over_cap,
    replay,
)
from zodra_contract.signal import SignalKind

needs = st.builds(
    Need,
    kind=st.sampled_from(SignalKind),
    occurred_at=st.integers(-(10**9), 10**9).map(lambda s: NOW + timedelta(seconds=s)),
    error_ms=st.integers(0, 2**63),
    authenticated=st.booleans(),
    counts=st.booleans(),
    forecast=st.just({}) | st.just({"p_needed": 0.8, "why": "fast"}),
)


money = st.builds(Money, st.integers(0, 10**6), st.sampled_from(["EUR", "GBP"]))


instants = st.integers(-(10**9), 10**9).map(lambda s: NOW + timedelta(seconds=s))


bindings = st.none() | st.builds(
    Binding,
    sku=st.just("sku"),
    quantity=st.integers(1, 9),
    price_ceiling=st.none() | st.just(Money(100, "EUR")),
    staleness_limit_s=st.integers(1, 10**7),
    cooldown_s=st.integers(0, 10**7),
    spend_cap=st.none() | money,
)


standings = st.builds(
    Standing,
    consent_id=st.none() | st.integers(1, 9),
    open_order_key=st.none() | st.just("o_1"),
    open_quote_id=st.none() | st.just("q_1"),
    last_order_at=st.none() | instants,
    spent=st.none() | money,
    quiet_until=st.none() | instants,
    cover_id=st.none() | st.just("a_1"),
)


@given(needs, bindings, standings)
def test_no_facts_but_a_contract_make_a_need_order_by_itself(
    need: Need, binding: Binding | None, standing: Standing
) -> None:
    replenishes = decide(need, binding, standing, NOW).verdict is Verdict.REPLENISH
    assert not replenishes or standing.cover_id is not None
    bare = replace(standing, cover_id=None)
    assert decide(need, binding, bare, NOW).verdict is not Verdict.REPLENISH


@given(needs, bindings, standings)
def test_a_decision_is_taken_again_from_its_stored_facts(
    need: Need, binding: Binding | None, standing: Standing
) -> None:
    decision = decide(need, binding, standing, NOW)
    assert replay(json.loads(json.dumps(decision.facts))) == decision


@given(needs, bindings, standings)
def test_a_need_that_is_held_for_quiet_hours_comes_back_when_they_end(
    need: Need, binding: Binding | None, standing: Standing
) -> None:
    decision = decide(need, binding, standing, NOW)
    held = decision.reason is Reason.QUIET_HOURS
    assert (decision.again_at is not None) == held
    if decision.again_at is not None:
        assert decision.again_at > NOW
        later = decide(need, binding, replace(standing, quiet_until=None), decision.again_at)
        assert later.again_at is None


@given(needs, bindings, standings)
def test_only_an_ask_and_an_order_want_a_price(
    need: Need, binding: Binding | None, standing: Standing
) -> None:
    decision = decide(need, binding, standing, NOW)
    assert decision.wants_quote == (decision.verdict in (Verdict.ASK, Verdict.REPLENISH))
    assert not (decision.asks_before_quoting and not decision.wants_quote)


@given(needs, bindings, standings)
def test_without_consent_everything_is_refused(
    need: Need, binding: Binding | None, standing: Standing
) -> None:
    decision = decide(need, binding, replace(standing, consent_id=None), NOW)
    assert (decision.verdict, decision.reason) == (Verdict.REFUSE, Reason.NO_CONSENT)


@given(needs, bindings, standings)
def test_nothing_is_asked_while_something_is_under_way(
    need: Need, binding: Binding | None, standing: Standing
) -> None:
    decision = decide(need, binding, standing, NOW)
    if standing.open_order_key or standing.open_quote_id:
        assert decision.verdict is not Verdict.ASK


@given(needs, bindings, standings)
def test_a_decision_names_the_facts_it_rested_on(
    need: Need, binding: Binding | None, standing: Standing
) -> None:
    decision = decide(need, binding, standing, NOW)
    assert decision.facts["consent_id"] == standing.consent_id
    assert decision.facts["age_s"] == age_s_max(need, NOW)
    assert decision == decide(need, binding, standing, NOW)


@given(needs, st.integers(0, 10**6))
def test_a_larger_error_never_makes_a_need_younger(need: Need, more_ms: int) -> None:
    worse = replace(need, error_ms=need.error_ms + more_ms)
    assert age_s_max(worse, NOW) >= age_s_max(need, NOW) >= 0


@pytest.mark.parametrize(
    ("total", "ceiling", "reason"),
    [
        pytest.param(Money(999, "EUR"), None, Reason.CONFIRM_FIRST, id="no ceiling"),
        pytest.param(Money(999, "EUR"), Money(999, "EUR"), Reason.CONFIRM_FIRST, id="at it"),
        pytest.param(
            Money(1_000, "EUR"), Money(999, "EUR"), Reason.PRICE_ABOVE_CEILING, id="a cent above"
        ),
        pytest.param(
            Money(1, "GBP"), Money(999, "EUR"), Reason.PRICE_ABOVE_CEILING, id="another currency"
        ),
    ],
)
def test_price_against_the_ceiling(total: Money, ceiling: Money | None, reason: Reason) -> None:
    assert judge_price(total, ceiling) is reason


def test_the_confirm_control_carries_the_words_of_the_law() -> None:
    assert ORDER_LABELS == {
        "en": "Order with obligation to pay",
        "nl": "Bestelling met betalingsverplichting",
    }


COVER = Cover(
    cover_id="a_1",
    basis=CoverBasis.AGREEMENT,
    sku="paper-towels-6",
    quantity=1,
    price_ceiling=Money(1_500, "EUR"),
    notice_s=0,
    within_frequency=True,
    concluded_by="u-1",
    label="Conclude",
    language="en",
)


@pytest.mark.parametrize(
    ("sku", "quantity", "total", "cover", "reason"),
    [
        pytest.param(
            "paper-towels-6", 1, Money(1_500, "EUR"), COVER, Reason.WITHIN_AGREEMENT, id="at it"
        ),
        pytest.param(
            "paper-towels-6",
            1,
            Money(1_501, "EUR"),
            COVER,
            Reason.PRICE_ABOVE_CEILING,
            id="a cent above",
        ),
        pytest.param(
            "paper-towels-6",
            1,
            Money(1, "GBP"),
            COVER,
            Reason.PRICE_ABOVE_CEILING,
            id="another currency",
        ),
        pytest.param(
            "paper-towels-12", 1, Money(1, "EUR"), COVER, Reason.CONFIRM_FIRST, id="another product"
        ),
        pytest.param(
            "paper-towels-6", 2, Money(1, "EUR"), COVER, Reason.CONFIRM_FIRST, id="more of it"
        ),
        pytest.param(
            "paper-towels-6",
            1,
            Money(1, "EUR"),
            replace(COVER, within_frequency=False),
            Reason.CONFIRM_FIRST,
            id="too often",
        ),
    ],
)
def test_only_what_was_agreed_is_ordered_without_another_yes(
    sku: str, quantity: int, total: Money, cover: Cover, reason: Reason
) -> None:
    assert judge_call_off(sku, quantity, total, cover) is reason


@pytest.mark.parametrize(
    ("total", "spent", "cap", "over"),
    [
        (Money(5, "EUR"), None, None, False),
        (Money(5, "EUR"), Money(5, "EUR"), Money(10, "EUR"), False),
        (Money(6, "EUR"), Money(5, "EUR"), Money(10, "EUR"), True),
        (Money(11, "EUR"), None, Money(10, "EUR"), True),
        (Money(1, "GBP"), None, Money(10, "EUR"), True),
        (Money(1, "EUR"), Money(1, "GBP"), Money(10, "EUR"), True),
    ],
)
def test_the_cap_of_a_day(total: Money, spent: Money | None, cap: Money | None, over: bool) -> None:
    assert over_cap(total, spent, cap) is over
