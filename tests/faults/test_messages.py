"""Published MQTT messages, broken at random: no dialect raises, whatever a sender makes of them."""

import base64

import pytest

from edge_frames import mqtt
from faults import harness
from mqtt_messages import WORDS, cases_of, check, devices, topics
from zodra_edge.decode import decode
from zodra_edge.decode.mqtt.registry import KNOWN, Known


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.dialect.value)
def test_no_broken_message_raises(known: Known, tell: harness.Tell) -> None:
    messages = harness.count("FUZZ", quick=300, full=1_000_000)
    draw = harness.chance("mqtt", known.dialect.value)
    cases, profiles = cases_of(known.dialect), devices(known)
    said = refused = 0
    for _ in range(messages):
        case = draw.choice(cases)
        payload = bytearray(
            base64.b64decode(case["base64"]) if "base64" in case else case["payload"].encode()
        )
        for _ in range(draw.randint(0, 4)):
            at = draw.randrange(len(payload) + 1)
            match draw.randrange(4):
                case 0:
                    payload[at:at] = bytes([draw.randrange(256)])
                case 1:
                    del payload[at : at + draw.randint(1, 8)]
                case 2:
                    payload[at:at] = draw.choice(WORDS).encode()
                case _:
                    payload[at : at + 1] = bytes([draw.randrange(32, 127)])
        profile = draw.choice(profiles)
        topic = case["on"] if draw.random() < 0.5 else draw.choice(topics(profile, ["x", "0"]))
        frame = mqtt(topic, bytes(payload), retained=draw.random() < 0.1)
        if check(decode(frame, profile)):
            said += 1
        else:
            refused += 1
    tell(messages=messages, read=said, refused=refused)
