"""The one consumer of frames: asks `core.step` what each means, and does what it says.

A need-moment, its light and the memory behind it are one transaction, and its transport hears
"done" after that. Readings, and memory that opened no need, wait a moment for company.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

import structlog

from zodra_contract.reading import Reading
from zodra_contract.signal import BUYING_PAUSED, NeedSignal
from zodra_edge import core
from zodra_edge.agent.intake import Arrival, Intake
from zodra_edge.agent.readings import Readings
from zodra_edge.clock import Clock
from zodra_edge.decode.frame import Frame, MqttMessage
from zodra_edge.decode.mqtt.filters import Routes
from zodra_edge.decode.mqtt.registry import subscriptions
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import DecodeRefusal
from zodra_edge.decode.unread import UnreadList
from zodra_edge.errors import OutboxFault
from zodra_edge.feedback import KEPT, Lights, light
from zodra_edge.heard import Heard
from zodra_edge.identify import PressMemory, PressRefusal, open_relearn
from zodra_edge.link import Lane
from zodra_edge.nearby import structures
from zodra_edge.outbox import Kept, MemoryRow, NotKept, NotKeptReason, Outbox
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import Tally
from zodra_edge.words import Said, say

UNREAD: Final = frozenset(DecodeRefusal) - {
    DecodeRefusal.UNKNOWN_DEVICE,
    DecodeRefusal.PLAIN_TEXT_REFUSED,
    DecodeRefusal.RETAINED_ACTION,
}
"""Refusals that mean that a device says something which is not understood."""

log = structlog.get_logger()


class Consumer:
    """Owns the memory of all devices."""

    def __init__(
        self,
        profiles: Iterable[DeviceProfile],
        outbox: Outbox,
        lights: Lights,
        tally: Tally,
        clock: Clock,
        limits: OutboxLimits,
        wake: Callable[[], None],
        gather_s: float = 0.0,
    ) -> None:
        """Take the parts; `wake` and `gather_s` are as in `Readings`."""
        self._outbox = outbox
        self._lights = lights
        self._tally = tally
        self._clock = clock
        self._limits = limits
        self._wake = wake
        self._know({profile.device_id: profile for profile in profiles})
        self._memory: dict[str, core.DeviceMemory] = {}
        self._committed: dict[str, core.DeviceMemory] = {}
        self._readings = Readings(outbox, limits, tally, wake, gather_s)
        self._flushing = asyncio.Lock()
        self._dirty = asyncio.Event()
        self._buffer_id = ""
        self._is_restored = False
        self.notes: dict[str, core.NoteDevice] = {}
        self.repeats: Counter[str] = Counter()
        self.replays: Counter[str] = Counter()
        """Frames refused as replays since the device was last heard well, by device."""
        self.unread = UnreadList()
        self.is_short: Callable[[], bool] = _never
        """Whether memory is short; then readings are refused."""
        self.onlooker: Callable[[core.Effect], None] = _nothing
        self.mark: Callable[[NeedSignal], NeedSignal] = _as_it_is
        self.stayed_home = 0
        self.used = 0

    def _know(self, profiles: dict[str, DeviceProfile]) -> None:
        self._profiles = profiles
        self._by_address = {p.address.upper(): p for p in profiles.values() if p.address}
        self._routes = Routes((t, p) for p in profiles.values() for t in subscriptions(p))

    async def restore(self) -> None:
        """Take up what was remembered before a restart.

        Raises:
            OutboxFault: it cannot be read. Until it can, nothing is kept: without its counter a
                recorded frame would pass for a press.
        """
        held = await self._outbox.memories()
        level = self._outbox.level(Lane.NEED)
        lost: dict[str, core.DeviceMemory] = {}
        for device_id, profile in self._profiles.items():
            text = held.get(device_id)
            try:
                if text is not None:
                    self._committed[device_id] = core.DeviceMemory.from_json(text)
                elif level.memory_lost:
                    lost[device_id] = _without_counter(profile)
            except ValueError:
                lost[device_id] = _without_counter(profile)
        if lost or level.memory_lost:
            log.error("memory_lost", device_ids=sorted(lost))
            self._tally.add("memory_lost", len(lost))
            await self._outbox.settle_memory(_rows(lost))
        self._committed.update(lost)
        self._memory = dict(self._committed)
        self._buffer_id = level.buffer_id
        self._is_restored = True

    async def take_up(self, profiles: Iterable[DeviceProfile]) -> None:
        """Know these devices from now on, each with what was ever remembered of it.

        Raises:
            OutboxFault: that cannot be read; then nothing has changed.
        """
        if not self._is_restored:
            raise OutboxFault("what was remembered could not be read yet; see: zodra-edge status")
        known = {profile.device_id: profile for profile in profiles}
        held = await self._outbox.memories()
        for device_id in (known.keys() & held.keys()) - self._memory.keys():
            try:
                memory = core.DeviceMemory.from_json(held[device_id])
            except ValueError:
                memory = _without_counter(known[device_id])
            self._memory[device_id] = self._committed[device_id] = memory
        self._know(known)

    def has_lost_counter(self, device_id: str) -> bool:
        """Whether a device's presses only ask, because its counter is unknown."""
        memory = self._memory.get(device_id)
        return memory is not None and memory.press.unproven

    async def relearn(self, device_id: str, now: Heard, within_s: float) -> Said | None:
        """Let a device's next frame set its counter; returns why not, or nothing.

        Raises:
            OutboxFault: it cannot be kept, and does not hold.
        """
        profile = self._profiles.get(device_id)
        if profile is None or profile.bind_key is None:
            return say("agent_knows_not", device_id=device_id)
        if not self._is_restored:
            raise OutboxFault("what was remembered could not be read yet; see: zodra-edge status")
        memory = self._memory.get(device_id, core.DeviceMemory())
        opened = replace(memory, press=open_relearn(memory.press, now, within_s))
        self._memory[device_id] = opened
        await self._outbox.remember([MemoryRow(device_id, opened.to_json())])
        return None

    async def run(self, intake: Intake) -> None:
        """Consume for ever."""
        while True:
            for arrival in await intake.take():
                await self._consume(arrival)
            await self._readings.send()
            if self._readings.too_many:
                await self.flush()
            if len(intake):
                # Otherwise `take` waits, and the other parts have their turn anyway.
                await asyncio.sleep(0)

    async def run_gatherer(self) -> None:
        """Let readings be sent that have waited for each other."""
        await self._readings.run()

    async def run_flusher(self) -> None:
        """Bring to disk what has lingered for long enough, or more if there is a lot of it."""
        await self._dirty.wait()
        lingering = self._outbox.live_below
        try:
            async with asyncio.timeout(self._limits.linger_s):
                await self._readings.many.wait()
        except TimeoutError:
            # What came in between has just been sent; its receipt may be on the way.
            await self.flush(lingering)
        else:
            await self.flush()
        if self._outbox.live:
            self._dirty.set()

    async def flush(self, below: int | None = None) -> None:
        """Bring all memory to disk, and all readings, or those below a sequence."""
        async with self._flushing:
            self._dirty.clear()
            self._readings.many.clear()
            await self._readings.write(below)
            if self._is_restored:
                await self._remember_all()

    async def _remember_all(self) -> None:
        buffer_id = self._outbox.level(Lane.NEED).buffer_id
        is_new_file = buffer_id != self._buffer_id
        before = {} if is_new_file else dict(self._committed)
        changed = {
            device_id: memory
            for device_id, memory in self._memory.items()
            if memory is not before.get(device_id) and memory != before.get(device_id)
        }
        unsaved = self._tally.take_unsaved()
        if not changed and not unsaved:
            return
        rows = _rows(changed)
        try:
            if is_new_file:
                # What a damaged file still had is older than what is remembered here.
                await self._outbox.settle_memory(rows)
            await self._outbox.remember([] if is_new_file else rows, unsaved)
        except OutboxFault:
            self._tally.keep_unsaved(unsaved)
            if self._tally.add("memory_not_kept") == 1:
                log.error("memory_not_kept", device_ids=sorted(changed))
            return
        self._buffer_id = buffer_id
        for device_id, memory in changed.items():
            # A need kept meanwhile brought newer memory to disk with it.
            if is_new_file or self._committed.get(device_id) is before.get(device_id):
                self._committed[device_id] = memory

    async def _consume(self, arrival: Arrival) -> None:
        frame, done = arrival
        if not self._is_restored:
            with contextlib.suppress(OutboxFault):
                await self.restore()
        profiles = self._profiles_of(frame)
        if not profiles:
            self._tally.add(DecodeRefusal.UNKNOWN_DEVICE)
        for profile in profiles:
            await self._step(frame, profile)
        done()

    def _profiles_of(self, frame: Frame) -> tuple[DeviceProfile, ...]:
        """Name the devices that a frame concerns: several may be behind one topic."""
        if isinstance(frame, MqttMessage):
            return self._routes.of(frame.topic)
        profile = self._by_address.get(frame.address.upper())
        return () if profile is None else (profile,)

    async def _step(self, frame: Frame, profile: DeviceProfile) -> None:
        device_id = profile.device_id
        before = self._memory.get(device_id, core.DeviceMemory())
        after, effects = core.step(before, frame, profile)
        self._memory[device_id] = after
        for effect in effects:
            if not await self._do(effect, frame, device_id):
                return
        self.used += 1
        if after is not before:
            self._dirty.set()

    async def _do(self, effect: core.Effect, frame: Frame, device_id: str) -> bool:
        """Execute one effect; False if the rest of the frame must not be done."""
        self.onlooker(effect)
        match effect:
            case core.KeepReadings(readings):
                self._hold(readings, frame)
            case core.Rehearsed(signal):
                self._lights.rehearsed(signal, self._clock.now().at)
            case core.NoteDevice():
                self._note(effect)
            case core.StayedHome(count):
                self.stayed_home += count
            case core.KeepSignal():
                return await self._keep(effect, device_id)
            case core.Remember():
                await self._remember(device_id)
            case core.Refuse(reason, detail):
                self._refuse(reason, device_id, detail, frame)
            case core.Ignore(reason):
                self.repeats[reason] += 1
        return True

    def _refuse(self, reason: str, device_id: str, detail: str, frame: Frame) -> None:
        count = self._tally.add(reason)
        if reason in UNREAD:
            self.unread.note(*structures.seen(frame), reason, detail, frame.heard.at)
        if reason == PressRefusal.REPLAY:
            self.replays[device_id] += 1
        # Every refusal is counted; only the 1st, 2nd, 4th, 8th ... is also a line in the log.
        if count & (count - 1) == 0:
            log.warning(
                "frame_refused", device_id=device_id, reason=reason, detail=detail, count=count
            )

    def _hold(self, readings: tuple[Reading, ...], frame: Frame) -> None:
        if self.is_short():
            self._tally.add("readings_refused_memory", len(readings))
            return
        can_wait = not isinstance(frame, MqttMessage)
        self._readings.add(readings, frame.heard, can_wait=can_wait)
        self._dirty.set()

    def _note(self, note: core.NoteDevice) -> None:
        self.replays.pop(note.device_id, None)
        known = self.notes.get(note.device_id)
        if known is not None and None in (note.battery_percent, note.rssi_dbm, note.online):
            note = core.NoteDevice(
                note.device_id,
                note.heard,
                known.battery_percent if note.battery_percent is None else note.battery_percent,
                known.rssi_dbm if note.rssi_dbm is None else note.rssi_dbm,
                known.online if note.online is None else note.online,
            )
        self.notes[note.device_id] = note

    async def _keep(self, effect: core.KeepSignal, device_id: str) -> bool:
        signal, memory = self.mark(effect.signal), effect.memory
        at = self._clock.now().at
        shown = light(signal, KEPT, BUYING_PAUSED if BUYING_PAUSED in signal.evidence else "", at)
        rows = [MemoryRow(device_id, memory.to_json())]
        kept: Kept | NotKept = NotKept(NotKeptReason.STORAGE)
        if self._is_restored:
            kept = await self._outbox.keep(signal, rows, shown, at)
        if isinstance(kept, NotKept):
            self._memory[device_id] = self._committed.get(device_id, core.DeviceMemory())
            self._tally.add(kept.reason)
            self._lights.not_kept(signal, kept.reason, at)
            log.error(
                "need_not_kept",
                signal_id=signal.signal_id,
                device_id=device_id,
                reason=kept.reason,
            )
            return False
        self._committed[device_id] = memory
        self._lights.kept(shown)
        self._wake()
        log.info(
            "need_kept",
            signal_id=signal.signal_id,
            device_id=device_id,
            slot_key=signal.slot_key,
            kind=signal.kind,
            sequence=kept.sequence,
            occurred_at=signal.occurred_at.isoformat(),
        )
        return True

    async def _remember(self, device_id: str) -> None:
        memory = self._memory[device_id]
        try:
            if not self._is_restored:
                raise OutboxFault("what was remembered could not be read yet")
            await self._outbox.remember([MemoryRow(device_id, memory.to_json())])
        except OutboxFault as fault:
            self._memory[device_id] = self._committed.get(device_id, core.DeviceMemory())
            self._tally.add("memory_not_kept")
            log.error("memory_not_kept", device_id=device_id, fault=str(fault))
            return
        self._committed[device_id] = memory


def _never() -> bool:
    """Be short of nothing."""
    return False


def _nothing(_: core.Effect) -> None:
    """Look away."""


def _as_it_is(signal: NeedSignal) -> NeedSignal:
    return signal


def _rows(memory: Mapping[str, core.DeviceMemory]) -> list[MemoryRow]:
    return [MemoryRow(device_id, held.to_json()) for device_id, held in memory.items()]


def _without_counter(profile: DeviceProfile) -> core.DeviceMemory:
    press = PressMemory(epoch=profile.counter_epoch, unproven=profile.bind_key is not None)
    return core.DeviceMemory(press=press)
