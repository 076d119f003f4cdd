"""Asks a time server, as RFC 4330 says: one question, one answer of 48 bytes."""

import asyncio
import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from zodra_edge.clock import monotonic_s, wall
from zodra_edge.errors import LinkFault

PACKET: Final = struct.Struct("!BBbbII4sQQQQ")
CLIENT: Final = 0x23
"""No leap warning, version 4, mode 3: a client."""
_SERVER: Final = 4
_ALARM: Final = 3
"""The leap indicator of a server that does not know the time itself."""
_ERA: Final = datetime(1900, 1, 1, tzinfo=UTC)
_ERA_SECONDS: Final = 2**32
_HALF: Final = 2**31
"""Seconds below this belong to the era that begins in February 2036."""


def to_ntp(at: datetime) -> int:
    """Write an instant as 32 bits of seconds since 1900 and 32 bits of fraction."""
    return (round((at - _ERA) / timedelta(microseconds=1)) * 2**32 // 1_000_000) % 2**64


def from_ntp(value: int) -> datetime:
    """Read such an instant."""
    seconds = value >> 32
    era = _ERA_SECONDS if seconds < _HALF else 0
    return _ERA + timedelta(seconds=era + seconds, microseconds=(value % 2**32) * 1e6 / 2**32)


def read_answer(packet: bytes, asked: int) -> datetime | None:
    """Read the server's time.

    Args:
        packet: the answer.
        asked: the instant in our question, which an answer to it must repeat.

    Returns:
        None if this is no answer to the question, or the server does not know the time.
    """
    if len(packet) < PACKET.size:
        return None
    flags, stratum, *_, originate, _, transmit = PACKET.unpack(packet[: PACKET.size])
    knows = flags >> 6 != _ALARM and 1 <= stratum <= 15
    if flags & 7 != _SERVER or not knows or originate != asked or not transmit:
        return None
    return from_ntp(transmit)


class _Question(asyncio.DatagramProtocol):
    def __init__(self, answer: asyncio.Future[datetime]) -> None:
        self.asked = 0
        self._answer = answer

    def datagram_received(self, data: bytes, _: object) -> None:
        at = read_answer(data, self.asked)
        if at is not None and not self._answer.done():
            self._answer.set_result(at)

    def error_received(self, exc: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(LinkFault("unreachable", str(exc)))


async def offset_ms(host: str, port: int) -> tuple[float, float]:
    """Say how far our clock is ahead of a time server, and how surely.

    Returns:
        Both in milliseconds. The answer was written somewhere between question and answer.

    Raises:
        LinkFault: the server cannot be asked.
        TimeoutError: by the caller's time limit.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[datetime] = loop.create_future()
    try:
        transport, question = await loop.create_datagram_endpoint(
            lambda: _Question(answer), remote_addr=(host, port)
        )
    except OSError as fault:
        raise LinkFault("unreachable", f"{host}: {fault.strerror}") from fault
    before_s, asked_at = monotonic_s(), wall()
    question.asked = to_ntp(asked_at)
    try:
        transport.sendto(PACKET.pack(CLIENT, 0, 0, 0, 0, 0, b"", 0, 0, 0, question.asked))
        at = await answer
    finally:
        transport.close()
    half_ms = (monotonic_s() - before_s) * 500
    ahead = (asked_at - at) / timedelta(milliseconds=1) + half_ms
    return ahead, half_ms
