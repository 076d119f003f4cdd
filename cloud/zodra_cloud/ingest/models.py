"""The values that other rooms and pages see of what gateways sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zodra_contract.outcome import SignalState
from zodra_contract.signal import SignalKind, TimeQuality


@dataclass(frozen=True, slots=True)
class StoredSignal:
    """One need-moment of a household, as received, and where it stands."""

    household_id: str
    signal_id: str
    gateway_id: str
    """Whose report came first; other gateways may have heard it too."""
    device_id: str
    slot_key: str
    kind: SignalKind
    occurred_at: datetime
    received_at: datetime
    quality: TimeQuality
    """How far `occurred_at` may be trusted."""
    error_ms: int
    """Bound on the error of `occurred_at`."""
    evidence: dict[str, Any]
    authenticated: bool
    state: SignalState
    reason: str
    state_at: datetime
    round: int
    """Counts from 1 how often it was asked about anew."""


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """What was turned away from one address for one reason."""

    household_id: str
    """As the topic said; empty if it belongs to no registered gateway."""
    gateway_id: str
    reason: str
    count: int
    first_at: datetime
    last_at: datetime
    last_topic: str
    last_bytes: int
    """Size of the newest one."""
    last_sha256: str
    """Hash of the newest one, to find it again at the sender; its content is not kept."""
    last_detail: str
