"""A TCP proxy that spoils a connection on command: late, black hole, cut, reset, half-open."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

CHUNK = 4_096


@dataclass
class Toxics:
    """What happens to one direction; may be changed at any moment."""

    latency_s: float = 0.0
    drop: bool = False
    """Read and thrown away: the sender sees a working connection."""
    cut_after: int | None = None
    """Bytes until everything is reset, in the middle of a message."""


@dataclass
class Proxy:
    """Stands between the gateway and its broker."""

    port: int = 0
    up: Toxics = field(default_factory=Toxics)
    down: Toxics = field(default_factory=Toxics)
    refuses: bool = False
    """New connections are reset."""
    connections: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def reset_all(self) -> None:
        """Reset each connection, on both sides."""
        for writer in list(self._writers):
            _reset(writer)

    async def _serve(
        self, broker: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        if self.refuses:
            _reset(writer)
            return
        there, to_there = await asyncio.open_connection("127.0.0.1", broker)
        both = {writer, to_there}
        self._writers |= both
        try:
            await asyncio.gather(
                self._pump(reader, to_there, self.up), self._pump(there, writer, self.down)
            )
        finally:
            self._writers -= both
            for side in both:
                side.close()

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, toxics: Toxics
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(CHUNK):
                if toxics.latency_s:
                    await asyncio.sleep(toxics.latency_s)
                if toxics.drop:
                    continue
                if toxics.cut_after is not None:
                    data, left = data[: toxics.cut_after], toxics.cut_after - len(data)
                    toxics.cut_after = max(0, left)
                target.write(data)
                await target.drain()
                if toxics.cut_after == 0:
                    toxics.cut_after = None
                    self.reset_all()
                    return
        with contextlib.suppress(ConnectionError, OSError):
            target.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    held = writer.get_extra_info("socket")
    if held is not None:
        with contextlib.suppress(OSError):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.asynccontextmanager
async def proxy(broker: int) -> AsyncIterator[Proxy]:
    """Listen on a free port, in front of the broker's."""
    made = Proxy()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(made._serve(broker, reader, writer))
        tasks.add(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.reset_all()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
