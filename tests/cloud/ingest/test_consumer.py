"""The consumer on a real broker: a long queue slows its gateways down, and a short one does not."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloud_builders import FakeClock, set_up_home
from cloud_messages import reading, telemetry
from edge_broker import client_of, free_port, mosquitto, until
from zodra_cloud.ingest.consumer import BrokerAccess, Consumer
from zodra_cloud.ingest.reader import Received, Refusal
from zodra_cloud.ingest.writer import Answer, Writer
from zodra_cloud.kit.changes import Changes
from zodra_cloud.store.engine import Database
from zodra_contract.envelope import Receipt, read_receipt, to_bytes

BATCHES = 60


@dataclass
class SecondsPass(FakeClock):
    """A second passes whenever somebody looks."""

    def monotonic(self) -> float:
        self.advance(1.0)
        return self.elapsed_s


class HeldUp(Writer):
    """A writer whose database hangs until the test lets it go on."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, SecondsPass(), Changes())
        self.goes_on = threading.Event()

    def store(self, messages: Sequence[Received | Refusal]) -> list[Answer]:
        self.goes_on.wait(20)
        return super().store(messages)


@pytest.mark.parametrize("held_up", [True, False], ids=["long queue", "no queue"])
async def test_receipts_ask_for_a_pace_while_the_queue_is_long(
    database: Database, tmp_path: Path, held_up: bool
) -> None:
    set_up_home(database)
    writer = HeldUp(database)
    port = free_port()
    receipts: list[Receipt] = []
    with mosquitto(tmp_path, port):
        access = BrokerAccess("127.0.0.1", port, "cloud", "", "cloud-1")
        consumer = Consumer(access, writer, rows_per_commit_max=5, inbox_messages_max=20)
        consumer.start()
        await until(lambda: consumer.connected)
        try:
            async with client_of(port) as gateway:
                await gateway.subscribe("down/hh-1/gw-1/receipt")
                if not held_up:
                    writer.goes_on.set()
                for number in range(1, BATCHES + 1):
                    batch = to_bytes(telemetry(reading(number)))
                    await gateway.publish("up/hh-1/gw-1", batch, qos=0)
                    if not held_up:
                        message = await anext(aiter(gateway.messages))
                        assert isinstance(message.payload, bytes)
                        receipts.append(read_receipt(message.payload))
                if held_up:
                    await until(lambda: len(consumer._inbox) == 20)
                    writer.goes_on.set()
                    async for message in gateway.messages:
                        assert isinstance(message.payload, bytes)
                        receipts.append(read_receipt(message.payload))
                        if receipts[-1].upto == BATCHES:
                            break
        finally:
            writer.goes_on.set()
            consumer.stop(5)
    paces_ms = [receipt.pace_ms or 0 for receipt in receipts]
    assert receipts[-1].upto == BATCHES
    if held_up:
        assert max(paces_ms) >= 400
        assert paces_ms[-1] < max(paces_ms), "the queue is over"
    else:
        assert not any(paces_ms)
