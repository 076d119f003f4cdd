"""Watermark arithmetic, which rows are turned away for which reason, and the pace. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from zodra_contract.envelope import NeedRow, Rejection, TelemetryRow
from zodra_contract.outcome import RejectReason
from zodra_contract.reading import GOES_UP, STAYS_HOME
from zodra_contract.signal import CLOUD_MADE

AHEAD_SPANS_MAX: Final = 64
"""Islands above the watermark that are remembered. A gateway sends in order, so there are few; of
what is forgotten beyond it nothing is lost, since it comes again and its key is there already."""
REJECTIONS_MAX: Final = 2_000
"""Named in one receipt: about 80 kB. With more, the watermark stops before the first unnamed."""
INSTANT_MS_MIN: Final = 0
"""1970: where a gateway without a clock battery boots."""
INSTANT_MS_MAX: Final = 7_258_118_400_000
"""The year 2200: later is no instant but a fault, and would break a page that prints it."""

PACE_MS_MAX: Final = 30_000
"""With batches of 500 rows a cloud of 25,000 rows/s keeps up with 1,500 gateways that drain."""
PACE_MS_PER_S: Final = 200
"""Simulated with 20 to 1,000 gateways that drain (`tests/cloud/ingest/test_pace.py`): the cloud
works 85 % of the time or more, and a half to a seventh of the batches wait in front of it. Five
times as fast it swings, and works 57 %; half as fast it takes minutes to take hold."""
COMMIT_S_MAX: Final = 2.0
"""What took longer was held up by a fault, and says nothing about how many want to send."""
LONG_QUEUE: Final = 0.5
"""Share of the inbox, after a commit took its part: two commits' worth wait behind it."""
SHORT_QUEUE: Final = 0.25

Span = tuple[int, int]
"""First and last sequence, both included."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of one buffer is settled: stored, or rejected by name."""

    upto: int = 0
    """Contiguous watermark: everything up to here is settled."""
    ahead: tuple[Span, ...] = ()
    """Settled islands above it, in order, with a gap before each."""

    @property
    def top(self) -> int:
        """Nothing above this sequence is settled, as far as islands are remembered."""
        return self.ahead[-1][1] if self.ahead else self.upto


def spans_of(sequences: Iterable[int]) -> list[Span]:
    """Fold sequences, in any order and with repeats, into spans in order."""
    ordered = sorted(set(sequences))
    spans: list[Span] = []
    for sequence in ordered:
        if spans and spans[-1][1] + 1 == sequence:
            spans[-1] = (spans[-1][0], sequence)
        else:
            spans.append((sequence, sequence))
    return spans


def settle(progress: Progress, kept_from: int, spans: Sequence[Span]) -> Progress:
    """Count spans as settled, and everything below `kept_from`, which the gateway gave up.

    Args:
        progress: so far.
        kept_from: of the batch; see the contract.
        spans: the sequences of the batch.
    """
    upto = max(progress.upto, kept_from - 1)
    if not progress.ahead and len(spans) == 1 and spans[0][0] <= upto + 1:
        return Progress(max(upto, spans[0][1]))  # the common case: the next batch in order
    islands: list[Span] = []
    for first, last in sorted([*progress.ahead, *spans]):
        if first <= upto + 1:
            upto = max(upto, last)
        elif islands and first <= islands[-1][1] + 1:
            islands[-1] = (islands[-1][0], max(islands[-1][1], last))
        else:
            islands.append((first, last))
    return Progress(upto, tuple(islands[:AHEAD_SPANS_MAX]))


def pace_ms(before_ms: float, queue: float, passed_s: float) -> float:
    """Say how far apart gateways should send their telemetry, after one commit.

    How many gateways are behind the queue, and how much of their backlog, nobody knows; so the pace
    is felt for: it grows while the queue is long and shrinks while it is short, so slowly that its
    effect is seen before it is far off.

    Args:
        before_ms: after the commit before; 0 if there is no pace.
        queue: share of the inbox that is used, from 0 to 1.
        passed_s: since the commit before.

    Returns:
        The distance between two batches of one gateway; 0 for as fast as it likes.
    """
    if queue >= LONG_QUEUE:
        return min(PACE_MS_MAX, before_ms + PACE_MS_PER_S * min(passed_s, COMMIT_S_MAX))
    if queue > SHORT_QUEUE:
        return before_ms
    return max(0.0, before_ms - PACE_MS_PER_S * passed_s)


def receipt_of(upto: int, rejected: Sequence[Rejection]) -> tuple[int, tuple[Rejection, ...]]:
    """Give the watermark that a receipt may say and the rejections that it names.

    Args:
        upto: the buffer's watermark.
        rejected: those from the gateway's `kept_from` on, in order; at least
            `REJECTIONS_MAX + 1` of them if there are so many.
    """
    if len(rejected) > REJECTIONS_MAX:
        upto = min(upto, rejected[REJECTIONS_MAX].sequence - 1)
        rejected = rejected[:REJECTIONS_MAX]
    return upto, tuple(rejected)


def reject_reading(
    row: TelemetryRow, base_ms: int, device_ids: frozenset[str]
) -> RejectReason | None:
    """Say why a reading is not stored, or None if it is.

    Args:
        row: the reading.
        base_ms: its batch's `base_at`, in milliseconds since 1970.
        device_ids: those of the gateway's household.
    """
    if not INSTANT_MS_MIN <= base_ms + row.offset_ms < INSTANT_MS_MAX:
        return RejectReason.MALFORMED
    if row.kind in STAYS_HOME:
        return RejectReason.STAYS_HOME
    if row.kind not in GOES_UP:
        return RejectReason.MALFORMED
    if row.device_id not in device_ids:
        return RejectReason.UNKNOWN_DEVICE
    return None


def reject_need(row: NeedRow, occurred_ms: int, device_ids: frozenset[str]) -> RejectReason | None:
    """Say why a need-moment is not stored, or None if it is.

    Args:
        row: the need-moment.
        occurred_ms: its `occurred_at`, in milliseconds since 1970.
        device_ids: those of the gateway's household.
    """
    if not INSTANT_MS_MIN <= occurred_ms < INSTANT_MS_MAX or row.signal.kind in CLOUD_MADE:
        return RejectReason.MALFORMED
    if not STAYS_HOME.isdisjoint(row.signal.evidence):
        return RejectReason.STAYS_HOME
    if row.signal.device_id not in device_ids:
        return RejectReason.UNKNOWN_DEVICE
    return None
