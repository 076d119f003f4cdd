"""After the yes: a promise that is not kept is said once, and "was it right?" is asked once."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.replenish import hooks, moves, policy, repository
from zodra_cloud.replenish.models import At, FollowUp
from zodra_cloud.replenish.states import (
    Answer,
    FollowUpEvent,
    FollowUpState,
    OrderNews,
    next_follow_up_state,
)
from zodra_cloud.store.engine import after_commit

SHOWN_MAX: Final = 20
"""Questions on one page; more of them would be a chore."""


def look_late(connection: Connection, household_id: str, order_key: str, at: At) -> None:
    """Flag an order whose promised window has passed and that has not come."""
    order = repository.order(connection, household_id, order_key)
    if order is None:
        return
    late = policy.judge_late(order.promised_to_at, order.delivery_to_at, at.now)
    if late is not None:
        moves.flag_late(connection, order, late, at)


def note_refund(
    connection: Connection, household_id: str, order_key: str, refunded_minor: int, at: At
) -> bool:
    """Note how much of an order's total went back in all; False if no more than was known."""
    order = repository.order(connection, household_id, order_key)
    if order is None or not order.refunded_minor < refunded_minor <= order.total_minor:
        return False
    moves.note(connection, order, OrderNews.REFUNDED, at, refunded_minor=refunded_minor)
    return True


def follow_up_due(
    connection: Connection, household_id: str, order_key: str, at: At
) -> datetime | None:
    """Ask whether a delivery was right, or let the question end; give when to come back."""
    found = repository.follow_up(connection, household_id, order_key)
    if found is None:
        return None
    if found.state is FollowUpState.DUE:
        _move(connection, found, FollowUpEvent.ASK, OrderNews.FOLLOW_UP, at)
        return at.now + policy.FOLLOW_UP_LIFETIME
    if found.state is FollowUpState.ASKED:
        ends_at = found.state_at + policy.FOLLOW_UP_LIFETIME
        if at.now < ends_at:
            return ends_at
        _move(connection, found, FollowUpEvent.EXPIRE, None, at)
    return None


def open_follow_ups(connection: Connection, household_id: str) -> list[FollowUp]:
    """Read the questions that wait for the household, newest delivery first."""
    return repository.follow_ups_in(connection, household_id, (FollowUpState.ASKED,), SHOWN_MAX)


def answer(
    connection: Connection,
    household_id: str,
    order_key: str,
    said: Answer,
    person_id: str,
    at: At,
) -> bool:
    """Take the household's answer about a delivery; False if there is nothing to answer."""
    found = repository.follow_up(connection, household_id, order_key)
    if found is None:
        return False
    answered = replace(found, answer=said, answered_by=person_id)
    return _move(connection, answered, FollowUpEvent.ANSWER, OrderNews.ANSWERED, at)


def _move(
    connection: Connection, found: FollowUp, event: FollowUpEvent, news: OrderNews | None, at: At
) -> bool:
    state = next_follow_up_state(found.state, event)
    order = repository.order(connection, found.household_id, found.order_key)
    if state is None or order is None:
        return False
    repository.save_follow_up(connection, replace(found, state=state, state_at=at.now))
    after_commit(connection, lambda: at.changes.tell(found.household_id))
    if news is not None:
        hooks.tell_order(connection, order, news, at)
    return True
