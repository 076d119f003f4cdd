"""`org.bluez.Adapter1` and its monitors: discovery, and the devices that are heard."""

from dataclasses import dataclass, field
from typing import Any, Final

from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from bumble.device import Advertisement
from dbus_fast import Variant

from zodra_sim.bluez.faults import Faults
from zodra_sim.bluez.tree import Properties, Tree, bluez_error
from zodra_sim.radio.attachment import Radio
from zodra_sim.radio.heard import advertisement_data

ADAPTER: Final = "org.bluez.Adapter1"
DEVICE: Final = "org.bluez.Device1"
MONITORS: Final = "org.bluez.AdvertisementMonitorManager1"
DEVICES_MAX: Final = 256
"""Beyond it, the one that was first heard is forgotten, unless it is connected."""

Pattern = tuple[int, int, bytes]
"""Where in which structure of an advertisement which bytes are."""


@dataclass(slots=True)
class Adapter:
    """One adapter: who scans with it, and what it heard."""

    name: str
    radio: Radio
    tree: Tree
    faults: Faults
    sessions: set[str] = field(default_factory=set)
    """Bus names of those who discover."""
    monitors: dict[tuple[str, str], tuple[Pattern, ...]] = field(default_factory=dict)
    """By bus name and path."""
    plugged: bool = True
    _last: dict[str, bytes] = field(default_factory=dict)
    _mode: str = ""

    @property
    def path(self) -> str:
        """Where it is in the tree."""
        return f"/org/bluez/{self.name}"

    def show(self) -> None:
        """Offer it."""
        self.plugged = True
        self.tree.add(
            self.path,
            {
                ADAPTER: {
                    "Address": Variant("s", self.radio.address),
                    "AddressType": Variant("s", "random"),
                    "Name": Variant("s", "zodra-sim"),
                    "Alias": Variant("s", "zodra-sim"),
                    "Powered": Variant("b", True),
                    "Discovering": Variant("b", False),
                    "Roles": Variant("as", ["central"]),
                    "UUIDs": Variant("as", []),
                },
                MONITORS: {
                    "SupportedMonitorTypes": Variant("as", ["or_patterns"]),
                    "SupportedFeatures": Variant("as", []),
                },
            },
        )

    async def unplug(self) -> None:
        """Take it away, as a dongle is pulled."""
        self.plugged = False
        await self._end_all()
        self.tree.remove(self.path)

    async def call(self, sender: str, member: str, body: list[Any]) -> None:
        """Do what one call asks for.

        Raises:
            Refusal: it cannot be done.
        """
        if not self.tree.value(self.path, ADAPTER, "Powered"):
            raise bluez_error("NotReady", "Resource Not Ready")
        match member:
            case "SetDiscoveryFilter":
                return
            case "StartDiscovery":
                if sender in self.sessions:
                    raise bluez_error("InProgress", "Operation already in progress")
                self.sessions.add(sender)
            case "StopDiscovery":
                if sender not in self.sessions:
                    raise bluez_error("Failed", "No discovery started")
                self.sessions.discard(sender)
            case "RemoveDevice":
                self.tree.remove(str(body[0]))
                return
            case _:
                raise bluez_error("NotSupported", f"no {member} here")
        await self.listen()

    async def power(self, *, on: bool) -> None:
        """Switch it on or off; off ends all discovery."""
        if not on:
            await self._end_all()
            for path in self.tree.below(self.path):
                self.tree.remove(path)
        self.tree.change(self.path, ADAPTER, {"Powered": Variant("b", on)})
        await self.listen()

    async def leave(self, sender: str) -> None:
        """Forget whoever left the bus."""
        self.sessions.discard(sender)
        for key in [key for key in self.monitors if key[0] == sender]:
            del self.monitors[key]
        await self.listen()

    async def listen(self) -> None:
        """Scan as its users ask for now.

        Raises:
            Refusal: the air is not there.
        """
        mode = "active" if self.sessions else "passive" if self.monitors else ""
        if not self.tree.has(self.path) or not self.tree.value(self.path, ADAPTER, "Powered"):
            # BlueZ takes a monitor for an adapter that is switched off, and hears nothing for it.
            mode = ""
        if mode == self._mode:
            return
        self._mode = mode
        self._last.clear()
        if self.tree.has(self.path):
            found = {"Discovering": Variant("b", bool(self.sessions))}
            self.tree.change(self.path, ADAPTER, found)
        try:
            if mode:
                await self.radio.listen(self._heard, active=mode == "active")
            else:
                await self.radio.forget(self._heard)
        except BleakError as fault:
            self._mode = ""
            raise bluez_error("NotReady", str(fault)) from fault

    async def _end_all(self) -> None:
        self.sessions.clear()
        self.monitors.clear()
        await self.listen()

    def _heard(self, advert: Advertisement) -> None:
        if self.faults.silent_until or not self.plugged:
            return
        said = advertisement_data(advert)
        address = advert.address.to_string(False).upper()
        structures = [(int(kind), bytes(value)) for kind, value in advert.data.ad_structures]
        if not self.sessions and not self._lets_through(address, structures):
            return
        path = f"{self.path}/dev_{address.replace(':', '_')}"
        found = _advertised(said)
        if self.tree.has(path):
            self.tree.change(path, DEVICE, found)
            return
        self._make_room()
        kind = "public" if advert.address.is_public else "random"
        self.tree.add(path, {DEVICE: {**_unconnected(self.path, address, kind), **found}})

    def _lets_through(self, address: str, structures: list[tuple[int, bytes]]) -> bool:
        # As kernel 6.1 does: passively, an identical advertisement is delivered once.
        data = b"".join(bytes([kind]) + value for kind, value in structures)
        if self._last.get(address) == data:
            return False
        self._last[address] = data
        return any(
            kind == wanted and value[start : start + len(part)] == part
            for patterns in self.monitors.values()
            for start, wanted, part in patterns
            for kind, value in structures
        )

    def _make_room(self) -> None:
        devices = [
            path
            for path, interfaces in self.tree.managed().items()
            if DEVICE in interfaces and path.startswith(f"{self.path}/")
        ]
        free = [path for path in devices if not self.tree.value(path, DEVICE, "Connected")]
        if len(devices) >= DEVICES_MAX and free:
            self.tree.remove(free[0])


def _unconnected(adapter: str, address: str, kind: str) -> Properties:
    alias = address.replace(":", "-")
    flags = ("Paired", "Bonded", "Trusted", "Blocked", "LegacyPairing")
    return {
        "Address": Variant("s", address),
        "AddressType": Variant("s", kind),
        "Alias": Variant("s", alias),
        "Adapter": Variant("o", adapter),
        "Connected": Variant("b", False),
        "ServicesResolved": Variant("b", False),
        "UUIDs": Variant("as", []),
        **{flag: Variant("b", False) for flag in flags},
    }


def _advertised(said: AdvertisementData) -> Properties:
    found: Properties = {"RSSI": Variant("n", said.rssi)}
    if said.local_name:
        found["Name"] = found["Alias"] = Variant("s", said.local_name)
    if said.tx_power is not None:
        found["TxPower"] = Variant("n", said.tx_power)
    if said.service_uuids:
        found["UUIDs"] = Variant("as", said.service_uuids)
    if said.manufacturer_data:
        makers = {one: Variant("ay", data) for one, data in said.manufacturer_data.items()}
        found["ManufacturerData"] = Variant("a{qv}", makers)
    if said.service_data:
        services = {one: Variant("ay", data) for one, data in said.service_data.items()}
        found["ServiceData"] = Variant("a{sv}", services)
    return found
