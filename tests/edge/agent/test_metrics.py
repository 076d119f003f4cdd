"""The page of figures over a real socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_broker import free_port, until
from zodra_contract.signal import TimeQuality
from zodra_edge.agent.metrics import HEAD_BYTES_MAX, MetricsPage
from zodra_edge.clock import wall
from zodra_edge.errors import EdgeError
from zodra_edge.settings import Metrics
from zodra_edge.status import CloudPart, LanePart, Status

LANE = LanePart(buffer_id="b", depth=3, oldest_age_s=0, dropped=0, quarantined=0)


def status() -> Status:
    now = wall()
    return Status(
        gateway_id="gw-1",
        household_id="hh-1",
        pid=1,
        boot_id="b",
        written_at=now,
        written_monotonic_s=0,
        started_at=now,
        uptime_s=1,
        restarts=0,
        rss_bytes=1,
        clock_quality=TimeQuality.SYNCED,
        clock_error_ms=1,
        cloud=CloudPart(host="h", port=1, state="online", since=now),
        need=LANE,
        telemetry=LANE,
    )


@contextlib.asynccontextmanager
async def served(settings: Metrics, folder: Path) -> AsyncIterator[None]:
    task = asyncio.create_task(MetricsPage(settings, folder, status).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def connect(settings: Metrics) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(10):
        while True:
            try:
                if settings.socket is not None:
                    return await asyncio.open_unix_connection(settings.socket)
                return await asyncio.open_connection("127.0.0.1", settings.port)
            except OSError:
                await asyncio.sleep(0.01)


async def ask(settings: Metrics, request: bytes) -> tuple[int, str, str]:
    reader, writer = await connect(settings)
    writer.write(request)
    answer = (await reader.read()).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split(" ")[1]), head, body


async def test_the_page_is_handed_out_on_a_port(tmp_path: Path) -> None:
    settings = Metrics(port=free_port())
    async with served(settings, tmp_path):
        code, head, body = await ask(settings, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert code == 200
        assert f"Content-Length: {len(body)}" in head
        assert "version=0.0.4" in head
        assert 'zodra_outbox_rows{lane="need"} 3\n' in body
        assert "zodra_disk_free_bytes " in body
        code, head, body = await ask(settings, b"HEAD /metrics?x=1 HTTP/1.0\r\n\r\n")
        assert (code, body) == (200, "")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
        (b"hello\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES_MAX + b"\r\n\r\n", 431),
    ],
)
async def test_anything_else_gets_its_code(tmp_path: Path, request_: bytes, code: int) -> None:
    settings = Metrics(port=free_port())
    async with served(settings, tmp_path):
        assert (await ask(settings, request_))[0] == code


async def test_a_socket_is_for_the_account_alone_and_survives_a_killed_run(tmp_path: Path) -> None:
    settings = Metrics(socket=tmp_path / "m")
    assert settings.socket is not None
    for _ in range(2):
        async with served(settings, tmp_path):
            code, _, _ = await ask(settings, b"GET /metrics HTTP/1.1\r\n\r\n")
            assert code == 200
            await until(lambda: settings.socket and settings.socket.stat().st_mode & 0o777 == 0o600)


async def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    settings = Metrics(port=free_port())
    async with served(settings, tmp_path):
        assert (await ask(settings, b"GET / HTTP/1.1\r\n\r\n"))[0] == 404
        with pytest.raises(EdgeError, match="cannot offer metrics on"):
            await MetricsPage(settings, tmp_path, status).run()
