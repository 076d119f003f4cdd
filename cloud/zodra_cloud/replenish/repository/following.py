"""Rows of the question whether a delivery was right."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, select, update

from zodra_cloud.replenish.models import FollowUp, StoredOrder
from zodra_cloud.replenish.repository.tables import follow_ups
from zodra_cloud.replenish.states import Answer, FollowUpState
from zodra_cloud.store.inserting import insert_new


def add_follow_up(connection: Connection, order: StoredOrder) -> None:
    """Note that a delivery is to be asked about; once an order."""
    insert_new(
        connection,
        follow_ups,
        {
            "household_id": order.household_id,
            "order_key": order.order_key,
            "device_id": order.device_id,
            "slot_key": order.slot_key,
            "state": FollowUpState.DUE,
            "delivered_at": order.delivered_at,
            "state_at": order.state_at,
        },
    )


def save_follow_up(connection: Connection, follow_up: FollowUp) -> None:
    """Write what of it can change."""
    connection.execute(
        update(follow_ups)
        .where(
            follow_ups.c.household_id == follow_up.household_id,
            follow_ups.c.order_key == follow_up.order_key,
        )
        .values(
            state=follow_up.state,
            answer=follow_up.answer,
            answered_by=follow_up.answered_by,
            state_at=follow_up.state_at,
        )
    )


def follow_up(connection: Connection, household_id: str, order_key: str) -> FollowUp | None:
    """Read the one about an order."""
    row = connection.execute(
        select(*follow_ups.c).where(
            follow_ups.c.household_id == household_id, follow_ups.c.order_key == order_key
        )
    ).first()
    return None if row is None else _follow_up(row)


def follow_ups_in(
    connection: Connection, household_id: str, states: Collection[FollowUpState], limit: int
) -> list[FollowUp]:
    """Read those of a household in some states, newest first."""
    rows = connection.execute(
        select(*follow_ups.c)
        .where(follow_ups.c.household_id == household_id, follow_ups.c.state.in_(states))
        .order_by(follow_ups.c.delivered_at.desc(), follow_ups.c.order_key)
        .limit(limit)
    )
    return [_follow_up(row) for row in rows]


def answers_at(
    connection: Connection, household_id: str, device_id: str, slot_key: str, limit: int
) -> list[FollowUp]:
    """Read what was answered about the deliveries of one slot, newest first."""
    rows = connection.execute(
        select(*follow_ups.c)
        .where(
            follow_ups.c.household_id == household_id,
            follow_ups.c.device_id == device_id,
            follow_ups.c.slot_key == slot_key,
            follow_ups.c.state == FollowUpState.ANSWERED,
        )
        .order_by(follow_ups.c.delivered_at.desc(), follow_ups.c.order_key)
        .limit(limit)
    )
    return [_follow_up(row) for row in rows]


def _follow_up(row: Any) -> FollowUp:
    answer = None if row.answer is None else Answer(row.answer)
    return FollowUp(**{**row._mapping, "state": FollowUpState(row.state), "answer": answer})
