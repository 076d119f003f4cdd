"""What devices said earlier that later messages build on: Homie's descriptions, Sparkplug's births.

Pure but for what it remembers: the caller reads the clock and sends the replies.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from zodra_edge.decode.mqtt.registry import dialect_of
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import Undecodable
from zodra_edge.decode.spoken import Dialect

REMEMBERED_MAX: Final = 256
"""Devices and edge nodes of each dialect."""
_NOTHING: Final[Mapping[str, str]] = {}


class Reply(NamedTuple):
    """What is to be sent in answer."""

    topic: str
    payload: bytes


class Conversations:
    """Remembers them for the devices of one home."""

    def __init__(self, profiles: Iterable[DeviceProfile]) -> None:
        """Take the home's devices; most homes have none that need this."""
        spoken = {dialect_of(profile) for profile in profiles}
        self._homie: _Homie | None = _Homie() if Dialect.HOMIE in spoken else None
        self._sparkplug: _Sparkplug | None = _Sparkplug() if Dialect.SPARKPLUG in spoken else None

    def follow(
        self, topic: str, payload: bytes, now_ms: int, at: datetime
    ) -> tuple[Mapping[str, str], Reply | None]:
        """Take a message into account.

        Args:
            topic: of the message.
            payload: any bytes.
            now_ms: the moment, on one monotonic clock.
            at: the moment, by the wall clock.

        Returns:
            What the message builds on, and a reply if one is due.
        """
        if self._sparkplug is not None and topic.startswith("spBv1.0/"):
            return self._sparkplug.follow(topic, payload, now_ms, at)
        if self._homie is not None and topic.startswith("homie/"):
            return self._homie.follow(topic, payload), None
        return _NOTHING, None


class _Homie:
    def __init__(self) -> None:
        from zodra_edge.decode.mqtt import homie

        self._dialect = homie
        self._described: dict[str, Mapping[str, Mapping[str, str]]] = {}

    def follow(self, topic: str, payload: bytes) -> Mapping[str, str]:
        words = topic.split("/", 3)
        if len(words) < 4:
            return _NOTHING
        device, rest = "/".join(words[:3]), words[3]
        if rest == self._dialect.DESCRIPTION:
            described = self._dialect.describe(payload)
            if not isinstance(described, Undecodable):
                self._described.pop(device, None)
                self._described[device] = described
                if len(self._described) > REMEMBERED_MAX:
                    del self._described[next(iter(self._described))]
            return _NOTHING
        return self._described.get(device, {}).get(rest, _NOTHING)


class _Sparkplug:
    def __init__(self) -> None:
        from zodra_edge.decode.mqtt.sparkplug import session, wire

        self._session = session
        self._wire = wire
        self._nodes: dict[tuple[str, str], session.Node] = {}

    def follow(
        self, topic: str, payload: bytes, now_ms: int, at: datetime
    ) -> tuple[Mapping[str, str], Reply | None]:
        place = self._session.place(topic)
        if place is None:
            return _NOTHING, None
        key = place.group, place.node
        node = self._nodes.pop(key, None) or self._session.Node()
        followed = self._session.follow(node, place, payload, now_ms)
        self._nodes[key] = followed.node
        if len(self._nodes) > REMEMBERED_MAX:
            del self._nodes[next(iter(self._nodes))]
        if not followed.asks_rebirth:
            return followed.context, None
        ask = self._wire.rebirth(int(at.timestamp() * 1000))
        return followed.context, Reply(self._session.command_topic(place), ask)
