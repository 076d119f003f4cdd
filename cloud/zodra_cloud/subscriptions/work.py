"""What the timer of a subscription does: one step after the other, until the next one must wait."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.forecast import State as ForecastState
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Metering
from zodra_cloud.merchants.port import QuoteRequest, Refused, ShopQuote, ShopRefusal, Unknown
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import At
from zodra_cloud.subscriptions import cycles, moves, repository
from zodra_cloud.subscriptions.models import Rules, Told, room_of
from zodra_cloud.subscriptions.moves import Loaded
from zodra_cloud.subscriptions.policy import follow, sizes
from zodra_cloud.subscriptions.policy.follow import Outlook
from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.policy.ledger import folding
from zodra_cloud.subscriptions.policy.ledger.states import Kind
from zodra_cloud.subscriptions.policy.steps import (
    AskPrice,
    LookAt,
    MakeNeed,
    Review,
    SendNotice,
    Write,
    next_step,
    order_at,
)
from zodra_cloud.subscriptions.policy.terms import Item, Price, Terms
from zodra_contract.ids import derived_id

STEPS_MAX: Final = 50
"""In one commit; a timer with more to do comes again at once."""
PRICE_LIMIT: Final = timedelta(minutes=10)
"""How long a shop that does not answer is asked what a wish costs."""
ASK_AGAIN: Final = timedelta(seconds=15)
LADDERS_MAX: Final = 100

_LAPSES: Final = {
    ShopRefusal.OUT_OF_STOCK: "out_of_stock",
    ShopRefusal.UNKNOWN_ITEM: "unknown_item",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """A shop is to be asked, with no unit of work open."""

    loaded: Loaded
    step: AskPrice | SendNotice
    request: QuoteRequest


def advance(
    connection: Connection, household_id: str, subscription_id: str, at: At
) -> Ask | datetime | None:
    """Do what is due.

    Returns:
        What a shop must be asked first, or when to look again; None if never.
    """
    loaded = moves.load(connection, household_id, subscription_id)
    if loaded is None:
        return None
    for _ in range(STEPS_MAX):
        loaded = cycles.settle(connection, loaded, at)
        step = next_step(loaded.state, at.now, loaded.zone)
        if isinstance(step, LookAt):
            return step.at
        if isinstance(step, AskPrice | SendNotice):
            return Ask(loaded, step, _request(loaded, step, room_of(connection).rules))
        if isinstance(step, Write):
            loaded = moves.append(connection, loaded, [step.event], at)
        elif isinstance(step, MakeNeed):
            loaded = cycles.make_need(connection, loaded, step.cycle, at)
        else:
            loaded = _review(connection, loaded, step, at)
    return at.now


def _request(loaded: Loaded, step: AskPrice | SendNotice, rules: Rules) -> QuoteRequest:
    row, state = loaded.row, loaded.state
    number = step.cycle if isinstance(step, SendNotice) else 0
    item = state.item_of(number) if number else state.wish.item
    return QuoteRequest(
        # Of a price that nobody orders from: not the name of the delivery's own order.
        reference=derived_id("sp", row.household_id, row.subscription_id, number, row.events),
        buyer_reference=derived_id("b", row.household_id),
        sku=item.sku,
        quantity=item.quantity,
        currency=state.wish.currency,
        country=rules.country,
    )


def hear(
    connection: Connection, asked: Ask, answer: ShopQuote | Refused | Unknown, at: At
) -> datetime | None:
    """Take in what a shop said, if that is still what was to be asked.

    Returns:
        When to ask again; None to go on at once.
    """
    row = asked.loaded.row
    loaded = moves.load(connection, row.household_id, row.subscription_id)
    if loaded is None or loaded.row.events != row.events:
        return None
    if isinstance(asked.step, AskPrice):
        return _hear_price(connection, loaded, answer, at)
    _send_notice(connection, loaded, asked.step.cycle, answer, at)
    return None


def _hear_price(
    connection: Connection, loaded: Loaded, answer: ShopQuote | Refused | Unknown, at: At
) -> datetime | None:
    if isinstance(answer, Unknown):
        if at.now - loaded.row.created_at < PRICE_LIMIT:
            return at.now + ASK_AGAIN
        moves.append(connection, loaded, [e.Lapsed("shop_unavailable")], at)
    elif isinstance(answer, Refused):
        reason = _LAPSES.get(answer.reason, "shop_refused")
        moves.append(connection, loaded, [e.Lapsed(reason)], at)
    else:
        rules = room_of(connection).rules
        terms = _terms(loaded, answer, rules, at)
        offered = e.Offered(terms, terms.sha256(), at.now + rules.offer_lifetime)
        moves.append(connection, loaded, [offered], at)
    return None


def _terms(loaded: Loaded, quote: ShopQuote, rules: Rules, at: At) -> Terms:
    wish = loaded.state.wish
    soonest = loaded.today(at.now) + timedelta(days=rules.pre_notice_days)
    return Terms(
        subscription_id=loaded.row.subscription_id,
        device_id=wish.device_id,
        slot_key=wish.slot_key,
        merchant_id=quote.merchant_id,
        merchant_name=quote.merchant_name,
        item=Item(quote.sku, quote.quantity, dict(quote.titles)),
        unit_price_minor=quote.unit_price_minor,
        shipping_minor=quote.shipping_minor,
        vat_minor=quote.vat_minor,
        price=Price(
            agreed_minor=quote.total_minor,
            ceiling_minor=quote.total_minor if wish.ceiling_minor is None else wish.ceiling_minor,
            currency=quote.currency,
        ),
        cadence=wish.cadence,
        first_on=soonest if wish.first_on is None else max(wish.first_on, soonest),
        time_zone=str(loaded.zone),
        term_months=rules.term_months,
        cancel_notice_days=rules.cancel_notice_days,
        pre_notice_days=rules.pre_notice_days,
        follow=wish.follow,
        withdrawal_days=rules.withdrawal_days,
        returns_days=quote.returns_days,
        returns_sealed_only=quote.returns_sealed_only,
        terms_url=quote.terms_url,
        returns_url=quote.returns_url,
        channel=wish.channel,
    )


def _send_notice(
    connection: Connection,
    loaded: Loaded,
    number: int,
    answer: ShopQuote | Refused | Unknown,
    at: At,
) -> None:
    """Announce a charge: what, when and how much, as far as the shop said so."""
    state, row = loaded.state, loaded.row
    if next_step(state, at.now, loaded.zone) != SendNotice(number) or state.price is None:
        return
    total = answer.total_minor if isinstance(answer, ShopQuote) else None
    events: list[e.Event] = []
    if total is not None and total != state.price.agreed_minor:
        above = total > state.price.ceiling_minor
        events.append(e.PriceAnnounced(number, total, above))
    notice = e.PreNoticeSent(
        cycle=number,
        on=state.on(number),
        order_at=order_at(state, number, at.now, loaded.zone),
        item=state.item_of(number),
        total_minor=total,
        handed_over=True,
    )
    after = folding.fold(state, e.Entry(notice, at.now))
    ids = (row.household_id, row.subscription_id)
    number_of = row.events + len(events) + 1
    told = Told(*ids, number_of, Kind.PRE_NOTICE_SENT, notice, after, at.now)
    if not room_of(connection).teller(connection, told):
        notice = e.PreNoticeSent(
            notice.cycle, notice.on, notice.order_at, notice.item, total, handed_over=False
        )
    moves.append(connection, loaded, [*events, notice], at)


def foreseen(
    connection: Connection, household_id: str, device_id: str, slot_key: str, now: datetime
) -> Outlook | None:
    """Give what a slot that counts foresees; a `models.Foresee`.

    None for a press slot: its orders are the deliveries themselves, and say nothing about use.
    """
    slot = households.slot(connection, household_id, device_id, slot_key)
    if slot is None or slot.metering is Metering.PRESS or slot.reorder_units is None:
        return None
    forecast = replenish.forecast_of(connection, slot, now).forecast
    why = forecast.explanation
    brought = slot.quantity * (slot.units_per_item or slot.capacity_units or 0.0)
    return Outlook(
        days_by_level=dict(forecast.quantiles),
        active=forecast.state in (ForecastState.ACTIVE, ForecastState.OVERDUE),
        own_share=why.share_household,
        count=why.count,
        typical_days=brought / why.typical if brought and why.typical else None,
        basis=why.basis,
    )


def _review(connection: Connection, loaded: Loaded, step: Review, at: At) -> Loaded:
    """Ask the forecast once for each delivery, for its date and for its size."""
    row, state = loaded.row, loaded.state
    room = room_of(connection)
    outlook = room.foresee(connection, row.household_id, row.device_id, row.slot_key, at.now)
    today = loaded.today(at.now)
    events = follow.look(state, step.cycle, outlook, room.rules.lead_days, today)
    if state.growth is not None:
        stored = repository.ladders(connection, LADDERS_MAX).get(state.growth.ladder_id)
        if stored is not None:
            proposed = sizes.propose(state, sizes.read_ladder(stored), outlook, today)
            events += [] if proposed is None else [proposed]
    return moves.append(connection, loaded, events, at)
