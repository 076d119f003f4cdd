"""What the product relies on, and what it must be spared, with every broker alike.

The gateway's side is aiomqtt and the cloud's side is paho with manual acknowledgement, as in the
product. Where a broker promises more or less than the others, `docs/brokers.md` says so and the
test's table repeats it.
"""

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path
from signal import SIGKILL

import aiomqtt
import pytest

from sim.brokers.brokers import (
    KINDS,
    Cloud,
    RunningBroker,
    cloud,
    free_port,
    password,
    require,
    running,
    until,
    write_config,
)
from zodra_contract.envelope import MESSAGE_BYTES_MAX

SOON_S = 0.4
"""How long to listen for what must not come, after something that came the same way."""


def gateway(
    port: int, gateway_id: str = "gw-1", secret: str | None = None, **options: object
) -> aiomqtt.Client:
    return aiomqtt.Client(
        "127.0.0.1",
        port,
        username=gateway_id,
        password=password(gateway_id) if secret is None else secret,
        identifier=str(options.get("identifier", f"test-{gateway_id}")),
        timeout=10,
    )


async def test_what_a_gateway_sends_on_its_own_topic_reaches_the_cloud(
    broker: RunningBroker,
) -> None:
    with cloud(broker.port) as ingest:
        async with gateway(broker.port) as client:
            await client.publish("up/hh-1/gw-1", b"own-1", qos=1)
        assert ingest.wait_for(b"own-1") == "up/hh-1/gw-1"


async def test_ids_with_dash_and_underscore_work(broker: RunningBroker) -> None:
    with cloud(broker.port) as ingest:
        async with gateway(broker.port, "gw_2") as client:
            await client.publish("up/hh_A-b_1/gw_2", b"ids", qos=1)
        assert ingest.wait_for(b"ids") == "up/hh_A-b_1/gw_2"


async def test_every_broker_answers_to_the_end_of_a_subscription_that_never_was(
    broker: RunningBroker,
) -> None:
    """So a gateway finds out whether a quiet line still works; what it hears stays as it was."""
    with cloud(broker.port) as ingest:
        async with gateway(broker.port) as client:
            await client.subscribe("down/hh-1/gw-1/+", qos=1)
            for _ in range(3):
                await client.unsubscribe("down/hh-1/gw-1/+/nothing", timeout=10)
            ingest.publish("down/hh-1/gw-1/receipt", b"still-heard")
            async with asyncio.timeout(10):
                message = await anext(aiter(client.messages))
    assert message.payload == b"still-heard"


@pytest.mark.parametrize("secret", ["wrong-secret", ""], ids=["wrong", "empty"])
async def test_a_wrong_password_is_refused(broker: RunningBroker, secret: str) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with gateway(broker.port, "gw-1", secret):
            pass


@pytest.mark.parametrize("username", [None, "nobody"], ids=["no name", "unknown name"])
async def test_a_stranger_is_refused(broker: RunningBroker, username: str | None) -> None:
    stranger = aiomqtt.Client(
        "127.0.0.1", broker.port, username=username, password=username, timeout=10
    )
    with pytest.raises(aiomqtt.MqttError):
        async with stranger:
            pass


@pytest.mark.parametrize(
    "topic",
    ["up/hh-1/gw-1", "up/hh-1/gw_2/more", "down/hh-1/gw_2/receipt", "other", "zodra/gw_2/light/a"],
)
async def test_a_message_on_a_topic_that_is_not_the_gateways_never_arrives(
    broker: RunningBroker, topic: str
) -> None:
    everything = ("up/+/+",)
    with (
        cloud(broker.port, topics=everything) as ingest,
        cloud(broker.port, username="gw_2", topics=("down/hh-1/gw_2/+",)) as itself,
    ):
        # A broker may end the connection of whoever tries, so the proof that the
        # way was open goes over a connection of its own.
        try:
            async with gateway(broker.port, "gw_2", identifier="prober") as client:
                await client.publish(topic, b"forged", qos=1, timeout=SOON_S)
        except aiomqtt.MqttError:
            pass
        async with gateway(broker.port, "gw_2") as client:
            await client.publish("up/hh-1/gw_2", b"honest", qos=1)
        ingest.wait_for(b"honest")
        await asyncio.sleep(SOON_S)
        assert b"forged" not in [body for _, body in ingest.heard + itself.heard]


@pytest.mark.parametrize("topic", ["down/hh-1/gw-1/+", "down/#", "up/+/+", "#"])
async def test_a_gateway_hears_nothing_that_is_anothers(broker: RunningBroker, topic: str) -> None:
    with (
        cloud(broker.port, username="gw-1", topics=("down/hh-1/gw-1/+",)) as rightful,
        cloud(broker.port, username="gw_2", topics=(topic,)) as curious,
        cloud(broker.port) as ingest,
    ):
        ingest.publish("down/hh-1/gw-1/receipt", b"not-for-gw_2")
        rightful.wait_for(b"not-for-gw_2")
        await asyncio.sleep(SOON_S)
        assert curious.heard == []
        # mosquitto accepts the subscription and filters the messages; the others say no at once.
        assert bool(curious.refused) is (broker.kind != "mosquitto")


