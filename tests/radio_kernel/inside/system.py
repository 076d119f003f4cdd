"""The guest's own services, as they run on a Pi: the system's D-Bus, and `bluetoothd`."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, Final

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from radio_kernel.inside.waiting import until

SOCKET: Final = Path("/run/dbus/system_bus_socket")
BLUETOOTHD: Final = "/usr/libexec/bluetooth/bluetoothd"
BLUETOOTH: Final = Path("/sys/class/bluetooth")


class System:
    """Starts and kills them."""

    def __init__(self) -> None:
        self._bus: subprocess.Popen[bytes] | None = None
        self._bluez: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.start_bus()
        self.start_bluez()

    def start_bus(self) -> None:
        SOCKET.unlink(missing_ok=True)
        self._bus = subprocess.Popen(["dbus-daemon", "--system", "--nofork", "--nopidfile"])
        until(SOCKET.exists)

    def start_bluez(self, *options: str) -> None:
        self._bluez = subprocess.Popen([BLUETOOTHD, "-n", *(options or ("--experimental",))])
        until(lambda: not self.bluez_lives() or "org.bluez" in names())
        assert self.bluez_lives(), "bluetoothd ended at once"

    def kill_bus(self) -> None:
        _end(self._bus, signal.SIGKILL)
        # Without its bus `bluetoothd` ends by itself.
        _end(self._bluez, None)

    def stop_bluez(self, number: int = signal.SIGTERM) -> None:
        _end(self._bluez, number)

    def bluez_lives(self) -> bool:
        return self._bluez is not None and self._bluez.poll() is None

    def stop(self) -> None:
        _end(self._bluez, signal.SIGTERM)
        _end(self._bus, signal.SIGTERM)


def _end(child: subprocess.Popen[bytes] | None, number: int | None) -> None:
    if child is None:
        return
    if number is not None:
        child.send_signal(number)
    child.wait(60)


def call(
    destination: str, path: str, interface: str, member: str, signature: str = "", *body: Any
) -> list[Any]:
    """Call a method, on a connection of its own."""

    async def go() -> list[Any]:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        try:
            reply = await bus.call(
                Message(destination, path, interface, member, signature=signature, body=list(body))
            )
        finally:
            bus.disconnect()
        assert reply.message_type is MessageType.METHOD_RETURN, (reply.error_name, reply.body)
        return list(reply.body)

    return asyncio.run(go())


def names() -> list[str]:
    """Say who is on the bus."""
    bus = "org.freedesktop.DBus"
    found: list[str] = call(bus, "/org/freedesktop/DBus", bus, "ListNames")[0]
    return found


def adapters() -> dict[str, dict[str, Any]]:
    """Say which adapters BlueZ has, and how they are."""
    (objects,) = call("org.bluez", "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    return {
        path.rpartition("/")[2]: {
            name: value.value for name, value in held["org.bluez.Adapter1"].items()
        }
        for path, held in objects.items()
        if "org.bluez.Adapter1" in held
    }


def is_on(name: str) -> bool:
    """Say whether BlueZ has an adapter and it is switched on."""
    return bool(adapters().get(name, {}).get("Powered"))


def switch(name: str, *, on: bool) -> None:
    """Switch an adapter on or off, as another program does."""
    call(
        "org.bluez",
        f"/org/bluez/{name}",
        "org.freedesktop.DBus.Properties",
        "Set",
        "ssv",
        "org.bluez.Adapter1",
        "Powered",
        Variant("b", on),
    )


def kernel() -> str:
    """Name the kernel."""
    return os.uname().release
