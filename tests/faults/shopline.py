"""The line between the service and its shop: it counts, and breaks at points that have a name.

Each process of the service has a port of its own here, so that the one that sent a request can be
struck at exactly that moment: after it noted that it asks and before the shop hears of it, after
the shop has accepted and before the answer is read.
"""

import asyncio
import json
import os
import socket
import struct
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote
from zlib import crc32

_SILENCE_S_MAX: Final = 30.0
_UNAVAILABLE: Final = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
_FAILED: Final = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"
_NONSENSE: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n<html>Hi</html>"


class Point(StrEnum):
    """What can happen to a request that orders something."""

    KILL_BEFORE_SEND = "killed between commit and send"
    KILL_ON_THE_WAY = "killed while the request was on its way"
    KILL_AFTER_ACCEPT = "killed after accept, before the answer"
    KILL_AFTER_ANSWER = "killed with the answer, before its commit"
    KILL_SHOP = "shop killed after accept, before its answer"
    STOP = "stopped"
    RESET_BEFORE = "connections reset before the shop"
    RESET_AFTER = "connections reset after accept"
    SILENCE = "time-outs after accept"
    UNAVAILABLE = "answers of 503"
    FAILED_AFTER = "answers of 500 after accept"
    NONSENSE_AFTER = "nonsense instead of an answer, after accept"


class Replay(StrEnum):
    """Controls: the line orders by itself what nobody asked for, and the account must show it."""

    FRESH_KEY = "fresh_key"
    SAME_KEY = "same_key"
    """Shows at a shop that does not look at keys."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the service."""

    sender: str
    head: bytes
    body: bytes

    @property
    def path(self) -> str:
        """Its path, as it was sent."""
        return self.head.split(b" ", 2)[1].decode()

    @property
    def key(self) -> str:
        """Its idempotency key; empty if it has none."""
        for line in self.head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"idempotency-key":
                return value.strip().decode()
        return ""

    @property
    def session_id(self) -> str | None:
        """The session that it completes, if that is what it does."""
        parts = self.path.split("/")
        completes = parts[1:2] == ["checkout-sessions"] and parts[3:] == ["complete"]
        return unquote(parts[2]) if completes else None


def keyless(reference: str, percent: int) -> bool:
    """Tell whether the shop sells this reference without looking at its key; as the shop does."""
    return crc32(reference.encode()) % 100 < percent


