"""Stores what was drained from the queue in one transaction, and says what to answer.

All or nothing: rows, watermarks, refusals, health, answers and the jobs of new needs commit
together, and only then is anything receipted. A message that the database itself will not take is
found by halving and refused alone, so it never holds up the rest.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

import psycopg
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from zodra_cloud.fleet import service as fleet
from zodra_cloud.households import service as households
from zodra_cloud.households.service import Heard
from zodra_cloud.ingest.admission import admit, with_registration
from zodra_cloud.ingest.metered import METERED, Metered, metered_of, tell_metered
from zodra_cloud.ingest.policy import (
    INSTANT_MS_MAX,
    INSTANT_MS_MIN,
    pace_ms,
    receipt_of,
    reject_need,
    reject_reading,
    settle,
    spans_of,
)
from zodra_cloud.ingest.reader import Received, Refusal, refuse
from zodra_cloud.ingest.repository import intake
from zodra_cloud.ingest.repository.intake import Buffer, BufferKey, NeedValues, TelemetryValues
from zodra_cloud.ingest.service import DECIDE, decide_key, tell_again
from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock
from zodra_cloud.store import jobs
from zodra_cloud.store.engine import Database, after_commit
from zodra_cloud.store.types import to_ms
from zodra_contract.envelope import (
    CommandAnswer,
    HealthReport,
    NeedBatch,
    Receipt,
    Rejection,
    TelemetryBatch,
    to_bytes,
)
from zodra_contract.outcome import RejectReason
from zodra_contract.reading import GOES_UP
from zodra_contract.topics import Address, Down, down

TELL_TELEMETRY_EVERY_S: Final = 2.0
"""New needs are told to open pages at once, fresh readings at most this often a household."""
_POISON: Final = (
    DataError,
    IntegrityError,
    psycopg.DataError,
    psycopg.IntegrityError,
    sqlite3.IntegrityError,
    ValueError,
    OverflowError,
)
"""Faults of a value, which come back however often it is tried; any other fault may pass."""

_log = structlog.get_logger("zodra_cloud.ingest")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to publish after the commit."""

    topic: str
    payload: bytes


