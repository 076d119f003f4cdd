"""What amqtt reads through the gate."""

import asyncio
from typing import cast

from zodra_sim.brokers.amqtt_gate import Packets
from zodra_sim.brokers.connect_packet import Connect

FIRST = b"\x10\x00"
PING = b"\xc0\x00"


def packets(reader: asyncio.StreamReader, keep_alive_s: float = 0) -> Packets:
    connect = Connect(b"", "gw-1", "secret", cast("int", keep_alive_s), None, b"")
    return Packets(reader, connect, FIRST, 1024)


async def test_the_first_packet_comes_first_and_the_end_is_the_end() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(PING)
    reader.feed_eof()
    stream = packets(reader)
    assert await stream.read(2) == FIRST
    assert await stream.read(1) + await stream.read(1) == PING
    assert await stream.read(2) == b""
    stream.close()


async def test_a_reader_that_gives_up_waiting_loses_no_byte() -> None:
    """amqtt waits for the next packet with a time limit, and then simply asks again."""
    reader = asyncio.StreamReader()
    stream = packets(reader)
    await stream.read(2)
    reader.feed_data(PING[:1])
    waiting = asyncio.create_task(stream.read(1))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    reader.feed_data(PING[1:])
    assert await stream.read(2) == PING
    stream.close()


async def test_silence_for_longer_than_agreed_ends_the_connection() -> None:
    stream = packets(asyncio.StreamReader(), keep_alive_s=0.02)
    await stream.read(2)
    assert await stream.read(1) == b""
    stream.close()


async def test_an_oversized_packet_ends_the_connection() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"\x30\x81\x08" + b"x" * 1025)
    stream = packets(reader)
    await stream.read(2)
    assert await stream.read(1) == b""
    stream.close()
