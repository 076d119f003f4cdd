"""The queue between transports and consumer, and the supervisor."""

import asyncio
import threading
from dataclasses import replace

import pytest

from edge_broker import until
from edge_frames import heard
from zodra_edge.agent.intake import CHUNK_MAX, Intake
from zodra_edge.agent.supervisor import Supervisor
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.errors import RadioFault

FRAME = MqttMessage("home", "topic", b"", False, heard())


async def test_frames_come_out_in_the_order_they_went_in_from_any_thread() -> None:
    intake = Intake(10_000)
    taken: list[str] = []

    def offer() -> None:
        for number in range(5_000):
            assert intake.offer(replace(FRAME, topic=str(number)))

    thread = threading.Thread(target=offer)
    thread.start()
    async with asyncio.timeout(20):
        while len(taken) < 5_000:
            chunk = await intake.take()
            assert 0 < len(chunk) <= CHUNK_MAX
            taken += [
                arrival.frame.topic for arrival in chunk if type(arrival.frame) is MqttMessage
            ]
    thread.join()
    assert taken == [str(number) for number in range(5_000)]


async def test_a_full_queue_takes_nothing_more() -> None:
    intake = Intake(2)
    assert [intake.offer(FRAME) for _ in range(3)] == [True, True, False]
    assert len(await intake.take()) == 2
    assert intake.offer(FRAME)


async def test_a_part_that_fails_is_started_again_and_the_others_do_not_notice() -> None:
    supervisor = Supervisor(draw=lambda: 0.01)
    starts: list[str] = []

    async def fails() -> None:
        starts.append("fails")
        raise RadioFault("no adapter") if len(starts) % 2 else ZeroDivisionError

    async def lasts() -> None:
        starts.append("lasts")
        await asyncio.Event().wait()

    supervisor.start("radio", fails)
    supervisor.start("uplink", lasts)
    await until(lambda: starts.count("fails") >= 3)
    assert starts.count("lasts") == 1
    radio, uplink = supervisor.parts
    assert radio.restarts >= 2
    assert uplink.restarts == 0
    await supervisor.stop()


@pytest.mark.parametrize(
    ("raised", "said"),
    [(RadioFault("no adapter"), "no adapter"), (KeyError("x"), "unexpected KeyError")],
)
async def test_why_a_part_waits_is_visible(raised: Exception, said: str) -> None:
    supervisor = Supervisor(draw=lambda: 0.9)

    async def fails() -> None:
        raise raised

    supervisor.start("radio", fails)
    await until(lambda: supervisor.parts[0].fault)
    assert supervisor.parts[0].fault == said
    await supervisor.stop()


async def test_a_part_that_returns_begins_its_next_round_at_once() -> None:
    supervisor = Supervisor(draw=lambda: 1.0)
    rounds: list[int] = []

    async def one_round() -> None:
        await asyncio.sleep(0)
        rounds.append(1)

    supervisor.start("connection", one_round)
    await until(lambda: len(rounds) >= 5)
    assert supervisor.parts[0].restarts == 0
    await supervisor.stop()
