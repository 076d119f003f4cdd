"""The facts that a decision rests on: a fresh press, a bound slot, and a household that agreed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from zodra_cloud.kit.money import Money
from zodra_cloud.replenish.policy import (
    Binding,
    Need,
    Standing,
)
from zodra_contract.signal import SignalKind

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


FRESH = Need(SignalKind.PRESS, NOW - timedelta(seconds=2), 500, authenticated=True)


BOUND = Binding("paper-towels-6", 1, Money(2_000, "EUR"), staleness_limit_s=3_600)


FREE = Standing(consent_id=7, open_order_key=None, open_quote_id=None)


def aged(seconds: float, error_ms: int = 0) -> Need:
    return replace(FRESH, occurred_at=NOW - timedelta(seconds=seconds), error_ms=error_ms)
