"""From a stored need to a decision, and from a shop's answer to a quote that waits."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Slot
from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.port import QuoteRequest, Refused, ShopQuote, ShopRefusal, Unknown
from zodra_cloud.replenish import moves, policy, repository
from zodra_cloud.replenish.models import At, Rules, StoredDecision, StoredQuote
from zodra_cloud.replenish.moves import Wanted
from zodra_cloud.replenish.policy import Binding, Decision, Need, Reason, Standing, Verdict
from zodra_cloud.replenish.snapshot import Snapshot
from zodra_cloud.replenish.states import Ending, QuoteEvent, QuoteState
from zodra_contract.ids import derived_id
from zodra_contract.outcome import SignalState

ASK_AGAIN_S_MAX: Final = 60.0
RETRY_AFTER_S_MAX: Final = 300.0

Unbound = Callable[[Connection, StoredSignal, datetime], bool]
"""Takes over a need whose slot is bound to nothing; False if it does not want it."""

_ENDINGS: Final = {
    ShopRefusal.OUT_OF_STOCK: Ending.OUT_OF_STOCK,
    ShopRefusal.UNKNOWN_ITEM: Ending.UNKNOWN_ITEM,
    ShopRefusal.PRICE_CHANGED: Ending.PRICE_CHANGED,
    ShopRefusal.SESSION_EXPIRED: Ending.QUOTE_EXPIRED,
    ShopRefusal.SESSION_GONE: Ending.QUOTE_EXPIRED,
    ShopRefusal.PAYMENT_DECLINED: Ending.PAYMENT_DECLINED,
}


def ending(refusal: ShopRefusal) -> Ending:
    """Give the reason that people are told for a shop's no."""
    return _ENDINGS.get(refusal, Ending.SHOP_REFUSED)


def wait_s(asked: int, unknown: Unknown) -> float:
    """Give the wait before a shop is asked again: 1 s, doubling, or as long as it wants."""
    if unknown.retry_after_s is not None:
        return min(unknown.retry_after_s, RETRY_AFTER_S_MAX)
    return float(min(ASK_AGAIN_S_MAX, 2 ** min(asked, 16)))


def decide(
    connection: Connection, household_id: str, signal_id: str, unbound: Unbound, at: At
) -> None:
    """Decide a need once, and start what follows from it; a repeat changes nothing."""
    if repository.decision(connection, household_id, signal_id) is not None:
        return
    signal = needs.signal(connection, household_id, signal_id)
    slot = households.slot(connection, household_id, signal.device_id, signal.slot_key)
    binding = None if slot is None else _binding(slot)
    if binding is None and unbound(connection, signal, at.now):
        return
    place = (household_id, signal.device_id, signal.slot_key)
    grant = consent.live_grant(connection, household_id, Purpose.REPLENISH)
    order = repository.open_order(connection, *place)
    waiting = repository.waiting_quote(connection, *place)
    standing = Standing(
        consent_id=None if grant is None else grant.consent_id,
        open_order_key=None if order is None else order.order_key,
        open_quote_id=None if waiting is None else waiting.quote_id,
    )
    need = Need(signal.kind, signal.occurred_at, signal.error_ms, signal.authenticated)
    decision = policy.decide(need, binding, standing, at.now)
    holds = waiting if decision.reason is Reason.ALREADY_ASKED else None
    repository.add_decision(
        connection,
        StoredDecision(
            household_id=household_id,
            signal_id=signal_id,
            verdict=decision.verdict,
            reason=decision.reason,
            facts=decision.facts,
            policy_version=decision.policy_version,
            consent_id=standing.consent_id,
            quote_id=_quote_of(decision, signal, holds),
            follows=None if holds is None else holds.signal_id,
            decided_at=at.now,
        ),
    )
    if slot is not None and binding is not None and decision.verdict is Verdict.ASK:
        wanted = _wanted(signal, slot, binding, decision)
        moves.ask(connection, wanted, question=decision.asks_before_quoting, number=1, at=at)
    else:
        state = _ENDS_AS[decision.verdict, decision.reason is Reason.ALREADY_ASKED]
        moves.move_need(connection, household_id, signal_id, state, decision.reason.value, at)


_ENDS_AS: Final = {
    (Verdict.REFUSE, False): SignalState.REFUSED,
    (Verdict.HOLD, False): SignalState.ALREADY_ON_ITS_WAY,
    (Verdict.HOLD, True): SignalState.ASKED,
}
"""Where a need stands at once, by verdict and whether it holds on to an open quote."""


def _binding(slot: Slot) -> Binding | None:
    if slot.sku is None:
        return None
    ceiling = slot.price_ceiling_minor
    return Binding(
        sku=slot.sku,
        quantity=slot.quantity,
        price_ceiling=None if ceiling is None else Money(ceiling, slot.currency),
        staleness_limit_s=slot.staleness_limit_s,
    )


def _quote_of(decision: Decision, signal: StoredSignal, holds: StoredQuote | None) -> str | None:
    if holds is not None:
        return holds.quote_id
    if decision.verdict is Verdict.ASK:
        return derived_id("q", signal.household_id, signal.signal_id, 1)
    return None


