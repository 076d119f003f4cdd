"""The tables of the ingest room, and the SQL by which other rooms see need-moments.

What the hot path writes is in `ingest/storage.py`.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
    update,
)

from zodra_cloud.ingest.models import RefusalCount, StoredSignal
from zodra_cloud.store.engine import metadata
from zodra_cloud.store.types import BigInt, Flag, Instant, Json, Real
from zodra_contract.outcome import SignalState
from zodra_contract.signal import SignalKind, TimeQuality

buffers: Final = Table(
    "buffers",
    metadata,
    Column("buffer_no", BigInt, primary_key=True, autoincrement=True),
    Column("household_id", Text, ForeignKey("households.household_id"), nullable=False),
    Column("gateway_id", Text, ForeignKey("gateways.gateway_id"), nullable=False),
    Column("buffer_id", Text, nullable=False),
    Column("upto", BigInt, nullable=False),
    Column("ahead", Json, nullable=False),
    Column("rejected_count", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("gateway_id", "buffer_id"),
    sqlite_strict=True,
)

telemetry: Final = Table(
    "telemetry",
    metadata,
    Column("buffer_no", BigInt, primary_key=True, autoincrement=False),
    Column("sequence", BigInt, primary_key=True, autoincrement=False),
    Column("device_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Real, nullable=False),
    Column("observed_at", Instant, nullable=False),
    Column("error_ms", BigInt, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

need_signals: Final = Table(
    "need_signals",
    metadata,
    Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True),
    Column("signal_id", Text, primary_key=True),
    Column("gateway_id", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("slot_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("monotonic_ms", BigInt, nullable=False),
    Column("quality", Text, nullable=False),
    Column("error_ms", BigInt, nullable=False),
    Column("evidence", Json, nullable=False),
    Column("authenticated", Flag, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state_at", Instant, nullable=False),
    Index("ix_need_signals_household_id_occurred_at", "household_id", "occurred_at"),
    sqlite_strict=True,
)

rejected_rows: Final = Table(
    "rejected_rows",
    metadata,
    Column("buffer_no", BigInt, primary_key=True, autoincrement=False),
    Column("sequence", BigInt, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("rejected_at", Instant, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

refusals: Final = Table(
    "refusals",
    metadata,
    Column("household_id", Text, primary_key=True),
    Column("gateway_id", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("count", BigInt, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("last_topic", Text, nullable=False),
    Column("last_bytes", BigInt, nullable=False),
    Column("last_sha256", Text, nullable=False),
    Column("last_detail", Text, nullable=False),
    sqlite_strict=True,
)

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


def recent_signals(connection: Connection, household_id: str, limit: int) -> list[StoredSignal]:
    """Read the newest need-moments of a household."""
    rows = connection.execute(
        select(*_SIGNAL)
        .where(need_signals.c.household_id == household_id)
        .order_by(need_signals.c.occurred_at.desc(), need_signals.c.signal_id)
        .limit(limit)
    )
    return [_signal(row) for row in rows]


def set_state(
    connection: Connection,
    household_id: str,
    signal_id: str,
    state: SignalState,
    reason: str,
    now: datetime,
) -> None:
    """Write where a need stands."""
    connection.execute(
        update(need_signals)
        .where(need_signals.c.household_id == household_id, need_signals.c.signal_id == signal_id)
        .values(state=state, reason=reason, state_at=now)
    )


def tally(connection: Connection, household_id: str) -> dict[SignalState, int]:
    """Count a household's need-moments by state."""
    rows = connection.execute(
        select(need_signals.c.state, func.count())
        .where(need_signals.c.household_id == household_id)
        .group_by(need_signals.c.state)
    )
    return {SignalState(state): count for state, count in rows}


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
    )
