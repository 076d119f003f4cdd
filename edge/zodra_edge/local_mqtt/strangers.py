"""Devices that speak on the home's broker although nobody introduced them to the gateway.

They are heard at QoS 0, so that a broker keeps none of their messages for us while we are away:
mosquitto keeps 1,000 a session, and those are for the home's own devices. Pure.
"""

from collections.abc import Iterable
from typing import Final

from zodra_edge.decode.mqtt import is_bridge_topic
from zodra_edge.decode.mqtt.filters import Routes
from zodra_edge.decode.mqtt.nearby import nearby
from zodra_edge.decode.mqtt.registry import KNOWN

NEARBY: Final = tuple(topic for known in KNOWN for topic in known.nearby)
"""Where devices that we could read speak, or say that they are there."""
STRANGERS_MAX: Final = 256
"""Topics remembered, so that each is counted once; the oldest is forgotten for a new one."""
COPY_MS_MAX: Final = 250
"""A broker may send one copy for each subscription that matches (MQTT 3.1.1, 3.3.5; amqtt does,
mosquitto does not), one right after the other."""
COPIES_MAX: Final = 4_096
"""Topics whose last message is remembered for that."""
AVAILABILITY: Final = "/availability"
_SPOKEN: Final = ("zodra/home/", "zigbee2mqtt/")
"""Below these only devices that we could read speak."""


class Strangers:
    """Remembers which topics were heard that are none of ours."""

    def __init__(self, topics: Iterable[str], devices: Iterable[str] = ()) -> None:
        """Take the topics of the home's devices.

        Args:
            topics: where they speak; filters.
            devices: as the settings name them, also those that another connection hears.
        """
        self._own = Routes((topic, topic) for topic in topics)
        self._devices = frozenset(devices)
        self._heard: dict[str, None] = {}

    def __len__(self) -> int:
        """Count them, up to `STRANGERS_MAX`."""
        return len(self._heard)

    def owner(self, topic: str) -> str | None:
        """Name the filter of ours that a topic falls under; None if a stranger speaks there."""
        return next(iter(self._own.of(topic)), None)

    def is_ours(self, topic: str) -> bool:
        """Whether a device of the home speaks there."""
        return self.owner(topic) is not None

    def introduce(self, topic: str, payload: bytes) -> tuple[tuple[str, str], ...]:
        """Name the strangers that a message is from or tells of: a topic each, and what they are.

        What speaks to one of our devices is none, nor is anything on a topic where no device that
        we could read would speak.
        """
        place = topic.removesuffix(AVAILABILITY)
        if is_bridge_topic(topic) or self._is_below(place):
            return ()
        found = nearby(topic, payload)
        if found:
            return tuple(
                (each.topic, f"speaks {each.dialect} {each.model}".rstrip())
                for each in found
                if each.topic not in self._devices and not self.is_ours(each.topic)
            )
        return ((place, "no device of the settings"),) if place.startswith(_SPOKEN) else ()

    def is_new(self, topic: str) -> bool:
        """Note a topic that is not ours; True if a stranger spoke there that is not remembered."""
        topic = topic.removesuffix(AVAILABILITY)
        if is_bridge_topic(topic) or topic in self._heard or self._is_below(topic):
            return False
        self._heard[topic] = None
        if len(self._heard) > STRANGERS_MAX:
            del self._heard[next(iter(self._heard))]
        return True

    def _is_below(self, topic: str) -> bool:
        """Whether it is a request to one of our devices, such as `.../set`."""
        return self.is_ours(topic) or self.is_ours(topic.rpartition("/")[0])


class Copies:
    """Tells the second copy of a message that the broker sent twice."""

    def __init__(self) -> None:
        """Start with nothing heard."""
        self._last: dict[str, tuple[bytes, int]] = {}

    def is_copy(self, topic: str, payload: bytes, qos: int, now_ms: int) -> bool:
        """Whether a message on one of our topics was just heard.

        Only a copy at QoS 0 is taken for one. One at QoS 1 has to be acknowledged after it was
        dealt with, so it is passed on, and a press in it is told from its repeat further on. A
        device that says the same again as soon as this says nothing new.
        """
        last = self._last.pop(topic, None)
        self._last[topic] = payload, now_ms
        if len(self._last) > COPIES_MAX:
            del self._last[next(iter(self._last))]
        return (
            qos == 0 and last is not None and now_ms - last[1] <= COPY_MS_MAX and last[0] == payload
        )
