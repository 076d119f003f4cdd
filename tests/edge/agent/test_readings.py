"""Readings from the radio go up together; nothing else waits for them."""

import asyncio
from pathlib import Path

import pytest

from edge_outbox import reading, values
from zodra_edge.agent.readings import Readings
from zodra_edge.heard import Heard
from zodra_edge.outbox import Outbox
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import Tally

LONG_S = 3600.0


class Way:
    """Readings on a real outbox."""

    def __init__(self, outbox: Outbox, gather_s: float, limits: OutboxLimits | None = None) -> None:
        self.outbox = outbox
        self.woken = 0
        limits = OutboxLimits() if limits is None else limits
        self.readings = Readings(outbox, limits, Tally(), self._wake, gather_s)

    def _wake(self) -> None:
        self.woken += 1

    async def hear(self, value: float, *, can_wait: bool) -> None:
        kept = reading(value)
        heard = Heard(kept.reading.observed_at, 1, "boot", kept.quality, kept.error_ms)
        self.readings.add((kept.reading,), heard, can_wait=can_wait)
        await self.readings.send()


async def test_from_the_radio_they_wait_until_one_comes_that_does_not(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        way = Way(outbox, LONG_S)
        await way.hear(1.0, can_wait=True)
        await way.hear(2.0, can_wait=True)
        assert (outbox.live, way.woken) == (0, 0)
        await way.hear(3.0, can_wait=False)
        assert (outbox.live, way.woken) == (3, 1)
        assert await values(outbox) == [1.0, 2.0, 3.0]
        await way.hear(4.0, can_wait=True)
        assert (outbox.live, way.woken) == (3, 1)


async def test_they_wait_no_longer_than_they_may(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        way = Way(outbox, 0.01)
        for value in (1.0, 2.0):
            await way.hear(value, can_wait=True)
            await asyncio.wait_for(way.readings.run(), 10)
        assert way.woken == 2
        assert await values(outbox) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("gather_s", "rows_max", "left"),
    [
        pytest.param(0.0, 500, 3, id="with a wait of nothing each goes at once"),
        pytest.param(LONG_S, 3, 3, id="so many that they are to be written go at once"),
        pytest.param(LONG_S, 4, 0, id="one less waits"),
    ],
)
async def test_they_do_not_wait_for_ever(
    tmp_path: Path, gather_s: float, rows_max: int, left: int
) -> None:
    limits = OutboxLimits(linger_rows_max=rows_max)
    async with Outbox(tmp_path, limits) as outbox:
        way = Way(outbox, gather_s, limits)
        for value in range(3):
            await way.hear(float(value), can_wait=True)
        assert outbox.live == left


async def test_those_that_wait_are_written_with_the_others(tmp_path: Path) -> None:
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        way = Way(outbox, LONG_S)
        await way.hear(1.0, can_wait=True)
        await way.readings.write(None)
        assert outbox.live == 0
    async with Outbox(tmp_path, OutboxLimits()) as outbox:
        assert await values(outbox) == [1.0]
