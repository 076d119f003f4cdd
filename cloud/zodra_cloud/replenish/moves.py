"""Every move of a need, a quote or an order: one table look-up, one set of rows, one commit.

All functions work inside the caller's unit of work, which must name the household: units of the
same household follow each other, so what is read here does not change until it is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.ingest import service as needs
from zodra_cloud.merchants.port import ShopOrder, ShopOrderState
from zodra_cloud.replenish import hooks, repository
from zodra_cloud.replenish.models import At, StoredOrder, StoredQuote
from zodra_cloud.replenish.policy import Reason
from zodra_cloud.replenish.states import (
    QUOTED_ANEW,
    ROUNDS_MAX,
    SIGNAL_STATES,
    Ending,
    OrderEvent,
    OrderNews,
    OrderState,
    QuoteEvent,
    QuoteState,
    next_order_state,
    next_quote_state,
    order_news,
)
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import after_commit
from zodra_contract.ids import derived_id
from zodra_contract.outcome import SignalState

QUOTE_JOB: Final = "quote"
EXPIRE_JOB: Final = "expire_quote"
PLACE_JOB: Final = "place"
FOLLOW_JOB: Final = "follow"

QUESTION_LIFETIME: Final = timedelta(hours=24)
"""A question is no contract and may wait for the evening; a price may not."""

FOLLOW_FIRST: Final = timedelta(seconds=15)
"""The shop's own events come sooner; asking is for those that got lost."""

_SHOP_EVENTS: Final = {
    ShopOrderState.PLACED: OrderEvent.PLACED,
    ShopOrderState.SHIPPED: OrderEvent.SHIPPED,
    ShopOrderState.DELIVERED: OrderEvent.DELIVERED,
    ShopOrderState.CANCELLED: OrderEvent.CANCELLED,
}

_FOLLOWER_STATES: Final = {
    SignalState.ORDERED: SignalState.ALREADY_ON_ITS_WAY,
    SignalState.SHIPPED: SignalState.ALREADY_ON_ITS_WAY,
    SignalState.DELIVERED: SignalState.ALREADY_ON_ITS_WAY,
}
"""What a need that holds on to another's quote hears; for all other states, the same as it."""

