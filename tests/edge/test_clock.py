"""How far the clock trusts itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zodra_contract.signal import TimeQuality
from zodra_edge import clock
from zodra_edge.clock import Clock
from zodra_edge.heard import UNKNOWN_ERROR_MS
from zodra_edge.time_floor import Move


@pytest.fixture(autouse=True)
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose clock nothing disciplines."""
    monkeypatch.setattr(clock, "kernel_error_ms", lambda: None)


def test_without_any_word_the_time_is_told_but_not_trusted(tmp_path: Path) -> None:
    now = Clock(tmp_path / "floor").now()
    assert (now.quality, now.error_ms) == (TimeQuality.UNSYNCED, UNKNOWN_ERROR_MS)
    assert now.at.tzinfo is UTC


def test_the_kernels_word_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "kernel_error_ms", lambda: 12)
    now = Clock(tmp_path / "floor").now()
    assert (now.quality, now.error_ms) == (TimeQuality.SYNCED, 12)


def test_a_receipt_that_agrees_makes_the_time_trusted_within_the_time_it_took(
    tmp_path: Path,
) -> None:
    ours = Clock(tmp_path / "floor")
    ours.hear_cloud(clock.wall() - timedelta(milliseconds=100), waited_s=0.3)
    now = ours.now()
    assert now.quality is TimeQuality.SYNCED
    assert 100 <= now.error_ms <= 300


def test_a_receipt_that_disagrees_tells_how_wrong_the_clock_is(tmp_path: Path) -> None:
    ours = Clock(tmp_path / "floor")
    ours.hear_cloud(clock.wall() + timedelta(hours=1), waited_s=0.1)
    now = ours.now()
    assert now.quality is TimeQuality.UNSYNCED
    assert 3_599_000 <= now.error_ms <= 3_601_000


def test_a_contradiction_is_believed_over_an_earlier_agreement(tmp_path: Path) -> None:
    ours = Clock(tmp_path / "floor")
    ours.hear_cloud(clock.wall(), waited_s=0.01)
    ours.hear_cloud(clock.wall() + timedelta(hours=1), waited_s=0.01)
    assert ours.now().quality is TimeQuality.UNSYNCED


def test_time_never_falls_below_the_floor(tmp_path: Path) -> None:
    floor = clock.wall() + timedelta(days=400)
    (tmp_path / "floor").write_text(floor.isoformat())
    ours = Clock(tmp_path / "floor")
    ours.hear_cloud(clock.wall(), waited_s=0.01)
    now = ours.now()
    assert now.at >= floor
    assert now.quality is TimeQuality.UNSYNCED


def test_the_floor_is_saved_only_when_time_is_trusted(tmp_path: Path) -> None:
    path = tmp_path / "floor"
    ours = Clock(path)
    ours.save_floor()
    assert not path.exists()
    ours.hear_cloud(clock.wall(), waited_s=0.01)
    ours.save_floor()
    assert datetime.fromisoformat(path.read_text()) <= clock.wall()


def test_a_server_that_is_wrong_once_does_not_raise_the_floor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "floor"
    known = clock.wall() - timedelta(days=64 * 365)
    path.write_text(known.isoformat())
    monkeypatch.setattr(clock, "kernel_error_ms", lambda: 12)
    ours = Clock(path)
    assert ours.save_floor() is Move.WAITS
    assert clock.read_floor(path) == known
    ours.hear_cloud(clock.wall() - timedelta(days=64 * 365), waited_s=0.1)
    assert ours.save_floor() is Move.HELD
    assert clock.read_floor(path) == known


def test_a_floor_in_the_future_comes_down_once_kernel_and_cloud_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "floor"
    path.write_text((clock.wall() + timedelta(days=400)).isoformat())
    monkeypatch.setattr(clock, "kernel_error_ms", lambda: 12)
    ours = Clock(path)
    assert ours.now().quality is TimeQuality.UNSYNCED
    assert ours.save_floor() is Move.HELD
    ours.hear_cloud(clock.wall(), waited_s=0.01)
    assert ours.save_floor() is Move.FELL
    assert clock.read_floor(path) <= clock.wall()
    now = ours.now()
    assert now.quality is TimeQuality.SYNCED
    assert now.at <= clock.wall()


@pytest.mark.parametrize("text", ["", "yesterday", "\x00"])
def test_a_floor_that_cannot_be_read_is_no_floor(tmp_path: Path, text: str) -> None:
    (tmp_path / "floor").write_text(text)
    assert Clock(tmp_path / "floor").now().at <= clock.wall()


def test_one_boot_has_one_name() -> None:
    assert clock.boot_id() == clock.boot_id()