@dataclass(slots=True)
class _Work:
    """What one transaction gathers before it writes."""

    telemetry: list[TelemetryValues] = field(default_factory=list)
    maybe_stored: bool = False
    """Whether a batch came that reaches below what its buffer has seen."""
    metered: list[Metered] = field(default_factory=list)
    needs: list[NeedValues] = field(default_factory=list)
    rejected: list[tuple[int, Rejection]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    buffers: dict[BufferKey, Buffer] = field(default_factory=dict)
    kept_from: dict[BufferKey, int] = field(default_factory=dict)
    newest: dict[BufferKey, Received] = field(default_factory=dict)
    """The last message of each buffer, to describe its rejections by."""
    accepted: set[str] = field(default_factory=set)
    heard_at: dict[tuple[str, str], int] = field(default_factory=dict)
    latest: dict[tuple[str, str, str], Heard] = field(default_factory=dict)
    households: set[str] = field(default_factory=set)
    reported: set[Address] = field(default_factory=set)
    """Gateways whose health came: they are told the time."""


class Writer:
    """Writes for one consumer; not shared between threads."""

    def __init__(self, database: Database, clock: Clock, changes: Changes) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._told_at_s: dict[str, float] = {}
        self._pace_ms = 0.0
        self._looked_at_s = clock.monotonic()

    def look_at_queue(self, used: float) -> None:
        """Take notice of how long the queue is, as `policy.pace_ms` does; before each `store`."""
        at_s = self._clock.monotonic()
        self._pace_ms = pace_ms(self._pace_ms, used, at_s - self._looked_at_s)
        self._looked_at_s = at_s

    def store(self, messages: Sequence[Received | Refusal]) -> list[Answer]:
        """Commit messages, and give the receipts to publish.

        Raises:
            sqlalchemy.exc.DBAPIError: the database cannot write now; nothing was stored, and the
                same messages may be given again.
        """
        if not messages:
            return []
        try:
            return self._store(messages)
        except _POISON as fault:
            if len(messages) > 1:
                half = len(messages) // 2
                return self.store(messages[:half]) + self.store(messages[half:])
            only = messages[0]
            if isinstance(only, Refusal):
                raise
            detail = type(fault).__name__
            poison = refuse(
                only.delivery, RejectReason.MALFORMED, detail, only.address, named=only.named
            )
            return self._store([poison])

    def _store(self, messages: Sequence[Received | Refusal]) -> list[Answer]:
        now = self._clock.now()
        with self._database.write() as connection:
            work = _gather(connection, messages, now)
            _write(connection, work, now)
            receipts = _settle(connection, work, now)
            self._tell_after_commit(connection, work)
        receipts += [(address, Receipt(committed_at=now)) for address in work.reported]
        answers = [*_refused(work, now), *receipts]
        if wish_ms := round(self._pace_ms):
            paced = {"pace_ms": wish_ms}
            answers = [(to, receipt.model_copy(update=paced)) for to, receipt in answers]
        return [Answer(down(to, Down.RECEIPT), to_bytes(receipt)) for to, receipt in answers]

    def _tell_after_commit(self, connection: Connection, work: _Work) -> None:
        told = {row.household_id for row in work.needs}
        at_s = self._clock.monotonic()
        for household_id in work.households - told:
            if at_s - self._told_at_s.get(household_id, -TELL_TELEMETRY_EVERY_S) >= (
                TELL_TELEMETRY_EVERY_S
            ):
                told.add(household_id)
        for household_id in told:
            self._told_at_s[household_id] = at_s
            after_commit(connection, partial(self._changes.tell, household_id))
        after_commit(connection, partial(_log_stored, work))


def _refused(work: _Work, now: datetime) -> list[tuple[Address, Receipt]]:
    """Answer what was turned away as a whole: each batch by its name, all else once a gateway."""
    answers: dict[object, tuple[Address, Receipt]] = {}
    for each in work.refusals:
        if each.address is None or not each.registered:
            continue
        buffer_id, batch = each.named or (None, None)
        receipt = Receipt(buffer_id=buffer_id, refused=each.reason, batch=batch, committed_at=now)
        answers[each.address, each.named] = (each.address, receipt)
    return list(answers.values())


def _log_stored(work: _Work) -> None:
    for row in work.needs:
        _log.info(
            "need_received",
            household_id=row.household_id,
            gateway_id=row.gateway_id,
            signal_id=row.signal.signal_id,
            device_id=row.signal.device_id,
            slot_key=row.signal.slot_key,
            kind=row.signal.kind.value,
        )
    # One line a commit and reason: whoever sends rubbish fast must not fill the disk with it.
    refused = Counter(
        (None if each.address is None else each.address.gateway_id, each.reason.value)
        for each in work.refusals
    )
    for (gateway_id, reason), count in refused.items():
        _log.warning("message_refused", gateway_id=gateway_id, reason=reason, count=count)


def _gather(connection: Connection, messages: Sequence[Received | Refusal], now: datetime) -> _Work:
    """Sort messages into what is stored and what is turned away."""
    work = _Work()
    senders = {each.address.gateway_id for each in messages if each.address is not None}
    known = fleet.known(connection, senders)
    admitted: list[Received] = []
    for each in messages:
        if isinstance(each, Refusal):
            work.refusals.append(with_registration(each, known))
        elif (refusal := admit(each, known)) is not None:
            work.refusals.append(refusal)
        else:
            admitted.append(each)
    wanted = {
        (each.address.gateway_id, each.read.buffer[0]): each.address.household_id
        for each in admitted
        if each.read.buffer is not None
    }
    if wanted:
        work.buffers = intake.load_buffers(connection, wanted, now)
    work.households = {each.address.household_id for each in admitted}
    work.accepted = {each.address.gateway_id for each in admitted}
    devices = households.device_ids(connection, work.households)
    now_ms = to_ms(now)
    for each in admitted:
        _gather_one(connection, work, each, devices[each.address.household_id], now, now_ms)
    return work


def _gather_one(
    connection: Connection,
    work: _Work,
    each: Received,
    device_ids: frozenset[str],
    now: datetime,
    now_ms: int,
) -> None:
    message = each.read.message
    if isinstance(message, HealthReport):
        before = fleet.keep_health(connection, message, now=now)
        tell_again(connection, each.address, before=before, now=now)
        work.reported.add(each.address)
        return
    if isinstance(message, CommandAnswer):
        fleet.keep_answer(connection, message, now=now)
        return
    assert each.read.buffer is not None  # noqa: S101 - a batch without a header is malformed
    buffer_id, kept_from = each.read.buffer
    key = (each.address.gateway_id, buffer_id)
    buffer = work.buffers[key]
    sequences: list[int] = [bad.sequence for bad in each.read.unreadable]
    work.rejected.extend((buffer.buffer_no, bad) for bad in each.read.unreadable)
    if isinstance(message, TelemetryBatch):
        _gather_telemetry(work, message, buffer, device_ids, now_ms)
        sequences.extend([row[0] for row in message.rows])
    elif isinstance(message, NeedBatch):
        _gather_needs(work, message, buffer, device_ids, now_ms)
        sequences.extend(row.sequence for row in message.rows)
    spans = spans_of(sequences)
    work.maybe_stored = work.maybe_stored or spans[0][0] <= buffer.progress.top
    buffer.progress = settle(buffer.progress, kept_from, spans)
    work.kept_from[key] = max(kept_from, work.kept_from.get(key, 1))
    work.newest[key] = each


def _gather_telemetry(
    work: _Work,
    batch: TelemetryBatch,
    buffer: Buffer,
    device_ids: frozenset[str],
    now_ms: int,
) -> None:
    base_ms = to_ms(batch.base_at)
    rows: Sequence[tuple[int, str, str, float, int]] = batch.rows
    # The last reading of each kind and device, which also tells at once whether any row can be
    # refused: nearly always none, so rows are looked at one by one only if one is.
    last = {(row[1], row[2]): row for row in rows}
    offsets_ms = [row[4] for row in rows]
    if (
        not all(kind in GOES_UP and device_id in device_ids for device_id, kind in last)
        or base_ms + min(offsets_ms) < INSTANT_MS_MIN
        or base_ms + max(offsets_ms) >= INSTANT_MS_MAX
    ):
        rows = _without_rejected(work, batch, buffer, base_ms, device_ids)
        last = {(row[1], row[2]): row for row in rows}
    no, error_ms = buffer.buffer_no, batch.error_ms
    work.telemetry += [
        (no, sequence, device_id, kind, value, base_ms + offset_ms, error_ms)
        for sequence, device_id, kind, value, offset_ms in rows
    ]
    household_id = buffer.household_id
    if any(kind in METERED for _device_id, kind in last):
        work.metered += metered_of(household_id, rows, base_ms)
    for (device_id, kind), row in last.items():
        work.heard_at[household_id, device_id] = now_ms
        work.latest[household_id, device_id, kind] = Heard(
            household_id, device_id, kind, row[3], base_ms + row[4]
        )


def _without_rejected(
    work: _Work,
    batch: TelemetryBatch,
    buffer: Buffer,
    base_ms: int,
    device_ids: frozenset[str],
) -> list[tuple[int, str, str, float, int]]:
    good: list[tuple[int, str, str, float, int]] = []
    for row in batch.rows:
        reason = reject_reading(row, base_ms, device_ids)
        if reason is None:
            good.append(row)
        else:
            work.rejected.append((buffer.buffer_no, Rejection(row.sequence, reason)))
    return good


def _gather_needs(
    work: _Work, batch: NeedBatch, buffer: Buffer, device_ids: frozenset[str], now_ms: int
) -> None:
    for row in batch.rows:
        reason = reject_need(row, to_ms(row.signal.occurred_at), device_ids)
        if reason is not None:
            work.rejected.append((buffer.buffer_no, Rejection(row.sequence, reason)))
            continue
        work.needs.append(NeedValues(buffer.household_id, batch.gateway_id, row.signal))
        work.heard_at[buffer.household_id, row.signal.device_id] = now_ms


def _write(connection: Connection, work: _Work, now: datetime) -> None:
    if work.telemetry:
        intake.insert_telemetry(connection, work.telemetry, maybe_stored=work.maybe_stored)
    tell_metered(connection, work.metered, now)
    if work.needs:
        work.needs = intake.insert_needs(connection, work.needs, now)
        jobs.enqueue_many(
            connection,
            kind=DECIDE,
            intentions=[
                (
                    decide_key(row.household_id, row.signal.signal_id),
                    row.household_id,
                    {"signal_id": row.signal.signal_id},
                )
                for row in work.needs
            ],
            due_at=now,
        )
    households.note_heard(connection, work.heard_at, list(work.latest.values()))
    if work.accepted:
        fleet.note_accepted(connection, work.accepted, now=now)
    _count_refusals(connection, work, now)


def _count_refusals(connection: Connection, work: _Work, now: datetime) -> None:
    for refusal in work.refusals:
        intake.count_refusal(connection, refusal, now)
        if refusal.address is not None and refusal.registered:
            fleet.note_refused(connection, refusal.address.gateway_id, refusal.reason, now=now)
    if not work.rejected:
        return
    by_number = {buffer.buffer_no: key for key, buffer in work.buffers.items()}
    added = Counter(intake.insert_rejections(connection, work.rejected, now))
    for (buffer_no, reason), count in sorted(added.items()):
        key = by_number[buffer_no]
        work.buffers[key].rejected_count += count
        newest = work.newest[key]
        refusal = refuse(
            newest.delivery, reason, "rows of a batch", newest.address, registered=True
        )
        intake.count_refusal(connection, refusal, now, count=count)


def _settle(connection: Connection, work: _Work, now: datetime) -> list[tuple[Address, Receipt]]:
    """Write the watermarks of the buffers, and the receipts to send once this commits."""
    answers: list[tuple[Address, Receipt]] = []
    for key, received in work.newest.items():
        buffer, kept_from = work.buffers[key], work.kept_from[key]
        rejected: list[Rejection] = []
        if buffer.rejected_count:
            buffer.rejected_count -= intake.forget_rejections(
                connection, buffer.buffer_no, kept_from
            )
            rejected = intake.rejections(connection, buffer.buffer_no, kept_from)
        upto, named = receipt_of(buffer.progress.upto, rejected)
        receipt = Receipt(buffer_id=key[1], upto=upto, rejected=named, committed_at=now)
        address = Address(buffer.household_id, key[0])
        answers.append((address, receipt))
        assert received.address == address  # noqa: S101 - `admit` compared them
    if work.newest:
        intake.save_buffers(connection, [work.buffers[key] for key in work.newest])
    return answers