_log = structlog.get_logger("zodra_cloud.replenish")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall be asked for: a need, its place, and what replenishes it."""

    household_id: str
    signal_id: str
    device_id: str
    slot_key: str
    purpose: str
    sku: str
    quantity: int
    currency: str
    price_ceiling_minor: int | None
    reason: str
    agreement_id: str | None = None


def move_need(
    connection: Connection,
    household_id: str,
    signal_id: str,
    state: SignalState,
    reason: str,
    at: At,
) -> None:
    """Write where a need stands, and every need that holds on to its quote."""
    needs.restate(
        connection, household_id, signal_id, state, reason, now=at.now, changes=at.changes
    )
    following = _FOLLOWER_STATES.get(state, state)
    for follower in repository.followers(connection, household_id, signal_id):
        if not needs.signal(connection, household_id, follower).state.final:
            held = Reason.ALREADY_ASKED if following is SignalState.ASKED else reason
            needs.restate(
                connection,
                household_id,
                follower,
                following,
                held if following is not SignalState.ALREADY_ON_ITS_WAY else following.value,
                now=at.now,
                changes=at.changes,
            )


def ask(
    connection: Connection, wanted: Wanted, *, question: bool, number: int, at: At
) -> StoredQuote:
    """Open a quote for a need: first a question to the household, or the shop at once.

    Args:
        connection: of a unit of work that names the household.
        wanted: what to ask for.
        question: whether the household is asked first if the need is there.
        number: the round, from 1.
        at: instant and pages.
    """
    quote = new_quote(wanted, question=question, number=number, at=at)
    add_quotes(connection, [quote], at)
    return quote


def new_quote(wanted: Wanted, *, question: bool, number: int, at: At) -> StoredQuote:
    """Write down what `add_quotes` stores; arguments as those of `ask`."""
    household_id, signal_id = wanted.household_id, wanted.signal_id
    return StoredQuote(
        household_id=household_id,
        quote_id=quote_id(household_id, signal_id, number),
        signal_id=signal_id,
        round=number,
        device_id=wanted.device_id,
        slot_key=wanted.slot_key,
        purpose=wanted.purpose,
        order_key=order_key(household_id, signal_id, number),
        sku=wanted.sku,
        quantity=wanted.quantity,
        currency=wanted.currency,
        price_ceiling_minor=wanted.price_ceiling_minor,
        state=QuoteState.QUESTION if question else QuoteState.REQUESTED,
        reason=wanted.reason,
        session_id=None,
        snapshot=None,
        snapshot_hash=None,
        expires_at=at.now + QUESTION_LIFETIME if question else None,
        created_at=at.now,
        state_at=at.now,
        ended_by=None,
        agreement_id=wanted.agreement_id,
    )


def add_quotes(connection: Connection, quotes: Sequence[StoredQuote], at: At) -> None:
    """Store new quotes with their jobs; a question also moves its need."""
    repository.add_quotes(connection, quotes)
    jobs.enqueue_many(
        connection,
        kind=QUOTE_JOB,
        intentions=[
            (
                job_key(QUOTE_JOB, each.household_id, each.quote_id),
                each.household_id,
                {"id": each.quote_id},
            )
            for each in quotes
            if each.state is QuoteState.REQUESTED
        ],
        due_at=at.now,
    )
    for each in quotes:
        hooks.tell_quote(connection, each, at)
        if each.state is QuoteState.QUESTION:
            _quote_jobs(connection, each, at)
            asked = SignalState.ASKED
            move_need(connection, each.household_id, each.signal_id, asked, each.reason, at)


def quote_id(household_id: str, signal_id: str, number: int) -> str:
    """Derive the id of a need's quote of one round."""
    return derived_id("q", household_id, signal_id, number)


def order_key(household_id: str, signal_id: str, number: int) -> str:
    """Derive the key of an order: the need alone names it, on any machine, after any crash.

    A later round exists only after the shop refused the order of the earlier one for certain.
    """
    parts = (household_id, signal_id) if number == 1 else (household_id, signal_id, number)
    return derived_id("o", *parts)


def move_quote(
    connection: Connection, quote: StoredQuote, event: QuoteEvent, at: At, **facts: Any
) -> StoredQuote | None:
    """Make one move of a quote with its jobs; the need is the caller's.

    Returns:
        The quote as it is now; None if its table has no such move, and nothing changed.
    """
    state = next_quote_state(quote.state, event)
    if state is None:
        return None
    moved = replace(quote, state=state, state_at=at.now, **facts)
    repository.save_quote(connection, moved)
    _quote_jobs(connection, moved, at)
    hooks.tell_quote(connection, moved, at)
    after_commit(connection, lambda: _say_quote(moved, at))
    return moved


def _say_quote(quote: StoredQuote, at: At) -> None:
    _log.info(
        "quote_moved",
        state=quote.state.value,
        household_id=quote.household_id,
        signal_id=quote.signal_id,
        quote_id=quote.quote_id,
        sku=quote.sku,
        quantity=quote.quantity,
        total_minor=None if quote.snapshot is None else quote.snapshot.total_minor,
        currency=quote.currency,
    )
    at.changes.tell(quote.household_id)


def _say_order(order: StoredOrder, at: At) -> None:
    _log.info(
        "order_moved",
        state=order.state.value,
        household_id=order.household_id,
        signal_id=order.signal_id,
        order_key=order.order_key,
        reason=order.reason,
    )
    at.changes.tell(order.household_id)