def _wanted(signal: StoredSignal, slot: Slot, binding: Binding, decision: Decision) -> Wanted:
    return Wanted(
        household_id=signal.household_id,
        signal_id=signal.signal_id,
        device_id=signal.device_id,
        slot_key=signal.slot_key,
        purpose=Purpose.REPLENISH.value,
        sku=binding.sku,
        quantity=binding.quantity,
        currency=slot.currency,
        price_ceiling_minor=slot.price_ceiling_minor,
        reason=decision.reason.value,
    )


def to_quote(
    connection: Connection, household_id: str, quote_id: str, at: At
) -> StoredQuote | None:
    """Read a quote that a shop shall price; None if nothing is to be asked any more."""
    quote = repository.quote(connection, household_id, quote_id)
    if quote is None or quote.state is not QuoteState.REQUESTED:
        return None
    if consent.live_grant(connection, household_id, Purpose(quote.purpose)) is None:
        moves.end_quote(connection, quote, QuoteEvent.REFUSE, Ending.CONSENT_WITHDRAWN, at)
        return None
    return quote


def request(quote: StoredQuote, rules: Rules) -> QuoteRequest:
    """Write what a shop is asked; the household travels as a pseudonym."""
    return QuoteRequest(
        reference=quote.order_key,
        buyer_reference=derived_id("b", quote.household_id),
        sku=quote.sku,
        quantity=quote.quantity,
        currency=quote.currency,
        country=rules.country,
    )


@dataclass(frozen=True, slots=True)
class AskAgain:
    """The shop is to be asked again."""

    after_s: float


def hear_quote(
    connection: Connection,
    asked: StoredQuote,
    answer: ShopQuote | Refused | Unknown,
    times: int,
    rules: Rules,
    at: At,
) -> AskAgain | None:
    """Take in what a shop said to a request for a price.

    Args:
        connection: of a unit of work that names the household.
        asked: the quote as it was when the shop was asked.
        answer: of the shop.
        times: how often it was asked before.
        rules: the limits.
        at: instant and pages.
    """
    quote = to_quote(connection, asked.household_id, asked.quote_id, at)
    if quote is None:
        return None
    if isinstance(answer, ShopQuote):
        _open(connection, quote, answer, rules, at)
        return None
    if isinstance(answer, Refused):
        moves.end_quote(connection, quote, QuoteEvent.REFUSE, ending(answer.reason), at)
        return None
    if at.now - quote.state_at >= rules.quoting_limit:
        moves.end_quote(connection, quote, QuoteEvent.REFUSE, Ending.SHOP_UNAVAILABLE, at)
        return None
    return AskAgain(wait_s(times, answer))


def _open(
    connection: Connection, quote: StoredQuote, answer: ShopQuote, rules: Rules, at: At
) -> None:
    snapshot = _snapshot(quote, answer, at.now + rules.quote_lifetime)
    ceiling = quote.price_ceiling_minor
    judged = policy.judge_price(
        snapshot.total, None if ceiling is None else Money(ceiling, quote.currency)
    )
    # Why it is asked anew is the better reason, unless the price itself is the news.
    reason = judged.value if judged is Reason.PRICE_ABOVE_CEILING else quote.reason
    moves.move_quote(
        connection,
        quote,
        QuoteEvent.QUOTED,
        at,
        reason=reason,
        session_id=answer.session_id,
        snapshot=snapshot,
        snapshot_hash=snapshot.sha256(),
        expires_at=snapshot.expires_at,
    )
    moves.move_need(connection, quote.household_id, quote.signal_id, SignalState.ASKED, reason, at)


def _snapshot(quote: StoredQuote, answer: ShopQuote, expires_at_max: datetime) -> Snapshot:
    expires_at = min(answer.expires_at, expires_at_max)
    return Snapshot(
        quote_id=quote.quote_id,
        sku=answer.sku,
        titles=answer.titles,
        quantity=answer.quantity,
        currency=answer.currency,
        unit_price_minor=answer.unit_price_minor,
        goods_minor=answer.goods_minor,
        shipping_minor=answer.shipping_minor,
        vat_minor=answer.vat_minor,
        total_minor=answer.total_minor,
        delivery_title=answer.delivery_title,
        delivery_from_at=_to_ms(answer.delivery_from_at),
        delivery_to_at=_to_ms(answer.delivery_to_at),
        returns_days=answer.returns_days,
        returns_sealed_only=answer.returns_sealed_only,
        terms_url=answer.terms_url,
        returns_url=answer.returns_url,
        merchant_id=answer.merchant_id,
        merchant_name=answer.merchant_name,
        expires_at=_to_ms(expires_at),
    )


def _to_ms(instant: datetime) -> datetime:
    """Cut to milliseconds, which is what columns keep; snapshot and columns then agree."""
    return instant.astimezone(UTC) - timedelta(microseconds=instant.microsecond % 1_000)


def expire(connection: Connection, household_id: str, quote_id: str, at: At) -> None:
    """End a quote or a question whose time is over; one that got more time stays."""
    quote = repository.quote(connection, household_id, quote_id)
    if quote is None or quote.expires_at is None or at.now < quote.expires_at:
        return
    question = quote.state is QuoteState.QUESTION
    why = Ending.QUESTION_EXPIRED if question else Ending.QUOTE_EXPIRED
    moves.end_quote(connection, quote, QuoteEvent.EXPIRE, why, at)
