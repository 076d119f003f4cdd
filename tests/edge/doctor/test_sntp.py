"""Network time, asked of a real socket."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_edge.clock import wall
from zodra_edge.doctor import sntp

AT = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)


def answer(asked: int, at: datetime, flags: int = 0x24, stratum: int = 2) -> bytes:
    told = sntp.to_ntp(at)
    return sntp.PACKET.pack(flags, stratum, 0, 0, 0, 0, b"GPS\0", told, asked, told, told)


@given(st.floats(0, 4e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_an_instant_survives_the_wire_also_after_2036(at: datetime) -> None:
    assert abs(sntp.from_ntp(sntp.to_ntp(at)) - at) <= timedelta(microseconds=1)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        answer(7, AT)[:-1],
        answer(8, AT),
        answer(7, AT, flags=0x23),
        answer(7, AT, flags=0xE4),
        answer(7, AT, stratum=0),
        answer(7, AT, stratum=16),
    ],
    ids=["empty", "short", "other question", "a client", "alarm", "kiss of death", "unsynced"],
)
def test_what_is_no_answer_is_none(packet: bytes) -> None:
    assert sntp.read_answer(packet, 7) is None


@given(st.binary(max_size=96))
def test_no_bytes_raise(packet: bytes) -> None:
    sntp.read_answer(packet, 7)


class Server(asyncio.DatagramProtocol):
    """Half a minute ahead, and noisy before it answers."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        asked = sntp.PACKET.unpack(data)[-1]
        self.transport.sendto(b"noise", addr)
        self.transport.sendto(answer(asked + 1, AT), addr)
        self.transport.sendto(answer(asked, wall() + timedelta(seconds=30)), addr)


async def test_the_offset_is_measured_between_question_and_answer() -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Server, local_addr=("127.0.0.1", 0)
    )
    try:
        port = transport.get_extra_info("sockname")[1]
        ahead_ms, error_ms = await sntp.offset_ms("127.0.0.1", port)
    finally:
        transport.close()
    assert abs(ahead_ms + 30_000) <= error_ms + 1
