"""What the gate before amqtt reads from strangers."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_sim.brokers.amqtt_gate import Oversized, next_packet
from zodra_sim.brokers.connect_packet import Connect, encode_length, parse

FIELDS = st.text(max_size=40).map(lambda text: text.encode()[:200])


def field(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def body(client_id: bytes, username: bytes, password: bytes, will: bytes | None = None) -> bytes:
    flags = 0xC2 | (0x04 if will is not None else 0)
    return (
        b"\x00\x04MQTT\x04"
        + bytes([flags])
        + (30).to_bytes(2, "big")
        + field(client_id)
        + (field(b"a/b") + field(will) if will is not None else b"")
        + field(username)
        + field(password)
    )


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(raw: bytes) -> None:
    begun_well = body(b"", b"", b"")[:10] + raw
    for packet in (raw, begun_well):
        connect = parse(packet)
        assert connect is None or isinstance(connect, Connect)


@given(st.text(max_size=40), st.text(max_size=20), st.text(max_size=20), st.none() | st.binary())
def test_a_packet_is_read_as_it_was_written(
    client_id: str, username: str, password: str, will: bytes | None
) -> None:
    raw = body(client_id.encode(), username.encode(), password.encode(), will)
    connect = parse(raw)
    assert connect is not None
    assert (connect.client_id.decode(), connect.username) == (client_id, username)
    assert (connect.password, connect.keep_alive_s) == (password, 30)


@given(st.text(max_size=40), st.text(max_size=40), st.none() | st.binary(max_size=200))
def test_renaming_changes_the_client_id_alone(old: str, new: str, will: bytes | None) -> None:
    connect = parse(body(old.encode(), b"gw-1", b"secret", will))
    assert connect is not None
    expected = body(new.encode(), b"gw-1", b"secret", will)
    packet = connect.renamed(new.encode())
    assert packet == b"\x10" + encode_length(len(expected)) + expected


@pytest.mark.parametrize("cut", range(11, 30))
def test_a_cut_packet_is_refused(cut: int) -> None:
    whole = body(b"gw-1", b"gw-1", b"secret")
    assert parse(whole[:cut]) is None or cut >= len(whole)


def test_other_protocols_and_anonymous_clients_are_refused() -> None:
    whole = body(b"gw-1", b"gw-1", b"secret")
    assert parse(whole.replace(b"MQTT\x04", b"MQTT\x05")) is None
    assert parse(whole[:7] + b"\x02" + whole[8:]) is None


def read(raw: bytes, bytes_max: int) -> tuple[int, bytes, bytes]:
    async def reading() -> tuple[int, bytes, bytes]:
        reader = asyncio.StreamReader()
        reader.feed_data(raw)
        reader.feed_eof()
        return await next_packet(reader, bytes_max)

    return asyncio.run(reading())


@given(st.integers(0, 20_000))
def test_lengths_are_read_as_written(length: int) -> None:
    raw = b"\x30" + encode_length(length) + b"x" * length
    kind, header, rest = read(raw, 20_000)
    assert (kind, header + rest) == (0x30, raw)


@pytest.mark.parametrize(
    "raw",
    [b"\x30" + encode_length(1025), b"\x30\xff\xff\xff\x7f", b"\x30\xff\xff\xff\xff\x01"],
    ids=["one too many", "256 MB", "five bytes"],
)
def test_too_much_is_refused_before_it_is_read(raw: bytes) -> None:
    with pytest.raises(Oversized):
        read(raw, 1024)


@given(st.binary(max_size=60))
def test_arbitrary_streams_end_in_a_packet_or_a_known_fault(raw: bytes) -> None:
    with contextlib.suppress(Oversized, asyncio.IncompleteReadError):
        read(raw, 1024)
