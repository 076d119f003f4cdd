"""Need-moments as the other rooms see them, and the one way to change where one stands.

Every function works inside the caller's unit of work and is bound to a household.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.errors import UnknownThing
from zodra_cloud.ingest.metered import Metered, on_metered
from zodra_cloud.ingest.models import RefusalCount, StoredSignal
from zodra_cloud.ingest.repository import intake
from zodra_cloud.ingest.repository import signals as repository
from zodra_cloud.ingest.repository.intake import NeedValues
from zodra_cloud.ingest.telling import TELL_GATEWAY, GatewayTeller
from zodra_cloud.kit.changes import Changes
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import after_commit
from zodra_cloud.store.paging import Before
from zodra_cloud.store.types import to_ms
from zodra_contract.outcome import PROGRESS, SignalState
from zodra_contract.signal import NeedSignal
from zodra_contract.topics import Address


@dataclass(frozen=True, slots=True)
class Restated:
    """Where a need stands from now on."""

    household_id: str
    signal_id: str
    state: SignalState
    reason: str
    """One name from a closed list of the caller's room, or empty."""


DECIDE: Final = "decide"
"""Job stored with each new need-moment, under the key `decide_key` gives; its payload
is {"signal_id": ...} and its household is the job's own."""
TELL_AGAIN_SPAN: Final = timedelta(days=2)
TELL_AGAIN_MARGIN: Final = timedelta(seconds=30)
"""Between a need's move and its message on the wire, with a job and a broker between."""
TELL_AGAIN_MAX: Final = 50
REFUSALS_MAX: Final = 200
"""How many kinds of refusal an operator's page lists."""

__all__ = [
    "DECIDE",
    "TELL_GATEWAY",
    "GatewayTeller",
    "Metered",
    "Restated",
    "advance",
    "decide_key",
    "forget_telemetry",
    "on_metered",
    "recent_signals",
    "refusals",
    "restate",
    "restate_many",
    "signal",
    "signals",
    "take_in",
    "tallies",
    "tally",
    "tell_again",
]

_log = structlog.get_logger("zodra_cloud.ingest")


def signal(connection: Connection, household_id: str, signal_id: str) -> StoredSignal:
    """Read one need-moment. Raises `UnknownThing`."""
    found = repository.signal(connection, household_id, signal_id)
    if found is None:
        raise UnknownThing("need-moment", signal_id)
    return found


def take_in(
    connection: Connection, household_id: str, need: NeedSignal, *, source: str, now: datetime
) -> bool:
    """Store a need that no gateway brought, with the job that decides it.

    Args:
        connection: of the caller's unit of work, which names the household.
        household_id: whose need it is; the device must be one of its own.
        need: its `signal_id` is derived by the caller, so that a repeat is none.
        source: written where the gateway's id stands for others.
        now: the instant.

    Returns:
        False if a need of this id is stored already, and nothing changed.
    """
    if not intake.insert_needs(connection, [NeedValues(household_id, source, need)], now):
        return False
    jobs.enqueue(
        connection,
        kind=DECIDE,
        key=decide_key(household_id, need.signal_id),
        household_id=household_id,
        payload={"signal_id": need.signal_id},
        due_at=now,
    )
    return True


def decide_key(household_id: str, signal_id: str) -> str:
    """Name the job that decides a need."""
    return f"{DECIDE}:{household_id}:{signal_id}"


def signals(
    connection: Connection, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], StoredSignal]:
    """Read several need-moments, by household and signal; those that are not there are left out."""
    return repository.signals(connection, keys)


def recent_signals(
    connection: Connection, household_id: str, limit: int, before: Before | None = None
) -> list[StoredSignal]:
    """Read the newest need-moments of a household, newest first, or those that follow `before`."""
    return repository.recent_signals(connection, household_id, limit, before)


def tally(connection: Connection, household_id: str) -> dict[SignalState, int]:
    """Count a household's need-moments by state; states without any are left out."""
    return repository.tally(connection, household_id)


