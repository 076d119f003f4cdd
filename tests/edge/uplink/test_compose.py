"""Needs from before the first time sync are dated when the time is known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.heard import Heard
from zodra_edge.uplink.compose import date_again

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DECADE_MS = 10 * 365 * 24 * 3600 * 1000

PRESSED_IN_1970 = NeedSignal(
    signal_id="p_1",
    device_id="btn-kitchen",
    slot_key="button-1",
    kind=SignalKind.PRESS,
    occurred_at=datetime(1970, 1, 1, tzinfo=UTC),
    time=TimeNote(
        boot_id="boot-1", monotonic_ms=5_000, quality=TimeQuality.UNSYNCED, error_ms=DECADE_MS
    ),
    authenticated=True,
)
NOW = Heard(NOON, 3_605_000, "boot-1", TimeQuality.SYNCED, 12)


def test_an_hour_later_it_was_an_hour_ago_and_the_bound_holds_an_hours_drift() -> None:
    dated = date_again(PRESSED_IN_1970, NOW)
    assert dated.occurred_at == NOON - timedelta(hours=1)
    assert dated.time.quality is TimeQuality.SYNCED
    assert dated.time.error_ms == 12 + 720
    assert dated.time.monotonic_ms == 5_000
    assert dated.signal_id == "p_1"


@pytest.mark.parametrize(
    ("signal", "now"),
    [
        pytest.param(PRESSED_IN_1970, replace(NOW, boot_id="boot-2"), id="another boot"),
        pytest.param(
            PRESSED_IN_1970, replace(NOW, quality=TimeQuality.UNSYNCED), id="still no time"
        ),
        pytest.param(
            PRESSED_IN_1970.model_copy(
                update={
                    "time": PRESSED_IN_1970.time.model_copy(update={"quality": TimeQuality.SYNCED})
                }
            ),
            NOW,
            id="dated when heard",
        ),
    ],
)
def test_a_need_that_cannot_or_need_not_be_dated_again_stays(
    signal: NeedSignal, now: Heard
) -> None:
    assert date_again(signal, now) is signal
