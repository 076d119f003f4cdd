"""A cloud reduced to what a gateway can see of it: what is stored, and the receipt that says so.

The watermark is the real one, of the cloud's own policy; the ledger keeps books beside it and finds
out when a receipt claims what was never stored.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import zstandard

from zodra_cloud.ingest.policy import Progress, receipt_of, settle, spans_of
from zodra_contract import envelope
from zodra_contract.envelope import BatchName, NeedBatch, Receipt, Rejection, TelemetryBatch
from zodra_contract.outcome import RejectReason

_UNPACKED_MAX: Final = envelope.MESSAGE_BYTES_UNPACKED_MAX


@dataclass
class Book:
    """One buffer of one gateway."""

    lane: str
    progress: Progress = field(default_factory=Progress)
    rows: dict[int, str] = field(default_factory=dict)
    """By sequence, what the row said; rejected ones too."""
    rejected: dict[int, RejectReason] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)
    """Passed by the watermark because the gateway said that it has them no more."""


@dataclass
class Ledger:
    """Everything that was stored."""

    strangers: frozenset[str] = frozenset()
    """Devices that are not registered."""
    poison: frozenset[str] = frozenset()
    """Devices whose rows spoil a whole message."""
    by_signal: bool = True
    """Whether a need is known by its name; one that is not like that is the negative control."""
    needs: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    """By name: who brought it first."""
    stored: Counter[str] = field(default_factory=Counter)
    """How often each need would be acted upon."""
    books: dict[tuple[str, str], Book] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)
    deliveries: int = 0
    faults: list[str] = field(default_factory=list)

    def take(
        self, gateway_id: str, raw: bytes, now: datetime, refuses: RejectReason | None = None
    ) -> Receipt | None:
        """Store a message, and answer as the cloud does; None if there is nothing to say."""
        if envelope.is_compressed(raw):
            raw = zstandard.ZstdDecompressor().decompress(raw, max_output_size=_UNPACKED_MAX)
        batch = envelope.read_up(raw).message
        if not isinstance(batch, NeedBatch | TelemetryBatch):
            return Receipt(committed_at=now)
        if batch.gateway_id != gateway_id:
            self.faults.append(f"{gateway_id} sent as {batch.gateway_id}")
        name = BatchName(batch.rows[0].sequence, len(batch.rows))
        if refuses is not None:
            return Receipt(buffer_id=batch.buffer_id, refused=refuses, batch=name, committed_at=now)
        poisoned = isinstance(batch, NeedBatch) and any(
            row.signal.device_id in self.poison for row in batch.rows
        )
        if poisoned:
            reason = RejectReason.MALFORMED
            return Receipt(buffer_id=batch.buffer_id, refused=reason, batch=name, committed_at=now)
        return self._store(gateway_id, batch, now)

    def _store(self, gateway_id: str, batch: NeedBatch | TelemetryBatch, now: datetime) -> Receipt:
        book = self.books.setdefault((gateway_id, batch.buffer_id), Book(batch.lane))
        self.deliveries += len(batch.rows)
        if isinstance(batch, NeedBatch):
            for row in batch.rows:
                self._need(gateway_id, batch.buffer_id, book, row)
        else:
            for reading in batch.rows:
                said = f"{reading.device_id} {reading.kind} {reading.value}"
                said += f" {batch.base_at.timestamp() * 1000 + reading.offset_ms:.0f}"
                self._note(book, reading.sequence, said)
        before = book.progress.upto
        spans = spans_of(row.sequence for row in batch.rows)
        book.progress = settle(book.progress, batch.kept_from, spans)
        book.skipped |= set(range(before + 1, book.progress.upto + 1)) - book.rows.keys()
        named = [Rejection(s, r) for s, r in sorted(book.rejected.items()) if s >= batch.kept_from]
        upto, rejected = receipt_of(book.progress.upto, named)
        return Receipt(buffer_id=batch.buffer_id, upto=upto, rejected=rejected, committed_at=now)

    def _note(self, book: Book, sequence: int, said: str) -> bool:
        """Write a row down; False if it was there."""
        if (held := book.rows.get(sequence)) is None:
            book.rows[sequence] = said
            return True
        if held != said:
            self.faults.append(f"row {sequence} said {held!r} and then {said!r}")
        return False

    def _need(self, gateway_id: str, buffer_id: str, book: Book, row: envelope.NeedRow) -> None:
        signal = row.signal
        if not self._note(book, row.sequence, signal.signal_id):
            return
        if signal.device_id in self.strangers:
            book.rejected[row.sequence] = RejectReason.UNKNOWN_DEVICE
            self.rejected.add(signal.signal_id)
        elif signal.signal_id not in self.needs or not self.by_signal:
            self.needs.setdefault(signal.signal_id, (gateway_id, buffer_id, row.sequence))
            self.stored[signal.signal_id] += 1
