"""What bleak does not tell: that BlueZ, its adapters or the bus came and went; and their switch.

bleak 3.1 keeps what a killed `bluetoothd` once said, connections included, and a scan that was
running then hears nothing more without a word (SignalK/signalk-server#3057 measured 20 adverts a
second to none).
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

from bleak.backends.bluezdbus.manager import get_global_bluez_manager
from dbus_fast import AuthError, BusType, DBusError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from zodra_edge.errors import RadioFault, RadioGone
from zodra_edge.radio.dbus import refuse_what_is_over

BLUEZ: Final = "org.bluez"
ADAPTER: Final = "org.bluez.Adapter1"
OFF_S: Final = 1.0
"""Between off and on. A USB dongle drops what it holds well within this."""
LET_GO_S_MAX: Final = 3.0
_DBUS: Final = "org.freedesktop.DBus"
_OBJECTS: Final = "org.freedesktop.DBus.ObjectManager"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_MATCHES: Final = (
    f"type='signal',sender='{_DBUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
    f"type='signal',sender='{BLUEZ}',interface='{_OBJECTS}',arg0path='/org/bluez/'",
    f"type='signal',sender='{BLUEZ}',interface='{_PROPERTIES}',arg0='{ADAPTER}'",
)


class BlueZ:
    """Watches the adapters that BlueZ has. `run` lasts as long as the bus does."""

    def __init__(self) -> None:
        """Begin knowing nothing."""
        refuse_what_is_over()
        self.adapters: tuple[str, ...] | None = None
        """Their names in order; None until BlueZ was asked, or when it cannot be."""
        self.changed: list[Callable[[], None]] = []
        """Called when an adapter came or went."""
        self.switched_off: list[Callable[[str], None]] = []
        """Called with the name of an adapter that was switched off."""
        self._bus: MessageBus | None = None
        self._asking: asyncio.Task[None] | None = None
        self._cycling: set[str] = set()
        self._off: set[str] = set()

    async def run(self) -> None:
        """Watch.

        Raises:
            RadioFault: the bus cannot be used, or went away.
        """
        try:
            bus = MessageBus(bus_type=BusType.SYSTEM)
            try:
                await bus.connect()
                bus.add_message_handler(self._on_message)
                for rule in _MATCHES:
                    await _call(bus, _DBUS, "/org/freedesktop/DBus", _DBUS, "AddMatch", "s", [rule])
                self._bus = bus
                await self._ask()
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast
            finally:
                bus.disconnect()
        except (OSError, EOFError, AuthError, DBusError) as fault:
            raise RadioFault(f"the system's D-Bus: {fault or type(fault).__name__}") from fault
        finally:
            self._bus = None
            if self._asking is not None:
                self._asking.cancel()
            self._know(())
        raise RadioFault("the system's D-Bus went away")

    def is_off(self, name: str) -> bool:
        """Say whether an adapter is known to be switched off."""
        return name in self._off

    async def power_cycle(self, name: str) -> None:
        """Switch an adapter off, and on again.

        Raises:
            RadioFault: it could not be switched.
        """
        self._cycling.add(name)
        try:
            await self._switch(name, on=False)
            await asyncio.sleep(OFF_S)
            await self._switch(name, on=True)
            # BlueZ tells it as well, now or in a moment.
            self._off.discard(name)
        finally:
            self._cycling.discard(name)

    async def let_go(self, name: str) -> None:
        """End a discovery that bleak began and lost hold of; harmless if there is none.

        Where BlueZ did not answer that a discovery ended, or refused to end it, bleak forgets it
        and BlueZ does not: it then answers each new start with InProgress, to the same connection
        of D-Bus. Nobody else can end it, and bleak offers no other way to that connection.
        """
        manager = await get_global_bluez_manager()
        bus: MessageBus | None = getattr(manager, "_bus", None)
        if bus is None or not bus.connected:
            return
        with contextlib.suppress(DBusError, OSError, EOFError, TimeoutError):
            async with asyncio.timeout(LET_GO_S_MAX):
                await _call(bus, BLUEZ, f"/org/bluez/{name}", ADAPTER, "StopDiscovery", "", [])

    async def _switch(self, name: str, *, on: bool) -> None:
        if self._bus is None:
            raise RadioGone("there is no D-Bus to switch an adapter by")
        body = [ADAPTER, "Powered", Variant("b", on)]
        try:
            await _call(self._bus, BLUEZ, f"/org/bluez/{name}", _PROPERTIES, "Set", "ssv", body)
        except (DBusError, OSError, EOFError) as fault:
            word = "on" if on else "off"
            raise RadioFault(f"{name} cannot be switched {word}: {fault}") from fault

    def _on_message(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        match message.member:
            case "NameOwnerChanged":
                # Also when one bluetoothd follows the other at once, nothing of the first is left.
                self._know(())
                if message.body[2]:
                    self._ask_soon()
            case "InterfacesAdded" | "InterfacesRemoved":
                if ADAPTER in message.body[1]:
                    self._ask_soon()
            case "PropertiesChanged":
                self._changed(message)

    def _changed(self, message: Message) -> None:
        powered = message.body[1].get("Powered")
        name = (message.path or "").rpartition("/")[2]
        if powered is None:
            return
        if powered.value:
            self._off.discard(name)
            return
        self._off.add(name)
        if name not in self._cycling:
            for tell in self.switched_off:
                tell(name)

    def _ask_soon(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        self._asking = asyncio.get_running_loop().create_task(self._ask())

    async def _ask(self) -> None:
        if self._bus is None:
            return
        try:
            (objects,) = await _call(self._bus, BLUEZ, "/", _OBJECTS, "GetManagedObjects", "", [])
        except DBusError:
            # Nobody is org.bluez now; that somebody is will be told.
            self._know(())
            return
        held = {
            path.rpartition("/")[2]: each[ADAPTER]
            for path, each in objects.items()
            if ADAPTER in each
        }
        self._off = {name for name, each in held.items() if not each["Powered"].value}
        self._know(tuple(sorted(held)))

    def _know(self, adapters: tuple[str, ...]) -> None:
        if adapters != self.adapters:
            self.adapters = adapters
            for tell in self.changed:
                tell()


async def _call(
    bus: MessageBus,
    destination: str,
    path: str,
    interface: str,
    member: str,
    signature: str,
    body: list[Any],
) -> list[Any]:
    reply = await bus.call(
        Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body,
        )
    )
    if reply.message_type is MessageType.ERROR:
        text = str(reply.body[0]) if reply.body else ""
        raise DBusError(reply.error_name or "org.freedesktop.DBus.Error.Failed", text)
    return list(reply.body)
