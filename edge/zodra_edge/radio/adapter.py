"""One adapter, kept hearing: the ladder decides, and what it decides is done here.

Nothing that fails here ends the part: each failure is an event for the ladder.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from zodra_edge.clock import monotonic_s
from zodra_edge.errors import RadioFault, RadioGone
from zodra_edge.ladder import (
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
    Plan,
    Recovered,
    Stage,
    Step,
    climb,
)
from zodra_edge.radio.adverts import Adverts
from zodra_edge.radio.backend import Backends, power_cycle_of
from zodra_edge.radio.scan import Scan
from zodra_edge.radio.slots import Slots

if TYPE_CHECKING:
    # dbus-fast is there on Linux alone, and 2 MB that a gateway with another backend need not hold.
    from zodra_edge.radio.bluez import BlueZ

LOOK_S: Final = 1.0
STEP_S_MAX: Final = 10.0
"""BlueZ answers within a second or never; D-Bus itself would wait for 25 s."""
CYCLE_S_MAX: Final = 20.0
OPEN_S_MAX: Final = 5.0
LEAVE_S_MAX: Final = 6.0
"""Longer than a step that is over needs to clean up."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AdapterStatus:
    """How one adapter is doing."""

    name: str
    scanning: bool
    adverts_per_min: float
    last_advert_age_s: float | None
    strangers: int
    stage: Stage
    mode: str
    mode_reason: str
    alarmed: bool
    certain: bool
    """Of an alarm: whether a quiet home cannot be the reason."""
    fault: str
    """Why the last step failed; empty while it hears."""
    canary_lost: bool
    rungs: Mapping[str, int]
    """What the ladder did since the start: each step, `alarm` and `recovered`."""
    connections: int
    connections_max: int
    connections_waiting: int


