"""Needs, what was decided about them, and why."""

from typing import Any

from pydantic import BaseModel, Field, JsonValue

from zodra_cloud.api.schemas.common import At, Id, Place
from zodra_cloud.replenish.models import Explanation, Line, StepKind, StoredDecision
from zodra_cloud.replenish.policy import Reason, Verdict
from zodra_contract.outcome import SignalState
from zodra_contract.signal import SignalKind, TimeQuality


class Decision(BaseModel):
    """The verdict on a need."""

    verdict: Verdict = Field(description="replenish, ask, hold or refuse.")
    reason: Reason = Field(description="Why, from a closed list.")
    decided_at: At
    policy_version: str = Field(description="Of the rules that decided.")

    @classmethod
    def of(cls, decision: StoredDecision) -> "Decision":
        """Show a stored one."""
        return cls(
            verdict=decision.verdict,
            reason=decision.reason,
            decided_at=decision.decided_at,
            policy_version=decision.policy_version,
        )


class Need(Place):
    """One need-moment of the household, and what became of it."""

    signal_id: Id = Field(description="Names the need, the same on every gateway that heard it.")
    kind: SignalKind = Field(description="What was noticed.")
    occurred_at: At
    received_at: At
    time_quality: TimeQuality = Field(description="How far `occurred_at` may be trusted.")
    time_error_ms: int = Field(ge=0, description="Bound on the error of `occurred_at`.")
    state: SignalState = Field(description="Where it stands.")
    reason: str = Field(description="Why it stands there, from closed lists; may be empty.")
    state_at: At
    decision: Decision | None = Field(description="Null until it was decided.")
    quote_id: Id | None = Field(description="Of the newest quote or question about it.")
    order_key: Id | None = Field(description="Of the order that it led to.")

    @classmethod
    def of(cls, line: Line) -> "Need":
        """Show one line of the household's timeline."""
        signal = line.signal
        return cls(
            signal_id=signal.signal_id,
            device_id=signal.device_id,
            slot_key=signal.slot_key,
            kind=signal.kind,
            occurred_at=signal.occurred_at,
            received_at=signal.received_at,
            time_quality=signal.quality,
            time_error_ms=signal.error_ms,
            state=signal.state,
            reason=signal.reason,
            state_at=signal.state_at,
            decision=None if line.decision is None else Decision.of(line.decision),
            quote_id=None if line.quote is None else line.quote.quote_id,
            order_key=None if line.order is None else line.order.order_key,
        )


class WhyStep(BaseModel):
    """One step between a need and its outcome."""

    kind: StepKind = Field(description="What the step tells.")
    at: At
    name: str = Field(description="A verdict, a state or an event, by its closed name.")
    reason: str = Field(description="From a closed list; may be empty.")
    facts: dict[str, JsonValue] = Field(description="The values that were used.")


class Why(BaseModel):
    """Why a need ended, or stands, as it does."""

    signal_id: Id
    steps: list[WhyStep] = Field(description="In the order in which they happened.")

    @classmethod
    def of(cls, explained: Explanation) -> "Why":
        """Show an explanation."""
        steps: list[Any] = [
            WhyStep(
                kind=step.kind,
                at=step.at,
                name=step.name,
                reason=step.reason,
                facts=dict(step.facts),
            )
            for step in explained.steps
        ]
        return cls(signal_id=explained.line.signal.signal_id, steps=steps)
