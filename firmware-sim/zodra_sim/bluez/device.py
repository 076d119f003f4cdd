"""`org.bluez.Device1` and the GATT objects under it: one connection."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from dbus_fast import Variant

from zodra_sim.bluez.adapter import DEVICE, Adapter
from zodra_sim.bluez.tree import Refusal, Tree, bluez_error, unknown_object
from zodra_sim.radio.backend import BumbleClient

SERVICE: Final = "org.bluez.GattService1"
CHARACTERISTIC: Final = "org.bluez.GattCharacteristic1"
DESCRIPTOR: Final = "org.bluez.GattDescriptor1"
CONNECT_S_MAX: Final = 20.0


@dataclass(slots=True)
class Link:
    """A connection to one device, and what it offers."""

    adapter: Adapter
    path: str
    client: BumbleClient | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    characteristics: dict[str, BleakGATTCharacteristic] = field(default_factory=dict)

    @property
    def tree(self) -> Tree:
        """Where it is shown."""
        return self.adapter.tree

    async def call(self, member: str) -> None:
        """Do what one call to the device asks for.

        Raises:
            Refusal: it cannot be done.
        """
        match member:
            case "Connect":
                await self._connect()
            case "Disconnect":
                await self.end()
            case "Pair":
                await self._pair()
            case _:
                raise bluez_error("NotSupported", f"no {member} here")

    async def end(self) -> None:
        """Hang up."""
        if self.client is not None:
            await self.client.disconnect()

    async def gatt(self, path: str, member: str, body: list[Any]) -> tuple[str, list[Any]]:
        """Answer a call to a characteristic.

        Raises:
            Refusal: it cannot be done.
        """
        held = self.characteristics.get(path)
        if held is None or self.client is None:
            raise unknown_object(path)
        try:
            match member:
                case "ReadValue":
                    return "ay", [bytes(await self.client.read_gatt_char(held))]
                case "WriteValue":
                    value, options = body
                    kind = options.get("type", Variant("s", "request")).value
                    await self.client.write_gatt_char(held, value, kind == "request")
                case "StartNotify":
                    await self.client.start_notify(held, lambda value: self._notified(path, value))
                case "StopNotify":
                    await self.client.stop_notify(held)
                case _:
                    raise bluez_error("NotSupported", f"no {member} here")
        except BleakGATTProtocolError as fault:
            raise bluez_error(
                "Failed", f"Operation failed with ATT error: 0x{int(fault.code):02x}"
            ) from fault
        except BleakError as fault:
            raise bluez_error("Failed", str(fault)) from fault
        return "", []

    async def _connect(self) -> None:
        async with self.lock:
            if self.client is not None:
                return
            address = str(self.tree.value(self.path, DEVICE, "Address"))
            made = type("FacadeClient", (BumbleClient,), {"radio": self.adapter.radio})
            client: BumbleClient = made(
                address, timeout=CONNECT_S_MAX, disconnected_callback=self._ended
            )
            try:
                await client.connect(pair=False)
            except BleakDeviceNotFoundError as fault:
                raise bluez_error("Failed", "le-connection-abort-by-local") from fault
            except BleakError as fault:
                raise bluez_error("Failed", str(fault)) from fault
            self.client = client
            self.tree.change(self.path, DEVICE, {"Connected": Variant("b", True)})
            self._show(client)
            self.tree.change(self.path, DEVICE, {"ServicesResolved": Variant("b", True)})

    async def _pair(self) -> None:
        await self._connect()
        if self.client is None:
            raise bluez_error("ConnectionAttemptFailed")
        try:
            await self.client.pair()
        except BleakError as fault:
            raise bluez_error("AuthenticationFailed", str(fault)) from fault
        paired = {"Paired": Variant("b", True), "Bonded": Variant("b", True)}
        self.tree.change(self.path, DEVICE, paired)

    def _show(self, client: BumbleClient) -> None:
        if client.services is None:
            return
        for service in client.services:
            home = f"{self.path}/service{service.handle:04x}"
            found = {
                "UUID": Variant("s", service.uuid),
                "Primary": Variant("b", True),
                "Device": Variant("o", self.path),
                "Includes": Variant("ao", []),
            }
            self.tree.add(home, {SERVICE: found})
            for one in service.characteristics:
                path = f"{home}/char{one.handle:04x}"
                self.characteristics[path] = one
                found = {
                    "UUID": Variant("s", one.uuid),
                    "Service": Variant("o", home),
                    "Value": Variant("ay", b""),
                    "Notifying": Variant("b", False),
                    "Flags": Variant("as", list(one.properties)),
                    "MTU": Variant("q", client.mtu_size),
                }
                self.tree.add(path, {CHARACTERISTIC: found})
                for descriptor in one.descriptors:
                    found = {
                        "UUID": Variant("s", descriptor.uuid),
                        "Characteristic": Variant("o", path),
                        "Value": Variant("ay", b""),
                        "Flags": Variant("as", []),
                    }
                    self.tree.add(f"{path}/desc{descriptor.handle:04x}", {DESCRIPTOR: found})

    def _notified(self, path: str, value: bytearray) -> None:
        self.tree.change(path, CHARACTERISTIC, {"Value": Variant("ay", bytes(value))})

    def _ended(self) -> None:
        self.client = None
        self.characteristics.clear()
        ended = {"Connected": Variant("b", False), "ServicesResolved": Variant("b", False)}
        self.tree.change(self.path, DEVICE, ended)
        for path in self.tree.below(self.path):
            self.tree.remove(path)


__all__ = ["CHARACTERISTIC", "DESCRIPTOR", "SERVICE", "Link", "Refusal"]