async def test_a_receipt_reaches_the_addressed_gateway_alone(broker: RunningBroker) -> None:
    with (
        cloud(broker.port, username="gw-1", topics=("down/hh-1/gw-1/+",)) as first,
        cloud(broker.port, username="gw_2", topics=("down/hh-1/gw_2/+",)) as second,
        cloud(broker.port) as ingest,
    ):
        for what in ("receipt", "command", "outcome"):
            ingest.publish(f"down/hh-1/gw-1/{what}", f"to-gw-1-{what}".encode())
        assert first.wait_for(b"to-gw-1-outcome") == "down/hh-1/gw-1/outcome"
        ingest.publish("down/hh-1/gw_2/receipt", b"to-gw_2")
        second.wait_for(b"to-gw_2")
        assert len(first.heard) == 3
        assert [body for _, body in second.heard] == [b"to-gw_2"]


async def test_others_that_come_and_go_cost_no_message(broker: RunningBroker) -> None:
    """amqtt by itself loses a message for later readers when a subscription is added meanwhile."""
    with (
        cloud(broker.port, topics=("up/+/+",)),
        cloud(broker.port, topics=("up/hh-1/+",)) as ingest,
        cloud(broker.port, username="gw_2", topics=()) as restless,
    ):
        async with gateway(broker.port) as client:
            for turn in range(8):
                names = [f"down/hh-{turn}-{number}/gw_2/+" for number in range(20)]
                restless.client.subscribe([(name, 1) for name in names])
                rows = [b"row %d-%d" % (turn, number) for number in range(20)]
                await asyncio.gather(*(client.publish("up/hh-1/gw-1", row, qos=1) for row in rows))
                restless.client.unsubscribe(names)
        until(lambda: len({body for _, body in ingest.heard}) >= 8 * 20, "every row is heard")


async def test_the_largest_allowed_message_passes(broker: RunningBroker) -> None:
    largest = b"m" * MESSAGE_BYTES_MAX
    with cloud(broker.port) as ingest:
        async with gateway(broker.port) as client:
            await client.publish("up/hh-1/gw-1", largest, qos=1)
        ingest.wait_for(largest)


@pytest.mark.parametrize("surplus", [8 * 1024, 4 * 1024 * 1024], ids=["a little", "much"])
async def test_an_oversized_message_harms_nobody_else(broker: RunningBroker, surplus: int) -> None:
    with cloud(broker.port) as ingest:
        async with gateway(broker.port, "gw_2") as bystander:
            try:
                async with gateway(broker.port) as client:
                    big = b"x" * (MESSAGE_BYTES_MAX + surplus)
                    await client.publish("up/hh-1/gw-1", big, qos=1, timeout=SOON_S)
            except aiomqtt.MqttError:
                pass
            # The session that was there before still works, and so does a new one.
            await bystander.publish("up/hh-1/gw_2", b"still here", qos=1)
            ingest.wait_for(b"still here")
        async with gateway(broker.port) as client:
            await client.publish("up/hh-1/gw-1", b"back again", qos=1)
        ingest.wait_for(b"back again")
        assert max(len(body) for _, body in ingest.heard) <= MESSAGE_BYTES_MAX


async def test_another_user_cannot_take_a_session_by_its_client_id(broker: RunningBroker) -> None:
    with cloud(broker.port, client_id="ingest") as ingest:
        try:
            async with gateway(broker.port, "gw_2", "wrong", identifier="ingest"):
                pass
        except aiomqtt.MqttError:
            pass
        async with gateway(broker.port) as client:
            await client.publish("up/hh-1/gw-1", b"after the attempt", qos=1)
        ingest.wait_for(b"after the attempt")


async def test_a_last_will_is_no_way_round_the_list(broker: RunningBroker) -> None:
    with cloud(broker.port) as ingest:
        forger = Cloud(
            broker.port,
            username="gw_2",
            topics=("down/hh-1/gw_2/+",),
            will=("up/hh-1/gw-1", b"forged by will"),
        )
        # Some refuse the connection, some ignore the will.
        forger.ready.wait(SOON_S)
        forger.leave(politely=False)
        async with gateway(broker.port) as client:
            await client.publish("up/hh-1/gw-1", b"nothing forged", qos=1)
        ingest.wait_for(b"nothing forged")
        await asyncio.sleep(SOON_S)
        assert b"forged by will" not in [body for _, body in ingest.heard]


