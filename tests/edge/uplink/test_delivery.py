"""Who goes first, how fast and how far: both lanes on a line where time is a number."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard

from faults.simgateway import SimClock, inline_writer
from faults.simloop import run
from zodra_contract.command import Command, CommandOutcome
from zodra_contract.envelope import (
    BatchName,
    HealthReport,
    NeedBatch,
    Receipt,
    TelemetryBatch,
    is_compressed,
    read_up,
)
from zodra_contract.outcome import RejectReason, SignalOutcome
from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.link import BURST_S, PACE_S_MAX, Lane
from zodra_edge.outbox import Kept, KeptReading, LightRow, Outbox
from zodra_edge.settings import Settings
from zodra_edge.uplink.delivery import Delivery
from zodra_edge.uplink.hooks import Hooks

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WINDOW, ROWS = 2, 100


class Line:
    """A broker and a cloud that hear everything at once, and answer when the test wants it."""

    def __init__(self, folder: Path, outbox: Outbox, rows_per_s_max: int) -> None:
        settings = Settings.model_validate(
            {
                "gateway_id": "gw-1",
                "household_id": "hh-1",
                "data_dir": folder,
                "cloud": {"host": "cloud"},
                "uplink": {
                    "telemetry_batches_max": WINDOW,
                    "telemetry_rows_max": ROWS,
                    "drain_rows_per_s_max": rows_per_s_max,
                    "receipt_timeout_s": 600,
                },
            }
        )
        self.outbox = outbox
        self.counts: list[str] = []
        self.heard: list[NeedBatch | TelemetryBatch] = []
        self.at_s: list[float] = []
        self.answers = False
        self.pace_ms: int | None = None
        self.poison: int | None = None
        """A sequence whose batches it cannot read."""
        self.blind = False
        """It can read none."""
        self.delivery = Delivery(
            settings, outbox, SimClock("boot"), self._hooks(), lambda **_: None
        )

    def _hooks(self) -> Hooks:
        async def outcome(_: SignalOutcome) -> None:
            raise AssertionError

        def command(_: Command) -> CommandOutcome:
            raise AssertionError

        def health() -> HealthReport:
            raise AssertionError

        return Hooks(health, outcome, command, self.counts.append, lambda: None, lambda: 0.5)

    async def publish(self, payload: bytes) -> None:
        if is_compressed(payload):
            payload = zstandard.ZstdDecompressor().decompress(payload, max_output_size=2**20)
        batch = read_up(payload).message
        assert isinstance(batch, NeedBatch | TelemetryBatch)
        self.heard.append(batch)
        self.at_s.append(asyncio.get_running_loop().time())
        if self.answers:
            await asyncio.sleep(0.01)
            await self.receipt(batch)

    async def receipt(self, batch: NeedBatch | TelemetryBatch) -> None:
        bad = self.blind or any(row.sequence == self.poison for row in batch.rows)
        await self.delivery.settle(
            Receipt(
                buffer_id=batch.buffer_id,
                upto=0 if bad else batch.rows[-1].sequence,
                refused=RejectReason.MALFORMED if bad else None,
                batch=BatchName(batch.rows[0].sequence, len(batch.rows)) if bad else None,
                committed_at=AT,
                pace_ms=self.pace_ms,
            )
        )

    async def read(self, count: int) -> None:
        kept = Reading(
            device_id="trv", kind=ReadingKind.ROOM_TEMPERATURE_C, value=20, observed_at=AT
        )
        await self.outbox.keep_readings([KeptReading(kept, TimeQuality.SYNCED, 5)] * count)
        self.delivery.wake()

    async def press(self, name: str) -> None:
        signal = NeedSignal(
            signal_id=name,
            device_id="btn-kitchen",
            slot_key="button-1",
            kind=SignalKind.PRESS,
            occurred_at=AT,
            time=TimeNote(boot_id="boot", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1),
            authenticated=True,
        )
        light = LightRow("btn-kitchen", "button-1", name, "kept", "", 0)
        assert isinstance(await self.outbox.keep(signal, [], light, AT), Kept)
        self.delivery.wake()

    async def need_heard(self, count: int) -> int:
        """Wait until so many batches of needs were heard; say at which place the last one was."""
        while len(places := self.places(NeedBatch)) < count:
            await asyncio.sleep(0.001)
        return places[count - 1]

    def places(self, kind: type[NeedBatch | TelemetryBatch]) -> list[int]:
        return [place for place, batch in enumerate(self.heard) if isinstance(batch, kind)]

    async def drained(self) -> None:
        while any(self.outbox.level(lane).depth for lane in Lane):
            await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def line(folder: Path, backlog: int, rows_per_s_max: int = 1_000_000) -> AsyncIterator[Line]:
    """A line that just came back, with so many readings waiting for it."""
    writer = inline_writer(random.Random(1), lambda: 0.0)
    settings = Settings.model_validate(
        {"gateway_id": "g", "household_id": "h", "data_dir": folder, "cloud": {"host": "c"}}
    )
    async with Outbox(folder, settings.outbox, writer) as outbox:
        made = Line(folder, outbox, rows_per_s_max)
        if backlog:
            await made.read(backlog)
        made.delivery.reconnect()
        task = asyncio.ensure_future(made.delivery.run(made.publish, set()))
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def live(main: Coroutine[object, object, None]) -> None:
    run(random.Random(1), main)


def test_a_need_waits_for_no_receipt_of_telemetry(tmp_path: Path) -> None:
    async def main() -> None:
        async with line(tmp_path, 20 * ROWS) as made:
            await asyncio.sleep(30)
            assert made.places(TelemetryBatch) == [0, 1], "the window, and no more"
            await made.press("p_1")
            assert await made.need_heard(1) == WINDOW
            await asyncio.sleep(30)
            assert len(made.heard) == WINDOW + 1

    live(main())


@pytest.mark.parametrize("seed", range(5))
def test_a_need_made_in_the_middle_of_a_drain_is_overtaken_by_nothing(
    tmp_path: Path, seed: int
) -> None:
    """But by the one batch that is being read from the disk in that moment."""
    draw = random.Random(seed)

    async def main() -> None:
        async with line(tmp_path, 200 * ROWS) as made:
            made.answers = True
            for number in range(1, 11):
                await asyncio.sleep(draw.uniform(0, 0.05))
                await made.press(f"p_{number}")
                before = len(made.heard)
                assert await made.need_heard(number) - before <= 1
            assert made.outbox.level(Lane.TELEMETRY).depth > 0, "the drain must still go on"

    live(main())


def test_what_waited_for_the_line_drains_at_the_rate_and_what_is_fresh_goes_at_once(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with line(tmp_path, 100 * ROWS, rows_per_s_max=1_000) as made:
            made.answers = True
            began_s = asyncio.get_running_loop().time()
            await asyncio.sleep(1)
            await made.press("p_1")
            sent = len(made.heard)
            assert await made.need_heard(1) - sent <= 1
            await made.drained()
            took_s = asyncio.get_running_loop().time() - began_s
            assert 100 * ROWS / 1_000 - 2 * BURST_S <= took_s <= 1.05 * 100 * ROWS / 1_000
            began_s = asyncio.get_running_loop().time()
            await made.read(100 * ROWS)
            await made.drained()
            assert asyncio.get_running_loop().time() - began_s < 0.5 * took_s

    live(main())


def test_telemetry_keeps_the_distance_that_the_cloud_asks_for_and_needs_do_not(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with line(tmp_path, 10 * ROWS) as made:
            made.answers, made.pace_ms = True, 5_000
            await asyncio.sleep(12)
            await made.press("p_1")
            pressed_s = asyncio.get_running_loop().time()
            place = await made.need_heard(1)
            assert made.at_s[place] - pressed_s < 0.1
            made.pace_ms = None
            await made.drained()
            at_s = [made.at_s[place] for place in made.places(TelemetryBatch)]
            gaps = [after - before for before, after in pairwise(at_s)]
            slow = [gap for gap in gaps if gap > 1]
            assert len(slow) >= 2
            assert all(5 <= gap < 5.1 for gap in slow[:2])
            assert gaps[-1] < 1, "the wish ended with the receipt of the need"

    live(main())


def test_no_cloud_silences_telemetry_for_longer_than_the_bound(tmp_path: Path) -> None:
    async def main() -> None:
        async with line(tmp_path, 3 * ROWS) as made:
            made.answers, made.pace_ms = True, 10**12
            await made.drained()
            assert made.at_s[-1] < 3 * (PACE_S_MAX + 1)

    live(main())


def test_a_row_that_spoils_its_batch_goes_aside_alone_and_the_other_lane_does_not_wait(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with line(tmp_path, 10 * ROWS) as made:
            made.answers, made.poison = True, 333
            await made.drained()
            assert made.outbox.level(Lane.TELEMETRY).quarantined == 1
            last = made.heard[-1]
            assert last.rows[-1].sequence == 10 * ROWS
            # 128, 64, ... 1: a few halvings, and the way back.
            assert len(made.heard) < 60

    live(main())


def test_a_cloud_that_reads_nothing_any_more_does_not_have_everything_set_aside(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with line(tmp_path, 10 * ROWS) as made:
            made.answers = made.blind = True
            await asyncio.sleep(600)
            assert 3 <= made.outbox.level(Lane.TELEMETRY).quarantined <= 40

    live(main())
