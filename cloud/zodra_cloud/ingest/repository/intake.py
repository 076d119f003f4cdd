"""What the ingest's one transaction writes, in few and large statements.

Raw SQL where rows come by the thousand: building SQL expressions would cost more than executing
them. Telemetry is `INSERT OR IGNORE` on SQLite, and COPY on PostgreSQL: straight into the table
where all rows are new, else through a temporary table and ON CONFLICT.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, delete, select, tuple_

from zodra_cloud.ingest.policy import REJECTIONS_MAX, Progress
from zodra_cloud.ingest.reader import Refusal
from zodra_cloud.ingest.repository.tables import (
    buffers,
    need_signals,
    refusals,
    rejected_rows,
    telemetry,
)
from zodra_cloud.store.inserting import insert_into
from zodra_contract.envelope import Rejection
from zodra_contract.outcome import RejectReason, SignalState
from zodra_contract.signal import NeedSignal

BufferKey = tuple[str, str]
"""Gateway and buffer id."""

TelemetryValues = tuple[int, int, str, str, float, int, int]
"""buffer_no, sequence, device_id, kind, value, observed_ms, error_ms."""

_TELEMETRY_COLUMNS: Final = "buffer_no, sequence, device_id, kind, value, observed_at, error_ms"
_SQLITE_TELEMETRY: Final = (
    f"INSERT OR IGNORE INTO telemetry ({_TELEMETRY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
)
_STAGE: Final = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS incoming (buffer_no BIGINT, sequence BIGINT,"
    " device_id TEXT, kind TEXT, value DOUBLE PRECISION, observed_at BIGINT, error_ms BIGINT)"
    " ON COMMIT DELETE ROWS"
)
_COPY: Final = "COPY telemetry (" + _TELEMETRY_COLUMNS + ") FROM STDIN"
_COPY_STAGED: Final = "COPY incoming (" + _TELEMETRY_COLUMNS + ") FROM STDIN"
_UNSTAGE: Final = (
    f"INSERT INTO telemetry ({_TELEMETRY_COLUMNS}) SELECT {_TELEMETRY_COLUMNS} FROM incoming"  # noqa: S608
    " ON CONFLICT DO NOTHING"
)


@dataclass(slots=True)
class Buffer:
    """One buffer of one gateway, as the transaction sees and changes it."""

    buffer_no: int
    household_id: str
    progress: Progress
    rejected_count: int
    """Rejected rows that a receipt may still have to name."""


@dataclass(frozen=True, slots=True)
class NeedValues:
    """A need-moment and where it came from."""

    household_id: str
    gateway_id: str
    signal: NeedSignal


def load_buffers(
    connection: Connection, wanted: dict[BufferKey, str], now: datetime
) -> dict[BufferKey, Buffer]:
    """Read and lock the buffers of a transaction, and make those that are new.

    Args:
        connection: of the transaction.
        wanted: household by buffer.
        now: the instant, for new ones.
    """
    found = _select_buffers(connection, wanted)
    missing = [key for key in wanted if key not in found]
    if not missing:
        return found
    connection.execute(
        insert_into(connection, buffers).on_conflict_do_nothing(),
        [
            {
                "household_id": wanted[gateway_id, buffer_id],
                "gateway_id": gateway_id,
                "buffer_id": buffer_id,
                "upto": 0,
                "ahead": [],
                "rejected_count": 0,
                "created_at": now,
            }
            for gateway_id, buffer_id in missing
        ],
    )
    return _select_buffers(connection, wanted)


def _select_buffers(connection: Connection, wanted: Iterable[BufferKey]) -> dict[BufferKey, Buffer]:
    keys = set(wanted)
    rows = connection.execute(
        select(
            buffers.c.gateway_id,
            buffers.c.buffer_id,
            buffers.c.buffer_no,
            buffers.c.household_id,
            buffers.c.upto,
            buffers.c.ahead,
            buffers.c.rejected_count,
        )
        .where(
            buffers.c.gateway_id.in_({gateway_id for gateway_id, _ in keys}),
            buffers.c.buffer_id.in_({buffer_id for _, buffer_id in keys}),
        )
        .order_by(buffers.c.buffer_no)
        .with_for_update()
    )
    return {
        (row.gateway_id, row.buffer_id): Buffer(
            row.buffer_no,
            row.household_id,
            Progress(row.upto, tuple((first, last) for first, last in row.ahead)),
            row.rejected_count,
        )
        for row in rows
        if (row.gateway_id, row.buffer_id) in keys
    }


def save_buffers(connection: Connection, changed: Iterable[Buffer]) -> None:
    """Write how far each buffer is settled."""
    mark = _mark(connection)
    connection.exec_driver_sql(
        f"UPDATE buffers SET upto = {mark}, ahead = {mark}, rejected_count = {mark}"  # noqa: S608
        f" WHERE buffer_no = {mark}",
        [
            (
                each.progress.upto,
                json.dumps(each.progress.ahead, separators=(",", ":")),
                each.rejected_count,
                each.buffer_no,
            )
            for each in changed
        ],
    )


def forget_telemetry(connection: Connection, before: datetime, limit: int) -> int:
    """Delete measurements from before an instant, at most so many; gives how many.

    The oldest first, by their index: without it each run read the whole table, 0.1 s a million
    rows, in the unit of work that presses wait for.
    """
    old = (
        select(telemetry.c.buffer_no, telemetry.c.sequence)
        .where(telemetry.c.observed_at < before)
        .order_by(telemetry.c.observed_at)
        .limit(limit)
    )
    key = tuple_(telemetry.c.buffer_no, telemetry.c.sequence)
    return connection.execute(delete(telemetry).where(key.in_(old))).rowcount


def insert_telemetry(
    connection: Connection, rows: list[TelemetryValues], *, maybe_stored: bool
) -> None:
    """Store readings; one that is stored already is left as it is.

    Args:
        connection: of the transaction.
        rows: the readings.
        maybe_stored: False if by their sequences they should all be new, which PostgreSQL stores
            a third faster. Being wrong about it costs time and nothing else.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_SQLITE_TELEMETRY, rows)
        return
    # Ids and kinds are of [A-Za-z0-9_-] by the contract, so COPY's text needs no escaping.
    lines = "".join(
        [
            f"{no}\t{sequence}\t{device_id}\t{kind}\t{value!r}\t{at_ms}\t{error_ms}\n"
            for no, sequence, device_id, kind, value, at_ms, error_ms in rows
        ]
    )
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    with driver.cursor() as cursor:
        if not maybe_stored and _copy_all(cursor, lines):
            return
        cursor.execute(_STAGE)
        with cursor.copy(_COPY_STAGED) as copy:
            copy.write(lines)
        cursor.execute(_UNSTAGE)


