"""How units of work of one kind are spaced."""

import pytest

from cloud_builders import FakeClock
from zodra_cloud.store.supervising import GATHER_S, Pace


def test_one_alone_begins_at_once_and_the_next_shares_its_wait() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    assert pace.wait_s() == 0
    clock.advance(GATHER_S / 4)
    assert pace.wait_s() == pytest.approx(GATHER_S * 3 / 4)
    clock.advance(GATHER_S)
    assert pace.wait_s() == 0


def test_after_a_full_one_the_next_begins_at_once() -> None:
    pace = Pace(FakeClock())
    assert pace.wait_s() == 0
    pace.hurry()
    assert pace.wait_s() == 0
