"""From a confirmed order to a shop's certain word about it.

The order is `submitting` on disk before the shop hears of it. From then on, whatever goes wrong,
the shop is first asked whether it has the order, by the key that never changes (promise 11).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.port import (
    Refused,
    Shop,
    ShopFault,
    ShopOrder,
    ShopRefusal,
    Unknown,
)
from zodra_cloud.replenish import hooks, moves, repository
from zodra_cloud.replenish.asking import AskAgain, ending, wait_s
from zodra_cloud.replenish.models import At, Rules, StoredOrder
from zodra_cloud.replenish.states import Ending, OrderEvent, OrderState

INTERRUPTED: Final = "interrupted"
"""Reason of an order that was found `submitting`: whoever asked the shop did not live to hear."""

ASK_AT_LEISURE_S: Final = 600.0
"""How often the shop is asked about an order that needs a person."""
FOLLOW_S_MIN: Final = 15.0
FOLLOW_S_MAX: Final = 3_600.0

STILL_ON_ITS_WAY: Final = timedelta(minutes=2)
"""Within it an earlier request may still reach a shop that says it has no such order."""

_HAS_IT_PERHAPS: Final = frozenset({ShopRefusal.ALREADY_COMPLETED, ShopRefusal.KEY_CONFLICT})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to get the shop's word about an order."""

    order: StoredOrder
    first: bool
    """Nobody has asked the shop for this order before; then it is placed without a search."""


def begin(
    connection: Connection, household_id: str, key: str, rules: Rules, at: At
) -> Attempt | AskAgain | None:
    """Note that the shop is about to be asked.

    Returns:
        The attempt; when to come back if the order has to wait, as for its payment; None if
        there is nothing to ask any more.
    """
    order = repository.order(connection, household_id, key)
    if order is None:
        return None
    if order.state is OrderState.CONFIRMED and order.place_at and at.now < order.place_at:
        return AskAgain((order.place_at - at.now).total_seconds())
    if order.state is OrderState.CONFIRMED:
        held = _ask_gates(connection, order, rules, at)
        if held is not None:
            return held if isinstance(held, AskAgain) else None
        return Attempt(moves.move_order(connection, order, OrderEvent.SUBMIT, "job", at), True)
    if order.state is OrderState.SUBMITTING:
        return Attempt(_unclear(connection, order, INTERRUPTED, at), False)
    if order.state in (OrderState.UNKNOWN, OrderState.NEEDS_PERSON):
        return Attempt(order, False)
    return None


def _ask_gates(
    connection: Connection, order: StoredOrder, rules: Rules, at: At
) -> AskAgain | hooks.Stop | None:
    answer = hooks.ask_gates(connection, order, at)
    since = max(order.confirmed_at, order.place_at or order.confirmed_at)
    if isinstance(answer, hooks.Wait) and at.now - since >= rules.payment_limit:
        answer = hooks.Stop(Ending.PAYMENT_NOT_COMPLETED)
    if isinstance(answer, hooks.Stop):
        moves.move_order(
            connection, order, OrderEvent.REFUSED, "job", at, reason=answer.ending.value
        )
        return answer
    if isinstance(answer, hooks.Wait):
        moves.wait_for_payment(connection, order, answer.reason.value, at)
        return AskAgain(answer.after_s)
    return None


def ask_shop(shop: Shop, attempt: Attempt) -> ShopOrder | Refused | Unknown:
    """Get the shop's word: search under the key, and place under the same key if it has none.

    A refusal after an unclear attempt counts only if the shop then still has no order: an earlier
    request may have been on its way all the time.
    """
    order = attempt.order
    if not attempt.first:
        found = _find(shop, order)
        if found != Refused(ShopRefusal.ORDER_NOT_FOUND):
            return found
        if order.state is OrderState.NEEDS_PERSON:
            # The person may be ordering by hand this very moment.
            return Unknown(ShopFault.UNREACHABLE)
        if order.cancel_wanted_at is not None:
            # The household changed its mind meanwhile; what is not there stays so.
            return found
    total = Money(order.total_minor, order.currency)
    answer = shop.place(order.session_id, order.order_key, total)
    if isinstance(answer, Refused) and (not attempt.first or answer.reason in _HAS_IT_PERHAPS):
        found = _find(shop, order)
        return answer if found == Refused(ShopRefusal.ORDER_NOT_FOUND) else found
    return answer