def _copy_all(cursor: psycopg.Cursor[Any], lines: str) -> bool:
    """Copy straight into the table; False, and nothing copied, if one row was there already."""
    cursor.execute("SAVEPOINT straight")
    try:
        with cursor.copy(_COPY) as copy:
            copy.write(lines)
    except psycopg.errors.UniqueViolation:
        cursor.execute("ROLLBACK TO SAVEPOINT straight")
        return False
    cursor.execute("RELEASE SAVEPOINT straight")
    return True


def insert_needs(
    connection: Connection, rows: Iterable[NeedValues], now: datetime
) -> list[NeedValues]:
    """Store need-moments; give those that are new."""
    by_key = {(row.household_id, row.signal.signal_id): row for row in rows}
    added = connection.execute(
        insert_into(connection, need_signals)
        .on_conflict_do_nothing()
        .returning(need_signals.c.household_id, need_signals.c.signal_id),
        [_need_values(by_key[key], now) for key in sorted(by_key)],
    )
    return [by_key[household_id, signal_id] for household_id, signal_id in added]


def _need_values(row: NeedValues, now: datetime) -> dict[str, Any]:
    signal = row.signal
    return {
        "household_id": row.household_id,
        "signal_id": signal.signal_id,
        "gateway_id": row.gateway_id,
        "device_id": signal.device_id,
        "slot_key": signal.slot_key,
        "kind": signal.kind,
        "occurred_at": signal.occurred_at,
        "received_at": now,
        "boot_id": signal.time.boot_id,
        "monotonic_ms": signal.time.monotonic_ms,
        "quality": signal.time.quality,
        "error_ms": signal.time.error_ms,
        "evidence": signal.evidence,
        "authenticated": signal.authenticated,
        "state": SignalState.RECEIVED,
        "reason": "",
        "state_at": now,
    }


def insert_rejections(
    connection: Connection, rows: Sequence[tuple[int, Rejection]], now: datetime
) -> list[tuple[int, RejectReason]]:
    """Store rejected rows by name; give buffer and reason of those that are new."""
    by_key = {(buffer_no, each.sequence): each.reason for buffer_no, each in rows}
    added = connection.execute(
        insert_into(connection, rejected_rows)
        .on_conflict_do_nothing()
        .returning(rejected_rows.c.buffer_no, rejected_rows.c.reason),
        [
            {"buffer_no": buffer_no, "sequence": sequence, "reason": reason, "rejected_at": now}
            for (buffer_no, sequence), reason in sorted(by_key.items())
        ],
    )
    return [(buffer_no, RejectReason(reason)) for buffer_no, reason in added]


def rejections(connection: Connection, buffer_no: int, kept_from: int) -> list[Rejection]:
    """Read the rejected rows that a gateway still keeps, up to one more than a receipt names."""
    rows = connection.execute(
        select(rejected_rows.c.sequence, rejected_rows.c.reason)
        .where(rejected_rows.c.buffer_no == buffer_no, rejected_rows.c.sequence >= kept_from)
        .order_by(rejected_rows.c.sequence)
        .limit(REJECTIONS_MAX + 1)
    )
    return [Rejection(sequence, RejectReason(reason)) for sequence, reason in rows]


def forget_rejections(connection: Connection, buffer_no: int, kept_from: int) -> int:
    """Forget rejected rows that their gateway has taken notice of; they stay counted."""
    gone = connection.execute(
        delete(rejected_rows).where(
            rejected_rows.c.buffer_no == buffer_no, rejected_rows.c.sequence < kept_from
        )
    )
    return gone.rowcount


def count_refusal(
    connection: Connection, refusal: Refusal, now: datetime, *, count: int = 1
) -> None:
    """Count what was turned away, by address and reason, and note the newest.

    What comes from no registered gateway is counted together, so that a stranger who makes up
    addresses cannot fill the table.
    """
    known = refusal.address if refusal.registered else None
    newest = {
        "last_at": now,
        "last_topic": refusal.topic,
        "last_bytes": refusal.size_bytes,
        "last_sha256": refusal.sha256,
        "last_detail": refusal.detail,
    }
    statement = insert_into(connection, refusals).values(
        household_id=known.household_id if known else "",
        gateway_id=known.gateway_id if known else "",
        reason=refusal.reason,
        count=count,
        first_at=now,
        **newest,
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["household_id", "gateway_id", "reason"],
            set_={"count": refusals.c.count + count, **newest},
        )
    )


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"
