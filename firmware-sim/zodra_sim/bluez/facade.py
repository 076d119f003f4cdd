"""`org.bluez` on the bus: calls come in here, and are handed to adapters, devices and faults."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from dbus_fast import AuthError, DBusError, Message, MessageType, RequestNameReply
from dbus_fast.aio import MessageBus

from zodra_sim.bluez.adapter import ADAPTER, DEVICE, MONITORS, Adapter
from zodra_sim.bluez.device import CHARACTERISTIC, Link
from zodra_sim.bluez.faults import INTERFACE, PATH, Faults
from zodra_sim.bluez.tree import (
    OBJECT_MANAGER,
    PROPERTIES,
    Refusal,
    Tree,
    bluez_error,
    unknown_object,
)
from zodra_sim.errors import SimError
from zodra_sim.logs import logger
from zodra_sim.radio.attachment import Radio

NAME: Final = "org.bluez"
MONITOR: Final = "org.bluez.AdvertisementMonitor1"
MONITOR_ASKS_MAX: Final = 50
MONITOR_ASK_S: Final = 0.02
"""A program offers its monitor just after it has registered it."""
PATTERNS_MAX: Final = 7
"""Of one monitor. A real `bluetoothd` before 2026-08 dies of more (bluez/bluez#2398)."""
ADAPTERS_MAX: Final = 4
HELD_S: Final = 0.02

Answer = tuple[str, list[Any]]


class Facade:
    """Stands in for `bluetoothd`."""

    def __init__(self, address: str, air: str, names: Sequence[str]) -> None:
        """Take the bus's address, the air's `host:port`, and the adapters to offer."""
        self.faults = Faults()
        self._bus = MessageBus(bus_address=address)
        self._tree = Tree(self._send)
        self._adapters = {
            f"/org/bluez/{name}": Adapter(
                name, Radio(air, f"F1:2E:00:00:00:{number:02X}"), self._tree, self.faults
            )
            for number, name in enumerate(names[:ADAPTERS_MAX], 1)
        }
        self._links: dict[str, Link] = {}
        self._working: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Answer until the bus goes away.

        Raises:
            SimError: the bus cannot be used, or somebody else is `org.bluez` there.
        """
        try:
            await self._bus.connect()
            self._bus.add_message_handler(self._on_message)
            match = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''"
            await self._bus.call(
                Message(
                    destination="org.freedesktop.DBus",
                    path="/org/freedesktop/DBus",
                    interface="org.freedesktop.DBus",
                    member="AddMatch",
                    signature="s",
                    body=[match],
                )
            )
            for adapter in self._adapters.values():
                adapter.show()
            if await self._bus.request_name(NAME) is not RequestNameReply.PRIMARY_OWNER:
                raise SimError(f"another program is {NAME} on this bus")
        except (OSError, EOFError, AuthError, DBusError) as fault:
            raise SimError(f"this bus cannot be used: {fault}") from fault
        logger().info("bluez_ready", adapters=[one.name for one in self._adapters.values()])
        try:
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast
        except (OSError, EOFError):
            logger().warning("bus_gone")

    async def close(self) -> None:
        """Leave the bus and the air."""
        for task in tuple(self._working):
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        for link in tuple(self._links.values()):
            await link.end()
        self._bus.disconnect()
        for adapter in self._adapters.values():
            await adapter.radio.close()

    def _send(self, message: Message) -> None:
        if self._bus.connected:
            self._bus.send(message)

    def _on_message(self, message: Message) -> bool | None:
        if message.message_type is MessageType.SIGNAL:
            if message.member == "NameOwnerChanged":
                self._work(self._left(str(message.body[0])))
            return None
        mine = message.path in ("/", PATH) or (message.path or "").startswith("/org/bluez")
        if message.message_type is not MessageType.METHOD_CALL or not mine:
            return None
        self._work(self._answer(message))
        return True

    def _work(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _left(self, sender: str) -> None:
        for adapter in self._adapters.values():
            if sender in adapter.sessions or any(key[0] == sender for key in adapter.monitors):
                await adapter.leave(sender)

    async def _answer(self, message: Message) -> None:
        try:
            signature, body = await self._call(message)
            self._send(Message.new_method_return(message, signature, body))
        except Refusal as refusal:
            self._send(Message.new_error(message, refusal.name, str(refusal)))

    async def _call(self, message: Message) -> Answer:
        path, member = message.path or "", message.member or ""
        match message.interface:
            case "org.zodra.Faults1":
                return await self._fault(member, message.body)
            case "org.freedesktop.DBus.ObjectManager":
                return "a{oa{sa{sv}}}", [self._tree.managed()]
            case "org.freedesktop.DBus.Properties":
                return await self._property(path, member, message.body)
            case "org.bluez.Adapter1":
                await self.faults.before(member)
                await self._adapter(path).call(message.sender or "", member, message.body)
            case "org.bluez.AdvertisementMonitorManager1":
                await self.faults.before(member)
                await self._monitor(self._adapter(path), message)
            case "org.bluez.Device1":
                await self.faults.before(member)
                await self._link(path).call(member)
            case "org.bluez.GattCharacteristic1":
                await self.faults.before(member)
                return await self._link(path.rsplit("/", 2)[0]).gatt(path, member, message.body)
            case _:
                raise Refusal("org.freedesktop.DBus.Error.UnknownInterface", f"no {member} here")
        return "", []

    async def _fault(self, member: str, body: list[Any]) -> Answer:
        if member in ("Plug", "Unplug"):
            adapter = self._adapters.get(f"/org/bluez/{body[0]}")
            if adapter is None:
                raise unknown_object(str(body[0]))
            if member == "Unplug":
                await adapter.unplug()
            else:
                adapter.show()
            return "", []
        if member == "Settle":
            return "u", [await self._settle()]
        return self.faults.call(member, body)

    async def _settle(self) -> int:
        """Wait until all that was heard and asked before is told; count what never will be."""
        for adapter in self._adapters.values():
            await adapter.radio.settle()
        mine = asyncio.current_task()
        while left := self._working - self.faults.held - {mine}:
            # One that has only just come in may turn out to be never answered.
            await asyncio.wait(left, timeout=HELD_S, return_when=asyncio.FIRST_COMPLETED)
        return len(self.faults.held)

    async def _property(self, path: str, member: str, body: list[Any]) -> Answer:
        interface = str(body[0])
        if member == "GetAll":
            return "a{sv}", [self._tree.properties(path, interface)]
        if member == "Get":
            return "v", [self._tree.properties(path, interface)[str(body[1])]]
        if (interface, body[1]) == (ADAPTER, "Powered"):
            await self.faults.before("Powered")
            await self._adapter(path).power(on=bool(body[2].value))
        elif interface == DEVICE:
            self._tree.change(path, interface, {str(body[1]): body[2]})
        else:
            raise Refusal("org.freedesktop.DBus.Error.PropertyReadOnly", f"{body[1]} cannot be set")
        return "", []

    def _adapter(self, path: str) -> Adapter:
        adapter = self._adapters.get(path)
        if adapter is None or not adapter.plugged:
            raise unknown_object(path)
        return adapter

    def _link(self, path: str) -> Link:
        if not self._tree.has(path):
            raise unknown_object(path)
        adapter = self._adapter(path.rpartition("/")[0])
        return self._links.setdefault(path, Link(adapter, path))

    async def _monitor(self, adapter: Adapter, message: Message) -> None:
        sender, path = message.sender or "", str(message.body[0])
        if message.member == "UnregisterMonitor":
            if adapter.monitors.pop((sender, path), None) is None:
                raise bluez_error("DoesNotExist")
            await adapter.listen()
            return
        if message.member != "RegisterMonitor":
            raise bluez_error("NotSupported", f"no {message.member} here")
        self._work(self._activate(adapter, sender, path))

    async def _activate(self, adapter: Adapter, sender: str, path: str) -> None:
        for _ in range(MONITOR_ASKS_MAX):
            await asyncio.sleep(MONITOR_ASK_S)
            reply = await self._bus.call(
                Message(
                    destination=sender,
                    path=path,
                    interface=PROPERTIES,
                    member="GetAll",
                    signature="s",
                    body=[MONITOR],
                )
            )
            if reply is not None and reply.message_type is MessageType.METHOD_RETURN:
                patterns = reply.body[0]["Patterns"].value
                if len(patterns) > PATTERNS_MAX:
                    logger().warning("monitor_refused", patterns=len(patterns))
                    return
                adapter.monitors[sender, path] = tuple(
                    (int(start), int(kind), bytes(value)) for start, kind, value in patterns
                )
                await adapter.listen()
                return


__all__ = ["CHARACTERISTIC", "INTERFACE", "MONITORS", "OBJECT_MANAGER", "Facade"]
