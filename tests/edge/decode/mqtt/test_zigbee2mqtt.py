"""Zigbee2MQTT beside its state messages: availability, its own topics, retained state."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from edge_frames import AT, THERMOSTAT, ZIGBEE_BUTTON, mqtt
from zodra_edge.decode import decode
from zodra_edge.decode.mqtt import is_bridge_topic
from zodra_edge.decode.result import Decoded, DecodeRefusal, Undecodable

TOPIC = "zigbee2mqtt/trv-living"


@pytest.mark.parametrize(
    ("payload", "online"),
    [
        ('{"state":"online"}', True),
        ('{"state":"offline"}', False),
        ("online", True),
        ("offline", False),
    ],
)
def test_availability(payload: str, online: bool) -> None:
    decoded = decode(mqtt(f"{TOPIC}/availability", payload, retained=True), THERMOSTAT)
    assert isinstance(decoded, Decoded)
    assert decoded.online is online
    assert decoded.readings == ()


@pytest.mark.parametrize("payload", ['{"state":"perhaps"}', "{}", '{"state":["online"]}'])
def test_availability_that_says_neither(payload: str) -> None:
    decoded = decode(mqtt(f"{TOPIC}/availability", payload), THERMOSTAT)
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.MALFORMED


@pytest.mark.parametrize(
    "topic",
    [
        "zigbee2mqtt/bridge/devices",
        "zigbee2mqtt/bridge/logging",
        f"{TOPIC}/set",
        f"{TOPIC}/get",
        f"{TOPIC}/action",
    ],
)
def test_topics_that_are_not_the_device_speaking_say_nothing(topic: str) -> None:
    said = decode(mqtt(topic, "whatever"), THERMOSTAT)
    assert said == Decoded(THERMOSTAT.device_id, spoke=False)


@pytest.mark.parametrize(
    ("payload", "online"), [('{"state":"offline"}', False), ("offline", False), ("online", None)]
)
def test_with_the_bridge_its_devices_go_and_each_comes_back_by_itself(
    payload: str, online: bool | None
) -> None:
    said = decode(mqtt("zigbee2mqtt/bridge/state", payload, retained=True), THERMOSTAT)
    assert isinstance(said, Decoded)
    assert said.online is online
    assert said.spoke is (online is False)


def test_a_device_may_be_called_like_the_bridge() -> None:
    assert is_bridge_topic("zigbee2mqtt/bridge/info")
    assert not is_bridge_topic("zigbee2mqtt/bridge-lamp")
    assert not is_bridge_topic("bridge")


@pytest.mark.parametrize(
    ("last_seen", "at"),
    [
        ("2023-03-17T12:13:04+01:00", datetime(2023, 3, 17, 11, 13, 4, tzinfo=UTC)),
        (1613729508890, datetime(2021, 2, 19, 10, 11, 48, 890_000, tzinfo=UTC)),
        ("2023-03-17T12:13:04", AT),
        ("yesterday", AT),
        (None, AT),
        (True, AT),
        (1e300, AT),
        ("2031-03-17T12:13:04Z", AT),
    ],
)
def test_a_retained_state_is_dated_by_what_it_says(last_seen: object, at: datetime) -> None:
    body = {"local_temperature": 20, "last_seen": last_seen}
    decoded = decode(mqtt(TOPIC, body, retained=True), THERMOSTAT)
    assert isinstance(decoded, Decoded)
    assert decoded.readings[0].observed_at == at
    live = decode(mqtt(TOPIC, body), THERMOSTAT)
    assert isinstance(live, Decoded)
    assert live.readings[0].observed_at == AT


@pytest.mark.parametrize(("number", "packet_id"), [(7, 7), (256, None), ("7", None), (True, None)])
def test_a_transaction_number_tells_repeats_apart(number: object, packet_id: int | None) -> None:
    body = {"action": "single", "action_transaction": number}
    decoded = decode(mqtt("zigbee2mqtt/btn-hall", body), ZIGBEE_BUTTON)
    assert isinstance(decoded, Decoded)
    assert [press.packet_id for press in decoded.presses] == [packet_id]


@pytest.mark.parametrize(
    ("action", "button", "event"),
    [
        ("button_2_double", 1, "double_press"),
        ("hold_button_3", 2, "long_press"),
        ("left", 0, "press"),
        ("right_double", 1, "double_press"),
        ("toggle", 0, "press"),
        ("arrow_right_click", 1, "press"),
        ("brightness_down_hold", 3, "long_press"),
        ("recall_2", 1, "press"),
    ],
)
def test_names_of_buttons(action: str, button: int, event: str) -> None:
    decoded = decode(mqtt("zigbee2mqtt/btn-hall", {"action": action}), ZIGBEE_BUTTON)
    assert isinstance(decoded, Decoded)
    assert [(press.button, press.event) for press in decoded.presses] == [(button, event)]


def test_a_topic_that_shows_no_dialect_is_not_guessed() -> None:
    decoded = decode(mqtt("a/b", "{}"), replace(THERMOSTAT, topic="a/b"))
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.UNKNOWN_FORMAT


@pytest.mark.parametrize("word", ["running_state", "heat_required", "valve_state", "valve"])
def test_a_word_that_is_not_known_says_nothing(word: str) -> None:
    decoded = decode(mqtt(TOPIC, {word: "defrost"}), THERMOSTAT)
    assert isinstance(decoded, Decoded)
    assert decoded.readings == ()


@pytest.mark.parametrize("word", ["running_state", "heat_required", "valve_state", "valve"])
def test_a_field_that_cannot_be_read_is_named_without_its_value(word: str) -> None:
    decoded = decode(mqtt(TOPIC, {word: {"secret": 7}, "battery": 255}), THERMOSTAT)
    assert isinstance(decoded, Decoded)
    assert [(part.reason, part.detail) for part in decoded.refused] == [
        (DecodeRefusal.UNREADABLE_FIELD, "battery is no number from 0 to 100"),
        (DecodeRefusal.UNREADABLE_FIELD, f"{word} is neither a word nor true or false"),
    ]
