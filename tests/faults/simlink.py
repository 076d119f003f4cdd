"""The way between a gateway and the cloud, as bad as MQTT over a home's line can be.

It has the face of an aiomqtt client. What is published arrives once, twice or never, late and out
of order; the broker's word comes or does not; the connection breaks at any moment.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Self

import aiomqtt

from zodra_contract.topics import Address, Down, down

ANSWER_S_MAX = 10.0
"""After this long without the broker's word a publish fails, as in `connection.TIMEOUT_S`."""


@dataclass
class Weather:
    """How bad it is; all chances from 0 to 1."""

    lost: float = 0.04
    doubled: float = 0.06
    word_lost: float = 0.02
    refused: float = 0.15
    slow_s: float = 0.4

    @classmethod
    def fine(cls) -> "Weather":
        return cls(0, 0, 0, 0, 0.01)


Arrive = Callable[[str, bytes], None]


class SimLink:
    """One connection of one gateway."""

    def __init__(
        self, draw: random.Random, weather: Callable[[], Weather], address: Address, arrive: Arrive
    ) -> None:
        self._draw = draw
        self._weather = weather
        self._address = address
        self._arrive = arrive
        self._heard: asyncio.Queue[Any] = asyncio.Queue()
        self._broken = asyncio.Event()
        self.subscribed = False

    async def __aenter__(self) -> Self:
        await self._pass()
        if self._draw.random() < self._weather().refused:
            raise aiomqtt.MqttError("no route")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.break_off()

    def break_off(self) -> None:
        self._broken.set()
        self.subscribed = False
        self._heard.put_nowait(None)

    async def _pass(self) -> None:
        await asyncio.sleep(self._draw.expovariate(1 / self._weather().slow_s))
        if self._broken.is_set():
            raise aiomqtt.MqttError("disconnected")

    async def subscribe(self, _topic: str, qos: int = 0) -> tuple[int, ...]:
        await self._pass()
        self.subscribed = True
        return (qos,)

    async def unsubscribe(self, _topic: str, timeout: float | None = None) -> None:
        await self._pass()
        if self._draw.random() < self._weather().word_lost:
            await asyncio.sleep(ANSWER_S_MAX if timeout is None else timeout)
        await self._pass()

    async def publish(
        self, _topic: str, payload: bytes, qos: int = 0, timeout: float | None = None
    ) -> None:
        weather, loop = self._weather(), asyncio.get_running_loop()
        await self._pass()
        copies = 0 if self._draw.random() < weather.lost else 1
        copies += self._draw.random() < weather.doubled
        for _ in range(copies):
            late_s = self._draw.expovariate(1 / weather.slow_s)
            loop.call_later(late_s, self._arrive, self._address.gateway_id, payload)
        if self._draw.random() < weather.word_lost:
            await asyncio.sleep(ANSWER_S_MAX if timeout is None else timeout)
            raise aiomqtt.MqttError("Operation timed out")
        await self._pass()

    def hear(self, what: Down, payload: bytes) -> None:
        """Bring something down to the gateway."""
        if self.subscribed:
            topic = aiomqtt.Topic(down(self._address, what))
            self._heard.put_nowait(aiomqtt.Message(topic, payload, 1, False, 1, None))

    @property
    async def messages(self) -> AsyncIterator[aiomqtt.Message]:
        while not self._broken.is_set():
            message = await self._heard.get()
            if message is None:
                break
            yield message
        raise aiomqtt.MqttError("disconnected")
