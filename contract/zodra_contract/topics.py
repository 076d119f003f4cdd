"""The MQTT topics between a gateway and the cloud, and the partition of a household.

`up/{household}/{gateway}` and `down/{household}/{gateway}/{receipt|command|outcome}`. The names
also map onto NATS subjects, which is why an id holds no dot.
"""

import re
from enum import StrEnum
from typing import Final, NamedTuple

from zodra_contract.errors import MalformedTopic
from zodra_contract.ids import GatewayId, HouseholdId

UP_FILTER: Final = "up/+/+"
"""What the cloud's ingest subscribes to."""

PARTITION_COUNT: Final = 32
"""Fixed when a NATS stream is created; changing it means a new stream."""

_UP = re.compile(r"up/([A-Za-z0-9_-]{1,64})/([A-Za-z0-9_-]{1,64})\Z")
_DOWN = re.compile(r"down/([A-Za-z0-9_-]{1,64})/([A-Za-z0-9_-]{1,64})/(receipt|command|outcome)\Z")


class Down(StrEnum):
    """What the cloud sends to a gateway."""

    RECEIPT = "receipt"
    COMMAND = "command"
    OUTCOME = "outcome"


class Address(NamedTuple):
    """One gateway of one household."""

    household_id: HouseholdId
    gateway_id: GatewayId


def up(address: Address) -> str:
    """Name the topic on which a gateway sends."""
    return f"up/{address.household_id}/{address.gateway_id}"


def down(address: Address, what: Down) -> str:
    """Name the topic on which a gateway hears one kind of answer."""
    return f"down/{address.household_id}/{address.gateway_id}/{what}"


def down_filter(address: Address) -> str:
    """Name the filter with which a gateway hears all that is meant for it, and nothing else."""
    return f"down/{address.household_id}/{address.gateway_id}/+"


def parse_up(topic: str) -> Address:
    """Read the sender from a topic.

    Raises:
        MalformedTopic: the topic is not `up/{household}/{gateway}`.
    """
    if (match := _UP.match(topic)) is None:
        raise MalformedTopic(topic)
    return Address(match[1], match[2])


def parse_down(topic: str) -> tuple[Address, Down]:
    """Read the addressee and the kind of answer from a topic.

    Raises:
        MalformedTopic: the topic is not `down/{household}/{gateway}/{receipt|command|outcome}`.
    """
    if (match := _DOWN.match(topic)) is None:
        raise MalformedTopic(topic)
    return Address(match[1], match[2]), Down(match[3])


def partition(household_id: HouseholdId, count: int = PARTITION_COUNT) -> int:
    """Place a household on one of `count` partitions: FNV-1a 32 modulo the count.

    The same function as NATS's `{{partition(n,1)}}`, so that a stream and this code agree.
    """
    hashed = 0x811C9DC5
    for byte in household_id.encode():
        hashed = ((hashed ^ byte) * 0x01000193) & 0xFFFFFFFF
    return hashed % count
