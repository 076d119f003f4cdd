"""A hundred adapters that fail, each in its own way, on virtual time."""

from dataclasses import dataclass, field
from random import Random

import pytest

from zodra_edge.ladder import (
    Alarm,
    Answered,
    Back,
    Begin,
    Do,
    Effect,
    Event,
    Failed,
    Gone,
    Ladder,
    Limits,
    Look,
    Stage,
    Step,
    climb,
)

SEEDS = 100
HEALED_S_MAX = 120.0
STEP_S_MAX = 10.0
"""What the shell allows a step."""
FAULT_AT_S = 300.0
CURES = {
    "dies": (Step.RESTART,),
    "hangs": (Step.REBUILD, Step.POWER_CYCLE),
    "goes silent, a restart helps": (Step.RESTART, Step.REBUILD, Step.POWER_CYCLE),
    "goes silent, a new scanner helps": (Step.REBUILD, Step.POWER_CYCLE),
    "goes silent, a power cycle helps": (Step.POWER_CYCLE,),
}
ENDS = (
    "vanishes and says so",
    "vanishes without a word",
    "returns errors",
    "is silent for a while",
)


@dataclass
class Adapter:
    """Hears `per_min` advertisements while it scans, and breaks once."""

    random: Random
    kind: str
    lasts_s: float
    per_min: float
    broken: bool = False
    scans: bool = False
    heard_s: float | None = None
    next_s: float = 0.0
    answers: list[tuple[float, Event]] = field(default_factory=list)

    def breaks(self, now_s: float) -> list[Event]:
        self.broken = True
        if self.kind == "dies" or self.kind == "returns errors":
            self.scans = False
            return [Failed()]
        if self.kind == "vanishes and says so":
            self.scans = False
            return [Gone()]
        if self.kind == "vanishes without a word":
            self.scans = False
        return []

    def ends(self) -> list[Event]:
        self.broken = False
        return [Back()] if self.kind == "vanishes and says so" else []

    def begin(self, step: Step, now_s: float) -> None:
        took_s = self.random.uniform(0.05, 4 if step is Step.POWER_CYCLE else 1)
        answer: Event = Answered()
        if self.broken and step in CURES.get(self.kind, ()):
            self.broken = False
        elif self.broken and self.kind == "hangs":
            took_s, answer = STEP_S_MAX, Failed()
        elif self.broken and self.kind == "returns errors":
            answer = Failed()
        elif self.broken and self.kind.startswith("vanishes"):
            answer = Gone(answers=True)
        self.scans = isinstance(answer, Answered)
        self.answers.append((now_s + took_s, answer))

    def tick(self, now_s: float) -> list[Event]:
        if self.scans and not self.broken and now_s >= self.next_s:
            self.heard_s = now_s
            self.next_s = now_s + self.random.expovariate(self.per_min / 60)
        due = [event for at_s, event in self.answers if at_s <= now_s]
        self.answers = [(at_s, event) for at_s, event in self.answers if at_s > now_s]
        return due


@dataclass
class Course:
    """What became of one failure."""

    noticed_s: float | None = None
    healed_s: float | None = None
    recovered: int = 0
    alarms: int = 0


def simulate(seed: int) -> tuple[str, Course]:
    random = Random(seed)
    kind = random.choice([*CURES, *ENDS])
    lasts_s = random.uniform(1, 900) if kind in ENDS else 0.0
    adapter = Adapter(random, kind, lasts_s, per_min=random.uniform(10, 600))
    state, course, limits = Ladder(), Course(), Limits()
    now_s, broke, ended = 0.0, False, kind not in ENDS
    pending: list[Event] = [Begin()]
    while course.healed_s is None and now_s < FAULT_AT_S + lasts_s + 1_000:
        if not broke and now_s >= FAULT_AT_S:
            broke = True
            assert state.stage is Stage.HEARING
            pending += adapter.breaks(now_s)
        if not ended and now_s >= FAULT_AT_S + lasts_s:
            ended = True
            pending += adapter.ends()
        for event in [*pending, *adapter.tick(now_s), Look(adapter.heard_s)]:
            state, effects = climb(state, event, now_s, limits)
            note(course, effects, now_s - FAULT_AT_S)
            for effect in effects:
                if isinstance(effect, Do):
                    adapter.begin(effect.step, now_s)
        pending = []
        since_s = now_s - FAULT_AT_S
        if broke and course.noticed_s is None and state.stage is not Stage.HEARING:
            course.noticed_s = since_s
        over = ended and (adapter.heard_s or 0) > FAULT_AT_S + lasts_s
        if broke and over and state.stage is Stage.HEARING:
            course.healed_s = since_s - lasts_s
        now_s += 0.5
    return kind, course


def note(course: Course, effects: list[Effect], since_s: float) -> None:
    for effect in effects:
        course.recovered += type(effect).__name__ == "Recovered"
        if isinstance(effect, Alarm):
            course.alarms += 1
            assert since_s <= HEALED_S_MAX


def test_a_hundred_of_a_hundred_are_noticed_and_healed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    courses = [simulate(seed) for seed in range(SEEDS)]
    by_kind: dict[str, list[float]] = {}
    late = []
    for seed, (kind, course) in enumerate(courses):
        # A silence shorter than the patience is a quiet home, and nothing to be told of.
        noticed = course.noticed_s is not None and course.noticed_s <= HEALED_S_MAX
        short = kind == "is silent for a while" and course.recovered == 0
        if course.healed_s is None or course.healed_s > HEALED_S_MAX or not (noticed or short):
            late.append((seed, kind, course))
        else:
            by_kind.setdefault(kind, []).append(course.healed_s)
        assert course.recovered <= 1 + course.alarms
    lines = [
        f"{kind}: {len(took)} healed, median {sorted(took)[len(took) // 2]:.1f} s, "
        f"longest {max(took):.1f} s"
        for kind, took in sorted(by_kind.items())
    ]
    with capsys.disabled():
        print("", *lines, sep="\n")
    assert late == []
    assert set(by_kind) == {*CURES, *ENDS}
