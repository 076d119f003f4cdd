"""The gateway put together from its parts, from start to stop."""

import asyncio
import secrets
import signal
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Final

import structlog

from zodra_contract.command import Command, CommandKind, CommandOutcome
from zodra_contract.outcome import SignalOutcome
from zodra_contract.signal import TimeQuality
from zodra_edge.agent.account import Account
from zodra_edge.agent.consumer import Consumer
from zodra_edge.agent.ears import Ears
from zodra_edge.agent.intake import Intake
from zodra_edge.agent.keeper import Keeper
from zodra_edge.agent.memory import Memory
from zodra_edge.agent.metrics import MetricsPage
from zodra_edge.agent.requests import Requests
from zodra_edge.agent.supervisor import Supervisor
from zodra_edge.buying import Pause
from zodra_edge.clock import Clock, monotonic_s
from zodra_edge.errors import EdgeError, OutboxFault, SettingsFault, StorageFault
from zodra_edge.feedback import Lights
from zodra_edge.home_assistant.shell import HomeAssistant
from zodra_edge.ladder import Stage
from zodra_edge.link import LinkState
from zodra_edge.outbox import Outbox
from zodra_edge.service.manager import Manager
from zodra_edge.service.watchdog import Vital, Watchdog
from zodra_edge.settings import Settings, changed_besides_devices
from zodra_edge.status import (
    Problem,
    Status,
    Tally,
    problems,
    sentence,
    sole_owner,
    status_file,
    write,
)
from zodra_edge.time_floor import Move
from zodra_edge.uplink import Hooks, Uplink
from zodra_edge.words import Said, say

CLOCK_CHECK_S: Final = 5.0
FLOOR_CHECKS: Final = 12
"""The time floor is saved every this many checks: once a minute."""
STATUS_S: Final = 1.0
"""How often the agent looks at itself."""
STATUS_WRITE_S: Final = 5.0
"""How old the file may get while nothing changes but figures. Each write costs a card 8 kB: every
second, and at each reading, it wore the card more than the readings did."""

log = structlog.get_logger()


