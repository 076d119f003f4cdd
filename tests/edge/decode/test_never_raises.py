"""Arbitrary bytes never raise, in any decoder."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_frames import (
    BABY,
    BATTERY,
    BUTTON,
    HEART_RATE,
    KEY,
    PLAIN_BUTTON,
    THERMOSTAT,
    WEARABLE,
    ZIGBEE_BUTTON,
    advert,
    bthome_encrypted,
    gatt,
    mqtt,
)
from zodra_edge.decode import decode
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.mqtt.reading.json_text import PAYLOAD_BYTES_MAX
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import Decoded, DecodeRefusal, Undecodable

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
KEYS = [
    "schema",
    "event_id",
    "observed_at",
    "cry",
    "breathing",
    "room",
    "diaper",
    "battery_percent",
    "confidence",
    "rate_bpm",
    "temperature_c",
    "humidity_percent",
    "event",
    "kind",
    "units",
    "battery",
    "local_temperature",
    "running_state",
    "occupied_heating_setpoint",
    "pi_heating_demand",
    "position",
    "valve_state",
    "heat_required",
    "action",
    "click",
    "last_seen",
    "action_transaction",
]
LIKELY = st.sampled_from(
    ["heat", "idle", "single", "1_double", "change", "refill", "wet", "online", "2026-11-22", "x_9"]
)
MESSAGES = st.dictionaries(
    st.sampled_from(KEYS),
    ANY_JSON | LIKELY | st.dictionaries(st.sampled_from(KEYS), ANY_JSON | LIKELY),
)
ON_HOME_BROKER = [THERMOSTAT, ZIGBEE_BUTTON, BABY]


def total(decoded: Decoded | Undecodable, profile: DeviceProfile) -> None:
    if isinstance(decoded, Undecodable):
        assert isinstance(decoded.reason, DecodeRefusal)
        assert 0 < len(decoded.detail) <= 200
        return
    assert decoded.device_id == profile.device_id
    kinds = [reading.kind for reading in decoded.readings]
    assert len(kinds) == len(set(kinds))


@given(data=st.binary(max_size=300), info=st.sampled_from([0x40, 0x42, 0x44, 0x41, 0x43, 0x45]))
def test_any_service_data(data: bytes, info: int) -> None:
    for profile in (BUTTON, PLAIN_BUTTON, replace(BABY, address=BUTTON.address)):
        total(decode(advert(data), profile), profile)
        total(decode(advert(bytes([info]) + data), profile), profile)


@given(payload=st.binary(max_size=230), counter=st.integers(0, 2**32 - 1))
def test_any_payload_under_a_right_key(payload: bytes, counter: int) -> None:
    decoded = decode(advert(bthome_encrypted(payload, counter)), BUTTON)
    total(decoded, BUTTON)
    if isinstance(decoded, Decoded):
        assert decoded.counter == counter


@given(address=st.text(max_size=20), key=st.binary(max_size=40), data=st.binary(max_size=40))
def test_any_address_and_key(address: str, key: bytes, data: bytes) -> None:
    profile = replace(BUTTON, address=address, bind_key=key)
    total(decode(advert(bytes([0x45]) + data, address=address), profile), profile)


@given(value=st.binary(max_size=600), characteristic=st.sampled_from([HEART_RATE, BATTERY, "2a37"]))
def test_any_notified_value(value: bytes, characteristic: str) -> None:
    total(decode(gatt(value, characteristic=characteristic), WEARABLE), WEARABLE)


@given(payload=st.binary(max_size=200) | ANY_JSON.map(json.dumps) | MESSAGES.map(json.dumps))
@pytest.mark.parametrize("profile", ON_HOME_BROKER, ids=lambda profile: profile.device_id)
def test_any_message(profile: DeviceProfile, payload: bytes | str) -> None:
    assert profile.topic is not None
    for topic in (profile.topic, f"{profile.topic}/availability"):
        for retained in (False, True):
            total(decode(mqtt(topic, payload, retained=retained), profile), profile)


@given(topic=st.text())
def test_any_topic(topic: str) -> None:
    for profile in (THERMOSTAT, BABY, WEARABLE):
        total(decode(mqtt(topic, "{}"), profile), profile)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param("[" * 60_000, DecodeRefusal.MALFORMED, id="deep list"),
        pytest.param('{"a":' * 13_000, DecodeRefusal.MALFORMED, id="deep object"),
        pytest.param('{"a":' + "9" * 60_000 + "}", DecodeRefusal.NOT_JSON, id="long number"),
        pytest.param(b"\xff\xfe{\x00}\x00", DecodeRefusal.NOT_JSON, id="utf-16"),
        pytest.param(b"\xef\xbb\xbf{}", DecodeRefusal.NOT_JSON, id="byte order mark"),
        pytest.param('{"a":"\x00"}', DecodeRefusal.NOT_JSON, id="control character"),
        pytest.param("{} {}", DecodeRefusal.NOT_JSON, id="two documents"),
        pytest.param(b" " * (PAYLOAD_BYTES_MAX + 1), DecodeRefusal.OVERSIZED, id="oversized"),
    ],
)
@pytest.mark.parametrize("profile", ON_HOME_BROKER, ids=lambda profile: profile.device_id)
def test_hostile_text(profile: DeviceProfile, payload: bytes | str, reason: DecodeRefusal) -> None:
    assert profile.topic is not None
    for topic in (profile.topic, f"{profile.topic}/availability"):
        decoded = decode(mqtt(topic, payload), profile)
        assert isinstance(decoded, Undecodable)
        assert decoded.reason == reason


def test_a_refusal_never_quotes_the_payload() -> None:
    secret = "the-child-is-called"
    for profile in ON_HOME_BROKER:
        assert profile.topic is not None
        for name in KEYS:
            decoded = decode(mqtt(profile.topic, {"schema": 1, name: [secret]}), profile)
            if isinstance(decoded, Undecodable):
                assert secret not in decoded.detail


def test_a_frame_of_another_device_is_refused() -> None:
    for frame, profile in (
        (advert(b"\x40\x3a\x01", address="A4:C1:38:00:00:02"), PLAIN_BUTTON),
        (advert(b"\x40\x3a\x01"), THERMOSTAT),
        (mqtt("zigbee2mqtt/trv-bedroom", "{}"), THERMOSTAT),
        (mqtt("zigbee2mqtt/trv-living-2", "{}"), THERMOSTAT),
        (mqtt("zigbee2mqtt/trv-living", "{}"), BUTTON),
    ):
        decoded = decode(frame, profile)
        assert isinstance(decoded, Undecodable)
        assert decoded.reason == DecodeRefusal.UNKNOWN_DEVICE


def test_oversized_service_data_is_refused() -> None:
    decoded = decode(advert(b"\x40" + b"\x3a\x01" * 500), PLAIN_BUTTON)
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.OVERSIZED


def test_a_key_of_the_wrong_length_is_said() -> None:
    decoded = decode(advert(bthome_encrypted(b"\x3a\x01", 7)), replace(BUTTON, bind_key=KEY[:8]))
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.WRONG_BIND_KEY


@pytest.mark.parametrize(
    "service_data",
    [
        {},
        {"0000180d-0000-1000-8000-00805f9b34fb": b""},
    ],
)
def test_an_advertisement_without_bthome_only_says_it_is_there(
    service_data: dict[str, bytes],
) -> None:
    frame = replace(advert(None), service_data=service_data)
    assert isinstance(frame, BleAdvert)
    assert decode(frame, BUTTON) == Decoded(BUTTON.device_id)


def test_version_1_of_bthome_is_said() -> None:
    frame = replace(
        advert(None), service_data={"0000181c-0000-1000-8000-00805f9b34fb": b"\x02\x3a\x01"}
    )
    decoded = decode(frame, PLAIN_BUTTON)
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.UNKNOWN_FORMAT


def test_values_of_a_button_over_a_connection_are_refused() -> None:
    decoded = decode(gatt(b"\x00\x48"), PLAIN_BUTTON)
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == DecodeRefusal.UNKNOWN_FORMAT


@pytest.mark.parametrize(
    ("value", "characteristic", "reason"),
    [
        (b"\x00" * 513, HEART_RATE, DecodeRefusal.OVERSIZED),
        (b"\x01", "00002a38-0000-1000-8000-00805f9b34fb", DecodeRefusal.UNKNOWN_FORMAT),
        (b"\x65", BATTERY, DecodeRefusal.MALFORMED),
        (b"", BATTERY, DecodeRefusal.MALFORMED),
        (b"\x10\x10", BATTERY, DecodeRefusal.MALFORMED),
    ],
)
def test_notified_values_that_are_refused(
    value: bytes, characteristic: str, reason: DecodeRefusal
) -> None:
    decoded = decode(gatt(value, characteristic=characteristic), WEARABLE)
    assert isinstance(decoded, Undecodable)
    assert decoded.reason == reason
