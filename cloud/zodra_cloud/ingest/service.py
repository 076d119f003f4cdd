"""Need-moments as the other rooms see them, and the one way to change where one stands.

Every function works inside the caller's unit of work and is bound to a household.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from zodra_cloud.errors import UnknownThing
from zodra_cloud.fleet import service as fleet
from zodra_cloud.ingest.metered import Metered, on_metered
from zodra_cloud.ingest.models import RefusalCount, StoredSignal
from zodra_cloud.ingest.repository import intake
from zodra_cloud.ingest.repository import signals as repository
from zodra_cloud.ingest.repository.intake import NeedValues
from zodra_cloud.kit.broker import BROKER_DOWN_WAIT, Broker, BrokerDown
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database, after_commit
from zodra_cloud.store.jobs import Job
from zodra_cloud.store.paging import Before
from zodra_cloud.store.types import to_ms
from zodra_contract.envelope import to_bytes
from zodra_contract.outcome import PROGRESS, SignalOutcome, SignalState
from zodra_contract.signal import NeedSignal
from zodra_contract.topics import Address, Down, down

DECIDE: Final = "decide"
"""Job stored with each new need-moment, under the key `decide_key` gives; its payload
is {"signal_id": ...} and its household is the job's own."""
TELL_GATEWAY: Final = "tell_gateway"
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
    "advance",
    "decide_key",
    "on_metered",
    "recent_signals",
    "refusals",
    "restate",
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
    repository.set_state(
        connection, household_id, signal_id, state, reason, now, in_round=found.round
    )
    jobs.enqueue(
        connection,
        kind=TELL_GATEWAY,
        key=f"tell:{household_id}:{signal_id}:{state}",
        household_id=household_id,
        payload={"signal_id": signal_id},
        due_at=now,
    )
    _say_after_commit(connection, found, state, reason, changes)
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
    found = repository.signal(connection, household_id, signal_id, lock=True)
    if found is None:
        raise UnknownThing("need-moment", signal_id)
    if (found.state, found.reason) == (state, reason):
        return False
    # No step forward: a gateway takes it for late news unless it belongs to a new round.
    in_round = found.round + (PROGRESS[state] <= PROGRESS[found.state])
    repository.set_state(connection, household_id, signal_id, state, reason, now, in_round=in_round)
    jobs.enqueue(
        connection,
        kind=TELL_GATEWAY,
        key=f"tell:{household_id}:{signal_id}:{state}:{reason}:{to_ms(now)}",
        household_id=household_id,
        payload={"signal_id": signal_id},
        due_at=now,
    )
    _say_after_commit(connection, found, state, reason, changes)
    return True


def _say_after_commit(
    connection: Connection,
    need: StoredSignal,
    state: SignalState,
    reason: str,
    changes: Changes,
) -> None:
    def say() -> None:
        _log.info(
            "need_moved",
            household_id=need.household_id,
            signal_id=need.signal_id,
            device_id=need.device_id,
            state=state.value,
            reason=reason,
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


class GatewayTeller:
    """The handler of `tell_gateway` jobs."""

    def __init__(self, database: Database, clock: Clock, broker: Broker) -> None:
        self._database = database
        self._clock = clock
        self._broker = broker

    def __call__(self, job: Job) -> None:
        """Send where needs stand now, to every gateway of the household or to the one named.

        Now rather than when the job was stored: two jobs that swap places do no harm so.
        """
        assert job.household_id is not None  # noqa: S101 - whoever stores one names it
        only = job.payload.get("gateway_id")
        signal_ids = job.payload.get("signal_ids") or [job.payload["signal_id"]]
        with self._database.read() as connection:
            found = [signal(connection, job.household_id, each) for each in signal_ids]
            addresses = fleet.addresses(connection, job.household_id)
        try:
            for address in addresses:
                if only in (None, address.gateway_id):
                    for need in found:
                        self._broker.send(down(address, Down.OUTCOME), _outcome(need))
        except BrokerDown:
            with self._database.write() as connection:
                jobs.again(connection, job, self._clock.now() + BROKER_DOWN_WAIT)


def _outcome(need: StoredSignal) -> bytes:
    return to_bytes(
        SignalOutcome(
            signal_id=need.signal_id,
            device_id=need.device_id,
            slot_key=need.slot_key,
            state=need.state,
            reason=need.reason,
            decided_at=need.state_at,
            round=need.round,
        )
    )
