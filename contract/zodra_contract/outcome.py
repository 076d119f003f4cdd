"""Closed lists of answers. Each answer is final, or asks for a retry.

Where several reasons apply, the earliest in the list is the one that is given. A retired name
stays in its list, marked so, and is never used for something else.
"""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from zodra_contract.ids import DeviceId, SignalId, SlotKey
from zodra_contract.message import Message


class RejectReason(StrEnum):
    """Why the cloud will not store a row or a message, in order of precedence."""

    NEWER_VERSION = "newer_version"
    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    WRONG_GATEWAY = "wrong_gateway"
    """Topic, envelope and the gateway's own record do not agree."""
    REVOKED = "revoked"
    STAYS_HOME = "stays_home"
    """A reading that must not leave the home was sent."""
    UNKNOWN_DEVICE = "unknown_device"
    OTHER = "other"
    """A reason that only a newer cloud knows; never sent, only read. See `Receipt`."""

    @property
    def retry(self) -> bool:
        """Whether the gateway keeps the row and tries again later; otherwise it is final."""
        return self in _RETRY_LATER


_RETRY_LATER: Final = frozenset({RejectReason.NEWER_VERSION})


class SignalState(StrEnum):
    """Where a need stands. The cloud tells the gateway, which shows it on the device's light."""

    RECEIVED = "received"
    ASKED = "asked"
    """A quote, a question or an offer waits for the household."""
    ORDERING = "ordering"
    """The household confirmed; the shop has not answered for certain."""
    ORDERED = "ordered"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    ALREADY_ON_ITS_WAY = "already_on_its_way"
    REFUSED = "refused"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        """Whether nothing more will be said about the need."""
        return self in _FINAL


_FINAL: Final = frozenset(
    {
        SignalState.DELIVERED,
        SignalState.ALREADY_ON_ITS_WAY,
        SignalState.REFUSED,
        SignalState.EXPIRED,
    }
)

PROGRESS: Final = {state: step for step, state in enumerate(SignalState)}
"""Later states have larger numbers. Within one round of a need, a state that arrives late never
overwrites a later one; a later round overwrites any earlier one."""


class SignalOutcome(Message):
    """What became of a need, on its way back to the device's light."""

    version: int = 1
    signal_id: SignalId
    device_id: DeviceId
    slot_key: SlotKey
    state: SignalState
    reason: str = ""
    """One name from a closed list of the cloud's `replenish` or `offers` room, or empty."""
    decided_at: AwareDatetime
    round: Annotated[int, Field(ge=1)] = 1
    """Counts how often the need was asked about anew, as after a price that changed. Who leaves it
    out means the first."""
