"""Where a subscription and each of its deliveries can stand: two tables.

For the ledger, tests and docs. What a table does not name for a state is refused, or has happened
already: commands come twice, jobs come again after a crash, and shops tell late.
"""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where a subscription stands."""

    DRAFT = "draft"
    """Asked for; a shop is asked what it costs."""
    OFFERED = "offered"
    """Its terms wait for the household's labelled yes."""
    ACTIVE = "active"
    PAUSED = "paused"
    LEAVING = "leaving"
    """Cancelled, and still running until the notice or the first term is over."""
    ENDED = "ended"
    LAPSED = "lapsed"
    """Never joined: nobody said yes in time, or no shop could say what it costs."""


LIVE: Final = frozenset({Status.ACTIVE, Status.PAUSED, Status.LEAVING})
"""A contract stands; at most one for each slot, held by a unique index."""
RUNNING: Final = frozenset({Status.ACTIVE, Status.LEAVING})
"""Deliveries are made."""


class Kind(StrEnum):
    """What the ledger records. A name is never reused."""

    REQUESTED = "requested"
    OFFERED = "offered"
    LAPSED = "lapsed"
    JOINED = "joined"
    SKIPPED = "skipped"
    UNSKIPPED = "unskipped"
    PAUSED = "paused"
    RESUMED = "resumed"
    RESCHEDULED = "rescheduled"
    QUANTITY_CHANGED = "quantity_changed"
    SWAPPED = "swapped"
    CADENCE_CHANGED = "cadence_changed"
    FOLLOW_CHANGED = "follow_changed"
    FORECAST_LOOKED = "forecast_looked"
    GROWTH_TOLD = "growth_told"
    SIZE_PROPOSED = "size_proposed"
    SIZE_DECLINED = "size_declined"
    PRE_NOTICE_SENT = "pre_notice_sent"
    PRICE_ANNOUNCED = "price_announced"
    PRICE_ACCEPTED = "price_accepted"
    CYCLE_DUE = "cycle_due"
    CYCLE_ASKED = "cycle_asked"
    CYCLE_HELD = "cycle_held"
    CYCLE_ORDERED = "cycle_ordered"
    CYCLE_PULLED_FORWARD = "cycle_pulled_forward"
    CYCLE_RESTORED = "cycle_restored"
    CYCLE_FAILED = "cycle_failed"
    CYCLE_PASSED = "cycle_passed"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


_CHANGES: Final = (
    Kind.SKIPPED,
    Kind.UNSKIPPED,
    Kind.RESCHEDULED,
    Kind.QUANTITY_CHANGED,
    Kind.SWAPPED,
    Kind.CADENCE_CHANGED,
    Kind.FOLLOW_CHANGED,
    Kind.GROWTH_TOLD,
    Kind.SIZE_PROPOSED,
    Kind.SIZE_DECLINED,
    Kind.PRICE_ACCEPTED,
)
"""The household's, and the forecast's within what was agreed; they move nothing."""
_STEPS: Final = (
    Kind.FORECAST_LOOKED,
    Kind.PRE_NOTICE_SENT,
    Kind.PRICE_ANNOUNCED,
    Kind.CYCLE_DUE,
    Kind.CYCLE_HELD,
    Kind.CYCLE_PULLED_FORWARD,
    Kind.CYCLE_RESTORED,
    Kind.CYCLE_PASSED,
)
"""Of the next delivery; none is made while paused."""
_OUTCOMES: Final = (Kind.CYCLE_ASKED, Kind.CYCLE_ORDERED, Kind.CYCLE_FAILED)
"""Of a delivery that was due before; also heard when the subscription is paused or over."""