async def test_a_last_will_on_the_own_topic_arrives(broker: RunningBroker) -> None:
    with cloud(broker.port) as ingest:
        honest = Cloud(
            broker.port,
            username="gw_2",
            topics=("down/hh-1/gw_2/+",),
            will=("up/hh-1/gw_2", b"gone without a word"),
        )
        honest.wait_ready()
        honest.leave(politely=False)
        ingest.wait_for(b"gone without a word")


async def test_what_is_retained_is_for_its_reader_alone(broker: RunningBroker) -> None:
    with cloud(broker.port) as ingest:
        async with gateway(broker.port, "gw_2") as client:
            await client.publish("up/hh-1/gw_2", b"retained", qos=1, retain=True)
        ingest.wait_for(b"retained")
        with cloud(broker.port, username="gw-1", topics=("down/hh-1/gw-1/+",)) as other:
            await asyncio.sleep(SOON_S)
            assert other.heard == []
        async with gateway(broker.port, "gw_2") as client:
            await client.publish("up/hh-1/gw_2", b"", qos=1, retain=True)


REDELIVERS = {"amqtt": False, "mosquitto": True, "nats": True}
"""amqtt forgets a message that was sent once, acknowledged or not."""


async def test_what_was_not_acknowledged_comes_again_where_the_broker_promises_it(
    broker: RunningBroker,
) -> None:
    with cloud(broker.port, client_id="commits", acknowledge=False) as crashed:
        async with gateway(broker.port) as client:
            await client.publish("up/hh-1/gw-1", b"uncommitted", qos=1)
        crashed.wait_for(b"uncommitted")
        crashed.leave(politely=False)
    with cloud(broker.port, client_id="commits") as again:
        if REDELIVERS[broker.kind]:
            again.wait_for(b"uncommitted")
            return
        # What makes up for it, with every broker: the gateway has no receipt and sends again.
        async with gateway(broker.port) as client:
            await client.publish("up/hh-1/gw-1", b"uncommitted", qos=1)
        again.wait_for(b"uncommitted")


@pytest.mark.parametrize("kind", KINDS)
async def test_after_a_sigkill_of_the_broker_a_resend_gets_through(
    kind: str, tmp_path: Path
) -> None:
    with running(kind, tmp_path) as broker, cloud(broker.port, client_id="ingest") as ingest:
        async with gateway(broker.port) as client:
            await client.publish("up/hh-1/gw-1", b"before", qos=1)
        ingest.wait_for(b"before")
        ingest.ready.clear()
        broker.end(SIGKILL)
        broker.start()
        # The cloud's client reconnects by itself, as in the product.
        ingest.wait_ready()
        async with gateway(broker.port) as client:
            await client.publish("up/hh-1/gw-1", b"sent again", qos=1)
        ingest.wait_for(b"sent again")


def say_hello(sock: socket.socket, client_id: bytes) -> bytes:
    """Connect as gw_2 by hand; answer what comes back, which is nothing if hung up on."""
    fields = (client_id, b"gw_2", password("gw_2").encode())
    body = b"\x00\x04MQTT\x04\xc2\x00\x1e"
    body += b"".join(len(field).to_bytes(2, "big") + field for field in fields)
    try:
        sock.sendall(b"\x10" + bytes([len(body)]) + body)
        return sock.recv(4)
    except OSError:
        return b""


@pytest.mark.parametrize("kind", KINDS)
async def test_a_crowd_is_turned_away_and_those_inside_stay(kind: str, tmp_path: Path) -> None:
    require(kind)
    port = free_port()
    config = write_config(kind, tmp_path, port)
    config.write_text("connections_max = 3\n" + config.read_text())
    broker = RunningBroker(kind, tmp_path, port)
    broker.start()
    try:
        with cloud(port) as ingest, ExitStack() as crowd:
            async with gateway(port) as client:
                answers = []
                for number in range(6):
                    sock = crowd.enter_context(socket.create_connection(("127.0.0.1", port), 1))
                    answers.append(say_hello(sock, f"crowd-{number}".encode()))
                # Two are inside. mosquitto counts one less for a connection that ended without a
                # word, such as the one with which this test looked whether it listens.
                assert answers.count(b"\x20\x02\x00\x00") in (1, 2)
                await client.publish("up/hh-1/gw-1", b"not crowded out", qos=1)
                ingest.wait_for(b"not crowded out")
    finally:
        broker.end()


@pytest.mark.parametrize("kind", KINDS)
def test_a_broker_ends_cleanly_when_asked(kind: str, tmp_path: Path) -> None:
    with running(kind, tmp_path) as broker:
        assert broker.end() == 0
        assert "Traceback" not in broker.log()
        assert password("gw-1") not in broker.log()
