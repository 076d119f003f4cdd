"""What one device may send."""

from zodra_edge.local_mqtt.flood import BURST_S, DEVICES_MAX, Flood


def test_a_burst_is_let_through_and_what_goes_on_is_held_to_the_rate() -> None:
    flood = Flood(10)
    at_once = sum(flood.lets("wild", 0) for _ in range(1_000))
    assert at_once == 10 * BURST_S
    later = sum(flood.lets("wild", ms) for ms in range(1, 10_001))
    assert later == 100


def test_one_devices_flood_is_not_anothers() -> None:
    flood = Flood(1)
    for _ in range(100):
        flood.lets("wild", 0)
    assert not flood.lets("wild", 0)
    assert flood.lets("calm", 0)


def test_names_of_devices_do_not_fill_the_memory() -> None:
    flood = Flood(1)
    for number in range(3 * DEVICES_MAX):
        assert flood.lets(str(number), 0)
    assert len(flood._left) == DEVICES_MAX
