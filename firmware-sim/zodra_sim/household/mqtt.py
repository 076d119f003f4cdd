"""The home's MQTT devices: the state machine, its topics, and what it remembers."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from zodra_sim import clock
from zodra_sim.devices import baby_monitor, thermostat
from zodra_sim.errors import ActRefused
from zodra_sim.household.settings import BabyMonitorSettings, MqttSettings, ThermostatSettings
from zodra_sim.household.unit import Memory, Surroundings, either
from zodra_sim.links.home_broker import HomeBroker, Presence

BRIDGE_STATE_TOPIC: Final = "zigbee2mqtt/bridge/state"
_ONLINE: Final = b'{"state":"online"}'
_OFFLINE: Final = b'{"state":"offline"}'

TICK_S: Final = 0.25
"""How finely a room and a monitor follow the clock."""
RESEND_S: Final = 1.0
"""Between two attempts to get an event to the broker."""
LINK_QUALITY: Final = (96, 148)


class ThermostatUnit:
    """A radiator thermostat, with Zigbee2MQTT speaking for it."""

    family = "thermostat"

    def __init__(
        self, settings: ThermostatSettings, around: Surroundings, mqtt: MqttSettings, home_id: str
    ) -> None:
        self.device_id = settings.device_id
        self.label = settings.label
        self._around = around
        self._period_s = settings.report_period_s
        self._room = thermostat.Room()
        new = thermostat.Thermostat(battery_percent=settings.battery_percent)
        self._memory = Memory(around, self.device_id, thermostat.Thermostat, new)
        self._topic = f"zigbee2mqtt/{self.device_id}"
        self._broker = HomeBroker(
            mqtt,
            f"{home_id}-{self.device_id}",
            around.random,
            presence=Presence(f"{self._topic}/availability", _ONLINE, _OFFLINE),
            filters=(f"{self._topic}/set",),
            on_message=self._on_set,
            on_connected=self._on_connected,
        )
        self._act = asyncio.Event()
        self._said: tuple[float, thermostat.Thermostat] | None = None

    @property
    def online(self) -> bool:
        """Whether the home's broker can be reached."""
        return self._broker.connected

    @property
    def battery_percent(self) -> int:
        """Of the valve."""
        return self._memory.state.battery_percent

    @property
    def heating_s(self) -> float:
        """How long it ever heated."""
        return self._memory.state.heating_ms / 1000

    @property
    def facts(self) -> Mapping[str, Any]:
        """How warm it is, and whether it heats."""
        state, now_ms = self._memory.state, self._around.clock.now_ms()
        return {
            "running_state": "heat" if state.heating else "idle",
            "local_temperature_c": round(state.temperature_c, 2),
            "setpoint_c": thermostat.setpoint_shown_c(state, now_ms),
            "demand_percent": thermostat.demand(state, now_ms),
            "heating_s": self.heating_s,
            "heat_until": clock.text(clock.instant(state.boost_until_ms)),
        }

    def heat(self, for_ms: int) -> dict[str, Any]:
        """Heat for a while from now on; for no time stops."""
        now_ms = self._around.clock.now_ms()
        state = thermostat.boost(self._memory.state, now_ms, for_ms)
        what = "heat" if for_ms else "stop_heating"
        self._memory.keep(state, (what, {"for_s": for_ms / 1000}))
        self._act.set()
        return {"heat_until": clock.text(clock.instant(state.boost_until_ms))}

    async def run(self) -> None:
        """Warm the room and report."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._broker.run())
            tasks.create_task(self._live())

    def save(self) -> None:
        """Keep how long it heated."""
        self._memory.keep(self._memory.state)

    async def _live(self) -> None:
        before_s = self._around.clock.monotonic()
        while True:
            now_s = self._around.clock.monotonic()
            passed_ms, before_s = round((now_s - before_s) * 1000), now_s
            self._step(passed_ms)
            if self._is_due(now_s):
                await self._report(now_s)
            await either(self._act, TICK_S)

    def _step(self, passed_ms: int) -> None:
        before, now_ms = self._memory.state, self._around.clock.now_ms()
        speed = self._around.room_speed
        state = thermostat.step(before, self._room, now_ms, passed_ms, speed)
        if state.heating != before.heating:
            self._memory.keep(state)
        else:
            self._memory.drift(state)

    def _is_due(self, now_s: float) -> bool:
        if self._said is None:
            return True
        said_s, said = self._said
        state = self._memory.state
        step_c = abs(state.temperature_c - said.temperature_c)
        return (
            now_s - said_s >= self._period_s
            or step_c >= thermostat.REPORT_STEP_C
            or (state.heating, state.setpoint_c) != (said.heating, said.setpoint_c)
        )

    async def _report(self, now_s: float) -> None:
        state = self._memory.state
        quality = self._around.random.randint(*LINK_QUALITY)
        body = thermostat.payload(state, self._around.clock.now_ms(), quality)
        if await self._broker.publish(self._topic, body, retain=True):
            self._said = (now_s, state)
            self._around.changed()

    async def _on_connected(self) -> None:
        self._said = None
        await self._broker.publish(BRIDGE_STATE_TOPIC, _ONLINE, retain=True)
        self._act.set()

    def _on_set(self, _topic: str, body: bytes) -> None:
        if (wanted_c := thermostat.parse_set(body)) is None:
            return
        state = thermostat.set_setpoint(self._memory.state, wanted_c)
        self._memory.keep(state, ("setpoint", {"setpoint_c": state.setpoint_c}))
        self._act.set()


class BabyMonitorUnit:
    """A baby monitor."""

    family = "baby_monitor"

    def __init__(
        self, settings: BabyMonitorSettings, around: Surroundings, mqtt: MqttSettings, home_id: str
    ) -> None:
        self.device_id = settings.device_id
        self.label = settings.label
        self.pack_units = settings.pack_units
        self._around = around
        self._period_s = settings.report_period_s
        stock = settings.pack_units if settings.stock_units is None else settings.stock_units
        new = baby_monitor.BabyMonitor(
            serial=f"{around.clock.now_ms():x}",
            stock_units=stock,
            battery_percent=settings.battery_percent,
        )
        self._memory = Memory(around, self.device_id, baby_monitor.BabyMonitor, new)
        self._memory.keep(self._memory.state)
        self._topic = f"zodra/home/baby/{self.device_id}"
        self._broker = HomeBroker(
            mqtt,
            f"{home_id}-{self.device_id}",
            around.random,
            presence=Presence(f"{self._topic}/availability", _ONLINE, _OFFLINE),
            on_connected=self._on_connected,
        )
        self._act = asyncio.Event()
        self._report_due_s = 0.0

    @property
    def online(self) -> bool:
        """Whether the home's broker can be reached."""
        return self._broker.connected

    @property
    def battery_percent(self) -> int:
        """What its reports say."""
        return self._memory.state.battery_percent

    @property
    def changes(self) -> int:
        """How often a diaper was ever changed."""
        return self._memory.state.changes

    @property
    def facts(self) -> Mapping[str, Any]:
        """The stock, and whether the baby cries."""
        state = self._memory.state
        return {
            "remaining_units": state.stock_units,
            "pack_units": self.pack_units,
            "diaper_changes": state.changes,
            "crying": baby_monitor.is_crying(state, self._around.clock.now_ms()),
            "unsent_events": len(state.unsent),
        }

    def change_diaper(self, count: int) -> dict[str, Any]:
        """Change diapers, one after the other: each is an event of its own.

        Raises:
            ActRefused: the monitor cannot keep so many until the broker is back.
        """
        return self._press([(baby_monitor.DiaperEvent.CHANGE, 1)] * count)

    def refill(self, units: int | None) -> dict[str, Any]:
        """Put diapers on the shelf, one pack unless said otherwise.

        Raises:
            ActRefused: the monitor is full of unsent events, or the units are out of range.
        """
        return self._press([(baby_monitor.DiaperEvent.REFILL, units or self.pack_units)])

    def cry(self, for_ms: int) -> dict[str, Any]:
        """Let the baby cry for a while."""
        state = baby_monitor.cry(self._memory.state, self._around.clock.now_ms(), for_ms)
        self._memory.keep(state, ("cry", {"for_s": for_ms / 1000}))
        self._report_due_s = 0.0
        self._act.set()
        return {"cry_until": clock.text(clock.instant(state.cry_until_ms))}

    async def run(self) -> None:
        """Report, and send each event until the broker has it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._broker.run())
            tasks.create_task(self._live())

    def save(self) -> None:
        """Keep the stock."""
        self._memory.keep(self._memory.state)

    def _press(self, presses: list[tuple[baby_monitor.DiaperEvent, int]]) -> dict[str, Any]:
        state, at = self._memory.state, self._around.text_now()
        happened = []
        for event, units in presses:
            try:
                state, one = baby_monitor.press(state, event, units, at)
            except ValueError as refusal:
                raise ActRefused(str(refusal)) from refusal
            happened.append(one)
        truths = [
            (f"diaper_{one.event.value}", {"event_id": one.event_id, "units": one.units})
            for one in happened
        ]
        self._memory.keep(state, *truths)
        self._act.set()
        return {
            "remaining_units": state.stock_units,
            "event_ids": [one.event_id for one in happened],
        }

    async def _live(self) -> None:
        while True:
            all_sent = await self._send_events()
            now_s = self._around.clock.monotonic()
            if now_s >= self._report_due_s and await self._report():
                self._report_due_s = now_s + self._period_s
            wait_s = max(0.0, self._report_due_s - self._around.clock.monotonic())
            await either(self._act, max(TICK_S, wait_s) if all_sent else RESEND_S)

    async def _send_events(self) -> bool:
        for one in self._memory.state.unsent:
            if not await self._broker.publish(self._topic, baby_monitor.event_payload(one)):
                return False
            self._memory.keep(baby_monitor.sent(self._memory.state, one.event_id))
        return True

    async def _report(self) -> bool:
        around = self._around
        body = baby_monitor.report_payload(
            self._memory.state, around.clock.now_ms(), around.text_now(), around.random.random()
        )
        return await self._broker.publish(self._topic, body)

    async def _on_connected(self) -> None:
        self._report_due_s = 0.0
        self._act.set()
