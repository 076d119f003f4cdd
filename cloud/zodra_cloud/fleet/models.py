"""The values that operators' pages and other rooms see of the fleet."""

from dataclasses import dataclass
from datetime import datetime

from zodra_cloud.fleet.policy import GatewayFacts, Verdict


@dataclass(frozen=True, slots=True)
class Gateway:
    """One registered gateway and what is known of it."""

    gateway_id: str
    household_id: str
    created_at: datetime
    facts: GatewayFacts


@dataclass(frozen=True, slots=True)
class GatewayView:
    """A gateway with its state at one instant, for a page."""

    gateway: Gateway
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class StoredCommand:
    """One command and its answer, if it came."""

    command_id: str
    household_id: str
    gateway_id: str
    device_id: str
    kind: str
    created_at: datetime
    expires_at: datetime
    outcome: str | None
    answered_at: datetime | None
