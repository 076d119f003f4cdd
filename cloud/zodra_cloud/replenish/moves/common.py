"""Jobs of the room, and the move of a need that a quote or an order makes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.service import Restated
from zodra_cloud.replenish import repository
from zodra_cloud.replenish.models import At
from zodra_cloud.replenish.policy import Reason
from zodra_cloud.store import jobs
from zodra_contract.outcome import SignalState

QUOTE_JOB: Final = "quote"
EXPIRE_JOB: Final = "expire_quote"
PLACE_JOB: Final = "place"
FOLLOW_JOB: Final = "follow"
CANCEL_JOB: Final = "cancel"
LATE_JOB: Final = "look_late"
FOLLOW_UP_JOB: Final = "follow_up"

_FOLLOWER_STATES: Final = {
    SignalState.ORDERED: SignalState.ALREADY_ON_ITS_WAY,
    SignalState.SHIPPED: SignalState.ALREADY_ON_ITS_WAY,
    SignalState.DELIVERED: SignalState.ALREADY_ON_ITS_WAY,
}
"""What a need that holds on to another's quote hears; for all other states, the same as it."""


def move_need(
    connection: Connection,
    household_id: str,
    signal_id: str,
    state: SignalState,
    reason: str,
    at: At,
) -> None:
    """Write where a need stands, and every need that holds on to its quote."""
    move_needs(connection, [Restated(household_id, signal_id, state, reason)], at)


def move_needs(connection: Connection, moved: Sequence[Restated], at: At) -> None:
    """Write where many needs stand, none of which holds on to another of them; as `move_need`."""
    needs.restate_many(connection, moved, now=at.now, changes=at.changes)
    leaders = {(each.household_id, each.signal_id): each for each in moved}
    held = repository.followers(connection, list(leaders))
    if not held:
        return
    found = needs.signals(
        connection, [(household_id, follower) for household_id, follower, _ in held]
    )
    following = [
        _follow(leaders[household_id, leader], follower)
        for household_id, follower, leader in held
        if not found[household_id, follower].state.final
    ]
    needs.restate_many(connection, following, now=at.now, changes=at.changes)


def _follow(leader: Restated, follower: str) -> Restated:
    state = _FOLLOWER_STATES.get(leader.state, leader.state)
    reason = Reason.ALREADY_ASKED.value if state is SignalState.ASKED else leader.reason
    if state is SignalState.ALREADY_ON_ITS_WAY:
        reason = state.value
    return Restated(leader.household_id, follower, state, reason)


def job_key(kind: str, household_id: str, name: str) -> str:
    """Name the job of one kind for one quote or order."""
    return f"{kind}:{household_id}:{name}"


def enqueue(
    connection: Connection,
    kind: str,
    household_id: str,
    name: str,
    due_at: datetime,
    *,
    attempt: str = "",
) -> None:
    """Store a job about one quote or order; one of each kind, or of each attempt."""
    jobs.enqueue(
        connection,
        kind=kind,
        key=job_key(kind, household_id, f"{name}{attempt}"),
        household_id=household_id,
        payload={"id": name},
        due_at=due_at,
    )
