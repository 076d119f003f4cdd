"""A real MQTT broker as a child process, and a cloud that answers on it as a test tells it to."""

import asyncio
import contextlib
import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiomqtt
import zstandard
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from missing import MissingTool, give_up
from zodra_contract import envelope, topics
from zodra_contract.envelope import (
    BatchName,
    NeedBatch,
    Receipt,
    Rejection,
    TelemetryBatch,
    UpMessage,
)
from zodra_contract.outcome import RejectReason
from zodra_contract.topics import Address, Down

USER, PASSWORD = "tester", "open sesame"
AMQTT = Path(sys.executable).parent / "amqtt"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def amqtt(
    folder: Path, port: int, *, closed: bool = False, certificate: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run amqtt for `USER`; a closed one lets nobody in. It keeps no session of the nameless."""
    folder.mkdir(parents=True, exist_ok=True)
    hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1),))
    passwords = folder / "passwords"
    passwords.write_text("" if closed else f"{USER}:{hasher.hash(PASSWORD)}\n")
    config = folder / "amqtt.yaml"
    listener: dict[str, object] = {"type": "tcp", "bind": f"127.0.0.1:{port}"}
    if certificate is not None:
        key = str(certificate.with_suffix(".key"))
        listener |= {"ssl": True, "certfile": str(certificate), "keyfile": key}
    config.write_text(
        json.dumps(
            {
                "listeners": {"default": listener},
                "plugins": {
                    "amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(passwords)}
                },
            }
        )
    )
    child = subprocess.Popen(
        [str(AMQTT), "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_open(port)
        yield child
    finally:
        child.kill()
        child.wait(10)


@contextlib.contextmanager
def mosquitto(
    folder: Path, port: int, certificate: Path | None = None, access: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run mosquitto, which hands out again what was not acknowledged; amqtt does not.

    Args:
        folder: for its configuration.
        port: on the loopback.
        certificate: of its TLS; none without.
        access: its access list; everybody may do everything without. Any password is right.
    """
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        give_up(MissingTool("mosquitto is not installed: apt-get install mosquitto"))
    config = folder / "mosquitto.conf"
    tls = "" if certificate is None else f"certfile {certificate}\n"
    if certificate is not None:
        tls += f"keyfile {certificate.with_suffix('.key')}\n"
    rules = "" if access is None else f"acl_file {access}\n"
    if tls or rules:
        # As root it would become the user `mosquitto`, who may not read a test's files.
        tls += f"user {getpass.getuser()}\n"
    config.write_text(
        f"listener {port} 127.0.0.1\n{tls}{rules}allow_anonymous true\nlog_type error\n"
    )
    child = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        _wait_until_open(port)
        yield child
    finally:
        child.kill()
        child.wait(10)


def client_of(port: int) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", port, username=USER, password=PASSWORD, timeout=20)


def _wait_until_open(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"no broker on port {port}")


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something to become true; the limit is only there so that a failure ends."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@dataclass
class Cloud:
    """Hears all that one gateway sends, and answers when told to, or at once."""

    client: aiomqtt.Client
    address: Address
    answers: bool = True
    spoils: int | None = None
    """A sequence whose batches are refused as a whole."""
    later: int | None = None
    """A need's sequence that it wants later, which holds its watermark back."""
    heard: list[UpMessage] = field(default_factory=list)
    upto: dict[str, int] = field(default_factory=dict)

    def of(self, kind: type[UpMessage]) -> list[UpMessage]:
        return [message for message in self.heard if isinstance(message, kind)]

    def needs(self) -> list[tuple[int, str]]:
        return [
            (row.sequence, row.signal.signal_id)
            for message in self.heard
            if isinstance(message, NeedBatch)
            for row in message.rows
        ]

    async def tell(self, what: Down, payload: bytes) -> None:
        await self.client.publish(topics.down(self.address, what), payload, qos=1)

    async def receipt(self, receipt: Receipt) -> None:
        await self.tell(Down.RECEIPT, envelope.to_bytes(receipt))

    async def serve(self) -> None:
        async for message in self.client.messages:
            assert isinstance(message.payload, bytes)
            raw = message.payload
            if envelope.is_compressed(raw):
                raw = zstandard.ZstdDecompressor().decompress(raw, max_output_size=2**20)
            read = envelope.read_up(raw).message
            assert read is not None
            self.heard.append(read)
            if self.answers and isinstance(read, NeedBatch | TelemetryBatch):
                await self._answer(read)

    async def _answer(self, batch: NeedBatch | TelemetryBatch) -> None:
        now = datetime.now(UTC)
        if any(row.sequence == self.spoils for row in batch.rows):
            await self.receipt(
                Receipt(
                    buffer_id=batch.buffer_id,
                    refused=RejectReason.MALFORMED,
                    batch=BatchName(batch.rows[0].sequence, len(batch.rows)),
                    committed_at=now,
                )
            )
            return
        upto = max(self.upto.get(batch.buffer_id, 0), batch.rows[-1].sequence)
        later: tuple[Rejection, ...] = ()
        if self.later is not None and isinstance(batch, NeedBatch) and upto >= self.later:
            upto = self.later - 1
            later = (Rejection(self.later, RejectReason.NEWER_VERSION),)
        self.upto[batch.buffer_id] = upto
        await self.receipt(
            Receipt(buffer_id=batch.buffer_id, upto=upto, rejected=later, committed_at=now)
        )


@contextlib.asynccontextmanager
async def cloud(port: int, address: Address) -> AsyncIterator[Cloud]:
    async with client_of(port) as client:
        await client.subscribe(topics.up(address), qos=1)
        served = Cloud(client, address)
        task = asyncio.create_task(served.serve())
        try:
            yield served
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
