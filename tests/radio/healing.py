"""A gateway on simulated time, its BlueZ that fails in drawn ways, and what became of it.

Four processes: the gateway, `zodra-sim bluez`, a `dbus-daemon`, and here the air and the cloud.
The gateway's time moves by steps, each taken only when everything of the step before was heard,
asked and answered: how busy the machine is makes no difference.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from edge_broker import Cloud, cloud, free_port, mosquitto
from edge_frames import ADDRESS, KEY
from radio.bluez_home import ADAPTERS, Bus, Facade, Neighbourhood, need_dbus, until
from radio.stepped_agent import ANSWERED, QUESTION, TOLD
from zodra_contract.envelope import AdapterHealth, HealthReport
from zodra_contract.topics import Address

STEP_S: Final = 0.5
REST_STEP_S: Final = 5.0
HEALED_S_MAX: Final = 120.0
ROUNDS_MAX: Final = 20_000
REAL_S_MAX: Final = 120.0
TESTS: Final = Path(__file__).parents[1]
STEP_OF: Final = {
    "opening": "open",
    "restarted": "restart",
    "rebuilt": "rebuild",
    "cycled": "power_cycle",
}
_TOML: Final = """\
gateway_id = "gw-1"
household_id = "hh-1"
data_dir = "data"
[cloud]
host = "127.0.0.1"
port = {port}
username = "tester"
password_file = "password"
[radio]
{adapters}[outbox]
linger_s = 0.05
[uplink]
receipt_timeout_s = 600
keepalive_s = 600
[[devices]]
device_id = "btn-kitchen"
family = "button"
slot_key = "button-1"
address = "{address}"
bind_key_file = "key"
"""


class NotHealed(AssertionError):
    """What a case found wrong."""


class Line:
    """Questions to the façade, over one connection that is made again when the bus was."""

    def __init__(self, near: Neighbourhood, bus: Bus) -> None:
        self._near = near
        self._bus = bus
        self._held: MessageBus | None = None

    def ask(self, member: str, signature: str = "", *body: Any) -> Any:
        return self.call("/org/zodra/faults", "org.zodra.Faults1", member, signature, list(body))

    def call(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> Any:
        return self._near.do(self._call(path, interface, member, signature, body))

    def close(self) -> None:
        async def leave() -> None:
            if self._held is not None and self._held.connected:
                self._held.disconnect()

        self._near.do(leave())

    async def _call(
        self, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> Any:
        if self._held is None or not self._held.connected:
            self._held = await MessageBus(bus_address=self._bus.address).connect()
        reply = await self._held.call(
            Message("org.bluez", path, interface, member, signature=signature, body=body)
        )
        assert reply is not None
        assert reply.message_type is MessageType.METHOD_RETURN, reply.body
        return reply.body[0] if reply.body else None


class SteppedAgent:
    """The gateway, as a process whose time is told."""

    def __init__(self, folder: Path, bus: Bus, port: int, without: str) -> None:
        self._log = folder / "log"
        self._read = 0
        self.now_s = 0.0
        (folder / "key").write_text(KEY.hex() + "\n")
        (folder / "password").write_text("open sesame\n")
        for name in ("key", "password"):
            (folder / name).chmod(0o600)
        adapters = "".join(
            f'[[radio.adapters]]\nname = "{name}"\nscanning_mode = "{mode}"\n'
            for name, mode in zip(ADAPTERS, ("active", "passive"), strict=True)
        )
        config = folder / "gateway.toml"
        config.write_text(_TOML.format(port=port, adapters=adapters, address=ADDRESS))
        mine, theirs = socket.socketpair()
        with self._log.open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "radio.stepped_agent", str(config), str(theirs.fileno())]
                + ([without] if without else []),
                cwd=TESTS,
                env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus.address},
                pass_fds=(theirs.fileno(),),
                stderr=log,
            )
        theirs.close()
        self._line = mine
        self._line.settimeout(60)
        self.now_s = time.clock_gettime(time.CLOCK_BOOTTIME) + 60

    def to(self, now_s: float) -> int:
        """Let it do all that is due by then; returns how many answers it waits for."""
        self._line.sendall(TOLD.pack(now_s))
        try:
            raw = self._line.recv(ANSWERED.size)
        except TimeoutError:
            raw = b""
        assert len(raw) == ANSWERED.size, self._log.read_text()[-3_000:]
        self.now_s = now_s
        return int(ANSWERED.unpack(raw)[0])

    def events(self) -> list[dict[str, Any]]:
        """Give what it logged since this was last asked."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            raw = log.read()
        whole = raw[: raw.rfind(b"\n") + 1]
        self._read += len(whole)
        return [json.loads(line) for line in whole.splitlines() if line.startswith(b"{")]

    def questions(self) -> list[str]:
        """Name the calls to D-Bus that it waits for."""
        self.child.send_signal(signal.SIGUSR1)
        time.sleep(0.5)
        return [line for line in self._log.read_text().splitlines() if line.startswith(QUESTION)]

    def stop(self) -> None:
        # It cannot end while its time stands still.
        self.child.kill()
        self.child.wait(10)
        self._line.close()


