"""What an edge node said before: the names behind its aliases, and whether a message is missing.

A birth is not retained, so a host that came later, or that missed a message, asks for it anew with
a rebirth command. Rules: Eclipse Sparkplug 3.0, "Operational Behavior". Pure: one value a node.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from zodra_edge.decode.mqtt.sparkplug.wire import Garbled, Payload, read

NAMESPACE: Final = "spBv1.0"
STALE: Final = "stale"
"""A key of the context, which no alias can be: the death is an earlier session's."""
SEQUENCES: Final = 256
ASK_MS_MIN: Final = 10_000
"""An edge node that cannot answer is not asked more often."""
NAMES_MAX: Final = 2_000

_BD_SEQ: Final = "bdSeq"


class Place(NamedTuple):
    """What a topic says."""

    group: str
    kind: str
    node: str
    device: str
    """Empty for a message of the node itself."""


@dataclass(frozen=True, slots=True)
class Node:
    """What is known about one edge node."""

    names: Mapping[str, str] = field(default_factory=dict)
    """By alias."""
    seq: int | None = None
    """Of its last message."""
    bd_seq: int | None = None
    """Of its last birth; its death has the same."""
    born: bool = False
    asked_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """What a message means to the conversation."""

    node: Node
    context: Mapping[str, str]
    """For the decoder."""
    asks_rebirth: bool = False


def place(topic: str) -> Place | None:
    """Take a topic apart; None if it is no edge node's."""
    match topic.split("/"):
        case [namespace, group, kind, node] if namespace == NAMESPACE and kind[:1] == "N":
            return Place(group, kind, node, "")
        case [namespace, group, kind, node, device] if namespace == NAMESPACE and kind[:1] == "D":
            return Place(group, kind, node, device)
    return None


def command_topic(at: Place) -> str:
    """Name the topic where the edge node listens for commands."""
    return f"{NAMESPACE}/{at.group}/NCMD/{at.node}"


def state_topic(host: str) -> str:
    """Name the topic where a host application says whether it is there."""
    return f"{NAMESPACE}/STATE/{host}"


def state(online: bool, at_ms: int) -> bytes:
    """Write what it says there; a death has the time of its birth.

    Args:
        online: whether it is there.
        at_ms: of the birth, milliseconds since 1970.
    """
    return json.dumps({"online": online, "timestamp": at_ms}).encode()


def follow(node: Node, at: Place, payload: bytes, now_ms: int) -> Followed:
    """Take one message into account.

    Args:
        node: what was known; start with `Node()`.
        at: the message's topic.
        payload: any bytes; garbled ones change nothing.
        now_ms: the moment, on one monotonic clock.
    """
    if at.kind not in ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"):
        return Followed(node, {})
    try:
        said = read(payload)
    except Garbled:
        return Followed(node, node.names)
    if at.kind == "NBIRTH":
        node = Node(_names({}, said), said.seq, _bd_seq(said), born=True, asked_ms=node.asked_ms)
        return Followed(node, node.names)
    if at.kind == "NDEATH":
        if node.born and _bd_seq(said) != node.bd_seq:
            # The broker sends an old session's will after the node came back.
            return Followed(node, {STALE: "true"})
        return Followed(replace(node, born=False, seq=None), {})
    follows = node.born and node.seq is not None and said.seq == (node.seq + 1) % SEQUENCES
    if at.kind == "DBIRTH":
        node = replace(node, names=_names(node.names, said))
    node = replace(node, seq=said.seq)
    knows = all(m.name or str(m.alias) in node.names for m in said.metrics)
    if follows and knows:
        return Followed(node, node.names)
    if node.asked_ms is not None and now_ms - node.asked_ms < ASK_MS_MIN:
        return Followed(node, node.names)
    return Followed(replace(node, asked_ms=now_ms), node.names, asks_rebirth=True)


def _names(before: Mapping[str, str], birth: Payload) -> Mapping[str, str]:
    names = dict(before)
    for metric in birth.metrics:
        if metric.alias is not None and metric.name and len(names) < NAMES_MAX:
            names[str(metric.alias)] = metric.name
    return names


def _bd_seq(said: Payload) -> int | None:
    number = next((m.value for m in said.metrics if m.name == _BD_SEQ), None)
    return int(number) if isinstance(number, float) else None
