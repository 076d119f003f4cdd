"""The home's Bluetooth devices: the state machine, its radio, and what it remembers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from zodra_sim import clock
from zodra_sim.devices import button, wearable
from zodra_sim.errors import ActRefused
from zodra_sim.household.settings import ButtonSettings, WearableSettings
from zodra_sim.household.unit import Memory, Surroundings, either
from zodra_sim.radio.air import Air
from zodra_sim.radio.peripherals import ButtonRadio, StrapRadio

UNSAID_MAX: Final = 16
"""Presses that wait for the air, each taking some 0.6 s; one more is refused."""
RADIO_S_MAX: Final = 10.0
"""How long a press from before a restart waits for a gateway that attaches again."""
SCAN_S: Final = 1.0
"""What a gateway needs from attaching to hearing."""


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A press that is on the disk, and not yet six times on the air."""

    counter: int
    data_hex: str


@dataclass(frozen=True, slots=True)
class ButtonMemory:
    """A button, and the presses it has not finished saying."""

    button: button.Button
    unsaid: tuple[Unsaid, ...] = ()


class ButtonUnit:
    """A button on the wall."""

    family = "button"

    def __init__(self, settings: ButtonSettings, around: Surroundings, air: Air) -> None:
        self.device_id = settings.device_id
        self.label = settings.label
        self._air = air
        self._radio = ButtonRadio(air, settings.address)
        self._make = button.ButtonMake(
            settings.address,
            settings.bind_key.get_secret_value() if settings.bind_key else None,
            adverts_per_press=settings.adverts_per_press,
            advert_gap_ms=settings.advert_gap_ms,
        )
        new = ButtonMemory(button.Button(battery_percent=settings.battery_percent))
        self._memory = Memory(around, self.device_id, ButtonMemory, new)
        self._more = asyncio.Event()
        self._heard: dict[int, asyncio.Future[None]] = {}

    @property
    def online(self) -> bool:
        """A button sleeps, and is always ready."""
        return True

    @property
    def battery_percent(self) -> int:
        """What the next frame says."""
        return self._memory.state.button.battery_percent

    @property
    def pressed(self) -> int:
        """How often it was ever pressed."""
        return self._memory.state.button.pressed

    @property
    def facts(self) -> Mapping[str, Any]:
        """What is in its flash memory."""
        state = self._memory.state.button
        return {
            "last_counter": state.counter,
            "packet_id": state.packet_id,
            "encrypted": self._make.bind_key is not None,
            "sending": bool(self._memory.state.unsaid),
        }

    async def press(self, kind: button.PressKind, which: int = 0) -> dict[str, Any]:
        """Press it: on the disk, then on the air; returns when it was said for the first time.

        Raises:
            ActRefused: no such button, or too many presses wait.
        """
        before = self._memory.state
        if len(before.unsaid) >= UNSAID_MAX:
            raise ActRefused(f"{UNSAID_MAX} presses of {self.device_id} still wait to be sent")
        try:
            after, burst = button.press(before.button, self._make, kind, which)
        except ValueError as refusal:
            raise ActRefused(str(refusal)) from refusal
        unsaid = Unsaid(after.counter, burst.data.hex())
        detail = {"counter": after.counter, "kind": kind.value, "button": which}
        said = asyncio.get_running_loop().create_future()
        self._heard[after.counter] = said
        self._memory.keep(ButtonMemory(after, (*before.unsaid, unsaid)), ("press", detail))
        self._more.set()
        await said
        return {
            "device_id": self.device_id,
            "kind": kind.value,
            "counter": after.counter,
            "packet_id": after.packet_id,
            "times_pressed": after.pressed,
        }

    async def run(self) -> None:
        """Say what is to be said."""
        if self._memory.state.unsaid:
            await self._wait_for_radio()
        while True:
            while self._memory.state.unsaid:
                await self._say(self._memory.state.unsaid[0])
            self._more.clear()
            await self._more.wait()

    def save(self) -> None:
        """Nothing is left to keep: every press was kept when it happened."""

    async def _say(self, unsaid: Unsaid) -> None:
        make = self._make
        data = bytes.fromhex(unsaid.data_hex)
        burst = button.Burst(data, make.adverts_per_press, make.advert_gap_ms)
        await self._radio.send(burst, lambda: self._said_once(unsaid.counter))
        now = self._memory.state
        left = tuple(one for one in now.unsaid if one.counter != unsaid.counter)
        self._memory.keep(replace(now, unsaid=left))

    def _said_once(self, counter: int) -> None:
        said = self._heard.pop(counter, None)
        if said is not None and not said.done():
            said.set_result(None)

    async def _wait_for_radio(self) -> None:
        waiting = len(self._memory.state.unsaid)
        for _ in range(round(RADIO_S_MAX / SCAN_S)):
            attached = self._air.radios > 0
            await either(self._more, SCAN_S)
            # A finger does not wait for a radio, and the older press goes first.
            if attached or len(self._memory.state.unsaid) > waiting:
                return


