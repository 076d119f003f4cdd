"""Devices that say that they are there."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_messages import WORDS
from zodra_edge.decode.mqtt.nearby import INVENTORY, nearby
from zodra_edge.decode.mqtt.registry import recognise
from zodra_edge.decode.profile import Family
from zodra_edge.decode.spoken import Dialect

INVENTED = [
    {"type": "Coordinator", "friendly_name": "Coordinator", "definition": None},
    {
        "type": "EndDevice",
        "friendly_name": "hall button",
        "ieee_address": "0x00158d0001",
        "definition": {
            "vendor": "Xiaomi",
            "model": "WXKG11LM",
            "exposes": [
                {"type": "numeric", "name": "battery"},
                {"type": "enum", "name": "action", "values": ["single"]},
            ],
        },
    },
    {
        "type": "EndDevice",
        "friendly_name": "trv",
        "definition": {
            "vendor": "Danfoss",
            "model": "014G2461",
            "exposes": [{"type": "climate"}, {"type": "numeric", "name": "linkquality"}],
        },
    },
    {"type": "EndDevice", "friendly_name": "unknown", "definition": None},
]


@pytest.mark.parametrize(
    ("topic", "payload", "dialect", "device", "model"),
    [
        (
            "shellies/announce",
            '{"id":"shellytrv-ABCDEFGH1234","model":"SHTRV-01","new_fw":false}',
            Dialect.SHELLY_GEN1,
            "shellies/shellytrv-ABCDEFGH1234",
            "SHTRV-01",
        ),
        (
            "shellyplus1-a8032abc7158/online",
            "true",
            Dialect.SHELLY,
            "shellyplus1-a8032abc7158",
            "",
        ),
        ("tele/tasmota_C57651/LWT", "Online", Dialect.TASMOTA, "tele/tasmota_C57651", ""),
        (
            "esphome/discover/esp-door",
            '{"ip":"192.168.1.7","name":"esp-door","board":"esp32dev"}',
            Dialect.ESPHOME,
            "esp-door",
            "esp32dev",
        ),
        (
            "home/OMG/BTtoMQTT/4C33A6603C79",
            '{"model_id":"LYWSDCGQ","tempc":26}',
            Dialect.THEENGS,
            "home/OMG/BTtoMQTT/4C33A6603C79",
            "LYWSDCGQ",
        ),
        ("homie/5/super-car/$state", "ready", Dialect.HOMIE, "homie/5/super-car", ""),
        ("spBv1.0/home/NBIRTH/node1", "x", Dialect.SPARKPLUG, "spBv1.0/home/node1", ""),
        ("zigbee2mqtt/trv", "{}", Dialect.ZIGBEE2MQTT, "zigbee2mqtt/trv", ""),
        ("zodra/home/wearable/band", "{}", Dialect.ZODRA, "zodra/home/wearable/band", ""),
    ],
)
def test_what_to_put_in_the_settings(
    topic: str, payload: str, dialect: Dialect, device: str, model: str
) -> None:
    (found,) = nearby(topic, payload.encode())
    assert (found.dialect, found.topic, found.model) == (dialect, device, model)
    assert recognise(found.topic, Family.SENSOR) in (dialect, None)


def test_the_inventory_of_zigbee2mqtt() -> None:
    button, valve = nearby(INVENTORY, json.dumps(INVENTED).encode())
    assert (button.topic, button.model) == ("zigbee2mqtt/hall button", "Xiaomi WXKG11LM")
    assert button.families == (Family.BUTTON,)
    assert (valve.topic, valve.families) == ("zigbee2mqtt/trv", (Family.THERMOSTAT,))


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("shellyplus1-a8032abc7158/online", b""),
        ("somebody/online", b"true"),
        ("zigbee2mqtt/bridge", b"{}"),
        (INVENTORY, b"{}"),
        (INVENTORY, b"\xff"),
        ("shellies/announce", b'{"id": 7}'),
    ],
)
def test_nobody(topic: str, payload: bytes) -> None:
    assert nearby(topic, payload) == ()


@given(
    words=st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=5),
    payload=st.binary(max_size=60) | st.sampled_from(WORDS).map(str.encode),
)
def test_any_message(words: list[str], payload: bytes) -> None:
    assert all(found.topic for found in nearby("/".join(words), payload))
    assert isinstance(nearby(INVENTORY, payload), tuple)
