"""Adapters of the guest's kernel: virtual controllers behind `/dev/vhci`, on our own air."""

import asyncio
from dataclasses import dataclass
from typing import Final

from bumble import hci
from bumble.link import LocalLink
from bumble.transport import open_transport
from bumble.transport.common import Transport

from zodra_sim.radio.air import Air, Strength
from zodra_sim.radio.controller import Advert, SimController

_NOT_OURS: Final = hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
"""With either, the kernel waits for an event that bumble never sends once it connected."""
_EXTENDED_SCAN: Final = {
    hci.HCI_LE_SET_EXTENDED_SCAN_PARAMETERS_COMMAND,
    hci.HCI_LE_SET_EXTENDED_SCAN_ENABLE_COMMAND,
}
_SCAN_ENABLING: Final = (
    hci.HCI_LE_Set_Scan_Enable_Command,
    hci.HCI_LE_Set_Extended_Scan_Enable_Command,
)
_Event = hci.HCI_LE_Extended_Advertising_Report_Event.EventType


@dataclass(frozen=True)
class ScanAsked:
    """How the kernel asked an adapter to scan."""

    active: bool
    filters_duplicates: bool


class KernelController(SimController):
    """A controller as a kernel drives it, and as it breaks: deaf, or dead to all commands."""

    def __init__(self, name: str, link: LocalLink, strength: Strength, *, extended: bool) -> None:
        super().__init__(name, link, strength)
        self.le_features &= ~_NOT_OURS
        self.extended = extended
        if extended:
            self.supported_commands = self.supported_commands | _EXTENDED_SCAN
        self.scans: list[ScanAsked] = []
        self.resets = 0
        self.deaf = ""
        """Until when nothing is reported: "scan", the next start of a scan; "reset", a reset."""
        self.hung = False
        self.obeys = False
        """Whether it leaves out what it reported since the scan began, if the kernel asks it to."""
        self._reported: set[tuple[str, bytes]] = set()

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        if self.hung:
            return
        if isinstance(packet, hci.HCI_LE_Set_Scan_Parameters_Command):
            self._scans_actively = packet.le_scan_type == 1
        super().on_hci_packet(packet)
        if isinstance(packet, hci.HCI_Reset_Command):
            self.resets += 1
            self.le_scan_enable = False
            self.deaf = ""
        elif isinstance(packet, _SCAN_ENABLING) and self.le_scan_enable:
            self._reported.clear()
            self.scans.append(ScanAsked(self._scans_actively, self.filter_duplicates))
            if self.deaf == "scan":
                self.deaf = ""

    def _report(self, advert: Advert, event_type: int, data: bytes) -> None:
        if self.deaf or self.hung or self._is_repeated(advert, data):
            return
        if self.extended:
            super()._report(advert, event_type, data)
            return
        old = hci.HCI_LE_Advertising_Report_Event.EventType
        kind = old.ADV_NONCONN_IND
        if event_type & _Event.SCAN_RESPONSE:
            kind = old.SCAN_RSP
        elif event_type & _Event.CONNECTABLE_ADVERTISING:
            kind = old.ADV_IND
        report = hci.HCI_LE_Advertising_Report_Event.Report(
            event_type=kind,
            address_type=advert.advertiser_address.address_type,
            address=advert.advertiser_address,
            data=data,
            rssi=self._rssi_dbm(advert.advertiser_address),
        )
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))

    def lives_at(self, address: hci.Address) -> None:
        """Take an address."""
        self.public_address = self.random_address = address

    def on_hci_le_set_random_address_command(
        self, command: hci.HCI_LE_Set_Random_Address_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Stay where it is.

        A kernel asks its questions under a passing address, and connects under its own; bumble's
        link sends all that a connection says from the passing one, where nobody knows it.
        """
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def _is_repeated(self, advert: Advert, data: bytes) -> bool:
        if not (self.obeys and self.filter_duplicates):
            return False
        this = (str(advert.advertiser_address), data)
        known = this in self._reported
        self._reported.add(this)
        return known


class Plug:
    """One adapter that can be plugged in, pulled, and plugged in again."""

    def __init__(self, air: Air, address: str, *, extended: bool = False) -> None:
        self._air = air
        self._address = address
        self._extended = extended
        self._transport: Transport | None = None
        self.controller: KernelController | None = None

    async def plug(self) -> KernelController:
        """Plug it in; the kernel has it a moment later."""

        controller = self._air.joined(
            lambda link, strength: KernelController(
                self._address, link, strength, extended=self._extended
            )
        )
        controller.lives_at(hci.Address(self._address, hci.Address.PUBLIC_DEVICE_ADDRESS))
        transport = await open_transport("vhci")
        transport.source.set_packet_sink(controller)
        controller.host = transport.sink
        self.controller, self._transport = controller, transport
        return controller

    async def pull(self) -> None:
        """Pull it out."""
        controller, transport = self.controller, self._transport
        self.controller = self._transport = None
        if controller is not None:
            controller.vanish()
        if transport is not None:
            await transport.close()
            await asyncio.sleep(0)
