"""What the service manager hears from a real agent, on a real datagram socket."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_broker import Cloud, free_port, until
from edge_gateway import Gateway
from faults import harness
from faults.mounts import mounted, run
from zodra_edge.service.manager import Manager
from zodra_edge.service.watchdog import Vital, standing_still
from zodra_edge.status import status_file

WATCHDOG_US = 600_000


class Listener:
    """As systemd hears it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))

    def heard(self, line: str) -> bool:
        self.listen()
        return line in self.said

    def listen(self) -> list[str]:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.said.append(self._socket.recv(4096).decode())
        return self.said

    def forget(self) -> None:
        self.listen()
        self.said.clear()

    def status(self) -> str:
        return next((s for s in reversed(self.listen()) if s.startswith("STATUS=")), "")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    heard = Listener(tmp_path / "notify")
    yield heard
    heard.close()


@contextlib.contextmanager
def service(gateway: Gateway, listener: Listener) -> "Iterator[subprocess.Popen[bytes]]":
    environment = {
        **gateway.environment,
        "NOTIFY_SOCKET": str(listener.path),
        "WATCHDOG_USEC": str(WATCHDOG_US),
    }
    with (gateway.folder / "log").open("ab") as log:
        child = subprocess.Popen(gateway.command("run"), env=environment, stderr=log)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGCONT)
        child.kill()
        child.wait(20)


async def silent(listener: Listener) -> bool:
    """Whether it is silent for two periods of the watchdog, after what was still under way."""
    await asyncio.sleep(WATCHDOG_US / 1e6)
    listener.forget()
    await asyncio.sleep(2 * WATCHDOG_US / 1e6)
    return "WATCHDOG=1" not in listener.listen()


async def test_an_agent_is_ready_lives_and_stops_in_the_words_of_systemd(
    gateway: Gateway, their_cloud: Cloud, listener: Listener
) -> None:
    with service(gateway, listener) as child:
        await until(lambda: listener.heard("READY=1"))
        await until(lambda: listener.heard("WATCHDOG=1"))
        assert (gateway.folder / "data/need.db").exists()
        await until(lambda: "no need waits for the cloud" in listener.status())
        child.send_signal(signal.SIGSTOP)
        assert await silent(listener)
        child.send_signal(signal.SIGCONT)
        await until(lambda: listener.heard("WATCHDOG=1"))
        child.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(child.wait, 10) == 0
    assert listener.listen()[-1] == "STOPPING=1"


async def test_a_cloud_that_is_away_starves_no_watchdog(
    gateway: Gateway, listener: Listener
) -> None:
    text = gateway.config.read_text()
    port = f"port = {gateway.broker_port}"
    gateway.config.write_text(text.replace(port, f"port = {free_port()}", 1))
    with service(gateway, listener):
        await until(lambda: listener.status().startswith("STATUS=Degraded: the cloud cannot be"))
        await until(lambda: gateway.scanning())
        gateway.press(1)
        await until(lambda: "1 need waiting" in listener.status())
        listener.forget()
        await until(lambda: listener.listen().count("WATCHDOG=1") >= 3)


@pytest.mark.needs_loop
async def test_a_writer_on_a_hung_disk_starves_the_watchdog_although_the_loop_runs(
    gateway: Gateway, their_cloud: Cloud, listener: Listener
) -> None:
    harness.need("needs_loop")
    runtime = gateway.folder / "runtime"
    runtime.mkdir()
    image, data = gateway.folder / "image", gateway.folder / "data"
    shown = status_file(data, runtime)
    with image.open("wb") as made:
        made.truncate(32 * 2**20)
    run("mkfs.ext4", "-q", image)
    text = gateway.config.read_text().replace("[cloud]", 'runtime_dir = "runtime"\n[cloud]', 1)
    gateway.config.write_text(text.replace("[outbox]", "[outbox]\nreserve_bytes = 1048576"))
    with mounted(data, "-o", "loop", image), service(gateway, listener):
        await until(lambda: shown.exists())
        await until(lambda: json.loads(shown.read_text())["radio"][0]["scanning"])
        listener.forget()
        await until(lambda: listener.heard("WATCHDOG=1"))
        run("fsfreeze", "-f", data)
        try:
            gateway.press(1)
            assert await silent(listener)
            written = shown.stat().st_mtime_ns
            await until(lambda: shown.stat().st_mtime_ns > written)
        finally:
            run("fsfreeze", "-u", data)
        await until(lambda: listener.heard("WATCHDOG=1"))


async def test_a_gateway_that_nobody_claimed_says_what_to_do_and_waits(
    gateway: Gateway, listener: Listener
) -> None:
    whole = gateway.config.read_text()
    gateway.config.write_text('data_dir = "data"\n')
    with service(gateway, listener) as child:
        await until(lambda: listener.heard("READY=1"))
        assert "not claimed yet" in listener.status()
        assert str(gateway.config) in listener.status()
        listener.forget()
        await until(lambda: listener.listen().count("WATCHDOG=1") >= 2)
        gateway.config.write_text(whole)
        assert await asyncio.to_thread(child.wait, 10) == 0
    assert "not claimed yet" in (gateway.folder / "log").read_text()


def test_without_a_service_manager_an_unclaimed_gateway_ends_with_the_sentence(
    gateway: Gateway,
) -> None:
    gateway.config.write_text('data_dir = "data"\n')
    ran = gateway.cli("run")
    assert (ran.returncode, "not claimed yet" in ran.stderr) == (1, True)


@pytest.mark.parametrize(
    ("environment", "listens", "watchdog_s"),
    [
        ({}, False, None),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000"}, True, 30.0),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "7"}, True, 0.000001),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "8"}, True, None),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "0"}, True, None),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "soon"}, True, None),
    ],
)
def test_who_started_us_is_read_from_the_environment(
    environment: dict[str, str], listens: bool, watchdog_s: float | None
) -> None:
    found = Manager.found(environment, 7)
    assert (found.listens, found.watchdog_s) == (listens, watchdog_s)


def test_an_abstract_socket_is_told_and_one_that_is_gone_harms_nobody() -> None:
    name = f"zodra-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0{name}")
        manager = Manager(f"@{name}")
        for said in ("one\ntwo", "one two", "three"):
            manager.says(said)
        assert [heard.recv(99).decode() for _ in range(2)] == ["STATUS=one two", "STATUS=three"]
    manager.ready()


@pytest.mark.parametrize(
    ("before", "after", "still"),
    [
        pytest.param((False, 1, True, 1), (False, 1, True, 2), "", id="nothing to do"),
        pytest.param((True, 1, True, 1), (True, 2, True, 2), "", id="busy"),
        pytest.param((True, 1, True, 1), (True, 1, True, 2), "frames", id="stuck with a frame"),
        pytest.param((True, 1, True, 1), (False, 1, True, 2), "", id="done with it"),
        pytest.param((False, 1, True, 1), (False, 1, True, 1), "uplink", id="woken, and no turn"),
        pytest.param((False, 1, False, 1), (False, 1, False, 1), "", id="the cloud is away"),
        pytest.param((False, 1, True, 1), (False, 1, False, 1), "", id="the cloud went away"),
    ],
)
def test_what_stands_still_is_named(
    before: tuple[bool, int, bool, int], after: tuple[bool, int, bool, int], still: str
) -> None:
    assert standing_still(Vital(*before), Vital(*after)) == still
