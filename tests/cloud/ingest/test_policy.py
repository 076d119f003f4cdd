"""The watermark is contiguous whatever order rows come in, and every rejection keeps its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_messages import need, reading
from zodra_cloud.ingest.policy import (
    AHEAD_SPANS_MAX,
    REJECTIONS_MAX,
    Progress,
    receipt_of,
    reject_need,
    reject_reading,
    settle,
    spans_of,
)
from zodra_contract.envelope import Rejection, TelemetryRow
from zodra_contract.outcome import RejectReason
from zodra_contract.signal import SignalKind

DEVICES = frozenset({"btn-kitchen", "trv-living"})
NOW_MS = 1_790_000_000_000


@pytest.mark.parametrize(
    ("before", "kept_from", "sequences", "after"),
    [
        pytest.param(Progress(), 1, [1, 2, 3], Progress(3), id="the first batch"),
        pytest.param(Progress(3), 1, [4, 5], Progress(5), id="the next one"),
        pytest.param(Progress(5), 1, [2, 3], Progress(5), id="a repeat"),
        pytest.param(Progress(3), 1, [6, 7], Progress(3, ((6, 7),)), id="one that overtook"),
        pytest.param(Progress(3, ((6, 7),)), 1, [4, 5], Progress(7), id="the gap is filled"),
        pytest.param(
            Progress(3, ((6, 7),)), 1, [9, 8], Progress(3, ((6, 9),)), id="the island grows"
        ),
        pytest.param(Progress(3, ((6, 7),)), 6, [8], Progress(8), id="the gateway gave 4 and 5 up"),
        pytest.param(Progress(), 900, [900], Progress(900), id="a buffer that begins late"),
        pytest.param(Progress(10), 5, [11], Progress(11), id="an old kept_from"),
    ],
)
def test_the_watermark_moves(
    before: Progress, kept_from: int, sequences: list[int], after: Progress
) -> None:
    assert settle(before, kept_from, spans_of(sequences)) == after


@given(st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=8), max_size=30))
def test_the_watermark_is_the_longest_unbroken_run(batches: list[list[int]]) -> None:
    progress, seen = Progress(), set[int]()
    for batch in batches:
        progress = settle(progress, 1, spans_of(batch))
        seen.update(batch)
        run = next(n for n in range(1, 100) if n not in seen) - 1
        assert progress.upto == run
        islands = {n for first, last in progress.ahead for n in range(first, last + 1)}
        assert islands == {n for n in seen if n > run}


@given(st.lists(st.integers(1, 10_000), max_size=400))
def test_what_is_remembered_is_bounded_and_never_more_than_was_seen(sequences: list[int]) -> None:
    progress = Progress()
    for sequence in sequences:
        progress = settle(progress, 1, [(sequence, sequence)])
    assert len(progress.ahead) <= AHEAD_SPANS_MAX
    for first, last in progress.ahead:
        assert set(range(first, last + 1)) <= set(sequences)
    assert progress.top <= max(sequences, default=0)


def test_a_receipt_names_every_rejection_or_stops_before_the_first_unnamed() -> None:
    rejected = [Rejection(n, RejectReason.UNKNOWN_DEVICE) for n in range(1, REJECTIONS_MAX + 2)]
    assert receipt_of(5_000, rejected[:3]) == (5_000, tuple(rejected[:3]))
    upto, named = receipt_of(5_000, rejected)
    assert upto == REJECTIONS_MAX
    assert len(named) == REJECTIONS_MAX


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(reading(1), None, id="a room temperature"),
        pytest.param(reading(1, "heart_rate_bpm"), RejectReason.STAYS_HOME, id="a heart rate"),
        pytest.param(reading(1, "cry_confidence_percent"), RejectReason.STAYS_HOME, id="a cry"),
        pytest.param(reading(1, "of_tomorrow"), RejectReason.MALFORMED, id="an unknown kind"),
        pytest.param(
            reading(1, device_id="stranger"), RejectReason.UNKNOWN_DEVICE, id="a stranger"
        ),
        pytest.param(
            reading(1, "heart_rate_bpm", "stranger"),
            RejectReason.STAYS_HOME,
            id="the earlier reason of two",
        ),
        pytest.param(
            TelemetryRow(1, "trv-living", "room_temperature_c", 1.0, 2**53),
            RejectReason.MALFORMED,
            id="no instant",
        ),
    ],
)
def test_why_a_reading_is_rejected(row: TelemetryRow, reason: RejectReason | None) -> None:
    assert reject_reading(row, NOW_MS, DEVICES) is reason


def test_why_a_need_is_rejected() -> None:
    assert reject_need(need(1), NOW_MS, DEVICES) is None
    assert reject_need(need(1, device_id="x"), NOW_MS, DEVICES) is RejectReason.UNKNOWN_DEVICE
    intimate = need(1, evidence={"heart_rate_bpm": 62})
    assert reject_need(intimate, NOW_MS, DEVICES) is RejectReason.STAYS_HOME
    assert reject_need(need(1), 2**53, DEVICES) is RejectReason.MALFORMED
    invented = need(1, kind=SignalKind.RUNNING_OUT)
    assert reject_need(invented, NOW_MS, DEVICES) is RejectReason.MALFORMED
