"""The ladder, event by event."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_edge.ladder import (
    STEPS,
    TRANSITIONS,
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
    Stage,
    Step,
    Trigger,
    climb,
)

LIMITS = Limits()


def walk(
    *events: tuple[float, Event], limits: Limits = LIMITS, state: Ladder | None = None
) -> tuple[Ladder, list[tuple[float, Effect]]]:
    """Hand in events at their seconds."""
    now = state or Ladder()
    done: list[tuple[float, Effect]] = []
    for at_s, event in events:
        now, effects = climb(now, event, at_s, limits)
        done += [(at_s, effect) for effect in effects]
    return now, done


def hearing(limits: Limits = LIMITS) -> Ladder:
    state, done = walk((0, Begin()), (0.1, Answered()), (1, Look(0.5)), limits=limits)
    assert state.stage is Stage.HEARING
    assert done == [(0, Do(Step.OPEN))]
    return state


def test_silence_climbs_rung_by_rung_to_the_alarm_within_two_minutes() -> None:
    state, done, now_s = hearing(), [], 1.0
    while now_s < 120:
        state, effects = climb(state, Look(0.5), now_s, LIMITS)
        for effect in effects:
            done.append((now_s, effect))
            if isinstance(effect, Do):
                state, _ = climb(state, Answered(), now_s, LIMITS)
        now_s += 1
    assert done == [
        (61, Do(Step.RESTART)),
        (76, Do(Step.REBUILD)),
        (91, Do(Step.POWER_CYCLE)),
        (111, Alarm(110.5, certain=False)),
    ]
    assert state.stage is Stage.DEAF


@pytest.mark.parametrize(
    ("stage", "after"), [(s, t) for (s, trigger), t in TRANSITIONS.items() if trigger == "heard"]
)
def test_what_is_heard_after_a_step_ends_the_climb_with_one_notice(
    stage: Stage, after: Stage
) -> None:
    was = Ladder(stage=stage, good_s=10, tried_s=70, due_s=90, troubled=True, alarmed=True)
    state, done = walk((75, Look(69.9)), (76, Look(75.5)), (77, Look(76.5)), state=was)
    assert state.stage is after is Stage.HEARING
    assert done == [(76, Recovered(65.5, stage, alarmed=True))]


CASES = [
    pytest.param(
        [(5, Failed())],
        [(5, Do(Step.RESTART))],
        Stage.RESTARTED,
        id="a scan that ends is restarted",
    ),
    pytest.param(
        [(5, Failed()), (5, Failed()), (6, Look(4)), (7, Look(4))],
        [(5, Do(Step.RESTART)), (7, Do(Step.REBUILD))],
        Stage.REBUILT,
        id="a step that fails makes room for the next after a moment",
    ),
    pytest.param(
        [(5, Gone()), (6, Look(4)), (7, Back())],
        [(7, Do(Step.OPEN))],
        Stage.OPENING,
        id="an adapter that comes back is opened at once",
    ),
    pytest.param(
        [(5, Gone()), (14, Look(4)), (15, Look(4))],
        [(15, Do(Step.OPEN))],
        Stage.OPENING,
        id="nobody says that it is back: it is looked",
    ),
    pytest.param(
        [(5, Gone()), (5, Back()), (5, Gone(answers=True)), (6, Look(4)), (15, Answered())],
        [(5, Do(Step.OPEN))],
        Stage.AWAY,
        id="gone in the middle of a step",
    ),
    pytest.param(
        [
            (5, Gone()),
            (5, Back()),
            (6, Gone()),
            (7, Back()),
            (7, Look(4)),
            (9, Failed()),
            (9, Look(4)),
        ],
        [(5, Do(Step.OPEN)), (9, Do(Step.OPEN))],
        Stage.OPENING,
        id="one step at a time, also for one that is in a hurry",
    ),
    pytest.param(
        [(5, Gone()), (7, Back()), (7.1, Answered()), (8, Look(7.5))],
        [(7, Do(Step.OPEN)), (8, Recovered(7.0, Stage.OPENING, alarmed=False))],
        Stage.HEARING,
        id="a restart of BlueZ is told once when it is over",
    ),
    pytest.param(
        [(5, Gone()), *((at, Look(4)) for at in range(6, 14)), (110, Look(4)), (113, Look(4))],
        [(110, Do(Step.OPEN)), (113, Alarm(112.5, certain=False))],
        Stage.OPENING,
        id="away for long is an alarm",
    ),
    pytest.param([(5, Back())], [], Stage.HEARING, id="back, never having been away"),
    pytest.param([(5, Answered())], [], Stage.HEARING, id="an answer that nobody asked for"),
    pytest.param(
        [(5, Gone()), (6, Failed()), (7, Gone())], [], Stage.AWAY, id="failing while away"
    ),
    pytest.param(
        [(62, Look(0.5)), (62, Look(62))],
        [(62, Do(Step.RESTART))],
        Stage.RESTARTED,
        id="what is heard before a step is answered waits for the answer",
    ),
]


@pytest.mark.parametrize(("events", "effects", "stage"), CASES)
def test_one_event_at_a_time(
    events: list[tuple[float, Event]], effects: list[tuple[float, Effect]], stage: Stage
) -> None:
    state, done = walk(*events, state=replace(hearing(), good_s=0.5))
    assert done == effects
    assert state.stage is stage


def test_a_power_cycle_is_rationed_while_it_is_in_vain() -> None:
    state, now_s = hearing(), 1.0
    cycles: list[float] = []
    while now_s < 6 * 3600:
        state, effects = climb(state, Look(0.5), now_s, LIMITS)
        for effect in effects:
            if isinstance(effect, Do):
                cycles += [now_s] if effect.step is Step.POWER_CYCLE else []
                state, _ = climb(state, Answered(), now_s, LIMITS)
        now_s += 1
    apart = [later - sooner for sooner, later in itertools.pairwise(cycles)]
    assert apart[:3] == sorted(apart[:3])
    assert all(one >= 300 for one in apart)
    assert 3600 <= apart[-1] < 3900


@pytest.mark.parametrize(("canary", "stage"), [(True, Stage.CYCLED), (False, Stage.DEAF)])
def test_a_connection_is_not_dropped_for_a_silence_that_may_be_a_quiet_home(
    canary: bool, stage: Stage
) -> None:
    was = Ladder(stage=Stage.REBUILT, good_s=10, tried_s=70, due_s=90)
    limits = Limits(canary=canary)
    state, done = walk((91, Look(10, in_use=True)), state=was, limits=limits)
    assert state.stage is stage
    assert (91, Do(Step.POWER_CYCLE)) in done or (91, Alarm(81, certain=False)) in done


def test_a_lost_beacon_is_told_while_others_are_heard_and_no_ladder_is_climbed() -> None:
    limits = Limits(canary=True)
    state, done = walk(
        *((at, Look(at, canary_s=2)) for at in range(2, 400)), state=hearing(limits), limits=limits
    )
    assert done == [(302, Canary(lost=True))]
    assert state.stage is Stage.HEARING
    state, done = walk((400, Look(400, canary_s=399)), state=state, limits=limits)
    assert done == [(400, Canary(lost=False))]


def test_a_table_without_dead_ends() -> None:
    assert {stage for stage, _ in TRANSITIONS} == set(Stage)
    assert set(TRANSITIONS.values()) | {Stage.OFF} == set(Stage)
    assert set(STEPS.values()) == set(Step)
    for stage in set(Stage) - {Stage.OFF, Stage.AWAY, Stage.HEARING}:
        assert TRANSITIONS[stage, Trigger.HEARD] is Stage.HEARING


EVENTS = st.one_of(
    st.builds(
        Look, st.none() | st.floats(0, 5_000), st.none() | st.floats(0, 5_000), st.booleans()
    ),
    st.sampled_from([Begin(), Answered(), Failed(), Gone(), Gone(answers=True), Back()]),
)


@given(
    st.lists(st.tuples(st.floats(0, 90), EVENTS), max_size=60),
    st.booleans(),
)
def test_whatever_happens_one_step_is_under_way_and_each_alarm_ends_once(
    events: list[tuple[float, Event]], canary: bool
) -> None:
    state, now_s, limits = Ladder(), 0.0, Limits(canary=canary)
    alarmed = False
    for wait_s, event in [(0.0, Begin()), *events]:
        now_s += wait_s
        was_busy, is_answer = state.busy, isinstance(event, Answered | Failed | Gone)
        before = state.stage
        state, effects = climb(state, event, now_s, limits)
        steps = [effect for effect in effects if isinstance(effect, Do)]
        assert len(steps) <= 1
        if steps:
            assert not was_busy or is_answer
            assert state.busy
        for effect in effects:
            if isinstance(effect, Alarm):
                assert not alarmed
                alarmed = True
            elif isinstance(effect, Recovered):
                assert effect.alarmed is alarmed
                alarmed = False
        if state.stage is not before:
            assert state.stage in TRANSITIONS.values()
        assert alarmed is state.alarmed


@given(st.lists(st.tuples(st.floats(0, 90), EVENTS), max_size=30))
def test_from_anywhere_a_radio_that_works_again_is_found_within_two_minutes(
    events: list[tuple[float, Event]],
) -> None:
    state, now_s = Ladder(), 0.0
    for wait_s, event in [(0.0, Begin()), *events]:
        now_s += wait_s
        state, _ = climb(state, event, now_s, LIMITS)
    if state.busy:
        state, _ = climb(state, Answered(), now_s, LIMITS)
    began_s = now_s = max(now_s, state.good_s) + 5_000
    state = replace(state, good_s=min(state.good_s, now_s))
    while state.stage is not Stage.HEARING or state.good_s < began_s:
        scans = state.stage not in (Stage.AWAY, Stage.OFF) and not state.failed
        state, effects = climb(state, Look(now_s if scans else None), now_s, LIMITS)
        if any(isinstance(effect, Do) for effect in effects):
            state, _ = climb(state, Answered(), now_s, LIMITS)
        now_s += 1
        assert now_s - began_s <= 120
