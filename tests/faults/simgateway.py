"""The real gateway in the simulator: consumer, outbox on real SQLite, uplink. No threads."""

import asyncio
import json
import random
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from edge_frames import AT
from faults.simlink import SimLink
from zodra_contract.command import Command, CommandOutcome
from zodra_contract.envelope import HealthReport
from zodra_contract.outcome import SignalOutcome
from zodra_contract.signal import TimeQuality
from zodra_edge.agent.consumer import Consumer
from zodra_edge.agent.intake import Intake
from zodra_edge.agent.supervisor import Supervisor
from zodra_edge.clock import Clock
from zodra_edge.decode.frame import Frame
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.errors import OutboxFault
from zodra_edge.feedback import Lights
from zodra_edge.heard import Heard
from zodra_edge.link import Lane
from zodra_edge.outbox import Outbox
from zodra_edge.outbox.writer import Writer
from zodra_edge.settings import Settings
from zodra_edge.status import Tally
from zodra_edge.uplink import Hooks, Uplink


class SimClock(Clock):
    """Wall and monotonic clock of one machine, apart from each other."""

    def __init__(self, boot_id: str) -> None:
        self.boot_id = boot_id
        self.shift_s = 0.0
        self.quality = TimeQuality.SYNCED
        self._booted_s = asyncio.get_running_loop().time()

    def now(self) -> Heard:
        at = AT + timedelta(seconds=asyncio.get_running_loop().time() + self.shift_s)
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return Heard(
            max(at, epoch), round(self.monotonic_s() * 1000), self.boot_id, self.quality, 50
        )

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time() - self._booted_s

    def check(self) -> None:
        """The simulator says what time it is."""

    def hear_cloud(self, committed_at: datetime, waited_s: float) -> None:
        """The simulator says what time it is."""


def inline_writer(
    draw: random.Random, faults: Callable[[], float], *, lies: bool = False
) -> type[Writer[Any]]:
    """Make a writer whose turns are events of the loop instead of a thread.

    Args:
        draw: for when a turn comes, and which transaction the disk refuses.
        faults: the chance that it refuses, now.
        lies: instead of refusing it says that it has written, and has not; a negative control.
    """

    class InlineWriter(Writer[Any]):
        dead = False

        def start(self) -> None:
            """There is no thread."""

        def queue(self, job: Any) -> asyncio.Future[Any]:
            loop = asyncio.get_running_loop()
            loop.call_later(draw.expovariate(200), self._turn)
            return super().queue(job)

        def _turn(self) -> None:
            if not self.dead and not self._line.is_empty:
                self._commit(self._without_errands(self._line.take()))
                self._tidy()

        def _transact(self, group: list[Any]) -> list[Any]:
            if draw.random() >= faults():
                return super()._transact(group)
            self._connection.execute("BEGIN IMMEDIATE")
            results = [job(self._connection, self._file) for job, _ in group]
            self._roll_back()
            if lies:
                return results
            fault = sqlite3.OperationalError("disk I/O error")
            fault.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise fault

        def kill(self) -> None:
            self.dead = True
            self._connection.close()

        async def close(self) -> None:
            self.kill()

    return InlineWriter


