"""Hands the figures out over HTTP, on the loopback address or a Unix socket."""

import asyncio
import os
import stat
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final

from zodra_edge.errors import EdgeError
from zodra_edge.settings import Metrics
from zodra_edge.status.exposition import CONTENT_TYPE, Disk, exposition
from zodra_edge.status.report import Status

LOOPBACK: Final = "127.0.0.1"
PATH: Final = "/metrics"
HEAD_BYTES_MAX: Final = 8 * 1024
ANSWER_S_MAX: Final = 5.0
CALLERS_MAX: Final = 8
"""At once; one more is turned away. Prometheus comes alone."""


def disk_of(folder: Path) -> Disk | None:
    """Look how much room there is; None if the system does not say."""
    try:
        held = os.statvfs(folder)
    except OSError:
        return None
    return Disk(held.f_bavail * held.f_frsize, held.f_blocks * held.f_frsize)


class MetricsPage:
    """Answers `GET /metrics`. `run` lasts until it is cancelled."""

    def __init__(self, settings: Metrics, data_dir: Path, status: Callable[[], Status]) -> None:
        """Take the parts; `status` is asked at each request."""
        self._settings = settings
        self._data_dir = data_dir
        self._status = status
        self._callers = 0

    async def run(self) -> None:
        """Listen.

        Raises:
            EdgeError: the port or the path cannot be had.
        """
        where = self._settings.socket or f"{LOOPBACK}:{self._settings.port}"
        try:
            server = await self._listen()
        except OSError as fault:
            raise EdgeError(
                f"cannot offer metrics on {where}: {fault.strerror or fault}"
            ) from fault
        async with server:
            await server.serve_forever()

    async def _listen(self) -> asyncio.Server:
        path = self._settings.socket
        if path is None:
            return await asyncio.start_server(
                self._answer, LOOPBACK, self._settings.port, limit=HEAD_BYTES_MAX
            )
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            # Left by an earlier run: the data folder has one owner, so nobody listens on it.
            path.unlink()
        server = await asyncio.start_unix_server(self._answer, path, limit=HEAD_BYTES_MAX)
        path.chmod(0o600)
        return server

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers += 1
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                if self._callers > CALLERS_MAX:
                    writer.write(_response(HTTPStatus.SERVICE_UNAVAILABLE))
                else:
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._response_to(head))
                await writer.drain()
        except asyncio.LimitOverrunError:
            writer.write(_response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
        except (asyncio.IncompleteReadError, TimeoutError, OSError):
            # The caller went away, or dawdled: nobody waits for an answer any more.
            writer.transport.abort()
        finally:
            self._callers -= 1
            writer.close()

    def _response_to(self, head: bytes) -> bytes:
        words = head.partition(b"\r\n")[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _response(HTTPStatus.BAD_REQUEST)
        method, target, _ = words
        if target.partition(b"?")[0] != PATH.encode():
            return _response(HTTPStatus.NOT_FOUND)
        if method not in (b"GET", b"HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, allow=True)
        body = exposition(self._status(), disk_of(self._data_dir)).encode()
        return _response(HTTPStatus.OK, body, CONTENT_TYPE, is_head=method == b"HEAD")


def _response(
    status: HTTPStatus,
    body: bytes = b"",
    content_type: str = "text/plain",
    *,
    is_head: bool = False,
    allow: bool = False,
) -> bytes:
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
        *(["Allow: GET, HEAD"] if allow else []),
    ]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return head if is_head else head + body