async def run(settings: Settings, manager: Manager, reread: Callable[[], Settings]) -> int:
    """Run the gateway until a signal asks it to stop, and keep whoever started it informed.

    Args:
        settings: as they are now.
        manager: of services, if one started it.
        reread: reads the settings again, for devices that a person pairs or arms.

    Returns:
        The exit code: 0 after a signal, 1 if the store broke and a fresh start is needed.

    Raises:
        EdgeError: it cannot start; the message says what to do.
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = status_file(settings.data_dir, settings.runtime_dir)
        with sole_owner(settings.data_dir, file):
            async with Outbox(settings.data_dir, settings.outbox) as outbox:
                return await Gateway(settings, outbox, manager, reread).run()
    except OSError as fault:
        raise EdgeError(
            f"cannot use data_dir {settings.data_dir}: {fault.strerror}; name a folder that this "
            "account may write to"
        ) from fault


class Gateway:
    """All parts of one running agent."""

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        manager: Manager,
        reread: Callable[[], Settings],
    ) -> None:
        """Put the parts together; nothing runs before `run`."""
        self._settings = settings
        self._reread = reread
        self._outbox = outbox
        self._manager = manager
        self._profiles = settings.profiles()
        self._clock = Clock(settings.data_dir / "time-floor")
        self._tally = Tally()
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()
        self._draw = secrets.SystemRandom().random
        self._supervisor = Supervisor(self._draw)
        self._intake = Intake(settings.frames.queue_max)
        self._lights = Lights(settings.gateway_id, self._publish)
        self._consumer = Consumer(
            self._profiles,
            outbox,
            self._lights,
            self._tally,
            self._clock,
            settings.outbox,
            wake=self._wake,
            gather_s=0.0 if settings.radio is None else settings.radio.gather_s,
        )
        self._keeper = Keeper(outbox, self._clock, self._tally, self._changed.set)
        self._pause = Pause(settings.data_dir)
        self._consumer.mark = self._pause.mark
        self._memory = Memory(settings.memory_bytes_max, self._consumer.flush)
        self._consumer.is_short = lambda: self._memory.short
        self._requests = Requests(
            settings.data_dir,
            outbox,
            self._consumer,
            self._clock,
            self._wake,
            self._switch,
            self._take_up,
        )
        self._ears = Ears(settings, self._clock, self._intake, self._tally, self._changed.set)
        self._account = Account(
            settings=settings,
            profiles=self._profiles,
            clock=self._clock,
            outbox=outbox,
            intake=self._intake,
            consumer=self._consumer,
            lights=self._lights,
            tally=self._tally,
            supervisor=self._supervisor,
            memory=self._memory,
            pause=self._pause,
            ears=self._ears,
        )
        self._uplink = Uplink(settings, outbox, self._clock, self._hooks())
        self._home_assistant = HomeAssistant(
            settings, version("zodra"), self._status, self._switch, self._tally.add
        )
        self._consumer.onlooker = self._home_assistant.see

    async def run(self) -> int:
        """Start everything, wait for the stop, and leave in order."""
        try:
            await self._consumer.restore()
            self._lights.restore(await self._outbox.lights())
        except OutboxFault as fault:
            # The storage is in trouble; the consumer tries again with each frame.
            log.error("not_restored", fault=str(fault))
        self._start_parts()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        log.info("gateway_started", gateway_id=self._settings.gateway_id)
        self._manager.ready()
        await self._stop.wait()
        self._manager.stopping()
        await self._supervisor.stop()
        await self._consumer.flush()
        await self._ears.close()
        self._write(self._status())
        log.info("gateway_stopped", gateway_id=self._settings.gateway_id)
        return 1 if self._outbox.ended else 0

    def _start_parts(self) -> None:
        self._supervisor.start("frames", partial(self._consumer.run, self._intake))
        self._supervisor.start("flush", self._consumer.run_flusher)
        self._supervisor.start("gather", self._consumer.run_gatherer)
        self._supervisor.start("uplink", self._uplink.run)
        self._supervisor.start("status", self._keep_status)
        self._supervisor.start("clock", self._keep_clock)
        self._supervisor.start("storage", self._keeper.run)
        self._supervisor.start("memory", self._memory.run)
        self._supervisor.start("requests", self._requests.run)
        if (period_s := self._manager.watchdog_s) is not None:
            self._supervisor.start("watchdog", self._make_watchdog(period_s).run)
        if self._settings.metrics is not None:
            page = MetricsPage(self._settings.metrics, self._settings.data_dir, self._status)
            self._supervisor.start("metrics", page.run)
        self._ears.start(self._supervisor)
        if self._home_assistant.is_needed:
            self._supervisor.start("home_assistant", self._home_assistant.run)

    def _make_watchdog(self, period_s: float) -> Watchdog:
        return Watchdog(
            period_s,
            look=lambda: Vital(
                frames_busy=self._intake.busy,
                frames_turns=self._intake.turns,
                online=self._uplink.status.state is LinkState.ONLINE,
                uplink_turns=self._uplink.turns,
            ),
            wake=self._wake,
            answer=self._outbox.answer,
            feed=self._manager.alive,
        )

    def _hooks(self) -> Hooks:
        return Hooks(
            health=self._account.health,
            outcome=self._outcome,
            command=self._command,
            count=self._count,
            changed=self._changed.set,
            draw=self._draw,
        )

    def _count(self, reason: str) -> None:
        self._tally.add(reason)

    def _wake(self) -> None:
        self._uplink.wake()

    def _publish(self, topic: str, payload: bytes) -> None:
        self._changed.set()
        if self._ears.home is not None:
            self._ears.home.publish(topic, payload)

    async def _outcome(self, outcome: SignalOutcome) -> None:
        if all(profile.device_id != outcome.device_id for profile in self._profiles):
            self._tally.add("outcome_for_unknown_device")
            return
        row = self._lights.outcome(outcome)
        if row is None:
            return
        self._changed.set()
        log.info(
            "outcome_shown",
            signal_id=row.signal_id,
            device_id=row.device_id,
            state=row.state,
            reason=row.reason,
        )
        try:
            await self._outbox.shine(row)
        except StorageFault:
            # It shines all the same; after a restart the cloud tells it again.
            self._tally.add("light_not_kept")

    def _command(self, command: Command) -> CommandOutcome:
        if command.kind != CommandKind.IDENTIFY:
            return CommandOutcome.UNSUPPORTED
        now = self._clock.now()
        # An untrusted clock cannot say that a command is too old; blinking late harms nobody.
        if now.quality is TimeQuality.SYNCED and now.at > command.expires_at:
            return CommandOutcome.EXPIRED
        for profile in self._profiles:
            if profile.device_id == command.device_id:
                self._lights.identify(profile.device_id, profile.slot_key, now.at)
                log.info("identify", device_id=profile.device_id, command_id=command.command_id)
                return CommandOutcome.DONE
        return CommandOutcome.UNKNOWN_DEVICE

    async def _take_up(self) -> Said | None:
        """Take up the devices of the settings; returns why not, or nothing."""
        try:
            fresh = self._reread()
        except SettingsFault as fault:
            return say("devices_unread", why=fault.said or str(fault))
        if others := changed_besides_devices(self._settings, fresh):
            return say("other_settings_changed", names=", ".join(others))
        profiles = fresh.profiles()
        await self._consumer.take_up(profiles)
        self._settings, self._profiles = fresh, profiles
        self._account.profiles = profiles
        await self._ears.change(fresh, self._supervisor)
        self._changed.set()
        log.info("devices_taken_up", device_ids=[profile.device_id for profile in profiles])
        return None

    def _switch(self, paused: bool) -> None:
        try:
            if self._pause.switch(paused, self._clock.now().at):
                log.warning("buying_paused" if paused else "buying_resumed")
        except OSError:
            self._tally.add("pause_not_remembered")
            raise
        finally:
            self._changed.set()

    async def _keep_status(self) -> None:
        told: tuple[Problem, ...] | None = None
        heard: tuple[bool, ...] = ()
        written_s = 0.0
        while True:
            status = self._status()
            found = problems(status)
            self._manager.says(sentence(status, found))
            if found != told:
                if told is not None:
                    log.info("problems", problems=[problem.name.lower() for problem in found])
                    self._uplink.report_soon()
                told = found
                self._changed.set()
            # Each way up the ladder is told when it begins and when it ends; a step is counted.
            hears = tuple(radio.stage == Stage.HEARING for radio in status.radio)
            if hears != heard:
                heard = hears
                self._uplink.report_soon()
            if self._changed.is_set() or monotonic_s() - written_s >= STATUS_WRITE_S:
                self._changed.clear()
                written_s = monotonic_s()
                self._write(status)
            if self._outbox.ended:
                log.error("store_broke")
                self._stop.set()
            try:
                async with asyncio.timeout(STATUS_S):
                    await self._changed.wait()
                # On change, but not at each of a thousand changes a second.
                await asyncio.sleep(STATUS_S / 10)
            except TimeoutError:
                continue

    def _status(self) -> Status:
        return self._account.status(self._uplink.status)

    def _write(self, status: Status) -> None:
        try:
            data_dir, runtime_dir = self._settings.data_dir, self._settings.runtime_dir
            write(data_dir, status, status_file(data_dir, runtime_dir))
        except OSError:
            self._tally.add("status_not_written")

    async def _keep_clock(self) -> None:
        for check in range(FLOOR_CHECKS):
            self._clock.check()
            if check == 0:
                self._save_floor()
            await asyncio.sleep(CLOCK_CHECK_S)

    def _save_floor(self) -> None:
        try:
            moved = self._clock.save_floor()
        except OSError:
            self._tally.add("time_floor_not_saved")
            return
        if moved is Move.FELL:
            # What was dated since it rose carries an instant that never was.
            self._tally.add("time_floor_was_in_the_future")
            log.error("time_floor_was_in_the_future", now=self._clock.now().at.isoformat())
        elif moved is Move.WAITS and self._tally.add("time_floor_waits") == 1:
            log.warning("time_floor_waits", why="only one source vouches for so large a jump")
