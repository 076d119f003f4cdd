"""When a Bluetooth adapter is deaf, and what to try next; pure."""

from zodra_edge.ladder.climb import (
    Alarm,
    Answered,
    Back,
    Begin,
    Canary,
    Do,
    Effect,
    Event,
    Failed,
    Gone,
    Ladder,
    Limits,
    Look,
    Recovered,
    climb,
)
from zodra_edge.ladder.mode import Mode, Plan, plan
from zodra_edge.ladder.stages import STEPS, TRANSITIONS, Stage, Step, Trigger

__all__ = [
    "STEPS",
    "TRANSITIONS",
    "Alarm",
    "Answered",
    "Back",
    "Begin",
    "Canary",
    "Do",
    "Effect",
    "Event",
    "Failed",
    "Gone",
    "Ladder",
    "Limits",
    "Look",
    "Mode",
    "Plan",
    "Recovered",
    "Stage",
    "Step",
    "Trigger",
    "climb",
    "plan",
]
