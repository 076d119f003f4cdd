"""MQTT topic filters: which topics one means, and which devices a topic concerns."""

from collections.abc import Iterable
from typing import Final, Generic, TypeVar

CACHE_MAX: Final = 4_096
"""Topics whose devices are remembered; a home has hundreds."""
_TOPIC_BYTES_MAX: Final = 65_535

T = TypeVar("T")


def is_filter(text: str) -> bool:
    """Whether a text is a filter as MQTT has it: `#` last, `+` and `#` alone in their level."""
    levels = text.split("/")
    return (
        bool(text)
        and "\x00" not in text
        and len(text.encode()) <= _TOPIC_BYTES_MAX
        and all(level == "+" or not ({"+", "#"} & set(level)) for level in levels[:-1])
        and (levels[-1] in ("+", "#") or not ({"+", "#"} & set(levels[-1])))
    )


def has_wildcard(text: str) -> bool:
    """Whether a filter means more than one topic."""
    return "+" in text or "#" in text


def matches(wanted: str, topic: str) -> bool:
    """Whether a filter means a topic; a wildcard in front means none that begins with `$`."""
    if not has_wildcard(wanted):
        return wanted == topic
    if topic.startswith("$") and wanted[0] in "+#":
        return False
    levels, said = wanted.split("/"), topic.split("/")
    for at, level in enumerate(levels):
        if level == "#":
            return True
        if at >= len(said) or level not in ("+", said[at]):
            return False
    return len(levels) == len(said)


class Routes(Generic[T]):
    """Says whom a topic concerns."""

    def __init__(self, wanted: Iterable[tuple[str, T]]) -> None:
        """Take each filter with whom it concerns; one may have many, and be many's."""
        self._exact: dict[str, list[T]] = {}
        self._wild: list[tuple[str, T]] = []
        for topic, whom in wanted:
            if has_wildcard(topic):
                self._wild.append((topic, whom))
            else:
                self._exact.setdefault(topic, []).append(whom)
        self._cache: dict[str, tuple[T, ...]] = {}

    def of(self, topic: str) -> tuple[T, ...]:
        """Name whom a topic concerns, each once."""
        known = self._cache.get(topic)
        if known is not None:
            return known
        found: list[T] = []
        for whom in self._exact.get(topic, []):
            if whom not in found:
                found.append(whom)
        for wanted, whom in self._wild:
            if whom not in found and matches(wanted, topic):
                found.append(whom)
        if len(self._cache) >= CACHE_MAX:
            del self._cache[next(iter(self._cache))]
        self._cache[topic] = tuple(found)
        return tuple(found)
