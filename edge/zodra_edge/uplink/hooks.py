"""What the conversation tells the rest of the agent, and what it asks of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from zodra_contract.command import Command, CommandOutcome
from zodra_contract.envelope import HealthReport
from zodra_contract.outcome import SignalOutcome
from zodra_edge.link import LinkState


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How the conversation stands, for the status page."""

    state: LinkState
    since: datetime
    reason: str = ""
    """Why it is not online; one word."""
    refusing: str = ""
    """Why the cloud refuses our messages although we are online; a `RejectReason`, or empty."""
    failures: int = 0
    """Attempts in a row that failed."""
    last_receipt_at: datetime | None = None
    unanswered: int = 0
    """Times in a row that no receipt came for what the broker had taken."""
    pace_s: float = 0.0
    """What the cloud asks for between two batches of readings; 0 if it does not."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the conversation asks of the rest of the agent."""

    health: Callable[[], HealthReport]
    outcome: Callable[[SignalOutcome], Awaitable[None]]
    command: Callable[[Command], CommandOutcome]
    count: Callable[[str], None]
    """Count a refusal by reason."""
    changed: Callable[[], None]
    """The status changed."""
    draw: Callable[[], float]
    """Randomness for the waits, from 0 up to 1."""
