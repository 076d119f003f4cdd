"""Who may write and read which topics, for every broker alike.

Pure. The three brokers are configured from these grants, so that a broker cannot be laxer than
another by a slip in its file.
"""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a client of a broker is."""

    GATEWAY = "gateway"
    """A gateway at the cloud's broker; its user name is its gateway id."""
    CLOUD = "cloud"
    """The cloud's own client at the cloud's broker."""
    HOME_GATEWAY = "home-gateway"
    """The gateway at the broker of its home; its user name is its gateway id."""
    HOME_DEVICE = "home-device"
    """A device, or a program that speaks for devices, at the broker of its home."""


@dataclass(frozen=True, slots=True)
class Grants:
    """Topic filters in MQTT's own spelling."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def grants(
    role: Role, username: str, household_id: str | None = None, topics: tuple[str, ...] = ()
) -> Grants:
    """List what one client may do.

    Args:
        role: what the client is.
        username: its user name, which is one topic level.
        household_id: for a gateway: the only household it may name; None allows any, and leaves
            it to the cloud to refuse a household that is not the gateway's.
        topics: for a device at home: what it may publish on, if not only topics ending in its name.
    """
    match role:
        case Role.GATEWAY:
            home = household_id or "+"
            return Grants((f"up/{home}/{username}",), (f"down/{home}/{username}/+",))
        case Role.CLOUD:
            return Grants(("down/#",), ("up/+/+",))
        case Role.HOME_GATEWAY:
            return Grants((f"zodra/{username}/light/#",), ("zigbee2mqtt/#", "zodra/home/#"))
        case Role.HOME_DEVICE:
            own = topics or (f"zigbee2mqtt/{username}", f"zodra/home/+/{username}")
            # Zigbee2MQTT's devices are set by `.../set`. Who speaks for many hears for them too.
            told = topics or (f"zigbee2mqtt/{username}/set",)
            return Grants(own, (*told, "zodra/+/light/#"))


def covers(allowed: str, asked: str) -> bool:
    """Tell whether every topic that `asked` matches is one that `allowed` matches.

    `asked` is a topic or a filter. A topic that starts with `$` belongs to the broker and is
    covered by nothing that starts with a wildcard.
    """
    wanted = asked.split("/")
    if asked.startswith("$") and allowed[:1] in {"+", "#"}:
        return False
    for index, level in enumerate(allowed.split("/")):
        if level == "#":
            return True
        if index >= len(wanted) or wanted[index] == "#":
            # `a/#` also asks for `a/b`, `a/b/c` and so on: no single level covers that. And
            # `allowed` having levels left means that `asked` is too short.
            return False
        if level not in ("+", wanted[index]):
            return False
    return len(wanted) == len(allowed.split("/"))


def subjects(topic_filter: str) -> tuple[str, ...]:
    """Spell a topic filter as NATS subjects.

    `a/b/#` becomes two, because MQTT's `#` also matches the level above it and NATS's `>` does not.
    """
    levels = ["*" if level == "+" else level for level in topic_filter.split("/")]
    if levels[-1] != "#":
        return (".".join(levels),)
    above = ".".join(levels[:-1])
    return (above, f"{above}.>") if above else (">",)