def end_quote(
    connection: Connection,
    quote: StoredQuote,
    event: QuoteEvent,
    ending: Ending,
    at: At,
    *,
    person_id: str | None = None,
) -> bool:
    """End a quote without an order, and its need with it; False if it had ended already."""
    moved = move_quote(connection, quote, event, at, reason=ending.value, ended_by=person_id)
    if moved is None:
        return False
    state = SignalState.EXPIRED if event is QuoteEvent.EXPIRE else SignalState.REFUSED
    move_need(connection, quote.household_id, quote.signal_id, state, ending.value, at)
    return True


@dataclass(frozen=True, slots=True)
class Yes:
    """What makes an order binding: who said yes, with which words."""

    person_id: str
    label: str
    """The literal words of the control that was used."""
    language: str
    agreement_id: str | None = None
    """The contract that was concluded with that yes; None for the yes to this very quote."""
    place_at: datetime | None = None
    """No shop is asked before."""


def new_order(quote: StoredQuote, said: Yes, at: At) -> StoredOrder:
    """Write down the order that a confirmed quote becomes. Raises `ValueError` without a price."""
    snapshot = quote.snapshot
    if snapshot is None or quote.session_id is None:
        raise ValueError(f"quote {quote.quote_id!r} has no price to order at")
    return StoredOrder(
        household_id=quote.household_id,
        order_key=quote.order_key,
        quote_id=quote.quote_id,
        signal_id=quote.signal_id,
        device_id=quote.device_id,
        slot_key=quote.slot_key,
        state=OrderState.CONFIRMED,
        reason="",
        session_id=quote.session_id,
        total_minor=snapshot.total_minor,
        currency=snapshot.currency,
        snapshot_hash=snapshot.sha256(),
        confirmed_by=said.person_id,
        confirmed_at=at.now,
        label=said.label,
        language=said.language,
        shop_order_id=None,
        shop_revision=0,
        delivery_from_at=snapshot.delivery_from_at,
        delivery_to_at=snapshot.delivery_to_at,
        carrier=None,
        tracking_url=None,
        unclear_since=None,
        state_at=at.now,
        agreement_id=said.agreement_id,
        place_at=said.place_at,
        promised_to_at=snapshot.delivery_to_at,
    )


def add_order(connection: Connection, order: StoredOrder, at: At) -> None:
    """Store a confirmed order with the job that places it."""
    repository.add_order(connection, order)
    source = "household" if order.agreement_id is None else "agreement"
    repository.add_step(connection, order, None, source, order.label)
    _job(connection, PLACE_JOB, order.household_id, order.order_key, order.place_at or at.now)
    move_need(connection, order.household_id, order.signal_id, SignalState.ORDERING, "", at)
    hooks.tell_order(connection, order, OrderNews.CONFIRMED, at)


def move_order(
    connection: Connection,
    order: StoredOrder,
    event: OrderEvent,
    source: str,
    at: At,
    *,
    reason: str = "",
    told: Mapping[str, Any] | None = None,
) -> StoredOrder:
    """Make one move of an order, with its jobs, its record and its need.

    Args:
        connection: of a unit of work that names the household.
        order: as read in this unit of work.
        event: what happened.
        source: who says so: `job`, `shop`, `household` or `operator`.
        at: instant and pages.
        reason: an `Ending`, a `ShopFault`, or empty.
        told: what the shop told beside its state; written even if the state stays.

    Returns:
        The order as it is now.
    """
    state = next_order_state(order.state, event)
    if state is None:
        if not told:
            return order
        moved = replace(order, **told)
        repository.save_order(connection, moved)
        return moved
    moved = replace(order, state=state, state_at=at.now, reason=reason, **(told or {}))
    repository.save_order(connection, moved)
    repository.add_step(connection, moved, event, source, reason)
    if state is OrderState.PLACED or state is OrderState.SHIPPED:
        _job(connection, FOLLOW_JOB, order.household_id, order.order_key, at.now + FOLLOW_FIRST)
    after_commit(connection, lambda: _say_order(moved, at))
    for news in order_news(order.state, state):
        hooks.tell_order(connection, moved, news, at)
    if state is OrderState.FAILED and _asks_anew(connection, moved, at):
        return moved
    need_reason = state.value if state is OrderState.NEEDS_PERSON else reason
    move_need(
        connection, order.household_id, order.signal_id, SIGNAL_STATES[state], need_reason, at
    )
    return moved


