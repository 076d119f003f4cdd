"""The floor rises with what two sources agree on, and a wrong hour on one server moves nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_edge.time_floor import (
    AGREED_S_MIN,
    NO_FLOOR,
    STEP_S_MAX,
    WAIT_S,
    CloudWord,
    Floor,
    Mark,
    Move,
    Told,
    move,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FAR = datetime(2090, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
STEP = timedelta(seconds=STEP_S_MAX)
HERE = Mark(NOW, 1_000.0)


def kernel(
    at: datetime, monotonic_s: float = 1_000.0, cloud: CloudWord = CloudWord.NOTHING
) -> Told:
    return Told(at, monotonic_s, trusted=True, cloud=cloud, kernel=True)


def cloud(at: datetime, monotonic_s: float = 1_000.0, agreed_s: float = 0.0) -> Told:
    return Told(at, monotonic_s, trusted=True, cloud=CloudWord.AGREES, agreed_s=agreed_s)


@dataclass(frozen=True)
class Case:
    """Where the floor is, what is told, and where it goes."""

    floor: Floor
    told: Told
    at: datetime
    move: Move


CONFIRMED = Floor(NOW, confirmed=HERE)
CASES = {
    "untrusted time": Case(Floor(NOW), Told(NOW + HOUR, 1_000, trusted=False), NOW, Move.HELD),
    "first time ever, by a server": Case(Floor(), kernel(NOW), NO_FLOOR, Move.WAITS),
    "first time ever, by the cloud": Case(Floor(), cloud(NOW), NOW, Move.ROSE),
    "with the monotonic clock": Case(CONFIRMED, kernel(NOW + HOUR, 4_600), NOW + HOUR, Move.ROSE),
    "a step within bounds": Case(CONFIRMED, kernel(NOW + STEP), NOW + STEP, Move.ROSE),
    "a step beyond": Case(CONFIRMED, kernel(NOW + STEP + timedelta(seconds=1)), NOW, Move.WAITS),
    "2090 by a server": Case(CONFIRMED, kernel(FAR), NOW, Move.WAITS),
    "2090 by a server, the cloud denies": Case(
        CONFIRMED, kernel(FAR, cloud=CloudWord.CONTRADICTS), NOW, Move.HELD
    ),
    "2090 by a server for nearly a day": Case(
        Floor(NOW, HERE, Mark(FAR, 1_000)),
        kernel(FAR + timedelta(seconds=WAIT_S - 1), 1_000 + WAIT_S - 1),
        NOW,
        Move.WAITS,
    ),
    "a server keeps to it for a day": Case(
        Floor(NOW, None, Mark(NOW + HOUR, 0)),
        kernel(NOW + HOUR + timedelta(seconds=WAIT_S), WAIT_S),
        NOW + HOUR + timedelta(seconds=WAIT_S),
        Move.ROSE,
    ),
    "a server that changes its mind waits anew": Case(
        Floor(NOW, None, Mark(NOW + HOUR, 0)),
        kernel(NOW + 2 * HOUR + timedelta(seconds=WAIT_S), WAIT_S),
        NOW,
        Move.WAITS,
    ),
    "after months without power, by the cloud": Case(
        Floor(NOW), cloud(NOW + 2_000 * HOUR), NOW + 2_000 * HOUR, Move.ROSE
    ),
    "a floor in the future, one receipt": Case(Floor(FAR), cloud(NOW), FAR, Move.HELD),
    "a floor in the future, receipts for a while": Case(
        Floor(FAR), cloud(NOW, agreed_s=AGREED_S_MIN), NOW, Move.FELL
    ),
    "a floor in the future, kernel and cloud": Case(
        Floor(FAR), kernel(NOW, cloud=CloudWord.AGREES), NOW, Move.FELL
    ),
    "a floor in the future, a server alone": Case(Floor(FAR), kernel(NOW), FAR, Move.HELD),
    "a floor that is a second ahead": Case(
        Floor(NOW + timedelta(seconds=1)),
        cloud(NOW, agreed_s=AGREED_S_MIN),
        NOW + timedelta(seconds=1),
        Move.HELD,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_where_the_floor_goes(case: Case) -> None:
    floor, moved = move(case.floor, case.told)
    assert (floor.at, moved) == (case.at, case.move)


SAID = st.tuples(
    st.floats(1, 7_200),
    st.floats(-1e9, 2e9),
    st.booleans(),
    st.sampled_from([CloudWord.NOTHING, CloudWord.CONTRADICTS]),
)


@given(st.lists(SAID, max_size=11))
def test_one_source_never_moves_it_further_than_time_ran_within_a_day(
    said: list[tuple[float, float, bool, CloudWord]],
) -> None:
    floor, monotonic_s = CONFIRMED, 1_000.0
    for gap_s, shift_s, trusted, word in said:
        monotonic_s += gap_s
        before = floor.at
        told = Told(NOW + timedelta(seconds=shift_s), monotonic_s, trusted, word, kernel=trusted)
        floor, _ = move(floor, told)
        assert before <= floor.at <= HERE.moved(monotonic_s) + STEP


@given(st.floats(0, 1e9), st.floats(AGREED_S_MIN, 1e6))
def test_it_always_comes_down_to_what_the_cloud_has_confirmed(
    ahead_s: float, agreed_s: float
) -> None:
    floor, _ = move(Floor(NOW + timedelta(seconds=ahead_s)), cloud(NOW, agreed_s=agreed_s))
    assert floor.at <= NOW + timedelta(seconds=2)
