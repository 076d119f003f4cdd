"""One adapter's way up the recovery ladder, and back: `(state, event, now) -> (state, effects)`.

A deaf adapter and a quiet home look alike. What costs nothing is tried for either; a power cycle
drops connections, so it is rationed, and spared where a quiet home explains the silence as well.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from zodra_edge.ladder.stages import STEPS, TRANSITIONS, Stage, Step, Trigger

RETRY_S: Final = 2.0
"""After a step that failed at once. `bluetoothd` needs about as long to be ready after a start."""
AWAY_S: Final = 10.0
"""How often it is looked whether an adapter is back that nobody announced."""
CYCLE_APART_S: Final = 300.0
"""Between two power cycles; twice as long after each that was in vain."""
CYCLE_APART_S_MAX: Final = 3_600.0
CANARY_S_MAX: Final = 300.0
"""A beacon that is not heard for this long, while others are, is itself in trouble."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient to be."""

    silence_s: float = 60.0
    """Without a word for this long, the ladder is begun."""
    rung_s: float = 15.0
    """How long a step that was done has to prove itself."""
    canary: bool = False
    """Whether a beacon is there that speaks all the time: then silence proves deafness."""

    @property
    def cycle_s(self) -> float:
        """Likewise for a power cycle: an adapter that was switched on scans a moment later."""
        return self.rung_s * 4 / 3

    @property
    def again_s(self) -> float:
        """From the alarm to the next round.

        A round takes as long again, so that whatever any step cures is cured within two minutes.
        """
        return 3 * self.rung_s

    @property
    def alarm_s(self) -> float:
        """Without a word for this long a person is told, wherever the ladder stands."""
        return self.silence_s + 2 * self.rung_s + self.cycle_s


@dataclass(frozen=True, slots=True)
class Begin:
    """The agent starts to use the adapter."""


@dataclass(frozen=True, slots=True)
class Look:
    """Time passed."""

    heard_s: float | None
    """When an advertisement that says anything was last heard."""
    canary_s: float | None = None
    """When the expected beacon was."""
    in_use: bool = False
    """Whether a connection lives on this adapter."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The step that was asked for is done."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The step could not be done, or the scan ended by itself."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The adapter, BlueZ or D-Bus went away; the answer to a step as well, if one was asked for."""

    answers: bool = False
    """Whether this is how the step under way ended."""


@dataclass(frozen=True, slots=True)
class Back:
    """It is there again."""


Event = Begin | Look | Answered | Failed | Gone | Back


@dataclass(frozen=True, slots=True)
class Do:
    """Take this step, within a bounded time, and answer with how it went."""

    step: Step


