"""From a shop's answer to a quote that waits for the household, or to an order under a contract."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Slot
from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.service import Restated
from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.port import QuoteRequest, Refused, ShopQuote, ShopRefusal, Unknown
from zodra_cloud.replenish import hooks, moves, policy, repository
from zodra_cloud.replenish.deciding import spend_cap, spent_today
from zodra_cloud.replenish.models import At, Rules, StoredQuote
from zodra_cloud.replenish.moves import Moving
from zodra_cloud.replenish.policy import Cover, Reason
from zodra_cloud.replenish.repository import Place
from zodra_cloud.replenish.snapshot import Snapshot
from zodra_cloud.replenish.states import Ending, QuoteEvent, QuoteState
from zodra_contract.ids import derived_id
from zodra_contract.outcome import SignalState

Key = tuple[str, str]
"""Household and quote."""

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


@dataclass(frozen=True, slots=True)
class Requested:
    """A quote that a shop shall price."""

    quote: StoredQuote
    allowed: bool
    """Whether the household's consent stands. If not, no shop is asked, and the quote ends."""


@dataclass(frozen=True, slots=True)
class Unasked:
    """What is heard of a quote for which no shop was asked."""


def requested(connection: Connection, keys: Collection[Key]) -> dict[Key, Requested]:
    """Read quotes that a shop shall price; those that need none any more are left out.

    Args:
        connection: of any unit of work.
        keys: household and quote.
    """
    found = repository.quotes_at(connection, keys)
    waiting = {key: each for key, each in found.items() if each.state is QuoteState.REQUESTED}
    granted = {
        purpose: consent.live_grants(
            connection,
            {key[0] for key, each in waiting.items() if each.purpose == purpose},
            purpose,
        )
        for purpose in {Purpose(each.purpose) for each in waiting.values()}
    }
    return {
        key: Requested(each, key[0] in granted[Purpose(each.purpose)])
        for key, each in waiting.items()
    }


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


@dataclass(frozen=True, slots=True)
class Answered:
    """What a shop said to a request for a price."""

    quote: StoredQuote
    """As it was when the shop was asked."""
    answer: ShopQuote | Refused | Unknown | Unasked
    times: int
    """How often it was asked before."""

    @property
    def key(self) -> Key:
        """Household and quote."""
        return self.quote.household_id, self.quote.quote_id


def hear_quotes(
    connection: Connection, answered: Sequence[Answered], rules: Rules, at: At
) -> dict[Key, AskAgain]:
    """Take in what shops said, of many households at once.

    Args:
        connection: of a unit of work that has the lock of every household.
        answered: each quote once.
        rules: the limits.
        at: instant and pages.

    Returns:
        The quotes of which a shop is to be asked again.
    """
    quotes = requested(connection, [each.key for each in answered])
    slots = households.slots_at(connection, {_place(each.quote) for each in quotes.values()})
    again: dict[Key, AskAgain] = {}
    opening: list[_Opening] = []
    for each in answered:
        if each.key not in quotes:
            continue
        quote = quotes[each.key].quote
        if not quotes[each.key].allowed:
            moves.end_quote(connection, quote, QuoteEvent.REFUSE, Ending.CONSENT_WITHDRAWN, at)
            continue
        if not isinstance(each.answer, ShopQuote):
            asked = _hear_no_price(connection, quote, each.answer, each.times, rules, at)
            if asked is not None:
                again[each.key] = asked
            continue
        snapshot = _snapshot(quote, each.answer, at.now + rules.quote_lifetime)
        opening.append(_Opening(quote, each.answer, snapshot, slots.get(_place(quote))))
    _open_all(connection, [each for each in opening if each.stands_alone], at)
    for one in opening:
        if not one.stands_alone:
            _open(connection, one, at)
    return again


def _place(quote: StoredQuote) -> Place:
    return quote.household_id, quote.device_id, quote.slot_key


def _hear_no_price(
    connection: Connection,
    quote: StoredQuote,
    answer: Refused | Unknown | Unasked,
    times: int,
    rules: Rules,
    at: At,
) -> AskAgain | None:
    if isinstance(answer, Refused):
        moves.end_quote(connection, quote, QuoteEvent.REFUSE, ending(answer.reason), at)
        return None
    if at.now - quote.state_at >= rules.quoting_limit:
        moves.end_quote(connection, quote, QuoteEvent.REFUSE, Ending.SHOP_UNAVAILABLE, at)
        return None
    if isinstance(answer, Unasked):
        # Granted again while it waited to be written.
        return AskAgain(0.0)
    return AskAgain(wait_s(times, answer))


@dataclass(frozen=True, slots=True)
class _Opening:
    """A quote that a shop has priced, and what it is judged by."""

    quote: StoredQuote
    answer: ShopQuote
    snapshot: Snapshot
    slot: Slot | None

    @property
    def stands_alone(self) -> bool:
        """Whether its price is judged by its own ceiling, and by no other order or contract."""
        capped = self.slot is not None and spend_cap(self.slot) is not None
        return not capped and self.quote.agreement_id is None

    def opened(self, judged: Reason) -> Moving:
        """Give the move that shows it to the household."""
        facts = {
            "reason": judged.value if judged in _NEWS else self.quote.reason,
            "session_id": self.answer.session_id,
            "snapshot": self.snapshot,
            "snapshot_hash": self.snapshot.sha256(),
            "expires_at": self.snapshot.expires_at,
        }
        return Moving(self.quote, QuoteEvent.QUOTED, facts)


def _open_all(connection: Connection, opening: Sequence[_Opening], at: At) -> None:
    opened = moves.move_quotes(
        connection, [each.opened(_judge_alone(each.quote, each.snapshot)) for each in opening], at
    )
    asked = [
        Restated(each.household_id, each.signal_id, SignalState.ASKED, each.reason)
        for each in opened
    ]
    if asked:
        moves.move_needs(connection, asked, at)


def _open(connection: Connection, opening: _Opening, at: At) -> None:
    quote, slot, snapshot = opening.quote, opening.slot, opening.snapshot
    if slot is not None and _over_cap(connection, slot, snapshot, at):
        moves.end_quote(connection, quote, QuoteEvent.REFUSE, Ending.OVER_SPEND_CAP, at)
        return
    cover = _cover(connection, quote, slot, at)
    judged = _judge(connection, quote, snapshot, cover)
    for opened in moves.move_quotes(connection, [opening.opened(judged)], at):
        if judged is Reason.WITHIN_AGREEMENT and cover is not None:
            _call_off(connection, opened, cover, at)
            continue
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


def _judge_alone(quote: StoredQuote, snapshot: Snapshot) -> Reason:
    ceiling = quote.price_ceiling_minor
    return policy.judge_price(
        snapshot.total, None if ceiling is None else Money(ceiling, quote.currency)
    )


def _judge(
    connection: Connection, quote: StoredQuote, snapshot: Snapshot, cover: Cover | None
) -> Reason:
    if cover is None or repository.open_order(connection, *_place(quote)) is not None:
        return _judge_alone(quote, snapshot)
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
