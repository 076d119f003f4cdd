"""From a shop's answer to a quote that waits for the household, or to an order under a contract."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Slot
from zodra_cloud.ingest import service as needs
from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.port import QuoteRequest, Refused, ShopQuote, ShopRefusal, Unknown
from zodra_cloud.replenish import hooks, moves, policy, repository
from zodra_cloud.replenish.deciding import spend_cap, spent_today
from zodra_cloud.replenish.models import At, Rules, StoredQuote
from zodra_cloud.replenish.policy import Cover, Reason
from zodra_cloud.replenish.snapshot import Snapshot
from zodra_cloud.replenish.states import Ending, QuoteEvent, QuoteState
from zodra_contract.ids import derived_id
from zodra_contract.outcome import SignalState

ASK_AGAIN_S_MAX: Final = 60.0
RETRY_AFTER_S_MAX: Final = 300.0

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
    slot = households.slot(connection, quote.household_id, quote.device_id, quote.slot_key)
    if slot is not None and _over_cap(connection, slot, snapshot, at):
        moves.end_quote(connection, quote, QuoteEvent.REFUSE, Ending.OVER_SPEND_CAP, at)
        return
    cover = _cover(connection, quote, slot, at)
    judged = _judge(connection, quote, snapshot, slot, cover, at)
    opened = moves.move_quote(
        connection,
        quote,
        QuoteEvent.QUOTED,
        at,
        reason=judged.value if judged in _NEWS else quote.reason,
        session_id=answer.session_id,
        snapshot=snapshot,
        snapshot_hash=snapshot.sha256(),
        expires_at=snapshot.expires_at,
    )
    if opened is None:
        return
    if judged is Reason.WITHIN_AGREEMENT and cover is not None:
        _call_off(connection, opened, cover, at)
        return
    moves.move_need(
        connection, quote.household_id, quote.signal_id, SignalState.ASKED, opened.reason, at
    )


_NEWS: Final = frozenset({Reason.PRICE_ABOVE_CEILING, Reason.WITHIN_AGREEMENT})
"""Why it is asked anew is the better reason otherwise."""


def _over_cap(connection: Connection, slot: Slot, snapshot: Snapshot, at: At) -> bool:
    cap = spend_cap(slot)
    return cap is not None and policy.over_cap(
        snapshot.total, spent_today(connection, slot, at.now), cap
    )


def _cover(connection: Connection, quote: StoredQuote, slot: Slot | None, at: At) -> Cover | None:
    """Look again: the contract may have ended while the shop was asked."""
    if quote.agreement_id is None:
        return None
    signal = needs.signal(connection, quote.household_id, quote.signal_id)
    found = hooks.find_cover(connection, signal, slot, at)
    return found if found is not None and found.cover_id == quote.agreement_id else None


def _judge(
    connection: Connection,
    quote: StoredQuote,
    snapshot: Snapshot,
    slot: Slot | None,
    cover: Cover | None,
    at: At,
) -> Reason:
    ceiling = quote.price_ceiling_minor
    ordinary = policy.judge_price(
        snapshot.total, None if ceiling is None else Money(ceiling, quote.currency)
    )
    if cover is None:
        return ordinary
    place = (quote.household_id, quote.device_id, quote.slot_key)
    if repository.open_order(connection, *place) is not None:
        return ordinary
    return policy.judge_call_off(snapshot.sku, snapshot.quantity, snapshot.total, cover)


def _call_off(connection: Connection, quote: StoredQuote, cover: Cover, at: At) -> None:
    """Order under a contract: no other yes, and time to cancel with one word before it is placed.

    A quote of a later round was announced with the first one; nobody waits for it twice.
    """
    confirmed = moves.move_quote(
        connection, quote, QuoteEvent.CALL_OFF, at, ended_by=cover.concluded_by
    )
    if confirmed is None:
        return
    notice_s = cover.notice_s if quote.round == 1 else 0
    said = moves.Yes(
        person_id=cover.concluded_by,
        label=cover.label,
        language=cover.language,
        agreement_id=cover.cover_id,
        place_at=at.now + timedelta(seconds=notice_s) if notice_s else None,
    )
    moves.add_order(connection, moves.new_order(confirmed, said, at), at)


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