@dataclass(frozen=True, slots=True)
class Alarm:
    """Tell a person, once."""

    silent_s: float
    certain: bool
    """False where a quiet home would look the same."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """It hears again; told once for each time that it did not."""

    silent_s: float
    after: Stage
    """What helped."""
    alarmed: bool


@dataclass(frozen=True, slots=True)
class Canary:
    """The expected beacon was lost while others are heard, or found again."""

    lost: bool


Effect = Do | Alarm | Recovered | Canary


@dataclass(frozen=True, slots=True)
class Ladder:
    """What is remembered about one adapter."""

    stage: Stage = Stage.OFF
    busy: bool = False
    """A step was asked for and has not been answered."""
    due_s: float = math.inf
    """When to move on, unless something is heard before."""
    failed: bool = False
    """Whether that move is because of a failure."""
    good_s: float = 0.0
    """When it was last known to hear; since `Begin` if never."""
    tried_s: float = -math.inf
    """When the last step was asked for: what was heard before proves nothing."""
    canary_s: float = 0.0
    canary_lost: bool = False
    troubled: bool = False
    """Since it last heard, something was wrong."""
    alarmed: bool = False
    cycled_s: float = -math.inf
    in_vain: int = 0
    """Power cycles in a row after which nothing was heard."""


def climb(state: Ladder, event: Event, now_s: float, limits: Limits) -> tuple[Ladder, list[Effect]]:
    """Decide what one event means.

    Args:
        state: of this adapter; start with `Ladder()`.
        event: what happened; a `Look` at least every second or so.
        now_s: by the monotonic clock.
        limits: how patient to be.

    Returns:
        The new state, and what to do. One step is under way at a time.
    """
    match event:
        case Begin():
            fresh = replace(state, good_s=now_s, canary_s=now_s)
            return _move(fresh, Trigger.BEGIN, now_s, limits)
        case Answered() if state.busy:
            grace_s = limits.cycle_s if state.stage is Stage.CYCLED else limits.rung_s
            # A first scan in a quiet home has nothing to make up for.
            grace_s = limits.silence_s if state.stage is Stage.OPENING else grace_s
            due_s = state.due_s if state.stage is Stage.AWAY else now_s + grace_s
            return replace(state, busy=False, due_s=due_s), []
        case Failed():
            return _failed(state, now_s, limits)
        case Gone(answers):
            gone = replace(state, busy=state.busy and not answers)
            if gone.stage in (Stage.AWAY, Stage.OFF):
                return gone, []
            return _move(gone, Trigger.GONE, now_s, limits)
        case Back() if state.stage is Stage.AWAY:
            return (replace(state, due_s=now_s), []) if state.busy else _back(state, now_s, limits)
        case Look():
            return _look(state, event, now_s, limits)
        case _:
            return state, []


def _failed(state: Ladder, now_s: float, limits: Limits) -> tuple[Ladder, list[Effect]]:
    if state.stage in (Stage.AWAY, Stage.OFF):
        return replace(state, busy=False), []
    if state.stage is Stage.HEARING:
        return _move(replace(state, busy=False), Trigger.FAILED, now_s, limits)
    # What was heard while the step was tried proves nothing; what comes after its failure does.
    due_s = now_s + min(RETRY_S, limits.rung_s)
    return replace(state, busy=False, failed=True, due_s=due_s, tried_s=now_s), []


def _look(state: Ladder, look: Look, now_s: float, limits: Limits) -> tuple[Ladder, list[Effect]]:
    effects: list[Effect] = []
    if state.stage is Stage.OFF:
        return state, effects
    state, effects = _watch_canary(state, look, now_s, limits)
    proven = look.heard_s is not None and look.heard_s >= max(state.tried_s, state.good_s)
    if proven and not state.busy and state.stage is not Stage.AWAY:
        state, more = _heard(state, look.heard_s or now_s, limits)
        effects += more
    if not state.busy and now_s >= state.due_s:
        state, more = _overdue(state, look, now_s, limits)
        effects += more
    silent_s = now_s - state.good_s
    if silent_s >= limits.alarm_s and state.stage is not Stage.HEARING:
        state, more = _alarm(state, silent_s, limits)
        effects += more
    return state, effects


def _heard(state: Ladder, heard_s: float, limits: Limits) -> tuple[Ladder, list[Effect]]:
    silent_s = heard_s - state.good_s
    effects: list[Effect] = []
    if state.troubled:
        effects.append(Recovered(silent_s, state.stage, state.alarmed))
    return (
        replace(
            state,
            stage=TRANSITIONS.get((state.stage, Trigger.HEARD), state.stage),
            good_s=heard_s,
            due_s=heard_s + limits.silence_s,
            troubled=False,
            failed=False,
            alarmed=False,
            in_vain=0,
        ),
        effects,
    )


def _overdue(
    state: Ladder, look: Look, now_s: float, limits: Limits
) -> tuple[Ladder, list[Effect]]:
    if state.stage is Stage.AWAY:
        return _back(state, now_s, limits)
    trigger = Trigger.FAILED if state.failed else Trigger.SILENT
    if state.stage is Stage.REBUILT and not _may_cycle(state, look, now_s, limits):
        trigger = Trigger.SPARED
    if state.stage is Stage.CYCLED:
        state = replace(state, in_vain=state.in_vain + 1)
    state, effects = _move(state, trigger, now_s, limits)
    if state.stage is Stage.DEAF:
        state, more = _alarm(state, now_s - state.good_s, limits)
        effects += more
    return state, effects


def _may_cycle(state: Ladder, look: Look, now_s: float, limits: Limits) -> bool:
    if look.in_use and not limits.canary and not state.failed:
        return False
    doubled_s = CYCLE_APART_S * (1 << min(state.in_vain, 8))
    return now_s - state.cycled_s >= min(doubled_s, CYCLE_APART_S_MAX)


def _alarm(state: Ladder, silent_s: float, limits: Limits) -> tuple[Ladder, list[Effect]]:
    if state.alarmed:
        return state, []
    certain = limits.canary or state.failed or state.stage is Stage.AWAY
    return replace(state, alarmed=True, troubled=True), [Alarm(silent_s, certain)]


def _back(state: Ladder, now_s: float, limits: Limits) -> tuple[Ladder, list[Effect]]:
    return _move(state, Trigger.BACK, now_s, limits)


def _move(
    state: Ladder, trigger: Trigger, now_s: float, limits: Limits
) -> tuple[Ladder, list[Effect]]:
    stage = TRANSITIONS.get((state.stage, trigger))
    if stage is None:
        return state, []
    if trigger in (Trigger.SILENT, Trigger.FAILED, Trigger.GONE):
        state = replace(state, troubled=True)
    step = STEPS.get(stage)
    if step is None:
        away = stage is Stage.AWAY
        due_s = now_s + (min(AWAY_S, limits.rung_s) if away else limits.again_s)
        return replace(state, stage=stage, due_s=due_s, failed=trigger is Trigger.FAILED), []
    return (
        replace(
            state,
            stage=stage,
            busy=True,
            due_s=math.inf,
            failed=False,
            tried_s=now_s,
            cycled_s=now_s if step is Step.POWER_CYCLE else state.cycled_s,
        ),
        [Do(step)],
    )


def _watch_canary(
    state: Ladder, look: Look, now_s: float, limits: Limits
) -> tuple[Ladder, list[Effect]]:
    if not limits.canary:
        return state, []
    if look.canary_s is not None and look.canary_s > state.canary_s:
        found = state.canary_lost
        state = replace(state, canary_s=look.canary_s, canary_lost=False)
        return state, [Canary(lost=False)] if found else []
    # While nothing at all is heard, the beacon is not the one to blame.
    hears = state.stage is Stage.HEARING and now_s - state.good_s < limits.silence_s
    if hears and not state.canary_lost and now_s - state.canary_s >= CANARY_S_MAX:
        return replace(state, canary_lost=True), [Canary(lost=True)]
    return state, []
