"""The objects that are offered, with the standard interfaces of D-Bus."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from dbus_fast import Message, Variant

PROPERTIES: Final = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER: Final = "org.freedesktop.DBus.ObjectManager"

Properties = dict[str, Variant]
Interfaces = dict[str, Properties]


class Refusal(Exception):
    """A call is answered with an error of D-Bus; `name` is the error's."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        super().__init__(text)


def bluez_error(kind: str, text: str = "") -> Refusal:
    """Make one of BlueZ's own errors, such as `NotReady`."""
    return Refusal(f"org.bluez.Error.{kind}", text or kind)


def unknown_object(path: str) -> Refusal:
    """Say that there is no such object."""
    return Refusal("org.freedesktop.DBus.Error.UnknownObject", f"no object {path}")


class Tree:
    """Objects by path; every change is told to whoever listens."""

    def __init__(self, send: Callable[[Message], None]) -> None:
        """Take who sends signals."""
        self._send = send
        self._objects: dict[str, Interfaces] = {}

    def managed(self) -> dict[str, Interfaces]:
        """Give everything, as `GetManagedObjects` does."""
        return self._objects

    def has(self, path: str) -> bool:
        """Whether there is such an object."""
        return path in self._objects

    def below(self, path: str) -> list[str]:
        """Name the objects under a path, the deepest first."""
        return sorted((one for one in self._objects if one.startswith(f"{path}/")), reverse=True)

    def properties(self, path: str, interface: str) -> Properties:
        """Give what an object says of itself.

        Raises:
            Refusal: there is no such object, or it has no such interface.
        """
        if path not in self._objects:
            raise unknown_object(path)
        if interface not in self._objects[path]:
            raise Refusal(
                "org.freedesktop.DBus.Error.UnknownInterface", f"{path} has no {interface}"
            )
        return self._objects[path][interface]

    def value(self, path: str, interface: str, name: str) -> Any:
        """Give one property, unpacked."""
        return self.properties(path, interface)[name].value

    def add(self, path: str, interfaces: Interfaces) -> None:
        """Offer an object."""
        self._objects[path] = interfaces
        self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def remove(self, path: str) -> None:
        """Take an object away, and all below it."""
        for one in [*self.below(path), path]:
            if (interfaces := self._objects.pop(one, None)) is not None:
                self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [one, [*interfaces]])

    def change(self, path: str, interface: str, changed: Mapping[str, Variant]) -> None:
        """Set properties, and say so; no matter for an object that is gone."""
        if path not in self._objects:
            return
        self._objects[path][interface].update(changed)
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, changed, []])

    def _signal(
        self, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> None:
        self._send(Message.new_signal(path, interface, member, signature, body))
