"""The edge's claim that a need moment opened, with the few facts that justify it."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field, StringConstraints

from zodra_contract.ids import BootId, DeviceId, SignalId, SlotKey
from zodra_contract.message import Message

EVIDENCE_ENTRIES_MAX: Final = 8
BUYING_PAUSED: Final = "buying_paused"
"""The entry of the evidence that says that buying was paused on the gateway when the need arose.
Such a need is never `authenticated`, so that a cloud that does not know the entry asks, too."""


class SignalKind(StrEnum):
    """Why a need moment opened. A name is never reused."""

    PRESS = "press"
    """A person pressed a button."""
    LOW_STOCK = "low_stock"
    """What is left in a slot fell to its reorder level."""
    SERVICE_DUE = "service_due"
    """A part has run for as long as it should, for example a heating filter."""
    WORN_OUT = "worn_out"
    """A wearable's strap has been worn for as long as it should."""
    RUNNING_OUT = "running_out"
    """The cloud expects a slot to fall below its threshold before a delivery could arrive."""
    SCHEDULED = "scheduled"
    """The next delivery of a subscription is due."""


CLOUD_MADE: Final = frozenset({SignalKind.RUNNING_OUT, SignalKind.SCHEDULED})
"""What no gateway claims: the cloud opens these itself, and refuses them from outside."""


class TimeQuality(StrEnum):
    """How far a wall-clock instant may be trusted."""

    SYNCED = "synced"
    UNSYNCED = "unsynced"
    """The gateway had not heard the true time since it booted; dated afterwards where possible."""


class TimeNote(Message):
    """Where an instant came from, so that the cloud can date it again (promise 6)."""

    boot_id: BootId
    monotonic_ms: Annotated[int, Field(ge=0)]
    """Milliseconds on the gateway's monotonic clock, comparable within one `boot_id` only."""
    quality: TimeQuality
    error_ms: Annotated[int, Field(ge=0)]
    """Bound on the error of the wall-clock instant, as far as the gateway knows it."""


EvidenceKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
EvidenceText = Annotated[str, StringConstraints(max_length=64)]
EvidenceNumber = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]


class NeedSignal(Message):
    """One need moment, named so that every gateway that saw it gives it the same `signal_id`."""

    signal_id: SignalId
    device_id: DeviceId
    slot_key: SlotKey
    kind: SignalKind
    occurred_at: AwareDatetime
    time: TimeNote
    evidence: dict[EvidenceKey, int | EvidenceNumber | EvidenceText] = Field(
        default_factory=dict, max_length=EVIDENCE_ENTRIES_MAX
    )
    """The facts that justify the claim, without raw health or baby readings."""
    authenticated: bool
    """True if the device proved itself by encryption or by its account on the home's broker. A
    device that did not may notify, and never order."""