class StrapUnit:
    """A heart rate strap."""

    family = "wearable"

    def __init__(self, settings: WearableSettings, around: Surroundings, air: Air) -> None:
        self.device_id = settings.device_id
        self.label = settings.label
        self._around = around
        self._period_s = settings.notify_period_s
        new = wearable.Wearable(battery_percent=settings.battery_percent)
        self._memory = Memory(around, self.device_id, wearable.Wearable, new)
        self._radio = StrapRadio(
            air, settings.address, settings.name, lambda: self._memory.state.battery_percent
        )
        self._measured = wearable.Measurement(0, contact=False)
        self._act = asyncio.Event()

    @property
    def online(self) -> bool:
        """Whether a gateway is connected."""
        return self._radio.connected

    @property
    def battery_percent(self) -> int:
        """What its Battery Service says."""
        return self._memory.state.battery_percent

    @property
    def worn_s(self) -> float:
        """How long it was ever worn."""
        return self._memory.state.worn_ms / 1000

    @property
    def facts(self) -> Mapping[str, Any]:
        """What it measures, and how long it is to be worn."""
        state = self._memory.state
        return {
            "worn": self._measured.contact,
            "worn_until": clock.text(clock.instant(state.worn_until_ms)),
            "worn_s": self.worn_s,
            "heart_rate_bpm": self._measured.heart_rate_bpm,
            "activity": state.activity.value,
            "connected": self._radio.connected,
        }

    def wear(self, for_ms: int, activity: wearable.Activity) -> dict[str, Any]:
        """Put it on for a while; for no time takes it off."""
        now_ms = self._around.clock.now_ms()
        worn = wearable.wear(self._memory.state, now_ms, for_ms, activity)
        detail = {"for_s": for_ms / 1000, "activity": activity.value}
        self._memory.keep(worn, ("wear" if for_ms else "take_off", detail))
        self._act.set()
        return {"worn_until": clock.text(clock.instant(worn.worn_until_ms))}

    async def run(self) -> None:
        """Measure and notify."""
        await self._radio.open()
        try:
            before_s = self._around.clock.monotonic()
            while True:
                await either(self._act, self._period_s)
                now_s = self._around.clock.monotonic()
                await self._measure(round((now_s - before_s) * 1000))
                before_s = now_s
        finally:
            await self._radio.close()

    def save(self) -> None:
        """Keep how long it was worn."""
        self._memory.keep(self._memory.state)

    async def _measure(self, passed_ms: int) -> None:
        before, was = self._memory.state, self._measured
        now_ms = self._around.clock.now_ms()
        state, self._measured = wearable.step(
            before, now_ms, passed_ms, self._around.random.random()
        )
        if self._measured.contact != was.contact:
            self._memory.keep(state)
        else:
            self._memory.drift(state)
        if self._measured != was:
            self._around.changed()
        await self._radio.notify_rate(wearable.encode(self._measured))
        if state.battery_percent != before.battery_percent:
            await self._radio.notify_battery(state.battery_percent)
