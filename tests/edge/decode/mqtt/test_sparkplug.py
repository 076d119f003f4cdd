"""The conversation with a Sparkplug edge node, and the few bytes of protobuf in it."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_edge.decode.mqtt.sparkplug.session import (
    ASK_MS_MIN,
    STALE,
    Followed,
    Node,
    Place,
    command_topic,
    follow,
    place,
)
from zodra_edge.decode.mqtt.sparkplug.wire import Garbled, Metric, read, rebirth

BIRTH = base64.b64decode(
    "CNLig7n6MhINCgViZFNlcRABIAhYWBIcChROb2RlIENvbnRyb2wvUmViaXJ0aBACIAtwABIaCgtUZW1wZXJhdHVyZRBk"
    "IAppAAAAAACANUAYAA=="
)
DATA = base64.b64decode("CNLig7n6MhINEGQgCmkAAAAAAIA2QBgB")
AFTER_A_GAP = base64.b64decode("CNLig7n6MhINEGQgCmkAAAAAAAA7QBgF")
DEATH = base64.b64decode("CNLig7n6MhINCgViZFNlcRAAIAhYABgA")


def at(kind: str, device: str = "") -> Place:
    return Place("home", kind, "node1", device)


def said(node: Node, kind: str, payload: bytes, now_ms: int = 0) -> Followed:
    return follow(node, at(kind), payload, now_ms)


def of(seq: int, *metrics: bytes) -> bytes:
    body = b"".join(b"\x12" + bytes([len(metric)]) + metric for metric in metrics)
    return body + b"\x18" + bytes([seq & 0x7F | 0x80, seq >> 7])


def test_a_published_birth_is_read() -> None:
    payload = read(BIRTH)
    assert payload.seq == 0
    assert [(m.name, m.alias, m.value) for m in payload.metrics] == [
        ("bdSeq", 1, 88.0),
        ("Node Control/Rebirth", 2, False),
        ("Temperature", 100, 21.5),
    ]


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        pytest.param(b"\x0a\x01t\x20\x01\x50\xff\x01", -1.0, id="int8 below zero"),
        pytest.param(b"\x0a\x01t\x20\x03\x50\xfe\xff\xff\xff\x0f", -2.0, id="int32 below zero"),
        pytest.param(b"\x0a\x01t\x20\x07\x50\xfe\xff\xff\xff\x0f", 4294967294.0, id="uint32"),
        pytest.param(b"\x0a\x01t\x20\x09\x65\x00\x00\xac\x41", 21.5, id="float"),
        pytest.param(b"\x0a\x01t\x20\x0b\x70\x01", True, id="boolean"),
        pytest.param(b"\x0a\x01t\x20\x0c\x7a\x02on", "on", id="text"),
        pytest.param(b"\x0a\x01t\x20\x0a\x38\x01", None, id="null"),
        pytest.param(b"\x0a\x01t\x20\x10\x8a\x01\x01x", None, id="a type without readings"),
    ],
)
def test_values(metric: bytes, value: object) -> None:
    (read_metric,) = read(of(1, metric)).metrics
    assert read_metric.value == value


@given(st.binary(max_size=300))
def test_any_bytes_are_a_payload_or_garbled(data: bytes) -> None:
    try:
        payload = read(data)
    except Garbled:
        return
    assert all(isinstance(metric, Metric) for metric in payload.metrics)


def test_a_birth_names_the_aliases_of_later_data() -> None:
    node = said(Node(), "NBIRTH", BIRTH).node
    followed = said(node, "NDATA", DATA)
    assert followed.context["100"] == "Temperature"
    assert not followed.asks_rebirth


def test_a_gap_asks_for_births_and_not_again_at_once() -> None:
    node = said(Node(), "NBIRTH", BIRTH).node
    first = said(node, "NDATA", AFTER_A_GAP, 100)
    assert first.asks_rebirth
    assert not said(first.node, "NDATA", AFTER_A_GAP, 101).asks_rebirth
    assert said(first.node, "NDATA", AFTER_A_GAP, 100 + ASK_MS_MIN).asks_rebirth


def test_data_before_any_birth_asks_for_it() -> None:
    assert said(Node(), "NDATA", DATA).asks_rebirth


def test_the_count_goes_round() -> None:
    node = Node({}, seq=254, born=True)
    for seq in (255, 0, 1):
        followed = follow(node, at("DDATA", "scale"), of(seq), 0)
        assert not followed.asks_rebirth
        node = followed.node


def test_the_death_of_an_earlier_session_is_none() -> None:
    node = said(Node(), "NBIRTH", BIRTH).node
    assert said(node, "NDEATH", DEATH).context == {STALE: "true"}
    fresh = Node({}, seq=3, bd_seq=0, born=True)
    followed = said(fresh, "NDEATH", DEATH)
    assert followed.context == {}
    assert not followed.node.born


def test_garbled_bytes_change_nothing() -> None:
    node = said(Node(), "NBIRTH", BIRTH).node
    assert said(node, "NDATA", b"\xff").node == node


def test_topics() -> None:
    assert place("spBv1.0/home/NDATA/node1") == at("NDATA")
    assert place("spBv1.0/home/DDATA/node1/scale") == at("DDATA", "scale")
    assert place("spBv1.0/STATE/host") is None
    assert place("spBv1.0/home/NDATA/node1/scale") is None
    assert command_topic(at("NDATA")) == "spBv1.0/home/NCMD/node1"


def test_the_command_that_asks_is_itself_a_payload() -> None:
    payload = read(rebirth(1_790_000_000_000))
    assert payload.timestamp_ms == 1_790_000_000_000
    (metric,) = payload.metrics
    assert (metric.name, metric.datatype, metric.value) == ("Node Control/Rebirth", 11, True)
