"""What people and other rooms can do about an order after the yes."""

from datetime import datetime

from sqlalchemy import Connection

from zodra_cloud.kit.changes import Changes
from zodra_cloud.replenish.after import cancelling, following
from zodra_cloud.replenish.after.following import open_follow_ups
from zodra_cloud.replenish.models import At, CancelAnswer
from zodra_cloud.replenish.states import Answer

__all__ = ["answer_follow_up", "cancel", "note_refund", "open_follow_ups"]


def cancel(
    connection: Connection,
    household_id: str,
    order_key: str,
    *,
    person_id: str,
    now: datetime,
    changes: Changes,
) -> CancelAnswer:
    """Take the household's wish to cancel an order that has not been shipped.

    Its right to withdraw after the delivery is another thing, and not touched by this.
    """
    at = At(now, changes)
    return cancelling.cancel(connection, household_id, order_key, person_id, at)


def note_refund(
    connection: Connection,
    household_id: str,
    order_key: str,
    *,
    refunded_minor: int,
    now: datetime,
    changes: Changes,
) -> bool:
    """Note how much of an order went back in all; tells `refunded` if it is more than before."""
    at = At(now, changes)
    return following.note_refund(connection, household_id, order_key, refunded_minor, at)


def answer_follow_up(
    connection: Connection,
    household_id: str,
    order_key: str,
    answer: Answer,
    *,
    person_id: str,
    now: datetime,
    changes: Changes,
) -> bool:
    """Take the answer to "was it right?"; once, from the delivery until the question expires."""
    at = At(now, changes)
    return following.answer(connection, household_id, order_key, answer, person_id, at)
