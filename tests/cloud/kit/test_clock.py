"""The clock tells no more than is stored."""

from datetime import UTC

from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.store.types import from_ms, to_ms


def test_an_instant_is_the_same_before_and_after_it_is_stored() -> None:
    clock = SystemClock()
    told = [clock.now() for _ in range(50)]
    assert [from_ms(to_ms(each)) for each in told] == told
    assert {each.tzinfo for each in told} == {UTC}
