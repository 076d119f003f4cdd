"""The household changes its mind: at once while no shop was asked, through the shop after that."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.merchants.port import Refused, ShopOrder, ShopRefusal, Unknown
from zodra_cloud.replenish import moves, repository
from zodra_cloud.replenish.asking import AskAgain, wait_s
from zodra_cloud.replenish.models import At, CancelAnswer, StoredOrder
from zodra_cloud.replenish.ordering import agrees
from zodra_cloud.replenish.states import Ending, OrderEvent, OrderNews, OrderState

_UNSURE: Final = frozenset({OrderState.SUBMITTING, OrderState.UNKNOWN, OrderState.NEEDS_PERSON})
AT_LEISURE_AFTER: Final = 10
"""Attempts after which a shop that does not answer is asked every ten minutes only."""
AT_LEISURE: Final = timedelta(minutes=10)


def cancel(
    connection: Connection, household_id: str, order_key: str, person_id: str, at: At
) -> CancelAnswer:
    """Take the household's wish to cancel; a repeat changes nothing.

    An order of which it is not known whether the shop has it is cancelled when that is known.
    """
    order = repository.order(connection, household_id, order_key)
    if order is None:
        return CancelAnswer.UNKNOWN_ORDER
    if order.state is OrderState.CANCELLED:
        return CancelAnswer.CANCELLED
    wanted = {"cancel_wanted_at": at.now, "cancel_wanted_by": person_id}
    if order.state is OrderState.CONFIRMED:
        reason = Ending.CANCELLED_BY_HOUSEHOLD.value
        event = OrderEvent.CANCELLED
        moves.move_order(connection, order, event, "household", at, reason=reason, told=wanted)
        return CancelAnswer.CANCELLED
    if order.state is OrderState.PLACED:
        moves.move_order(connection, order, OrderEvent.WANT_CANCEL, "household", at, told=wanted)
        return CancelAnswer.ASKED
    if order.state in _UNSURE:
        if order.cancel_wanted_at is None:
            moves.note(connection, order, None, at, **wanted)
        return CancelAnswer.ASKED
    asked = order.state is OrderState.CANCELLING
    return CancelAnswer.ASKED if asked else CancelAnswer.TOO_LATE


def to_cancel(connection: Connection, household_id: str, order_key: str) -> StoredOrder | None:
    """Read an order that the shop is to cancel; None if there is nothing to ask any more."""
    order = repository.order(connection, household_id, order_key)
    under_way = order is not None and order.state is OrderState.CANCELLING
    return order if under_way else None


def hear(
    connection: Connection,
    asked: StoredOrder,
    answer: ShopOrder | Refused | Unknown,
    times: int,
    at: At,
) -> AskAgain | None:
    """Take in what the shop said to the wish; None once that is certain.

    Args:
        connection: of a unit of work that names the household.
        asked: the order as it was when the shop was asked.
        answer: of the shop.
        times: how often it was asked before.
        at: the instant, and whom to tell.
    """
    order = to_cancel(connection, asked.household_id, asked.order_key)
    if order is None:
        return None
    if isinstance(answer, ShopOrder) and agrees(order, answer):
        moves.hear_shop(connection, order, answer, "shop", at)
        return None if to_cancel(connection, *_name(order)) is None else _again(times)
    if isinstance(answer, Refused):
        _refused(connection, order, answer.reason, at)
        return None
    return _again(times, answer if isinstance(answer, Unknown) else None)


def _refused(connection: Connection, order: StoredOrder, refusal: ShopRefusal, at: At) -> None:
    reason = refusal.value
    placed = moves.move_order(connection, order, OrderEvent.TOO_LATE, "shop", at, reason=reason)
    moves.note(connection, placed, OrderNews.CANCEL_REFUSED, at)


def _again(times: int, unknown: Unknown | None = None) -> AskAgain:
    if times >= AT_LEISURE_AFTER or unknown is None:
        return AskAgain(AT_LEISURE.total_seconds())
    return AskAgain(wait_s(times, unknown))


def _name(order: StoredOrder) -> tuple[str, str]:
    return order.household_id, order.order_key
