"""Which implementation of bleak to use: BlueZ, or whatever a setting names."""

import importlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import BaseBleakScanner

from zodra_edge.errors import RadioFault
from zodra_edge.settings import Radio


class Backends(Protocol):
    """What a factory `async def create(options)` must return; told by its shape, not its type."""

    @property
    def scanner(self) -> type[BaseBleakScanner] | None:
        """For `BleakScanner(backend=...)`; None for bleak's own choice."""

    @property
    def client(self) -> type[BaseBleakClient] | None:
        """For `BleakClient(backend=...)`; None for bleak's own choice."""

    @property
    def close(self) -> Callable[[], Awaitable[None]]:
        """Give the adapter back."""


class BlueZ:
    """bleak's own choice of backend, which on a Pi is BlueZ."""

    scanner: type[BaseBleakScanner] | None = None
    client: type[BaseBleakClient] | None = None

    @staticmethod
    async def close() -> None:
        """Nothing was opened."""


def power_cycle_of(backends: Backends) -> Callable[[], Awaitable[None]]:
    """Give how a backend switches its adapter off and on; it need not be able to.

    Raises:
        RadioFault: it is not.
    """
    found: Callable[[], Awaitable[None]] | None = getattr(backends, "power_cycle", None)
    if found is None:
        raise RadioFault("this backend cannot switch its adapter off and on")
    return found


async def load(settings: Radio, more: Mapping[str, str] | None = None) -> Backends:
    """Make the backend that the settings name; `more` are options beside theirs.

    Raises:
        RadioFault: there is no such factory, or it could not reach its adapter.
    """
    if settings.backend is None:
        return BlueZ()
    module, _, name = settings.backend.partition(":")
    try:
        factory: Callable[[Mapping[str, str]], Awaitable[Any]] = getattr(
            importlib.import_module(module), name
        )
    except (ImportError, AttributeError) as fault:
        raise RadioFault(f"radio.backend {settings.backend} cannot be loaded: {fault}") from fault
    try:
        backends: Backends = await factory({**settings.options, **(more or {})})
    except OSError as fault:
        raise RadioFault(f"radio.backend {settings.backend}: {fault}") from fault
    return backends
