"""What stands before amqtt: it lets whole packets of known clients through, up to a size.

amqtt 0.12.1 reads up to 256 MB into memory for one message, drops or takes over the session of a
client id before it has checked a password, publishes a will wherever it says, and hands a new
connection the retained messages that anybody subscribed to. So the gate checks the password and
the will first, keeps the client ids of different users apart by putting the user's name before
them, and `MendedBroker` asks whose subscription it is.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from amqtt.adapters import ReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.session import Session
from pwdlib import PasswordHash

from zodra_sim.brokers import connect_packet
from zodra_sim.brokers.access import Grants, covers
from zodra_sim.brokers.connect_packet import Connect
from zodra_sim.logs import logger

CONNECT_BYTES_MAX: Final = 4096
CONNECT_TIMEOUT_S: Final = 10.0
CONNECT: Final = 0x10
_REFUSED_FULL: Final = b"\x20\x02\x00\x03"
_REFUSED_CREDENTIALS: Final = b"\x20\x02\x00\x05"
"""CONNACK packets (MQTT 3.1.1, 3.2.2.3): server unavailable, not authorised."""


class Oversized(ValueError):
    """A packet announces more bytes than are allowed."""


async def next_packet(reader: asyncio.StreamReader, bytes_max: int) -> tuple[int, bytes, bytes]:
    """Read one packet.

    Returns:
        The first byte, the fixed header and the rest.

    Raises:
        Oversized: before the rest has been read.
        asyncio.IncompleteReadError: the connection ended.
    """
    header = bytearray(await reader.readexactly(1))
    length = 0
    for shift in (0, 7, 14, 21):
        header += await reader.readexactly(1)
        length |= (header[-1] & 0x7F) << shift
        if header[-1] < 0x80:
            break
    else:
        raise Oversized("more than 268435455 bytes")
    if length > bytes_max:
        raise Oversized(f"{length} bytes")
    return header[0], bytes(header), await reader.readexactly(length)


class Packets(ReaderAdapter):  # type: ignore[misc]
    """Hands amqtt the bytes of whole packets, and the end of the connection otherwise."""

    def __init__(
        self, reader: asyncio.StreamReader, connect: Connect, first: bytes, bytes_max: int
    ) -> None:
        self._reader = reader
        self._username = connect.username
        self._bytes_max = bytes_max
        self._bytes = bytearray(first)
        # MQTT 3.1.1, 3.1.2.10: silence for one and a half times the keep-alive ends a connection.
        self._silence_s_max = connect.keep_alive_s * 1.5 or None
        self._next: asyncio.Task[bytes] | None = None
        self._ended = False

    async def read(self, n: int = -1) -> bytes:
        """Read `n` bytes, fewer only at the end."""
        while len(self._bytes) < n and not self._ended:
            # amqtt gives up waiting now and then and asks again; the packet being read must
            # survive that.
            self._next = self._next or asyncio.create_task(self._fetch())
            packet = await asyncio.shield(self._next)
            self._next = None
            self._ended = not packet
            self._bytes += packet
        taken = bytes(self._bytes[:n])
        del self._bytes[:n]
        return taken

    def feed_eof(self) -> None:
        """Take the connection as ended."""
        self._ended = True

    def close(self) -> None:
        """Stop reading."""
        self.feed_eof()
        if self._next is not None:
            self._next.cancel()

    async def _fetch(self) -> bytes:
        try:
            async with asyncio.timeout(self._silence_s_max):
                _, header, rest = await next_packet(self._reader, self._bytes_max)
        except Oversized as size:
            logger().warning("packet_oversized", user=self._username, size=str(size))
            return b""
        except TimeoutError:
            logger().info("client_silent", user=self._username)
            return b""
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        return header + rest


class Subscriptions(dict[str, list[tuple[Session, int]]]):
    """Who subscribed to what, safe to go through while it changes.

    amqtt waits for its plugins in the middle of going through it for a message. A client that
    subscribed in that moment ended the loop, and the message was lost to everybody further on.
    """

    def __iter__(self) -> Iterator[str]:
        """Go through the filters that there are now."""
        return iter(list(super().keys()))

    def items(self) -> Any:
        """Go through the filters that there are now, and their subscribers."""
        return [(one, list(subscribers)) for one, subscribers in super().items()]


class MendedBroker(Broker):  # type: ignore[misc]
    """amqtt without the faults of 0.12.1 that cost messages or show them to others."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._subscriptions = Subscriptions()

    async def _publish_session_retained_messages(self, session: Session) -> None:
        """Hand out what waited for a client that was away, as what it is: news.

        amqtt marks it as retained, and whoever is careful does not act on a retained message.
        """
        handler = self._get_handler(session)
        waiting = session.retained_messages
        publishing = []
        while handler is not None and not waiting.empty():
            one = waiting.get_nowait()
            publishing.append(handler.mqtt_publish(one.topic, one.data, one.qos, retain=False))
        # A client that leaves again without acknowledging is no fault of the broker's.
        await asyncio.gather(*publishing, return_exceptions=True)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        subscribers = self._subscriptions.get(subscription[0], [])
        if any(one.client_id == session.client_id for one, _ in subscribers):
            await super()._publish_retained_messages_for_subscription(subscription, session)


class Gate:
    """Accepts connections for one amqtt broker."""

    def __init__(
        self,
        broker: Broker,
        hashes: dict[str, str],
        grants: dict[str, Grants],
        packet_bytes_max: int,
        connections_max: int,
    ) -> None:
        self._broker = broker
        self._hashes = hashes
        self._grants = grants
        self._verifier = PasswordHash.recommended()
        self._packet_bytes_max = packet_bytes_max
        self._connections_max = connections_max
        self._connections = 0

    async def admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """See one connection through, from its first byte to its last."""
        self._connections += 1
        try:
            if self._connections > self._connections_max:
                logger().warning("broker_full", connections_max=self._connections_max)
                writer.write(_REFUSED_FULL)
            elif (connect := await self._known(reader)) is None:
                writer.write(_REFUSED_CREDENTIALS)
            else:
                await self._serve(reader, writer, connect)
        finally:
            self._connections -= 1
            with suppress(ConnectionError):
                writer.close()
                await writer.wait_closed()

    async def _known(self, reader: asyncio.StreamReader) -> Connect | None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                kind, _, body = await next_packet(reader, CONNECT_BYTES_MAX)
        except (Oversized, TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            return None
        connect = connect_packet.parse(body) if kind == CONNECT else None
        if connect is None or (hashed := self._hashes.get(connect.username)) is None:
            logger().warning("connect_refused", reason="unknown_user")
            return None
        # Argon2 takes milliseconds of a core on purpose; the other clients need not wait for it.
        if not await asyncio.to_thread(self._verifier.verify, connect.password, hashed):
            logger().warning("connect_refused", reason="wrong_password", user=connect.username)
            return None
        if not self._may_leave(connect):
            logger().warning("connect_refused", reason="will", user=connect.username)
            return None
        return connect

    def _may_leave(self, connect: Connect) -> bool:
        """Tell whether the client may publish where its will says."""
        will = connect.will_topic
        publish = self._grants[connect.username].publish
        return will is None or any(covers(one, will) for one in publish)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connect: Connect
    ) -> None:
        own_id = connect.username.encode() + b"/" + connect.client_id
        first = connect.renamed(own_id if connect.client_id else b"")
        packets = Packets(reader, connect, first, self._packet_bytes_max)
        try:
            await self._broker.external_connected(packets, StreamWriterAdapter(writer), "default")
        finally:
            packets.close()
