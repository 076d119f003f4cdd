"""Keeps Home Assistant informed, over a connection to the home's broker of its own.

Its own, since its last will is the gateway's availability, and so that nothing here can hold up
what comes from the devices or goes to the cloud. What it is told, it takes without waiting.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable
from typing import Final

import aiomqtt
import structlog

from zodra_contract.reading import Reading, ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind
from zodra_edge import core
from zodra_edge.clock import monotonic_s
from zodra_edge.decode.profile import Family
from zodra_edge.errors import LinkFault
from zodra_edge.home_assistant import compose
from zodra_edge.home_assistant.compose import DeviceFacts, GatewayFacts, Names
from zodra_edge.home_assistant.memory import Published
from zodra_edge.settings import HomeMqtt, Settings
from zodra_edge.status import DevicePart, Problem, Status, problems

SYNC_S: Final = 2.0
"""How often what is true is compared with what was said."""
REFRESHES: Final = 4
"""So often a value that stays the same is said again before it would expire, if it is news."""
REFRESH_S_MAX: Final = 600.0
EVENTS_MAX: Final = 64
"""Presses that wait for the broker; the oldest is dropped for a new one."""
TIMEOUT_S: Final = 5.0
LEAVE_S: Final = 1.0
SILENCE_S_MAX: Final = 25 * 3600.0
"""A device that measures is taken for gone after this; a button may be silent for weeks."""
_NO_ORDER: Final = frozenset({"identify", "practice"})

log = structlog.get_logger()


class HomeAssistant:
    """One of the supervised parts; `run` lasts until the connection is lost."""

    def __init__(
        self,
        settings: Settings,
        version: str,
        status: Callable[[], Status],
        switch: Callable[[bool], None],
        count: Callable[[str], object],
    ) -> None:
        """Take the parts.

        Args:
            settings: with the home's broker.
            version: of this program.
            status: says how the gateway is.
            switch: pauses buying or goes on; raises `OSError` if that cannot be remembered.
            count: counts what was dropped.
        """
        self._settings = settings
        self._options = settings.home_assistant
        self._names = Names(self._options.prefix, settings.gateway_id, version)
        self._status = status
        self._switch = switch
        self._count = count
        self._published = Published(settings.data_dir)
        self._told: dict[str, tuple[bytes, float]] = {}
        self._readings: dict[tuple[str, ReadingKind], tuple[float, float]] = {}
        self._kinds: dict[str, set[ReadingKind]] = {}
        self._hidden: set[tuple[str, ReadingKind]] = set()
        self._events: deque[tuple[str, bytes]] = deque()
        self._wake = asyncio.Event()
        for topic in self._published.topics:
            if (known := self._names.kind_of(topic)) is not None:
                self._kinds.setdefault(known[0], set()).add(known[1])

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to say, or to take away."""
        return self._settings.home_mqtt is not None and bool(
            self._options.enabled or self._published.topics
        )

    def see(self, effect: core.Effect) -> None:
        """Look at what a frame led to; never waits, and never raises."""
        if not self._options.enabled:
            return
        match effect:
            case core.KeepSignal(signal):
                self._pressed(signal, practice=False)
            case core.Rehearsed(signal):
                self._pressed(signal, practice=True)
            case core.KeepReadings(readings):
                self._read(readings, stayed_home=False)
            case core.StayedHome(_, readings):
                self._read(readings, stayed_home=True)

    async def run(self) -> None:
        """Say what is true, until the connection ends.

        Raises:
            LinkFault: it ended, or never began. The supervisor comes back after a while.
        """
        home = self._settings.home_mqtt
        if home is None:
            return
        try:
            async with self._client(home) as client:
                await (self._serve(client) if self._options.enabled else self._clear(client))
        except (aiomqtt.MqttError, TimeoutError) as fault:
            raise LinkFault("home_assistant", f"{home.host}:{home.port}: {fault}") from fault
        except OSError as fault:
            why = f"the disk cannot remember what was published: {fault.strerror}"
            raise LinkFault("home_assistant", why) from fault
        # Only after all is taken away: there is nothing more to do until the next start.
        await asyncio.Event().wait()

    def _client(self, home: HomeMqtt) -> aiomqtt.Client:
        names = self._names
        will = aiomqtt.Will(names.availability, compose.OFFLINE, qos=1, retain=True)
        return aiomqtt.Client(
            home.host,
            home.port,
            username=home.username,
            password=home.password.get_secret_value() if home.password else None,
            identifier=f"zodra-{names.gateway_id}-ha",
            clean_session=True,
            keepalive=20,
            timeout=TIMEOUT_S,
            will=will if self._options.enabled else None,
        )

    async def _serve(self, client: aiomqtt.Client) -> None:
        await client.subscribe([(self._names.birth, 0), (self._names.pause, 1)])
        self._told.clear()
        # A press from before the connection is none that an automation should act on now.
        self._events.clear()
        hearing = asyncio.create_task(self._hear(client))
        try:
            while True:
                await self._sync(client)
                while self._events:
                    topic, payload = self._events.popleft()
                    await client.publish(topic, payload, qos=1)
                waking = asyncio.create_task(self._wake.wait())
                await asyncio.wait(
                    {hearing, waking}, timeout=SYNC_S, return_when=asyncio.FIRST_COMPLETED
                )
                waking.cancel()
                self._wake.clear()
                if hearing.done():
                    hearing.result()
        finally:
            hearing.cancel()
            with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(LEAVE_S):
                    await client.publish(
                        self._names.availability, compose.OFFLINE, qos=1, retain=True
                    )

    async def _clear(self, client: aiomqtt.Client) -> None:
        """Take away all that was published before it was switched off."""
        for topic in sorted(self._published.topics):
            await client.publish(topic, b"", qos=1, retain=True)
        self._published.keep(())
        log.info("home_assistant_cleared")

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            if message.topic.value == self._names.birth:
                if payload == compose.ONLINE:
                    # It has forgotten us, or kept what is no longer true.
                    self._told.clear()
                    self._wake.set()
            elif not message.retain:
                self._obey(payload)

    def _obey(self, payload: bytes) -> None:
        if payload not in (b"ON", b"OFF"):
            self._count("home_assistant_command_unknown")
            return
        with contextlib.suppress(OSError):
            # Whoever switches counts what the disk refuses, and the state shows what holds.
            self._switch(payload == b"ON")
        self._told.pop(self._names.state("paused"), None)
        self._wake.set()

    async def _sync(self, client: aiomqtt.Client) -> None:
        """Say what is new, and take away what is no longer meant."""
        now_s = monotonic_s()
        wanted = self._wanted(self._status(), now_s)
        self._published.keep(self._published.topics | wanted.keys())
        for topic in sorted(self._published.topics - wanted.keys()):
            await client.publish(topic, b"", qos=1, retain=True)
            self._told.pop(topic, None)
        self._published.keep(wanted)
        refresh_s = min(REFRESH_S_MAX, self._options.expire_after_s / REFRESHES)
        # Discovery first: it is what says where the rest is to be read.
        for topic in sorted(wanted, key=lambda topic: (not topic.endswith("/config"), topic)):
            payload, since_s = wanted[topic]
            said = self._told.get(topic)
            if said is None or said[0] != payload or since_s - said[1] > refresh_s:
                await client.publish(topic, payload, qos=1, retain=True)
                self._told[topic] = payload, now_s

    def _wanted(self, status: Status, now_s: float) -> dict[str, tuple[bytes, float]]:
        """Name each retained message that should be there, with when it was last true."""
        names = self._names
        said = compose.gateway_messages(names, _gateway(status))
        said[names.availability] = compose.ONLINE
        wanted: dict[str, tuple[bytes, float]] = {}
        for device in status.devices:
            facts = self._device(device)
            said |= compose.device_messages(names, facts)
            for kind in facts.kinds:
                value, heard_s = self._readings.get((device.device_id, kind), (0.0, -math.inf))
                fresh = now_s - heard_s < compose.expiry_s(kind, facts.expire_after_s)
                # Nothing retained that is too old: after a restart it would look new.
                payload = compose.reading(kind, value) if fresh else compose.UNKNOWN
                wanted[names.of(device.device_id, f"reading/{kind.value}")] = payload, heard_s
        return wanted | {topic: (payload, 0.0) for topic, payload in said.items()}

    def _device(self, device: DevicePart) -> DeviceFacts:
        device_id = device.device_id
        shown = {kind for kind in self._kinds.get(device_id, ()) if self._may_show(device_id, kind)}
        family = Family(device.family)
        silent_s = device.last_heard_age_s
        measures = family is not Family.BUTTON and silent_s is not None
        orders = [light for light in device.lights if light.state not in _NO_ORDER]
        return DeviceFacts(
            device_id=device_id,
            family=family,
            available=device.online is not False
            and device.connected is not False
            and not (measures and (silent_s or 0.0) > SILENCE_S_MAX),
            kinds=frozenset(shown),
            gone=frozenset(self._kinds.get(device_id, set()) - shown),
            order=max(orders, key=lambda light: light.at).state if orders else "",
            practice=device.practice,
            expire_after_s=self._options.expire_after_s,
        )

    def _may_show(self, device_id: str, kind: ReadingKind) -> bool:
        stayed_home = (device_id, kind) in self._hidden
        return compose.may_show(kind, stayed_home, self._options.show_home_readings)

    def _pressed(self, signal: NeedSignal, *, practice: bool) -> None:
        if signal.kind is not SignalKind.PRESS:
            return
        button = signal.evidence.get("button", 0)
        said = compose.event(
            str(signal.evidence.get("event", "")),
            int(button) if isinstance(button, int | float) else 0,
            signal.slot_key,
            practice,
        )
        if len(self._events) >= EVENTS_MAX:
            self._events.popleft()
            self._count("home_assistant_event_dropped")
        self._events.append((self._names.of(signal.device_id, "press"), said))
        self._wake.set()

    def _read(self, readings: tuple[Reading, ...], *, stayed_home: bool) -> None:
        now_s = monotonic_s()
        for each in readings:
            if stayed_home:
                self._hidden.add((each.device_id, each.kind))
            if self._may_show(each.device_id, each.kind):
                self._kinds.setdefault(each.device_id, set()).add(each.kind)
                self._readings[each.device_id, each.kind] = each.value, now_s


def _gateway(status: Status) -> GatewayFacts:
    lights = [
        light
        for device in status.devices
        for light in device.lights
        if light.state not in _NO_ORDER
    ]
    return GatewayFacts(
        needs_waiting=status.need.depth,
        readings_waiting=status.telemetry.depth,
        deaf=bool({Problem.DEAF, Problem.NOT_SCANNING} & set(problems(status))),
        has_radio=bool(status.radio),
        last_order=max(lights, key=lambda light: light.at).state if lights else "",
        paused=status.buying_paused_since is not None,
    )
