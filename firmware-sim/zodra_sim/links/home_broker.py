"""One client of the home's MQTT broker, which connects again for as long as it runs."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Final

import aiomqtt

from zodra_sim.household.settings import MqttSettings
from zodra_sim.logs import logger

WAIT_S_MIN: Final = 0.2
WAIT_S_MAX: Final = 5.0
ANSWER_S_MAX: Final = 3.0
GOODBYE_S_MAX: Final = 0.5
INCOMING_MAX: Final = 1_000
"""Messages that wait to be looked at; more are dropped, as the next one says the newer state."""
PAYLOAD_BYTES_MAX: Final = 16_384
"""A longer message is not looked at: no device of a home needs one."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What the broker shows, retained, while a client is there and when it is not."""

    topic: str
    online: bytes
    offline: bytes


class HomeBroker:
    """A connection that comes back by itself."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        random: Random,
        *,
        presence: Presence | None = None,
        filters: tuple[str, ...] = (),
        on_message: Callable[[str, bytes], None] | None = None,
        on_connected: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Name the client; nothing is opened before `run`.

        Args:
            settings: of the broker.
            client_id: unique at the broker.
            random: for the waits between attempts.
            presence: kept by the broker, also when this process dies.
            filters: what to hear.
            on_message: told the topic and the payload of each message heard.
            on_connected: called after each connect, before anything is heard.
        """
        self._settings = settings
        self._client_id = client_id
        self._random = random
        self._presence = presence
        self._filters = filters
        self._on_message = on_message
        self._on_connected = on_connected
        self._client: aiomqtt.Client | None = None

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._client is not None

    async def run(self) -> None:
        """Stay connected until cancelled."""
        attempt = 0
        while True:
            try:
                async with self._new_client() as client:
                    attempt = 0
                    await self._stay(client)
            except aiomqtt.MqttError as fault:
                if attempt == 0:
                    logger().warning("home_broker_away", client=self._client_id, fault=str(fault))
            attempt += 1
            # Full jitter: after a power cut every device of a house comes back at once.
            await asyncio.sleep(
                self._random.uniform(0, min(WAIT_S_MAX, WAIT_S_MIN * 2 ** min(attempt, 8)))
            )

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Publish with QoS 1.

        Returns:
            Whether the broker acknowledged it. False also while there is no connection; what then
            becomes of the message is the device's own affair.
        """
        if (client := self._client) is None:
            return False
        try:
            await client.publish(topic, payload, qos=1, retain=retain, timeout=ANSWER_S_MAX)
        except aiomqtt.MqttError:
            return False
        return True

    def _new_client(self) -> aiomqtt.Client:
        known = self._presence
        will = aiomqtt.Will(known.topic, known.offline, qos=1, retain=True) if known else None
        return aiomqtt.Client(
            self._settings.host,
            self._settings.port,
            username=self._settings.username,
            password=self._settings.password.get_secret_value(),
            identifier=self._client_id,
            will=will,
            timeout=ANSWER_S_MAX,
            max_queued_incoming_messages=INCOMING_MAX,
        )

    async def _stay(self, client: aiomqtt.Client) -> None:
        self._client = client
        logger().info("home_broker_connected", client=self._client_id)
        try:
            await self._say_presence(online=True)
            for each in self._filters:
                await client.subscribe(each, qos=1)
            if self._on_connected is not None:
                await self._on_connected()
            async for message in client.messages:
                if self._on_message and isinstance(message.payload, bytes):
                    self._hear(message.topic.value, message.payload)
        except asyncio.CancelledError:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S_MAX):
                    await self._say_presence(online=False)
            raise
        finally:
            self._client = None

    def _hear(self, topic: str, payload: bytes) -> None:
        if self._on_message and len(payload) <= PAYLOAD_BYTES_MAX:
            self._on_message(topic, payload)

    async def _say_presence(self, *, online: bool) -> None:
        if (known := self._presence) is not None:
            word = known.online if online else known.offline
            await self.publish(known.topic, word, retain=True)