TRANSITIONS: Final = {
    (Status.DRAFT, Kind.OFFERED): Status.OFFERED,
    (Status.DRAFT, Kind.LAPSED): Status.LAPSED,
    (Status.OFFERED, Kind.JOINED): Status.ACTIVE,
    (Status.OFFERED, Kind.LAPSED): Status.LAPSED,
    (Status.ACTIVE, Kind.PAUSED): Status.PAUSED,
    (Status.PAUSED, Kind.RESUMED): Status.ACTIVE,
    (Status.ACTIVE, Kind.CANCELLED): Status.LEAVING,
    (Status.PAUSED, Kind.CANCELLED): Status.LEAVING,
    (Status.LEAVING, Kind.ENDED): Status.ENDED,
    **{(state, Kind.WITHDRAWN): Status.ENDED for state in sorted(LIVE)},
    **{(state, kind): state for state in sorted(RUNNING) for kind in (*_CHANGES, *_STEPS)},
    **{(Status.PAUSED, kind): Status.PAUSED for kind in _CHANGES},
    **{(state, kind): state for state in sorted({*LIVE, Status.ENDED}) for kind in _OUTCOMES},
}
"""Where an event takes a subscription. A paused one that is cancelled makes no more deliveries."""


class CycleState(StrEnum):
    """Where one delivery stands."""

    PLANNED = "planned"
    NOTICED = "noticed"
    """The household was told of the charge."""
    DUE = "due"
    """Its need is made; the rooms of needs and orders have it."""
    ASKED = "asked"
    """A quote waits for the household, as its price or something else was not as agreed."""
    HELD = "held"
    """Something else is under way for the slot; it waits for that."""
    ORDERED = "ordered"
    PULLED_FORWARD = "pulled_forward"
    """An order that the household made itself, shortly before, came in its place."""
    SKIPPED = "skipped"
    """By the household, or passed over because its date was missed by much."""
    FAILED = "failed"


CYCLE_TRANSITIONS: Final = {
    (CycleState.PLANNED, Kind.PRE_NOTICE_SENT): CycleState.NOTICED,
    # Told again, as the household moved the date after it was told.
    (CycleState.NOTICED, Kind.PRE_NOTICE_SENT): CycleState.NOTICED,
    (CycleState.NOTICED, Kind.RESCHEDULED): CycleState.PLANNED,
    (CycleState.NOTICED, Kind.CYCLE_DUE): CycleState.DUE,
    (CycleState.NOTICED, Kind.CYCLE_HELD): CycleState.HELD,
    (CycleState.HELD, Kind.CYCLE_DUE): CycleState.DUE,
    (CycleState.HELD, Kind.CYCLE_FAILED): CycleState.FAILED,
    **{
        (state, kind): reached
        for state in (CycleState.PLANNED, CycleState.NOTICED)
        for kind, reached in (
            (Kind.CYCLE_PASSED, CycleState.SKIPPED),
            (Kind.CYCLE_PULLED_FORWARD, CycleState.PULLED_FORWARD),
        )
    },
    (CycleState.HELD, Kind.CYCLE_PULLED_FORWARD): CycleState.PULLED_FORWARD,
    (CycleState.PULLED_FORWARD, Kind.CYCLE_RESTORED): CycleState.PLANNED,
    (CycleState.PULLED_FORWARD, Kind.CYCLE_FAILED): CycleState.FAILED,
    **{
        (state, kind): reached
        for state in (CycleState.DUE, CycleState.ASKED, CycleState.ORDERED)
        for kind, reached in (
            (Kind.CYCLE_ASKED, CycleState.ASKED),
            (Kind.CYCLE_ORDERED, CycleState.ORDERED),
            (Kind.CYCLE_FAILED, CycleState.FAILED),
        )
        if reached is not state
    },
}
"""Where an event takes the delivery that it names."""

UNSETTLED: Final = frozenset({CycleState.DUE, CycleState.ASKED, CycleState.HELD})
"""Looked at again until they are something else."""


def next_status(status: Status, kind: Kind) -> Status | None:
    """Look up where an event takes a subscription; None if it is not possible there."""
    return TRANSITIONS.get((status, kind))


def next_cycle_state(state: CycleState, kind: Kind) -> CycleState | None:
    """Look up where an event takes a delivery; None if it is not possible there."""
    return CYCLE_TRANSITIONS.get((state, kind))
