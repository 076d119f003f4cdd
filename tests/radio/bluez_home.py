"""A gateway whose bleak speaks to BlueZ, and the BlueZ that it speaks to: each its own process."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from edge_frames import ADDRESS, KEY, bthome_encrypted
from missing import MissingTool, give_up
from zodra_sim.bluez.daemon import CONFIG
from zodra_sim.devices.button import Burst
from zodra_sim.radio.air import Air
from zodra_sim.radio.peripherals import ButtonRadio, StrapRadio

T = TypeVar("T")

STRAP: Final = "C4:11:00:00:00:01"
NEIGHBOUR: Final = "C4:11:00:00:00:77"
ADAPTERS: Final = ("hci0", "hci1")
UNTIL_S: Final = 100.0
"""bleak-retry-connector gives one attempt up to a minute, and BlueZ may vanish within it."""
_FLAGS: Final = b"\x02\x01\x06"


def need_dbus() -> None:
    """Skip where no bus can be run."""
    if shutil.which("dbus-daemon") is None:
        give_up(MissingTool("dbus-daemon is not installed (scripts/tools.sh)"))


def until(condition: Callable[[], object], seconds: float = UNTIL_S) -> None:
    """Wait for something to become true; the limit is only there so that a failure ends."""
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "it did not become true"
        time.sleep(0.02)


class Neighbourhood:
    """The air in a thread of its own: a button, a strap, and a neighbour who is always heard."""

    def __init__(self, *, lively: bool = True) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.air = Air(Random(7))
        self.port = self.do(self.air.open("127.0.0.1", 0))
        self.button = ButtonRadio(self.air, ADDRESS)
        self._neighbour, self._said = ButtonRadio(self.air, NEIGHBOUR), 0
        self._lively = lively
        if lively:
            self.strap = self.do(self._open_strap())
            self._chatter = asyncio.run_coroutine_threadsafe(self._chat(), self._loop)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def press(self, counter: int) -> None:
        objects = bytes([0x00, counter % 256, 0x3A, 0x01])
        data = b"\xd2\xfc" + bthome_encrypted(objects, counter)
        advert = _FLAGS + bytes([len(data) + 1, 0x16]) + data
        self.do(self.button.send(Burst(data=advert, times=4, gap_ms=20), lambda: None))

    def beat(self) -> None:
        self.do(self.strap.notify_rate(b"\x06\x48"))

    def close(self) -> None:
        if self._lively:
            self._chatter.cancel()
            self.do(self.strap.close())
        self.do(self.air.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _open_strap(self) -> StrapRadio:
        strap = StrapRadio(self.air, STRAP, "strap", lambda: 87)
        await strap.open()
        return strap

    async def say_something(self) -> None:
        """Let the neighbour be heard once."""
        self._said += 1
        data = _FLAGS + b"\x07\xff\xff\xff" + self._said.to_bytes(4, "little")
        await self._neighbour.send(Burst(data=data, times=1, gap_ms=0), lambda: None)

    async def _chat(self) -> None:
        while True:
            await self.say_something()
            await asyncio.sleep(0.1)


class Bus:
    """A `dbus-daemon` of this test's own."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "bus"
        self.address = f"unix:path={self.socket}"
        self._config = folder / "bus.conf"
        self._config.write_text(CONFIG.format(socket=self.socket))
        self.start()

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        command = ["dbus-daemon", f"--config-file={self._config}", "--nofork", "--nopidfile"]
        self.child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until(self.socket.exists)

    def kill(self) -> None:
        self.child.kill()
        self.child.wait(10)

    def call(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> Any:
        """Call a method of the façade."""

        async def go() -> Any:
            bus = await MessageBus(bus_address=self.address).connect()
            try:
                reply = await bus.call(
                    Message("org.bluez", path, interface, member, signature=signature, body=body)
                )
            finally:
                bus.disconnect()
            assert reply.message_type is MessageType.METHOD_RETURN, reply.body
            return reply.body[0] if reply.body else None

        return asyncio.run(go())


class Facade:
    """`zodra-sim bluez`."""

    def __init__(self, bus: Bus, air_port: int) -> None:
        self._bus = bus
        self._log = bus.socket.with_name("facade.log")
        self._command = [sys.executable, "-m", "zodra_sim", "bluez", "--bus", bus.address]
        self._command += ["--air", f"127.0.0.1:{air_port}"]
        for name in ADAPTERS:
            self._command += ["--adapter", name]
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.child = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=log)
        assert self.child.stdout is not None
        assert self.child.stdout.readline().startswith(b"DBUS_SYSTEM_BUS_ADDRESS=")

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.child.send_signal(number)
        self.ended()

    def said(self) -> str:
        """Give the end of its log."""
        return self._log.read_text()[-3_000:]

    def ended(self) -> None:
        self.child.wait(10)
        if self.child.stdout is not None:
            self.child.stdout.close()

    def fault(self, member: str, signature: str = "", *body: Any) -> Any:
        return self._bus.call(
            "/org/zodra/faults", "org.zodra.Faults1", member, signature, list(body)
        )


