"""Devices on the home's broker that nobody introduced, and copies of one message."""

import pytest

from zodra_edge.local_mqtt.strangers import COPY_MS_MAX, STRANGERS_MAX, Copies, Strangers

OWN = "zigbee2mqtt/trv-living"


def test_each_stranger_is_new_once() -> None:
    strangers = Strangers([OWN])
    heard = ["zodra/home/baby/x", "zodra/home/baby/x/availability", "zodra/home/baby/x"]
    assert [strangers.is_new(topic) for topic in heard] == [True, False, False]
    assert len(strangers) == 1


@pytest.mark.parametrize(
    "topic",
    [OWN, f"{OWN}/set", f"{OWN}/availability", "zigbee2mqtt/bridge", "zigbee2mqtt/bridge/x"],
)
def test_what_belongs_to_a_known_device_or_to_the_bridge_is_no_stranger(topic: str) -> None:
    assert not Strangers([OWN]).is_new(topic)


def test_no_flood_of_topics_fills_the_memory() -> None:
    strangers = Strangers([OWN])
    for number in range(3 * STRANGERS_MAX):
        assert strangers.is_new(f"zigbee2mqtt/{number}")
    assert len(strangers) == STRANGERS_MAX
    assert not strangers.is_new(f"zigbee2mqtt/{3 * STRANGERS_MAX - 1}")
    assert strangers.is_new("zigbee2mqtt/0")


@pytest.mark.parametrize(
    ("payload", "qos", "after_ms", "is_copy"),
    [
        pytest.param(b"a", 0, 1, True, id="again at once"),
        pytest.param(b"b", 0, 1, False, id="something else"),
        pytest.param(b"a", 1, 1, False, id="to be acknowledged"),
        pytest.param(b"a", 0, COPY_MS_MAX + 1, False, id="later"),
    ],
)
def test_copies(payload: bytes, qos: int, after_ms: int, is_copy: bool) -> None:
    copies = Copies()
    assert not copies.is_copy(OWN, b"a", 1, 1_000)
    assert copies.is_copy(OWN, payload, qos, 1_000 + after_ms) is is_copy
    assert not copies.is_copy("zigbee2mqtt/other", payload, qos, 1_000 + after_ms)


@pytest.mark.parametrize(
    ("topic", "payload", "told"),
    [
        pytest.param(
            "shellies/announce",
            b'{"id":"shellyix3-A4CF12F474C7","model":"SHIX3-1"}',
            (("shellies/shellyix3-A4CF12F474C7", "speaks shelly_gen1 SHIX3-1"),),
            id="an announcement",
        ),
        pytest.param(
            "shellies/announce", b'{"id":"shellytrv-60A423DCC6F6"}', (), id="of one of ours"
        ),
        pytest.param("spBv1.0/home/NBIRTH/node1", b"x", (), id="heard by another connection"),
        pytest.param(
            "tele/kitchen/LWT", b"Online", (("tele/kitchen", "speaks tasmota"),), id="lwt"
        ),
        pytest.param("somebody/online", b"true", (), id="nobody that we could read"),
        pytest.param(
            "zodra/home/baby/x/availability",
            b"online",
            (("zodra/home/baby/x", "no device of the settings"),),
            id="of our schema",
        ),
        pytest.param("zigbee2mqtt/trv-living/set", b"{}", (), id="a request to one of ours"),
        pytest.param("zigbee2mqtt/bridge/state", b"online", (), id="the bridge"),
    ],
)
def test_who_is_introduced(topic: str, payload: bytes, told: tuple[tuple[str, str], ...]) -> None:
    strangers = Strangers([OWN, "shellies/shellytrv-60A423DCC6F6/#"], ["spBv1.0/home/node1"])
    assert strangers.introduce(topic, payload) == told
