"""What a need leads to: every reason, and their precedence."""

from dataclasses import replace
from datetime import timedelta

import pytest

from decision_facts import BOUND, FREE, FRESH, NOW, aged
from zodra_cloud.kit.money import Money
from zodra_cloud.replenish.policy import (
    CLOCK_SLACK_S,
    Binding,
    Need,
    Reason,
    Standing,
    Verdict,
    decide,
)
from zodra_contract.signal import SignalKind

CASES = [
    pytest.param(FRESH, BOUND, FREE, Verdict.ASK, Reason.CONFIRM_FIRST, id="a fresh press"),
    pytest.param(
        FRESH,
        BOUND,
        replace(FREE, consent_id=None),
        Verdict.REFUSE,
        Reason.NO_CONSENT,
        id="no consent",
    ),
    pytest.param(FRESH, None, FREE, Verdict.REFUSE, Reason.NOTHING_BOUND, id="nothing bound"),
    pytest.param(
        FRESH,
        None,
        replace(FREE, consent_id=None),
        Verdict.REFUSE,
        Reason.NO_CONSENT,
        id="consent comes before what is bound",
    ),
    pytest.param(
        FRESH,
        BOUND,
        replace(FREE, open_order_key="o_1"),
        Verdict.HOLD,
        Reason.ALREADY_ON_ITS_WAY,
        id="an order is open",
    ),
    pytest.param(
        FRESH,
        BOUND,
        replace(FREE, open_quote_id="q_1"),
        Verdict.HOLD,
        Reason.ALREADY_ASKED,
        id="a quote is open",
    ),
    pytest.param(
        FRESH,
        BOUND,
        replace(FREE, open_order_key="o_1", open_quote_id="q_1"),
        Verdict.HOLD,
        Reason.ALREADY_ON_ITS_WAY,
        id="an order counts before a quote",
    ),
    pytest.param(
        replace(FRESH, authenticated=False),
        BOUND,
        FREE,
        Verdict.ASK,
        Reason.UNAUTHENTICATED,
        id="a device that did not prove itself",
    ),
    pytest.param(
        replace(FRESH, authenticated=False, paused=True),
        BOUND,
        FREE,
        Verdict.ASK,
        Reason.BUYING_PAUSED,
        id="buying is paused on the gateway, which then vouches for nobody",
    ),
    pytest.param(
        replace(FRESH, paused=True),
        BOUND,
        replace(FREE, cover_id="a_1"),
        Verdict.ASK,
        Reason.BUYING_PAUSED,
        id="a pause counts before a contract",
    ),
    pytest.param(
        aged(3_601), BOUND, FREE, Verdict.ASK, Reason.STALE, id="older than the slot allows"
    ),
    pytest.param(aged(3_600), BOUND, FREE, Verdict.ASK, Reason.CONFIRM_FIRST, id="just within"),
    pytest.param(
        aged(3_590, error_ms=20_000), BOUND, FREE, Verdict.ASK, Reason.STALE, id="perhaps too old"
    ),
    pytest.param(
        aged(-CLOCK_SLACK_S - 1), BOUND, FREE, Verdict.ASK, Reason.STALE, id="from the future"
    ),
    pytest.param(
        aged(-30), BOUND, FREE, Verdict.ASK, Reason.CONFIRM_FIRST, id="a clock slightly ahead"
    ),
    pytest.param(
        FRESH,
        replace(BOUND, cooldown_s=600),
        replace(FREE, last_order_at=NOW - timedelta(seconds=599)),
        Verdict.REFUSE,
        Reason.COOLDOWN,
        id="too soon after the last order",
    ),
    pytest.param(
        FRESH,
        replace(BOUND, cooldown_s=600),
        replace(FREE, last_order_at=NOW - timedelta(seconds=600)),
        Verdict.ASK,
        Reason.CONFIRM_FIRST,
        id="the cooldown is over",
    ),
    pytest.param(
        FRESH,
        replace(BOUND, spend_cap=Money(1_000, "EUR")),
        replace(FREE, spent=Money(1_000, "EUR")),
        Verdict.REFUSE,
        Reason.SPEND_CAP,
        id="the day's cap is spent",
    ),
    pytest.param(
        FRESH,
        replace(BOUND, spend_cap=Money(1_000, "EUR")),
        replace(FREE, spent=Money(999, "EUR")),
        Verdict.ASK,
        Reason.CONFIRM_FIRST,
        id="a cent of the cap is left",
    ),
    pytest.param(
        FRESH,
        replace(BOUND, spend_cap=Money(1_000, "EUR")),
        replace(FREE, spent=Money(1, "GBP")),
        Verdict.REFUSE,
        Reason.SPEND_CAP,
        id="spent in a currency that cannot be compared",
    ),
    pytest.param(
        FRESH,
        BOUND,
        replace(FREE, quiet_until=NOW + timedelta(hours=3)),
        Verdict.HOLD,
        Reason.QUIET_HOURS,
        id="quiet hours",
    ),
    pytest.param(
        replace(FRESH, authenticated=False),
        BOUND,
        replace(FREE, quiet_until=NOW + timedelta(hours=3)),
        Verdict.HOLD,
        Reason.QUIET_HOURS,
        id="nobody is asked in quiet hours either",
    ),
    pytest.param(
        FRESH,
        BOUND,
        replace(FREE, quiet_until=NOW + timedelta(hours=3), open_order_key="o_1"),
        Verdict.HOLD,
        Reason.ALREADY_ON_ITS_WAY,
        id="what is on its way is said at any hour",
    ),
    pytest.param(
        replace(FRESH, counts=False),
        BOUND,
        FREE,
        Verdict.ASK,
        Reason.NOT_ALLOWED_TO_PRESS,
        id="anybody may have pressed",
    ),
    pytest.param(
        FRESH,
        BOUND,
        replace(FREE, cover_id="a_1"),
        Verdict.REPLENISH,
        Reason.WITHIN_AGREEMENT,
        id="a contract covers it",
    ),
    pytest.param(
        aged(3_601),
        BOUND,
        replace(FREE, cover_id="a_1"),
        Verdict.ASK,
        Reason.STALE,
        id="a stale press does not buy, contract or not",
    ),
    pytest.param(
        replace(FRESH, counts=False),
        BOUND,
        replace(FREE, cover_id="a_1"),
        Verdict.ASK,
        Reason.NOT_ALLOWED_TO_PRESS,
        id="nor does anybody's press",
    ),
    pytest.param(
        replace(FRESH, kind=SignalKind.RUNNING_OUT),
        BOUND,
        FREE,
        Verdict.ASK,
        Reason.NEEDED_SOON,
        id="foreseen",
    ),
    pytest.param(
        replace(aged(9_999), authenticated=False),
        BOUND,
        FREE,
        Verdict.ASK,
        Reason.UNAUTHENTICATED,
        id="proof counts before age",
    ),
]


@pytest.mark.parametrize(("need", "binding", "standing", "verdict", "reason"), CASES)
def test_decision(
    need: Need, binding: Binding | None, standing: Standing, verdict: Verdict, reason: Reason
) -> None:
    decision = decide(need, binding, standing, NOW)
    assert (decision.verdict, decision.reason) == (verdict, reason)
