"""One connection to the cloud's broker, with what aiomqtt does not say by itself.

aiomqtt 2.5.1 on paho: a publish that the broker refused looks like success, and `subscribe` does
not raise on the code 0x80. Hence receipts for the first, and a look at the codes for the second.
"""

import asyncio
import math
import socket
import ssl
from typing import Final

import aiomqtt

from zodra_contract.topics import Address, down_filter
from zodra_edge.errors import LinkFault
from zodra_edge.link import ANSWER_KEEPALIVES, KEEPALIVE_S
from zodra_edge.settings import Cloud

TIMEOUT_S: Final = 10.0
"""For a connection, a subscription and the broker's answer to one message."""
MESSAGES_WAITING_MAX: Final = 1_000
"""aiomqtt drops above this. A receipt that is dropped only means that rows are sent again."""

_DENIED: Final = {4, 5, 134, 135}
"""Bad user name or password, not authorised; paho shows the codes of MQTT 5 for those of 3.1.1."""
SUBSCRIPTION_REFUSED: Final = 0x80
"""What a broker answers to a subscription that it does not grant; all codes from here on."""


class Denied(LinkFault):
    """The broker does not accept who we are, or what we want to hear."""


def client(
    cloud: Cloud, gateway_id: str, keepalive_s: int = KEEPALIVE_S, identifier: str = ""
) -> aiomqtt.Client:
    """Prepare a connection; entering it connects.

    Args:
        cloud: where, and as whom.
        gateway_id: the account, unless the settings name another.
        keepalive_s: after one and a half of these without a word the broker gives us up; `ask` is
            how we give it up as soon.
        identifier: of the session; the gateway's own if empty. A broker ends the session that has
            the same one, so whoever looks in beside a running agent needs another.

    Raises:
        LinkFault: the certificates to trust cannot be read.
    """
    # A press is a few small messages: without this each waited 40 ms for the one before it to be
    # acknowledged by TCP, which took a press from 6 to 48 ms to its receipt on one machine.
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # After so long without a TCP acknowledgement the kernel gives the connection up; by default
        # it would go on for a quarter of an hour with data in flight.
        unacknowledged_ms = round(keepalive_s * ANSWER_KEEPALIVES * 1000)
        options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, unacknowledged_ms))
    password = cloud.password.get_secret_value() if cloud.password else None
    return aiomqtt.Client(
        cloud.host,
        cloud.port,
        username=cloud.username or gateway_id,
        password=password,
        identifier=identifier or gateway_id,
        clean_session=True,
        keepalive=keepalive_s,
        timeout=TIMEOUT_S,
        max_queued_incoming_messages=MESSAGES_WAITING_MAX,
        tls_context=tls_context(cloud) if cloud.tls else None,
        socket_options=options,
    )


def tls_context(cloud: Cloud) -> ssl.SSLContext:
    """Say which certificates are trusted.

    Raises:
        LinkFault: they cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=str(cloud.ca_file) if cloud.ca_file else None)
    except OSError as fault:
        raise LinkFault("ca_file", f"cannot read cloud.ca_file {cloud.ca_file}: {fault}") from fault


async def subscribe(connected: aiomqtt.Client, address: Address) -> None:
    """Hear all that is meant for this gateway.

    Raises:
        Denied: the broker refused the subscription.
    """
    codes = await connected.subscribe(down_filter(address), qos=1)
    if any(number(code) >= SUBSCRIPTION_REFUSED for code in codes):
        raise Denied("not_authorised", f"the broker refused {down_filter(address)}")


async def publish(connected: aiomqtt.Client, topic: str, payload: bytes) -> None:
    """Hand a message to the broker, and wait until it says that it has it.

    The time limit is set here: aiomqtt's own makes a task for each message, which with two turns of
    the loop was a twentieth of what a reading costs.

    Raises:
        LinkFault: it does not say so.
    """
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await connected.publish(topic, payload, qos=1, timeout=math.inf)
    except TimeoutError:
        raise LinkFault("silent", f"a message was not acknowledged within {TIMEOUT_S} s") from None


async def ask(connected: aiomqtt.Client, address: Address, answer_s: float) -> None:
    """Have the broker say a word.

    It must answer to the end of a subscription that there never was (MQTT 3.1.1, section 3.10.4),
    and nothing else changes; all three brokers do. paho does not say when its own pings are
    answered, and waits for them for a whole keepalive more.

    Raises:
        LinkFault: it says nothing.
    """
    try:
        async with asyncio.timeout(answer_s):
            await connected.unsubscribe(f"{down_filter(address)}/nothing", timeout=math.inf)
    except TimeoutError:
        raise LinkFault("silent", f"the broker said nothing for {answer_s} s") from None


def fault(raised: aiomqtt.MqttError) -> LinkFault:
    """Say in one word what a fault of aiomqtt means."""
    code = raised.rc if isinstance(raised, aiomqtt.MqttCodeError) else None
    if code is not None and number(code) in _DENIED:
        return Denied("not_authorised", "the broker refused the gateway's credential")
    if isinstance(raised.__context__, ssl.SSLCertVerificationError):
        # A clock that is wrong looks just like this: certificates are "not yet valid" in 1970.
        return LinkFault("certificate_not_trusted", str(raised))
    return LinkFault("unreachable", str(raised) or type(raised).__name__)


def number(code: object) -> int:
    """Read a reason code, which aiomqtt hands on as a number or as an object of paho."""
    value = getattr(code, "value", code)
    return value if isinstance(value, int) else 0