def wait_for_payment(
    connection: Connection, order: StoredOrder, reason: str, at: At
) -> StoredOrder:
    """Write what a confirmed order waits for before a shop is asked; no move of its table."""
    if order.reason == reason:
        return order
    moved = replace(order, reason=reason)
    repository.save_order(connection, moved)
    after_commit(connection, lambda: _say_order(moved, at))
    move_need(connection, order.household_id, order.signal_id, SignalState.ORDERING, reason, at)
    return moved


def hear_shop(
    connection: Connection, order: StoredOrder, told: ShopOrder, source: str, at: At
) -> StoredOrder:
    """Take in what the shop says about an order; old news and repeats change nothing."""
    if told.revision < order.shop_revision:
        return order
    if order.state is OrderState.FAILED and told.state is not ShopOrderState.CANCELLED:
        # A person or the shop itself said that it has none; the operator's page shows it now.
        _log.error("failed_order_is_at_shop", order_key=order.order_key, state=told.state.value)
    event = _SHOP_EVENTS[told.state]
    return move_order(
        connection,
        order,
        event,
        source,
        at,
        reason=Ending.CANCELLED_BY_SHOP.value if event is OrderEvent.CANCELLED else "",
        told={
            "shop_order_id": told.order_id,
            "shop_revision": told.revision,
            "delivery_from_at": told.delivery_from_at or order.delivery_from_at,
            "delivery_to_at": told.delivery_to_at or order.delivery_to_at,
            "carrier": told.carrier or order.carrier,
            "tracking_url": told.tracking_url or order.tracking_url,
        },
    )


def _asks_anew(connection: Connection, order: StoredOrder, at: At) -> bool:
    """Ask the shop a new price where the old one lapsed; the household confirms it anew."""
    if order.reason not in QUOTED_ANEW:
        return False
    quote = repository.quote(connection, order.household_id, order.quote_id)
    if quote is None or quote.round >= ROUNDS_MAX:
        return False
    wanted = Wanted(
        household_id=quote.household_id,
        signal_id=quote.signal_id,
        device_id=quote.device_id,
        slot_key=quote.slot_key,
        purpose=quote.purpose,
        sku=quote.sku,
        quantity=quote.quantity,
        currency=quote.currency,
        price_ceiling_minor=quote.price_ceiling_minor,
        reason=order.reason,
        agreement_id=quote.agreement_id,
    )
    ask(connection, wanted, question=False, number=quote.round + 1, at=at)
    move_need(
        connection, quote.household_id, quote.signal_id, SignalState.RECEIVED, order.reason, at
    )
    return True


def _quote_jobs(connection: Connection, quote: StoredQuote, at: At) -> None:
    if quote.state is QuoteState.REQUESTED:
        _job(connection, QUOTE_JOB, quote.household_id, quote.quote_id, at.now)
    elif quote.state in (QuoteState.QUESTION, QuoteState.OPEN) and quote.expires_at is not None:
        name = f"{quote.quote_id}:{quote.state.value}"
        jobs.enqueue(
            connection,
            kind=EXPIRE_JOB,
            key=f"{EXPIRE_JOB}:{quote.household_id}:{name}",
            household_id=quote.household_id,
            payload={"id": quote.quote_id},
            due_at=quote.expires_at,
        )


def job_key(kind: str, household_id: str, name: str) -> str:
    """Name the job of one kind for one quote or order."""
    return f"{kind}:{household_id}:{name}"


def _job(connection: Connection, kind: str, household_id: str, name: str, due_at: datetime) -> None:
    jobs.enqueue(
        connection,
        kind=kind,
        key=job_key(kind, household_id, name),
        household_id=household_id,
        payload={"id": name},
        due_at=due_at,
    )