def _find(shop: Shop, order: StoredOrder) -> ShopOrder | Refused | Unknown:
    found = shop.find(order.order_key)
    if isinstance(found, Refused) and found.reason is not ShopRefusal.ORDER_NOT_FOUND:
        # A shop that will not let us look has not said that it has nothing.
        return Unknown(ShopFault.GARBLED)
    if isinstance(found, ShopOrder) and not agrees(order, found):
        return Unknown(ShopFault.INCONSISTENT)
    return found


def agrees(order: StoredOrder, told: ShopOrder) -> bool:
    """Tell whether the shop's order is the one that was confirmed, at the confirmed total."""
    confirmed = (order.order_key, Money(order.total_minor, order.currency))
    return (told.reference, told.total) == confirmed


def hear(
    connection: Connection,
    asked: StoredOrder,
    answer: ShopOrder | Refused | Unknown,
    times: int,
    rules: Rules,
    at: At,
) -> AskAgain | None:
    """Take in the shop's word about an order; None once it is certain.

    Args:
        connection: of a unit of work that names the household.
        asked: the order as it was when the shop was asked.
        answer: of the shop.
        times: how often it was asked before.
        rules: the limits.
        at: instant and pages.
    """
    order = repository.order(connection, asked.household_id, asked.order_key)
    if order is None:
        return None
    if isinstance(answer, ShopOrder):
        moves.hear_shop(connection, order, answer, "shop", at)
        return None
    if isinstance(answer, Refused):
        return _hear_no(connection, order, answer, at)
    return _hear_nothing(connection, order, answer, times, rules, at)


def _hear_no(
    connection: Connection, order: StoredOrder, answer: Refused, at: At
) -> AskAgain | None:
    reason = ending(answer.reason)
    if answer.reason is ShopRefusal.ORDER_NOT_FOUND and order.cancel_wanted_at is not None:
        since = order.unclear_since or at.now
        if at.now - since < STILL_ON_ITS_WAY:
            return AskAgain(STILL_ON_ITS_WAY.total_seconds())
        reason = Ending.CANCELLED_BY_HOUSEHOLD
    moves.move_order(connection, order, OrderEvent.REFUSED, "shop", at, reason=reason.value)
    return None


def _hear_nothing(
    connection: Connection, order: StoredOrder, answer: Unknown, times: int, rules: Rules, at: At
) -> AskAgain | None:
    if order.state is OrderState.SUBMITTING:
        order = _unclear(connection, order, answer.fault.value, at)
    since = order.unclear_since
    if order.state is OrderState.UNKNOWN and since and at.now - since >= rules.unknown_limit:
        order = moves.move_order(
            connection, order, OrderEvent.GIVE_UP, "job", at, reason=order.reason
        )
    if order.state is OrderState.NEEDS_PERSON:
        return AskAgain(ASK_AT_LEISURE_S)
    if order.state is OrderState.UNKNOWN:
        return AskAgain(wait_s(times, answer))
    return None


def _unclear(connection: Connection, order: StoredOrder, reason: str, at: At) -> StoredOrder:
    since = {"unclear_since": order.unclear_since or at.now}
    return moves.move_order(
        connection, order, OrderEvent.UNCLEAR, "job", at, reason=reason, told=since
    )


def to_follow(connection: Connection, household_id: str, key: str) -> StoredOrder | None:
    """Read an order that is at the shop and under way; None if there is nothing to follow."""
    order = repository.order(connection, household_id, key)
    under_way = (OrderState.PLACED, OrderState.CANCELLING, OrderState.SHIPPED)
    return order if order is not None and order.state in under_way else None


def hear_follow(
    connection: Connection,
    asked: StoredOrder,
    answer: ShopOrder | Refused | Unknown,
    times: int,
    at: At,
) -> AskAgain | None:
    """Take in how an order stands; None once there is nothing more to follow."""
    order = to_follow(connection, asked.household_id, asked.order_key)
    if order is None:
        return None
    if isinstance(answer, ShopOrder) and agrees(order, answer):
        moves.hear_shop(connection, order, answer, "shop", at)
    if to_follow(connection, asked.household_id, asked.order_key) is None:
        return None
    return AskAgain(min(FOLLOW_S_MAX, FOLLOW_S_MIN * 2 ** min(times, 16)))