class ShopLine:
    """A thread that passes requests on, one port for each process of the service.

    Args:
        shop_port: where the shop listens.
        senders: the names of the processes.
        strike: called with a point and the name of the sender at the very moment.
        keyless_percent: the share of references that the shop sells without looking at keys. What
            is in flight twice there is sold twice, by any service: such requests are only lost
            when the shop has answered.
        replay: controls.
    """

    def __init__(
        self,
        shop_port: int,
        senders: Iterable[str],
        strike: Callable[[Point, str], None],
        *,
        keyless_percent: int = 0,
        replay: Collection[Replay] = (),
    ) -> None:
        self._shop_port = shop_port
        self._strike = strike
        self._keyless_percent = keyless_percent
        self._replay = replay
        self._armed: deque[Point] = deque()
        self.did: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        """Requests to order something, by key."""
        self.keys: defaultdict[str, set[str]] = defaultdict(set)
        """Keys under which a session was to become an order; more than one is a fault of ours."""
        self.accepted: set[str] = set()
        """Keys that the shop said yes to."""
        self._quoted: dict[str, bytes] = {}
        self._loop = asyncio.new_event_loop()
        self.ports = {name: self._loop.run_until_complete(self._listen(name)) for name in senders}
        self._thread = threading.Thread(target=self._loop.run_forever, name="shopline", daemon=True)
        self._thread.start()

    def arm(self, *points: Point) -> None:
        """Let these happen to the next requests that order something, one each."""
        self._armed.extend(points)

    def disarm(self) -> None:
        """Let nothing more happen."""
        self._armed.clear()

    def close(self) -> None:
        """Stop passing on."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _listen(self, name: str) -> int:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(name, reader, writer)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def _serve(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                head, body = await _read(reader)
                answer = await self._pass_on(Request(name, head, body), reader)
                if answer is None:
                    _reset(writer)
                    return
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            # The sender is gone, as after a kill, or the shop is; the sender sees a lost line.
            _reset(writer)

    async def _pass_on(self, request: Request, reader: asyncio.StreamReader) -> bytes | None:
        session_id = request.session_id
        if session_id is None:
            answer = await self._forward(request)
            self.did["answers of 500"] += _status(answer) == b"500"
            if request.head.startswith(b"POST /checkout-sessions "):
                self._note_quote(request, answer)
            return answer
        self.did["requests to order"] += 1
        self.asked[request.key] += 1
        self.keys[session_id].add(request.key)
        point = self._next_point(request)
        lost = self._before(point, request)
        if lost is not None:
            return lost or None
        answer = await self._forward(request)
        if _is_yes(answer):
            self.accepted.add(request.key)
            await self._play_again(request)
            return await self._after(point, request, answer, reader)
        self.did["answers of 500"] += _status(answer) == b"500"
        self.did["orders answered with nonsense"] += _status(answer) == b"200"
        if point is not None and point is not Point.KILL_ON_THE_WAY:
            self._armed.appendleft(point)
        return answer

    def _next_point(self, request: Request) -> Point | None:
        if not self._armed:
            return None
        point = self._armed.popleft()
        if point is Point.KILL_ON_THE_WAY and keyless(request.key, self._keyless_percent):
            return Point.KILL_AFTER_ACCEPT
        return point

    def _before(self, point: Point | None, request: Request) -> bytes | None:
        """Break before the shop hears of it; None if it shall hear, empty for a lost line."""
        if point is None:
            return None
        if point is Point.UNAVAILABLE:
            self.did[point] += 1
            return _UNAVAILABLE
        if point in (Point.KILL_BEFORE_SEND, Point.RESET_BEFORE):
            self._note(point, request)
            return b""
        if point is Point.KILL_ON_THE_WAY:
            self._note(point, request)
        return None

    async def _after(
        self, point: Point | None, request: Request, answer: bytes, reader: asyncio.StreamReader
    ) -> bytes | None:
        """Break after the shop has accepted."""
        if point is None or point is Point.KILL_ON_THE_WAY:
            return answer
        self._note(point, request)
        if point is Point.FAILED_AFTER:
            return _FAILED
        if point is Point.NONSENSE_AFTER:
            return _NONSENSE
        if point is Point.SILENCE:
            try:
                await asyncio.wait_for(reader.read(1), _SILENCE_S_MAX)
            except TimeoutError:
                return None
            return None
        return answer if point in (Point.STOP, Point.KILL_AFTER_ANSWER) else None

    def _note(self, point: Point, request: Request) -> None:
        self.did[point] += 1
        if point is Point.KILL_AFTER_ANSWER:
            # The answer leaves first: it is read, or half read, when the signal comes.
            self._loop.call_later(0.002, self._strike, point, request.sender)
        else:
            self._strike(point, request.sender)

    async def _forward(self, request: Request) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._shop_port)
        try:
            writer.write(request.head + request.body)
            head, body = await _read(reader)
            return head + body
        finally:
            writer.close()

    # Controls

    def _note_quote(self, request: Request, answer: bytes) -> None:
        if Replay.FRESH_KEY in self._replay and b" 201 " in answer[:20]:
            session_id = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]
            self._quoted[session_id] = request.body

    async def _play_again(self, request: Request) -> None:
        if Replay.SAME_KEY in self._replay:
            await self._forward(request)
            self.did["orders played again"] += 1
        if request.session_id in self._quoted:
            asked: dict[str, Any] = json.loads(self._quoted.pop(request.session_id))
            fresh = f"again-{os.urandom(8).hex()}"
            quoted = await self._forward(
                _post(request, "/checkout-sessions", fresh, {**asked, "reference": fresh})
            )
            session_id = json.loads(quoted.partition(b"\r\n\r\n")[2])["id"]
            path = f"/checkout-sessions/{session_id}/complete"
            await self._forward(_post(request, path, fresh, json.loads(request.body)))
            self.did["orders played again"] += 1


def _post(like: Request, path: str, key: str, content: dict[str, Any]) -> Request:
    body = json.dumps(content).encode()
    kept = [
        line
        for line in like.head.split(b"\r\n")[1:]
        if line and not line.lower().startswith((b"content-length", b"idempotency-key"))
    ]
    lines = [
        f"POST {path} HTTP/1.1".encode(),
        *kept,
        f"content-length: {len(body)}".encode(),
        f"idempotency-key: {key}".encode(),
    ]
    return Request(like.sender, b"\r\n".join(lines) + b"\r\n\r\n", body)


def _is_yes(answer: bytes) -> bool:
    """Tell an order from everything else, nonsense with status 200 included."""
    return _status(answer) == b"200" and b'"reference"' in answer[:4_000]


def _status(answer: bytes) -> bytes:
    return answer.split(b" ", 2)[1]


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read one message of HTTP/1.1 whose length is said."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head, await reader.readexactly(length)


def _reset(writer: asyncio.StreamWriter) -> None:
    held = writer.get_extra_info("socket")
    if held is not None and not writer.transport.is_closing():
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