class Agent:
    """`zodra-edge run`, with no cloud to be heard."""

    def __init__(self, folder: Path, bus: Bus) -> None:
        self.folder = folder
        (folder / "key").write_text(KEY.hex() + "\n")
        adapters = "".join(
            f'[[radio.adapters]]\nname = "{name}"\nscanning_mode = "{mode}"\n'
            for name, mode in zip(ADAPTERS, ("active", "passive"), strict=True)
        )
        (folder / "gateway.toml").write_text(
            'gateway_id = "gw-1"\nhousehold_id = "hh-1"\ndata_dir = "data"\n'
            '[cloud]\nhost = "127.0.0.1"\nport = 1\n'
            "[radio]\nsilence_s_max = 1\nrung_s = 0.6\n" + adapters + "[outbox]\nlinger_s = 0.05\n"
            '[[devices]]\ndevice_id = "btn-kitchen"\nfamily = "button"\nslot_key = "button-1"\n'
            f'address = "{ADDRESS}"\nbind_key_file = "key"\n'
            '[[devices]]\ndevice_id = "strap-chest"\nfamily = "wearable"\nslot_key = "strap"\n'
            f'address = "{STRAP}"\n'
        )
        self._log = (folder / "log").open("ab")
        self.child = subprocess.Popen(
            [sys.executable, "-m", "zodra_edge", "run", "--config", str(folder / "gateway.toml")],
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus.address},
            stderr=self._log,
        )
        self.counter = 1_000

    def status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.folder / "data/status.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def stage(self, adapter: str) -> str:
        each = self.status().get("radio", [])
        return next((str(one["stage"]) for one in each if one["name"] == adapter), "")

    def hears(self) -> bool:
        return all(self.stage(name) == "hearing" for name in ADAPTERS)

    def kept(self) -> int:
        return int(self.status().get("need", {}).get("depth", 0))

    def is_connected(self) -> bool:
        devices = self.status().get("devices", [])
        return any(one["device_id"] == "strap-chest" and one["connected"] for one in devices)

    def stayed_home(self) -> int:
        return int(self.status().get("frames", {}).get("stayed_home", 0))

    def events(self) -> list[dict[str, Any]]:
        lines = (self.folder / "log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def stop(self) -> None:
        self.child.terminate()
        self.child.wait(15)
        self._log.close()


class BluezHome:
    """All of it."""

    def __init__(self, folder: Path) -> None:
        self.near = Neighbourhood()
        self.bus = Bus(folder)
        self.facade = Facade(self.bus, self.near.port)
        self.agent = Agent(folder, self.bus)

    def heals(self) -> None:
        """Wait until both adapters hear, and see a press arrive and be kept, once."""
        until(self.agent.hears)
        before = self.agent.kept()
        self.agent.counter += 1
        self.near.press(self.agent.counter)
        until(lambda: self.agent.kept() > before)
        assert self.agent.kept() == before + 1

    def close(self) -> None:
        self.agent.stop()
        self.facade.stop()
        self.bus.kill()
        self.near.close()


@contextlib.contextmanager
def bluez_home() -> Iterator[BluezHome]:
    """Run everything; the folder's path is short, since a socket's path may be no longer."""
    need_dbus()
    with tempfile.TemporaryDirectory(prefix="zb-") as folder:
        home = BluezHome(Path(folder))
        try:
            yield home
        finally:
            home.close()
