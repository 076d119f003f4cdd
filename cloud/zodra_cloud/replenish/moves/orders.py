"""The moves of an order, from the yes that makes it to the door."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.merchants.port import ShopOrder, ShopOrderState
from zodra_cloud.replenish import hooks, repository
from zodra_cloud.replenish.models import At, StoredOrder, StoredQuote
from zodra_cloud.replenish.moves.common import (
    CANCEL_JOB,
    FOLLOW_JOB,
    FOLLOW_UP_JOB,
    LATE_JOB,
    PLACE_JOB,
    enqueue,
    move_need,
)
from zodra_cloud.replenish.moves.quotes import Wanted, ask
from zodra_cloud.replenish.policy import FOLLOW_UP_AFTER, LATE_SLACK, Late, judge_late
from zodra_cloud.replenish.states import (
    QUOTED_ANEW,
    ROUNDS_MAX,
    SIGNAL_STATES,
    Ending,
    OrderEvent,
    OrderNews,
    OrderState,
    next_order_state,
    order_news,
)
from zodra_cloud.store.engine import after_commit
from zodra_cloud.store.types import to_ms
from zodra_contract.outcome import SignalState

FOLLOW_FIRST: Final = timedelta(seconds=15)
"""The shop's own events come sooner; asking is for those that got lost."""

_SHOP_EVENTS: Final = {
    ShopOrderState.PLACED: OrderEvent.PLACED,
    ShopOrderState.SHIPPED: OrderEvent.SHIPPED,
    ShopOrderState.DELIVERED: OrderEvent.DELIVERED,
    ShopOrderState.CANCELLED: OrderEvent.CANCELLED,
}

_log = structlog.get_logger("zodra_cloud.replenish")


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
    enqueue(connection, PLACE_JOB, order.household_id, order.order_key, order.place_at or at.now)
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
        moved = replace(order, **(told or {}))
        if moved != order:
            # The shop's event of what its answer has told already is the usual case.
            repository.save_order(connection, moved)
        return moved
    moved = replace(order, state=state, state_at=at.now, reason=reason, **(told or {}))
    if state is OrderState.DELIVERED:
        moved = _delivered(moved, at)
    repository.save_order(connection, moved)
    repository.add_step(connection, moved, event, source, reason)
    _order_jobs(connection, order.state, moved, at)
    after_commit(connection, lambda: _say_order(moved, at))
    for news in order_news(order.state, state):
        hooks.tell_order(connection, moved, news, at)
    if state is OrderState.FAILED and _asks_anew(connection, moved, at):
        return moved
    need_reason = state.value if state is OrderState.NEEDS_PERSON else reason
    move_need(
        connection, order.household_id, order.signal_id, SIGNAL_STATES[state], need_reason, at
    )
    if state is OrderState.PLACED and order.state in _JUST_PLACED and moved.cancel_wanted_at:
        # The household changed its mind while it was not known whether the shop has it.
        return move_order(connection, moved, OrderEvent.WANT_CANCEL, "household", at)
    return moved


_JUST_PLACED: Final = frozenset(
    {OrderState.SUBMITTING, OrderState.UNKNOWN, OrderState.NEEDS_PERSON}
)


def _delivered(order: StoredOrder, at: At) -> StoredOrder:
    promised = order.promised_to_at
    late = promised is not None and at.now > promised + LATE_SLACK
    return replace(order, delivered_at=at.now, late_at=order.late_at or (at.now if late else None))


def _order_jobs(connection: Connection, before: OrderState, order: StoredOrder, at: At) -> None:
    name = (order.household_id, order.order_key)
    if order.state in (OrderState.PLACED, OrderState.SHIPPED) and before not in _UNDER_WAY:
        # Once, when it is known to be at the shop; the same two jobs follow it to the door.
        enqueue(connection, FOLLOW_JOB, *name, at.now + FOLLOW_FIRST)
        if order.promised_to_at is not None:
            enqueue(connection, LATE_JOB, *name, order.promised_to_at + LATE_SLACK)
    elif order.state is OrderState.CANCELLING:
        # It may be too late once and not the next time: the shop had it shown as packed, say.
        attempt = f":{to_ms(order.state_at)}"
        enqueue(connection, CANCEL_JOB, *name, at.now, attempt=attempt)
    elif order.state is OrderState.DELIVERED:
        repository.add_follow_up(connection, order)
        enqueue(connection, FOLLOW_UP_JOB, *name, at.now + FOLLOW_UP_AFTER)


def flag_late(connection: Connection, order: StoredOrder, late: Late, at: At) -> StoredOrder:
    """Note, once, that an order comes later than promised, and tell everybody who listens."""
    if order.late_at is not None or order.state not in _UNDER_WAY:
        return order
    moved = replace(order, late_at=at.now)
    repository.save_order(connection, moved)
    repository.add_step(connection, replace(moved, state_at=at.now), OrderEvent.LATE, "job", late)
    after_commit(connection, lambda: _say_order(moved, at))
    hooks.tell_order(connection, moved, OrderNews.LATE, at)
    state = SIGNAL_STATES[order.state]
    move_need(connection, order.household_id, order.signal_id, state, "late", at)
    return moved


_UNDER_WAY: Final = frozenset({OrderState.PLACED, OrderState.CANCELLING, OrderState.SHIPPED})


def note(
    connection: Connection, order: StoredOrder, news: OrderNews | None, at: At, **facts: Any
) -> StoredOrder:
    """Write facts of an order that are no move of its table, and tell them if they are news."""
    noted = replace(order, **facts)
    repository.save_order(connection, noted)
    after_commit(connection, lambda: at.changes.tell(order.household_id))
    if news is not None:
        hooks.tell_order(connection, noted, news, at)
    return noted


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
    moved = move_order(
        connection,
        order,
        event,
        source,
        at,
        reason=_why_cancelled(order) if event is OrderEvent.CANCELLED else "",
        told={
            "shop_order_id": told.order_id,
            "shop_revision": told.revision,
            "delivery_from_at": told.delivery_from_at or order.delivery_from_at,
            "delivery_to_at": told.delivery_to_at or order.delivery_to_at,
            "carrier": told.carrier or order.carrier,
            "tracking_url": told.tracking_url or order.tracking_url,
        },
    )
    late = judge_late(moved.promised_to_at, moved.delivery_to_at, at.now)
    return moved if late is None else flag_late(connection, moved, late, at)


def _why_cancelled(order: StoredOrder) -> str:
    wanted = order.cancel_wanted_at is not None
    return (Ending.CANCELLED_BY_HOUSEHOLD if wanted else Ending.CANCELLED_BY_SHOP).value


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
