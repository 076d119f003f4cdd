"""No topic and no payload raises anything, in any dialect; `make faults` tries a million each."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_frames import mqtt
from mqtt_messages import WORDS, check, devices, topics
from zodra_edge import core
from zodra_edge.decode import decode
from zodra_edge.decode.mqtt.filters import matches
from zodra_edge.decode.mqtt.homie import describe
from zodra_edge.decode.mqtt.registry import KNOWN, Known
from zodra_edge.decode.result import Decoded

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(WORDS), inner),
    max_leaves=12,
)
PAYLOADS = (
    st.binary(max_size=200)
    | ANY_JSON.map(json.dumps).map(str.encode)
    | st.sampled_from(WORDS).map(str.encode)
)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.dialect.value)
@settings(max_examples=40)
@given(
    payload=PAYLOADS,
    words=st.lists(st.text(max_size=12) | st.sampled_from(WORDS), min_size=1, max_size=4),
    context=st.dictionaries(st.sampled_from(["unit", "retained", "datatype", "1"]), st.text()),
    retained=st.booleans(),
)
def test_any_message(
    known: Known, payload: bytes, words: list[str], context: dict[str, str], retained: bool
) -> None:
    for profile in devices(known):
        memory = core.DeviceMemory()
        for topic in (*topics(profile, words), words[0]):
            frame = mqtt(topic, payload, retained=retained, context=context)
            decoded = decode(frame, profile)
            check(decoded)
            if retained and isinstance(decoded, Decoded):
                assert decoded.presses == ()
            memory, _ = core.step(memory, frame, profile)
            assert core.DeviceMemory.from_json(memory.to_json()) == memory


@given(payload=PAYLOADS)
def test_any_description(payload: bytes) -> None:
    assert describe(payload) is not None


@given(wanted=st.text(max_size=20), topic=st.text(max_size=20))
def test_any_filter(wanted: str, topic: str) -> None:
    assert matches(wanted, topic) in (True, False)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.dialect.value)
def test_a_refusal_never_quotes_the_payload(known: Known) -> None:
    secret = "the-child-is-called"
    for profile in devices(known):
        for topic in topics(profile, ["x"]):
            for payload in (secret, f'{{"{secret}": "{secret}"}}', f'{{"event": "{secret}"}}'):
                decoded = decode(mqtt(topic, payload), profile)
                parts = decoded.refused if isinstance(decoded, Decoded) else (decoded,)
                assert all(secret not in part.detail for part in parts)