class Adapter:
    """Keeps one adapter hearing. `run` lasts until it is cancelled."""

    def __init__(
        self,
        name: str | None,
        adverts: Adverts,
        plan: Plan,
        limits: Limits,
        slots: Slots,
        bluez: "BlueZ | None",
        open_backends: Callable[[], Awaitable[Backends]],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the parts.

        Args:
            name: as BlueZ calls it; None for the first that it has.
            adverts: who hears.
            plan: how to listen.
            limits: how patient to be.
            slots: its connections.
            bluez: who knows of BlueZ; None with another backend.
            open_backends: gives the bleak to use; asked until it does.
            changed: called when it stands elsewhere on the ladder.
        """
        self.adverts = adverts
        self.slots = slots
        self.backends: Backends | None = None
        self.dropped = asyncio.Event()
        """Set, and then replaced, when connections that it held cannot live on."""
        self._name = name
        self._scan = Scan(adverts, plan)
        self._limits = limits
        self._bluez = bluez
        self._open_backends = open_backends
        self._changed = changed
        self._ladder = Ladder()
        self._certain = False
        self._fault = ""
        self._rungs: Counter[str] = Counter()
        self._events: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._step: asyncio.Task[None] | None = None
        self._present = True
        if bluez is not None:
            bluez.changed.append(self._adapters_changed)
            bluez.switched_off.append(self._switched_off)

    def status(self) -> AdapterStatus:
        """Say how it is doing now."""
        heard = self.adverts.status()
        return AdapterStatus(
            name=self.adverts.name,
            scanning=self._scan.running,
            adverts_per_min=heard.adverts_per_min,
            last_advert_age_s=heard.last_advert_age_s,
            strangers=heard.strangers,
            stage=self._ladder.stage,
            mode=self._scan.plan.mode,
            mode_reason=self._scan.plan.reason,
            alarmed=self._ladder.alarmed,
            certain=self._certain,
            fault=self._fault,
            canary_lost=self._ladder.canary_lost,
            rungs=dict(self._rungs),
            connections=self.slots.used,
            connections_max=self.slots.most,
            connections_waiting=self.slots.waiting,
        )

    async def run(self) -> None:
        """Keep it hearing."""
        self._feed(Begin() if self._ladder.stage is Stage.OFF else Failed())
        try:
            while True:
                while self._events:
                    self._feed(self._events.popleft())
                self._look()
                self._wake.clear()
                try:
                    async with asyncio.timeout(min(LOOK_S, self._limits.rung_s)):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        finally:
            if self._step is not None:
                self._step.cancel()
                await asyncio.gather(self._step, return_exceptions=True)
            await self._scan.close()

    def _look(self) -> None:
        self._feed(Look(self.adverts.last_s, self.adverts.canary_s, in_use=self.slots.used > 0))

    def _tell(self, event: Event) -> None:
        self._events.append(event)
        self._wake.set()

    def _feed(self, event: Event) -> None:
        before = self._ladder.stage
        self._ladder, effects = climb(self._ladder, event, monotonic_s(), self._limits)
        if self._ladder.stage is not before:
            log.info("radio_stage", adapter=self.adverts.name, stage=self._ladder.stage)
            if self._ladder.stage is Stage.HEARING:
                self._fault = ""
            self._changed()
        for effect in effects:
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        name = self.adverts.name
        match effect:
            case Do(step):
                self._rungs[step.value] += 1
                self._step = asyncio.get_running_loop().create_task(self._take(step))
                self._step.add_done_callback(self._taken)
            case Alarm(silent_s, certain):
                self._certain = certain
                self._rungs["alarm"] += 1
                log.error("radio_deaf", adapter=name, silent_s=round(silent_s), certain=certain)
            case Recovered(silent_s, after, alarmed):
                self._rungs["recovered"] += 1
                tell = log.warning if alarmed else log.info
                tell("radio_recovered", adapter=name, silent_s=round(silent_s), after=after)
            case Canary(lost):
                log.warning("radio_canary_lost" if lost else "radio_canary_found", adapter=name)

    async def _take(self, step: Step) -> None:
        seconds = CYCLE_S_MAX if step is Step.POWER_CYCLE else STEP_S_MAX
        work = asyncio.ensure_future(self._work(step))
        try:
            await asyncio.wait((work,), timeout=seconds)
        finally:
            work.cancel()
        # What does not even end when it is told to is left behind: the ladder has to go on.
        await asyncio.wait((work,), timeout=LEAVE_S_MAX)
        if not work.done() or work.cancelled():
            raise TimeoutError(f"{self.adverts.name}: {step} did not end within {seconds:.0f} s")
        work.result()

    async def _work(self, step: Step) -> None:
        if self.backends is None:
            self.backends = await self._open_backends()
        adapter = self._adapter_name()
        if step is not Step.POWER_CYCLE and self._is_off(adapter):
            raise RadioFault(f"{adapter} is switched off")
        match step:
            case Step.OPEN:
                await self._scan.rebuild(self.backends, adapter)
            case Step.RESTART:
                await self._scan.restart(self.backends, adapter)
            case Step.REBUILD:
                await self._scan.close()
                if self._bluez is not None and adapter is not None:
                    await self._bluez.let_go(adapter)
                await self._scan.open(self.backends, adapter)
            case Step.POWER_CYCLE:
                await self._cycle(self.backends, adapter)

    async def _cycle(self, backends: Backends, adapter: str | None) -> None:
        await self._scan.close()
        self._drop()
        try:
            if self._bluez is not None and adapter is not None:
                await self._bluez.power_cycle(adapter)
            else:
                await power_cycle_of(backends)()
        finally:
            # Where it could not be switched, listening on may still help. Nobody else bounds this:
            # it may begin because the time is over.
            if not self._is_off(adapter):
                async with asyncio.timeout(OPEN_S_MAX):
                    await self._scan.open(backends, adapter)

    def _is_off(self, adapter: str | None) -> bool:
        # Asked to listen passively with an adapter that is off, BlueZ says yes, and kernel 6.1 then
        # answers "busy" to each later try, until the adapter is switched off and on once more.
        return self._bluez is not None and adapter is not None and self._bluez.is_off(adapter)

    def _taken(self, step: "asyncio.Task[None]") -> None:
        if step.cancelled():
            return
        fault = step.exception()
        if fault is None:
            self._tell(Answered())
            return
        self._fault = str(fault) or type(fault).__name__
        expected = isinstance(fault, (RadioFault, TimeoutError))
        tell = log.warning if expected else log.error
        tell("radio_step_failed", adapter=self.adverts.name, fault=self._fault)
        if isinstance(fault, RadioGone):
            self._drop()
            self._tell(Gone(answers=True))
        else:
            self._tell(Failed())

    def _adapter_name(self) -> str | None:
        if self._bluez is None:
            return None
        known = self._bluez.adapters
        name = self._name or (known[0] if known else None)
        if name is not None:
            self.adverts.name = name
        return name

    def _adapters_changed(self) -> None:
        if self._bluez is None or (known := self._bluez.adapters) is None:
            return
        # The one in use, which is not always the first any more.
        name = self._name or self.adverts.name
        was, self._present = self._present, name in known or (self._name is None and bool(known))
        if was and (not self._present or (self._scan.running and name not in known)):
            self._scan.lost()
            self._drop()
            self._tell(Gone())
        if self._present:
            self._tell(Back())

    def _switched_off(self, name: str) -> None:
        if name == self.adverts.name:
            self._scan.lost()
            self._drop()
            self._tell(Failed())

    def _drop(self) -> None:
        self.dropped.set()
        self.dropped = asyncio.Event()
