"""The home's broker: what is heard, what is refused, what is acknowledged."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr

from edge_broker import PASSWORD, USER, amqtt, client_of, free_port, mosquitto, until
from zodra_edge.clock import Clock
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.errors import LinkFault
from zodra_edge.heard import UNKNOWN_ERROR_MS
from zodra_edge.local_mqtt import HomeBroker
from zodra_edge.settings import HomeMqtt


@dataclass
class Home:
    broker: HomeBroker
    frames: list[MqttMessage] = field(default_factory=list)
    dones: list[Callable[[], None]] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)
    takes: bool = True
    acknowledges: bool = True


def home(port: int, gateway_id: str, topics: list[str], tmp_path: Path) -> Home:
    def deliver(frame: MqttMessage, done: Callable[[], None]) -> bool:
        if made.takes:
            made.frames.append(frame)
            if made.acknowledges:
                done()
        return made.takes

    settings = HomeMqtt(
        host="127.0.0.1",
        port=port,
        username=USER,
        password=SecretStr(PASSWORD),
        message_bytes_max=256,
    )
    made = Home(
        HomeBroker(
            settings,
            gateway_id,
            topics,
            Clock(tmp_path / "floor"),
            deliver,
            lambda reason: made.counts.append(reason),
        )
    )
    return made


@contextlib.asynccontextmanager
async def running(made: Home) -> AsyncIterator[None]:
    task = asyncio.create_task(made.broker.run())
    try:
        await until(lambda: made.broker.status.connected or task.done())
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_messages_of_the_homes_devices_become_frames(
    broker_port: int, gateway_id: str, tmp_path: Path
) -> None:
    topic = f"home/{gateway_id}"
    made = home(broker_port, gateway_id, [topic], tmp_path)
    async with client_of(broker_port) as device:
        await device.publish(topic, b"before", qos=1, retain=True)
        async with running(made):
            await until(lambda: len(made.frames) == 1)
            await device.publish(topic, b"after", qos=1)
            await device.publish(topic + "/other", b"not ours", qos=1)
            await until(lambda: len(made.frames) == 2)
        await device.publish(topic, b"", qos=1, retain=True)
    assert [(f.topic, f.payload, f.retained) for f in made.frames] == [
        (topic, b"before", True),
        (topic, b"after", False),
    ]


@pytest.mark.parametrize("broker", [amqtt, mosquitto])
async def test_a_device_that_nobody_introduced_is_counted_once_and_ours_are_heard_once(
    broker: Callable[[Path, int], contextlib.AbstractContextManager[object]],
    gateway_id: str,
    tmp_path: Path,
) -> None:
    ours = f"zodra/home/baby/{gateway_id}"
    port = free_port()
    made = home(port, gateway_id, [ours], tmp_path)
    with broker(tmp_path, port):
        async with client_of(port) as device, running(made):
            for number in range(3):
                await device.publish(f"{ours}-stranger", str(number), qos=1)
                await device.publish(f"zigbee2mqtt/{gateway_id}", str(number))
                await device.publish(ours, str(number), qos=1)
            await device.publish(ours, b"last", qos=1)
            await until(lambda: made.frames and made.frames[-1].payload == b"last")
    assert [frame.payload for frame in made.frames] == [b"0", b"1", b"2", b"last"]
    assert made.counts == ["unknown_device", "unknown_device"]
    assert made.broker.status.strangers == 2


async def test_messages_of_strangers_do_not_wait_for_a_gateway_that_is_away(
    gateway_id: str, tmp_path: Path
) -> None:
    ours = f"zodra/home/baby/{gateway_id}"
    port = free_port()
    made = home(port, gateway_id, [ours], tmp_path)
    with mosquitto(tmp_path, port):
        async with client_of(port) as device:
            async with running(made):
                pass
            for _ in range(1_100):
                await device.publish("zigbee2mqtt/stranger", b"{}", qos=1)
            await device.publish(ours, b"ours", qos=1)
            async with running(made):
                await until(lambda: made.frames)
    assert made.frames[0].payload == b"ours"
    assert made.counts == []


async def test_an_oversized_payload_is_refused_and_the_next_one_heard(
    broker_port: int, gateway_id: str, tmp_path: Path
) -> None:
    topic = f"home/{gateway_id}"
    made = home(broker_port, gateway_id, [topic], tmp_path)
    async with client_of(broker_port) as device, running(made):
        await device.publish(topic, b"x" * 257, qos=1)
        await device.publish(topic, b"fits", qos=1)
        await until(lambda: made.frames)
    assert made.counts == ["oversized"]
    assert made.frames[0].payload == b"fits"


async def test_a_message_that_was_not_dealt_with_comes_again(
    gateway_id: str, tmp_path: Path
) -> None:
    topic = f"home/{gateway_id}"
    port = free_port()
    made = home(port, gateway_id, [topic], tmp_path)
    made.acknowledges = False
    with mosquitto(tmp_path, port):
        async with client_of(port) as device, running(made):
            await device.publish(topic, b"a change", qos=1)
            await until(lambda: made.frames)
        made.acknowledges = True
        async with running(made):
            await until(lambda: len(made.frames) == 2)
    assert {frame.payload for frame in made.frames} == {b"a change"}


async def test_what_is_said_while_the_gateway_is_away_is_heard_afterwards(
    broker_port: int, gateway_id: str, tmp_path: Path
) -> None:
    topic = f"home/{gateway_id}"
    made = home(broker_port, gateway_id, [topic], tmp_path)
    async with running(made):
        pass
    async with client_of(broker_port) as device:
        await device.publish(topic, b"a change", qos=1)
    async with running(made):
        await until(lambda: made.frames)
    assert made.frames[0].payload == b"a change"


async def test_what_waited_in_the_session_says_so_and_what_a_new_session_hears_does_not(
    gateway_id: str, tmp_path: Path
) -> None:
    topic = f"home/{gateway_id}"
    port = free_port()
    made = home(port, gateway_id, [topic], tmp_path)
    again = home(port, gateway_id, [topic], tmp_path)
    with mosquitto(tmp_path, port):
        async with client_of(port) as device:
            async with running(made):
                await device.publish(topic, b"live", qos=1)
                await until(lambda: len(made.frames) == 1)
            await device.publish(topic, b"waited", qos=1)
            async with running(made):
                await until(lambda: len(made.frames) == 2)
            await device.publish(topic, b"waited for another run", qos=1)
            async with running(again):
                await until(lambda: again.frames)
    live, waited = made.frames
    assert live.waited_ms_max == 0
    assert 0 < waited.waited_ms_max < 3_600_000
    assert again.frames[0].waited_ms_max == UNKNOWN_ERROR_MS


async def test_a_full_queue_makes_the_broker_wait_and_loses_nothing(
    broker_port: int, gateway_id: str, tmp_path: Path
) -> None:
    topic = f"home/{gateway_id}"
    made = home(broker_port, gateway_id, [topic], tmp_path)
    made.takes = False
    async with client_of(broker_port) as device, running(made):
        for number in range(3):
            await device.publish(topic, str(number), qos=1)
        await until(lambda: made.broker.status.messages)
        made.takes = True
        await until(lambda: len(made.frames) == 3)
    assert made.counts == []


async def test_a_light_set_while_the_broker_is_away_is_set_when_it_is_back(
    broker_port: int, gateway_id: str, tmp_path: Path
) -> None:
    light = f"zodra/{gateway_id}/light/btn"
    made = home(broker_port, gateway_id, [], tmp_path)
    made.broker.publish(light, b"kept")
    made.broker.publish(light, b"received")
    async with client_of(broker_port) as device:
        await device.subscribe(light, qos=1)
        async with running(made):
            made.broker.publish(light, b"asked")
            seen = []
            async for message in device.messages:
                seen.append(message.payload)
                if message.payload == b"asked":
                    break
    assert seen == [b"received", b"asked"]


async def test_a_broker_that_knows_us_not_is_named_as_such(
    closed_broker_port: int, gateway_id: str, tmp_path: Path
) -> None:
    made = home(closed_broker_port, gateway_id, ["home/x"], tmp_path)
    with pytest.raises(LinkFault):
        await made.broker.run()
    assert made.broker.status.reason == "not_authorised"


async def test_a_broker_that_goes_ends_the_connection(tmp_path: Path, gateway_id: str) -> None:
    port = free_port()
    made = home(port, gateway_id, ["home/x"], tmp_path)
    with pytest.raises(LinkFault):
        await made.broker.run()
    assert made.broker.status.reason == "unreachable"
    with amqtt(tmp_path / "broker", port) as child:
        task = asyncio.create_task(made.broker.run())
        await until(lambda: made.broker.status.connected)
        child.kill()
        with pytest.raises(LinkFault):
            await task
    assert not made.broker.status.connected


async def test_a_topic_of_any_length_is_refused_before_it_is_remembered(
    broker_port: int, gateway_id: str, tmp_path: Path
) -> None:
    made = home(broker_port, gateway_id, [f"home/{gateway_id}/#"], tmp_path)
    async with client_of(broker_port) as device, running(made):
        await device.publish(f"home/{gateway_id}/" + "x" * 600, b"1", qos=1)
        await device.publish(f"home/{gateway_id}/y", b"1", qos=1)
        await until(lambda: made.frames)
    assert made.counts == ["oversized"]
    assert [frame.topic for frame in made.frames] == [f"home/{gateway_id}/y"]
