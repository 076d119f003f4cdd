"""The air of one home: radios attach to it by HCI over TCP and hear each other.

One TCP connection is one virtual controller (H4 framing), as Zephyr's `native_sim`, Renode and
bumble itself speak it.
"""

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import Final, TypeVar

from bumble import hci
from bumble.link import LocalLink
from bumble.transport.common import StreamPacketSource

from zodra_sim.errors import AddressInUse
from zodra_sim.logs import logger
from zodra_sim.radio.controller import ADVERT_BYTES_MAX, Advert, SimController

RADIOS_MAX: Final = 16
"""Attached over TCP at one time; one more is hung up on. A home has a few gateways."""
UNREAD_BYTES_MAX: Final = 1 << 20
"""A host that leaves this much unread is taken for dead and hung up on."""
RSSI_DBM_DEFAULT: Final = -60
RSSI_JITTER_DB: Final = 3
_READ_BYTES: Final = 4096

Controlling = TypeVar("Controlling", bound=SimController)
Strength = Callable[[hci.Address], int]
"""With how many dBm an advertiser is heard."""


class _HostSink:
    """Where a controller's events go: the TCP connection of its host."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._transport = writer.transport

    def on_packet(self, packet: bytes) -> None:
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > UNREAD_BYTES_MAX:
            self._transport.abort()
            return
        self._transport.write(packet)


class Air:
    """What radios share."""

    def __init__(self, random: Random, rssi_dbm: Mapping[str, int] | None = None) -> None:
        """Make an air with nobody on it.

        Args:
            random: for the small changes of signal strength.
            rssi_dbm: by address in capitals; what every radio hears that advertiser with.
        """
        self._random = random
        self._rssi_dbm = dict(rssi_dbm or {})
        self._link = LocalLink()  # type: ignore[no-untyped-call]  # bumble leaves it untyped
        self._server: asyncio.Server | None = None
        self._hosts: set[asyncio.Task[None]] = set()
        self._own: list[SimController] = []

    @property
    def radios(self) -> int:
        """How many are attached over TCP."""
        return len(self._hosts)

    async def open(self, host: str, port: int) -> int:
        """Let radios attach.

        Returns:
            The port, which the system chose if 0 was asked for.

        Raises:
            AddressInUse: another process listens there.
        """
        try:
            self._server = await asyncio.start_server(self._attach, host, port)
        except OSError as fault:
            raise AddressInUse(f"air.port = {port} on {host} cannot be opened: {fault}") from fault
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Hang up on every radio and take every device off the air."""
        if self._server is not None:
            self._server.close()
        for host in tuple(self._hosts):
            host.cancel()
        await asyncio.gather(*self._hosts, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
        for controller in self._own:
            controller.vanish()

    def controller(self, name: str) -> SimController:
        """Give a device of this process its radio."""
        return self.joined(lambda link, strength: SimController(name, link, strength))

    def joined(self, make: Callable[[LocalLink, Strength], Controlling]) -> Controlling:
        """Give a radio of whatever kind `make` makes."""
        controller = make(self._link, self._strength)
        self._own.append(controller)
        return controller

    def transmit(self, address: hci.Address, data: bytes) -> None:
        """Send one advertisement that nobody can connect to or ask back.

        Raises:
            ValueError: the data does not fit into an advertisement.
        """
        self.send(Advert(address, data, connectable=False))

    def send(self, advert: Advert) -> None:
        """Send one advertisement of any kind.

        Raises:
            ValueError: the data does not fit into an advertisement.
        """
        if len(advert.data) > ADVERT_BYTES_MAX:
            raise ValueError(f"{len(advert.data)} bytes do not fit into one advertisement")
        for listener in tuple(self._link.controllers):
            listener.on_ll_advertising_pdu(advert)

    def _strength(self, address: hci.Address) -> int:
        middle = self._rssi_dbm.get(address.to_string(False).upper(), RSSI_DBM_DEFAULT)
        return middle + self._random.randint(-RSSI_JITTER_DB, RSSI_JITTER_DB)

    async def _attach(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._server is None or not self._server.is_serving():
            writer.transport.abort()
            return
        if len(self._hosts) >= RADIOS_MAX:
            logger().warning("radio_refused", radios=len(self._hosts), radios_max=RADIOS_MAX)
            writer.transport.abort()
            return
        self._hosts.add(task)
        source = StreamPacketSource()
        controller = SimController(
            "radio", self._link, self._strength, host_source=source, host_sink=_HostSink(writer)
        )
        logger().info("radio_attached", radios=len(self._hosts))
        try:
            while data := await reader.read(_READ_BYTES):
                source.data_received(data)
        except ConnectionError:
            pass  # The radio's process died; that is an ending like any other.
        except asyncio.CancelledError:
            pass  # The air is closing; asyncio logs a handler that ends cancelled as a fault.
        finally:
            controller.vanish()
            writer.transport.abort()
            self._hosts.discard(task)
            logger().info("radio_left", radios=len(self._hosts))