def advance(
    connection: Connection,
    household_id: str,
    signal_id: str,
    state: SignalState,
    reason: str,
    *,
    now: datetime,
    changes: Changes,
) -> bool:
    """Move a need-moment forward, tell its gateways by a job, and the open pages after the commit.

    Args:
        connection: of the caller's unit of work, which also writes what caused this.
        household_id: whose need it is.
        signal_id: which one.
        state: where it stands now.
        reason: one name from a closed list of the caller's room, or empty.
        now: the instant.
        changes: tells the pages.

    Returns:
        False if it stands there already or further, and nothing changed.

    Raises:
        UnknownThing: the household has no such need-moment.
    """
    found = repository.signal(connection, household_id, signal_id, lock=True)
    if found is None:
        raise UnknownThing("need-moment", signal_id)
    if PROGRESS[state] <= PROGRESS[found.state]:
        return False
    moved = replace(found, state=state, reason=reason, state_at=now)
    repository.save_states(connection, [moved])
    jobs.enqueue(
        connection,
        kind=TELL_GATEWAY,
        key=f"tell:{household_id}:{signal_id}:{state}",
        household_id=household_id,
        payload={"signal_id": signal_id},
        due_at=now,
    )
    _say_after_commit(connection, moved, changes)
    return True


def restate(
    connection: Connection,
    household_id: str,
    signal_id: str,
    state: SignalState,
    reason: str,
    *,
    now: datetime,
    changes: Changes,
) -> bool:
    """Write where a need stands, also if it stood further: a price that changed asks anew.

    Only for a move that the transition table of the caller's room names; `advance` is for all
    others. Arguments and faults are those of `advance`; False if nothing changed.
    """
    restated = Restated(household_id, signal_id, state, reason)
    return bool(restate_many(connection, [restated], now=now, changes=changes))


def restate_many(
    connection: Connection, restated: Sequence[Restated], *, now: datetime, changes: Changes
) -> int:
    """Write where needs stand, each of them once; as `restate`. Gives how many moved."""
    keys = [(each.household_id, each.signal_id) for each in restated]
    found = repository.signals(connection, keys, lock=True)
    missing = [key for key in keys if key not in found]
    if missing:
        raise UnknownThing("need-moment", missing[0][1])
    moved: list[StoredSignal] = []
    for each in restated:
        before = found[each.household_id, each.signal_id]
        if (before.state, before.reason) == (each.state, each.reason):
            continue
        # No step forward: a gateway takes it for late news unless it belongs to a new round.
        in_round = before.round + (PROGRESS[each.state] <= PROGRESS[before.state])
        moved.append(
            replace(before, state=each.state, reason=each.reason, state_at=now, round=in_round)
        )
    repository.save_states(connection, moved)
    jobs.enqueue_all(
        connection,
        [
            jobs.Intention(
                TELL_GATEWAY,
                f"tell:{each.household_id}:{each.signal_id}:{each.state}:{each.reason}:{to_ms(now)}",
                each.household_id,
                {"signal_id": each.signal_id},
                now,
            )
            for each in moved
        ],
    )
    for need in moved:
        _say_after_commit(connection, need, changes)
    return len(moved)


def _say_after_commit(connection: Connection, need: StoredSignal, changes: Changes) -> None:
    def say() -> None:
        _log.info(
            "need_moved",
            household_id=need.household_id,
            signal_id=need.signal_id,
            device_id=need.device_id,
            state=need.state.value,
            reason=need.reason,
        )
        changes.tell(need.household_id)

    after_commit(connection, say)


def tallies(connection: Connection) -> dict[str, dict[SignalState, int]]:
    """Count the need-moments of every household by state; an operator's read."""
    return repository.tallies(connection)


def refusals(connection: Connection) -> list[RefusalCount]:
    """List what was turned away, for an operator; newest first, at most `REFUSALS_MAX`."""
    return repository.refusal_counts(connection, REFUSALS_MAX)


def tell_again(
    connection: Connection, address: Address, *, before: datetime | None, now: datetime
) -> None:
    """Repeat to a gateway what it may have missed since its last sign of life.

    A broker keeps nothing for a gateway that is away, so what moved meanwhile is said once more
    when its health is heard. It ignores what it knows.

    Args:
        connection: of the unit of work that stores its health.
        address: of the gateway.
        before: when its health was heard before; None if never.
        now: the instant.
    """
    since = now - TELL_AGAIN_SPAN
    if before is not None:
        since = max(since, before - TELL_AGAIN_MARGIN)
    moved = repository.moved_since(connection, address.household_id, since, TELL_AGAIN_MAX)
    if moved:
        jobs.enqueue(
            connection,
            kind=TELL_GATEWAY,
            key=f"tell_again:{address.gateway_id}:{to_ms(now)}",
            household_id=address.household_id,
            payload={"gateway_id": address.gateway_id, "signal_ids": moved},
            due_at=now,
        )


def forget_telemetry(connection: Connection, before: datetime, limit: int) -> int:
    """Delete measurements from before an instant, at most so many; gives how many.

    Needs stay, and so do the readings that forecasts rest on, which have a limit of their own.
    """
    return intake.forget_telemetry(connection, before, limit)