class SimGateway:
    """One machine that hears frames, is killed, rebooted, cut off and started again."""

    def __init__(
        self,
        settings: Settings,
        profiles: tuple[DeviceProfile, ...],
        draw: random.Random,
        connect: Callable[[], SimLink],
        disk_faults: Callable[[], float],
        kept: Callable[[str], None],
        *,
        disk_lies: bool = False,
    ) -> None:
        self.settings = settings
        self.profiles = profiles
        self.draw = draw
        self.up = False
        self.boots = 0
        self.starts = 0
        self.counts: list[str] = []
        self.unwritten: set[tuple[str, int]] = set()
        self._given_up = 0
        self._connect = connect
        self._disk_faults = disk_faults
        self._kept = kept
        self._disk_lies = disk_lies
        self._reboot()

    @property
    def name(self) -> str:
        return self.settings.gateway_id

    def _reboot(self) -> None:
        self.boots += 1
        self.clock = SimClock(f"{self.name}-boot-{self.boots}")

    async def start(self, *, reboot: bool) -> None:
        """Start the program, after a reboot of the machine or on its own."""
        if reboot:
            self._reboot()
        self.starts += 1
        data_dir = self.settings.data_dir
        self._given_up += 0 if self._killed is None else self._killed.given_up
        writer = inline_writer(self.draw, self._disk_faults, lies=self._disk_lies)
        self.outbox = Outbox(data_dir, self.settings.outbox, writer)
        if self._killed is not None:
            self._note_unwritten(self._killed)
        await self.outbox.__aenter__()
        self.intake = Intake(10_000)
        self.uplink = Uplink(
            self.settings, self.outbox, self.clock, self._hooks(), lambda *_: self._link()
        )
        self.consumer = Consumer(
            self.profiles,
            self.outbox,
            Lights(self.name, self._shine),
            Tally(),
            self.clock,
            self.settings.outbox,
            wake=self.uplink.wake,
        )
        while True:
            try:
                await self.consumer.restore()
                break
            except OutboxFault:
                await asyncio.sleep(1)
        self.supervisor = Supervisor(self.draw.random)
        self.supervisor.start("frames", partial(self.consumer.run, self.intake))
        self.supervisor.start("flush", self.consumer.run_flusher)
        self.supervisor.start("uplink", self.uplink.run)
        self.up = True

    @property
    def given_up(self) -> int:
        """Count the readings that were in memory, and that the disk did not take."""
        return self._given_up + self.outbox.given_up

    def _note_unwritten(self, before: Outbox) -> None:
        """Note the sequences of readings that were in memory alone, and those kept for others."""
        after = self.outbox.level(Lane.TELEMETRY)
        self.unwritten.update((before._buffer_id, each.row.sequence) for each in before._live)
        reserved = range(before._next, after.next_sequence)
        self.unwritten.update((after.buffer_id, sequence) for sequence in reserved)

    def kill(self) -> None:
        """End the program at once; what is not committed is gone, and nothing more is said."""
        self.up = False
        self._killed = self.outbox
        self.outbox._need.kill()  # type: ignore[attr-defined]
        self.outbox._telemetry.kill()  # type: ignore[attr-defined]
        self.cut()
        for task in self.supervisor._tasks:
            task.cancel()

    def cut(self) -> None:
        """Break the connection."""
        if self.link is not None:
            self.link.break_off()

    link: SimLink | None = None
    _killed: Outbox | None = None

    def _link(self) -> Any:
        self.link = self._connect()
        return self.link

    def offer(self, make: Callable[[Heard], Frame]) -> None:
        """Let a frame be heard, if anybody listens."""
        if self.up:
            self.intake.offer(make(self.clock.now()))

    def _shine(self, _topic: str, payload: bytes) -> None:
        said = json.loads(payload)
        if self.up and said["state"] == "kept":
            self._kept(said["signal_id"])

    @property
    def empty(self) -> bool:
        return self.up and not any(self.outbox.level(lane).depth for lane in Lane)

    def _hooks(self) -> Hooks:
        async def outcome(_: SignalOutcome) -> None:
            """Nobody decides here."""

        def command(_: Command) -> CommandOutcome:
            return CommandOutcome.UNSUPPORTED

        return Hooks(
            health=self._health,
            outcome=outcome,
            command=command,
            count=self.counts.append,
            changed=lambda: None,
            draw=self.draw.random,
        )

    def _health(self) -> HealthReport:
        now = self.clock.now()
        return HealthReport(
            gateway_id=self.name,
            boot_id=now.boot_id,
            sent_at=now.at,
            uptime_s=1,
            need_depth=0,
            need_oldest_age_s=0,
            telemetry_depth=0,
            quarantine_depth=0,
            refusals={},
            adapters=(),
            clock_quality=now.quality,
            rss_bytes=1,
            local_mqtt_connected=False,
        )