class CloudThread:
    """Hears the gateway, on the loop of the neighbourhood."""

    def __init__(self, port: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._stack = contextlib.AsyncExitStack()
        here = cloud(port, Address("hh-1", "gw-1"))
        self.served: Cloud = asyncio.run_coroutine_threadsafe(
            self._stack.enter_async_context(here), self._loop
        ).result(20)

    def presses(self) -> int:
        return len({signal_id for _, signal_id in self.served.needs()})

    def adapters(self) -> Mapping[str, AdapterHealth]:
        """Give what the newest report says of each."""
        for message in reversed(self.served.heard):
            if isinstance(message, HealthReport):
                return {one.name: one for one in message.adapters}
        return {}

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stack.aclose(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@dataclass
class Course:
    """What became of the adapters since a case began."""

    began_s: float
    trail: list[tuple[float, str, str]]
    """When, which adapter, and where on the ladder."""

    def noticed_s(self) -> float | None:
        """How long it took until anything was known to be wrong."""
        found = [at_s for at_s, _, stage in self.trail if stage != "hearing"]
        return min(found) - self.began_s if found else None

    def visited(self, adapter: str) -> list[str]:
        return [stage for _, name, stage in self.trail if name == adapter]

    def cures(self) -> set[str]:
        """Where on the ladder an adapter stood just before it heard again."""
        cures = set()
        for adapter in ADAPTERS:
            visited = self.visited(adapter)
            cures |= {before for before, after in itertools.pairwise(visited) if after == "hearing"}
        return cures


class HealingHome:
    """All of it."""

    def __init__(self, folder: Path, port: int, without: str = "") -> None:
        self.near = Neighbourhood(lively=False)
        self.bus = Bus(folder)
        self.facade = Facade(self.bus, self.near.port)
        self.line = Line(self.near, self.bus)
        self.cloud = CloudThread(port)
        self.agent = SteppedAgent(folder, self.bus, port, without)
        self.stages = dict.fromkeys(ADAPTERS, "off")
        self.counter = 1_000
        self.is_up = True
        self.course = Course(0.0, [])
        until(self._answers)

    # What a case does ----------------------------------------------------------------------------

    def kill(self, number: int) -> None:
        """End the façade."""
        self.facade.stop(signal.Signals(number))
        self.is_up = False

    def start(self) -> None:
        """Begin it again, and the bus if that is gone."""
        if self.bus.child.poll() is not None:
            self.bus.start()
        self.facade.start()
        # It says where the bus is before it is known there.
        until(self._answers)
        self.is_up = True

    def _answers(self) -> bool:
        try:
            self.line.ask("Settle")
        except AssertionError:
            return False
        return True

    def lose_bus(self) -> None:
        self.line.close()
        self.bus.kill()
        self.facade.ended()
        self.is_up = False

    def switch_off(self, adapter: str) -> None:
        path, interface = f"/org/bluez/{adapter}", "org.freedesktop.DBus.Properties"
        body = ["org.bluez.Adapter1", "Powered", Variant("b", False)]
        self.line.call(path, interface, "Set", "ssv", body)

    # Time ----------------------------------------------------------------------------------------

    def step(self, seconds: float = STEP_S) -> None:
        """Let so much time pass, with the neighbour heard once in it."""
        self.near.do(self.near.say_something())
        held = self._settled()
        waiting = self.agent.to(self.agent.now_s + seconds)
        for _ in range(ROUNDS_MAX):
            if waiting <= held:
                break
            held = self._settled()
            waiting = self.agent.to(self.agent.now_s)
        else:
            waits = "questions to D-Bus stayed without an answer"
            raise NotHealed(f"{waits}: {self.agent.questions()}; {self.facade.said()}")
        for event in self.agent.events():
            if event.get("event") == "radio_stage":
                self.stages[event["adapter"]] = event["stage"]
                self.course.trail.append((self.agent.now_s, event["adapter"], event["stage"]))

    def _settled(self) -> int:
        if self.is_up:
            return int(self.line.ask("Settle"))
        time.sleep(0.002)
        return 0

    def hears(self) -> bool:
        return set(self.stages.values()) == {"hearing"}

    def until(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        """Let time pass until something is true."""
        end_s = self.agent.now_s + seconds
        while not condition():
            if self.agent.now_s >= end_s:
                raise NotHealed(f"{what} within {seconds:.0f} s: {self.course.trail}")
            self.step()

    def rest(self, seconds: float) -> None:
        """Let much time pass in which all is well; power cycles are rationed by time."""
        end_s = self.agent.now_s + seconds
        while self.agent.now_s < end_s:
            self.step(REST_STEP_S)
        self.until(self.hears, 60, "all hear after a rest")

    def press_arrives(self) -> None:
        """Press, and see it at the cloud."""
        before = self.cloud.presses()
        self.counter += 1
        self.near.press(self.counter)
        self._wait_for(lambda: self.cloud.presses() > before, "the press came to the cloud")
        assert self.cloud.presses() == before + 1

    def counts(self) -> dict[str, Counter[str]]:
        """What each adapter did, as the newest report at the cloud says."""
        return {name: Counter(one.rungs) for name, one in self.cloud.adapters().items()}

    def told(self, before: Mapping[str, Counter[str]]) -> dict[str, Counter[str]]:
        """Wait for a report that knows of all that was seen, and give what it adds."""

        def added() -> dict[str, Counter[str]]:
            return {name: now - before.get(name, Counter()) for name, now in self.counts().items()}

        def is_told() -> bool:
            health, news = self.cloud.adapters(), added()
            return all(
                name in health
                and health[name].stage == "hearing"
                and all(
                    news[name][step] == self.course.visited(name).count(stage)
                    for stage, step in STEP_OF.items()
                )
                for name in ADAPTERS
            )

        self._wait_for(is_told, "a report told of each step")
        return added()

    def _wait_for(self, condition: Callable[[], object], what: str) -> None:
        # What passes through disk, broker and cloud takes real time, so time hardly runs ahead.
        real_s = time.monotonic() + REAL_S_MAX
        while not condition():
            if time.monotonic() > real_s:
                raise NotHealed(f"not so: {what}; {self.counts()}; {self.course.trail}")
            self.step(STEP_S / 10)
            time.sleep(STEP_S / 20)

    def close(self) -> None:
        self.agent.stop()
        self.line.close()
        if self.is_up:
            self.facade.stop()
        self.bus.kill()
        self.cloud.close()
        self.near.close()


@contextlib.contextmanager
def healing_home(without: str = "") -> Iterator[HealingHome]:
    """Run everything until both adapters hear and a press arrived."""
    need_dbus()
    with tempfile.TemporaryDirectory(prefix="zh-") as folder:
        port = free_port()
        with mosquitto(Path(folder), port):
            home = HealingHome(Path(folder), port, without)
            try:
                home._wait_for(home.hears, "both adapters hear")
                home.press_arrives()
                yield home
            finally:
                home.close()
