"""A cloud with a long queue slows telemetry down: case by case, and with a fleet that drains."""

import heapq
from collections import deque
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_cloud.ingest.policy import PACE_MS_MAX, pace_ms

BATCH_ROWS, COMMIT_BATCHES, COMMIT_S, INBOX_BATCHES, WINDOW = 500, 10, 0.2, 40, 2


@pytest.mark.parametrize(
    ("before_ms", "queue", "passed_s", "after_ms"),
    [
        pytest.param(0, 0.0, 1, 0, id="no queue"),
        pytest.param(0, 0.49, 1, 0, id="not long yet"),
        pytest.param(0, 0.5, 1, 200, id="long"),
        pytest.param(200, 1.0, 0.5, 300, id="still long"),
        pytest.param(300, 0.4, 9, 300, id="neither long nor short"),
        pytest.param(300, 0.25, 1, 100, id="short"),
        pytest.param(300, 0.0, 600, 0, id="nothing came for long"),
        pytest.param(0, 1.0, 600, 400, id="held up by a fault"),
        pytest.param(PACE_MS_MAX - 1, 1.0, 1, PACE_MS_MAX, id="as slow as it gets"),
    ],
)
def test_how_the_pace_moves(
    before_ms: float, queue: float, passed_s: float, after_ms: float
) -> None:
    assert pace_ms(before_ms, queue, passed_s) == after_ms


@given(before_ms=st.floats(0, PACE_MS_MAX), queue=st.floats(0, 1), passed_s=st.floats(0, 10**6))
def test_a_pace_is_bounded_and_moves_with_the_queue(
    before_ms: float, queue: float, passed_s: float
) -> None:
    after_ms = pace_ms(before_ms, queue, passed_s)
    assert 0 <= after_ms <= PACE_MS_MAX
    assert (after_ms - before_ms) * (queue - 0.375) >= 0


@dataclass
class Fleet:
    """Gateways with a backlog that does not end, as `zodra_edge.link` paces them."""

    gateways: int
    paced: bool
    busy_share: float = 0.0
    """Of the time, once the start is over."""
    waiting: float = 0.0
    """Batches in front of the cloud after a commit, on average."""

    def live(self, seconds: float) -> "Fleet":
        asks = [(number / self.gateways, number) for number in range(self.gateways)]
        asked = set(range(self.gateways))
        heapq.heapify(asks)
        sent_s, told_s = [-9.0] * self.gateways, [0.0] * self.gateways
        under_way = [0] * self.gateways
        queue: deque[int] = deque()
        now_s = looked_s = pace = busy_s = 0.0
        depths: list[int] = []

        def ask(number: int, at_s: float) -> None:
            if under_way[number] < WINDOW and number not in asked:
                asked.add(number)
                heapq.heappush(asks, (max(at_s, sent_s[number] + told_s[number]), number))

        while now_s < seconds:
            while asks and asks[0][0] <= now_s:
                at_s, number = heapq.heappop(asks)
                asked.discard(number)
                under_way[number] += 1
                sent_s[number] = at_s
                queue.append(number)
                ask(number, at_s)
            if not queue:
                now_s = asks[0][0]
                continue
            taken = [queue.popleft() for _ in range(min(COMMIT_BATCHES, len(queue)))]
            pace = pace_ms(pace, min(1.0, len(queue) / INBOX_BATCHES), now_s - looked_s)
            looked_s = now_s
            now_s += COMMIT_S * len(taken) / COMMIT_BATCHES
            for number in taken:
                under_way[number] -= 1
                told_s[number] = pace / 1000 if self.paced else 0.0
                ask(number, now_s + 0.01)
            if now_s > seconds / 3:
                busy_s += COMMIT_S * len(taken) / COMMIT_BATCHES
                depths.append(len(queue))
        self.busy_share = busy_s / (seconds * 2 / 3)
        self.waiting = sum(depths) / len(depths)
        return self


@pytest.mark.parametrize("gateways", [50, 100, 300])
def test_a_fleet_that_drains_leaves_the_cloud_busy_and_its_queue_short(gateways: int) -> None:
    unpaced, paced = (Fleet(gateways, paced=paced).live(300) for paced in (False, True))
    assert unpaced.waiting > 0.85 * (WINDOW * gateways - COMMIT_BATCHES)
    assert paced.waiting < 0.6 * unpaced.waiting
    assert paced.busy_share > 0.75


def test_a_few_gateways_are_never_slowed_down() -> None:
    few = Fleet(5, paced=True).live(60)
    assert few.busy_share > 0.9
