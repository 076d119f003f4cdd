"""How other rooms and pages see need-moments and refusals."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select

from zodra_cloud.ingest.models import RefusalCount, StoredSignal
from zodra_cloud.ingest.repository.tables import need_signals, refusals
from zodra_cloud.store.among import among
from zodra_cloud.store.inserting import update_many
from zodra_cloud.store.paging import Before, older
from zodra_contract.outcome import SignalState
from zodra_contract.signal import SignalKind, TimeQuality

_SIGNAL: Final = (
    need_signals.c.household_id,
    need_signals.c.signal_id,
    need_signals.c.gateway_id,
    need_signals.c.device_id,
    need_signals.c.slot_key,
    need_signals.c.kind,
    need_signals.c.occurred_at,
    need_signals.c.received_at,
    need_signals.c.quality,
    need_signals.c.error_ms,
    need_signals.c.evidence,
    need_signals.c.authenticated,
    need_signals.c.state,
    need_signals.c.reason,
    need_signals.c.state_at,
    need_signals.c.round,
)


def signal(
    connection: Connection, household_id: str, signal_id: str, *, lock: bool = False
) -> StoredSignal | None:
    """Read one need-moment; with `lock`, no other unit of work changes it until this one ends."""
    query = select(*_SIGNAL).where(
        need_signals.c.household_id == household_id, need_signals.c.signal_id == signal_id
    )
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _signal(row)


def signals(
    connection: Connection, keys: Collection[tuple[str, str]], *, lock: bool = False
) -> dict[tuple[str, str], StoredSignal]:
    """Read several need-moments, by household and signal; `lock` as in `signal`."""
    query = select(*_SIGNAL).where(
        among(connection, (need_signals.c.household_id, need_signals.c.signal_id), keys)
    )
    if lock:
        key = need_signals.c.household_id, need_signals.c.signal_id
        query = query.order_by(*key).with_for_update()
    rows = connection.execute(query)
    return {(row.household_id, row.signal_id): _signal(row) for row in rows}


def recent_signals(
    connection: Connection, household_id: str, limit: int, before: Before | None = None
) -> list[StoredSignal]:
    """Read the newest need-moments of a household, or those that follow in the list."""
    rows = connection.execute(
        select(*_SIGNAL)
        .where(need_signals.c.household_id == household_id)
        .where(older(need_signals.c.occurred_at, need_signals.c.signal_id, before))
        .order_by(need_signals.c.occurred_at.desc(), need_signals.c.signal_id)
        .limit(limit)
    )
    return [_signal(row) for row in rows]


def moved_since(
    connection: Connection, household_id: str, since: datetime, limit: int
) -> list[str]:
    """Name the need-moments that moved since an instant, the newest `limit` of them."""
    moved = connection.execute(
        select(need_signals.c.signal_id)
        .where(
            need_signals.c.household_id == household_id,
            need_signals.c.state != SignalState.RECEIVED,
            need_signals.c.state_at >= since,
        )
        .order_by(need_signals.c.state_at.desc(), need_signals.c.signal_id)
        .limit(limit)
    )
    return list(moved.scalars())


def save_states(connection: Connection, moved: Sequence[StoredSignal]) -> None:
    """Write where needs stand."""
    update_many(
        connection,
        need_signals,
        ("household_id", "signal_id"),
        [
            {
                "household_id": each.household_id,
                "signal_id": each.signal_id,
                "state": each.state,
                "reason": each.reason,
                "state_at": each.state_at,
                "round": each.round,
            }
            for each in moved
        ],
    )


def tally(connection: Connection, household_id: str) -> dict[SignalState, int]:
    """Count a household's need-moments by state."""
    rows = connection.execute(
        select(need_signals.c.state, func.count())
        .where(need_signals.c.household_id == household_id)
        .group_by(need_signals.c.state)
    )
    return {SignalState(state): count for state, count in rows}


def tallies(connection: Connection) -> dict[str, dict[SignalState, int]]:
    """Count the need-moments of every household by state; an operator's read."""
    rows = connection.execute(
        select(need_signals.c.household_id, need_signals.c.state, func.count()).group_by(
            need_signals.c.household_id, need_signals.c.state
        )
    )
    counts: dict[str, dict[SignalState, int]] = {}
    for household_id, state, count in rows:
        counts.setdefault(household_id, {})[SignalState(state)] = count
    return counts


def refusal_counts(connection: Connection, limit: int) -> list[RefusalCount]:
    """Read what was turned away, newest first; an operator's read."""
    rows = connection.execute(
        select(*refusals.c)
        .order_by(refusals.c.last_at.desc(), refusals.c.gateway_id, refusals.c.reason)
        .limit(limit)
    )
    return [RefusalCount(*row) for row in rows]


def _signal(row: Any) -> StoredSignal:
    return StoredSignal(
        household_id=row.household_id,
        signal_id=row.signal_id,
        gateway_id=row.gateway_id,
        device_id=row.device_id,
        slot_key=row.slot_key,
        kind=SignalKind(row.kind),
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        quality=TimeQuality(row.quality),
        error_ms=row.error_ms,
        evidence=row.evidence,
        authenticated=row.authenticated,
        state=SignalState(row.state),
        reason=row.reason,
        state_at=row.state_at,
        round=row.round,
    )
