"""A virtual Bluetooth controller that reports what it hears as a real one does.

bumble's own (0.0.236) reports every advertisement twice, the second time as a scan response, always
at -50 dBm, and always as connectable; a scanner built on that would be tested against a radio that
does not exist.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bumble import hci, ll
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport.common import TransportSink, TransportSource

ADVERT_BYTES_MAX: Final = 31

_Event = hci.HCI_LE_Extended_Advertising_Report_Event.EventType
_ADV_IND: Final = (
    _Event.LEGACY_ADVERTISING_PDU_USED
    | _Event.CONNECTABLE_ADVERTISING
    | _Event.SCANNABLE_ADVERTISING
)
_ADV_NONCONN_IND: Final = _Event.LEGACY_ADVERTISING_PDU_USED
_SCAN_RSP: Final = _ADV_IND | _Event.SCAN_RESPONSE

_NOT_ESTABLISHED: Final = hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR


@dataclass(frozen=True, slots=True)
class Advert(ll.AdvertisingPdu):
    """One legacy advertisement on the air, with the answer to a scan request if there is one."""

    advertiser_address: hci.Address
    data: bytes
    connectable: bool
    scan_response: bytes | None = b""
    """None of an advertiser that could be asked, and never answers."""


class SimController(Controller):
    """One radio on the air: a gateway's, or a device's."""

    def __init__(
        self,
        name: str,
        link: LocalLink,
        rssi_dbm: Callable[[hci.Address], int],
        host_source: TransportSource | None = None,
        host_sink: TransportSink | None = None,
    ) -> None:
        super().__init__(name, host_source=host_source, host_sink=host_sink, link=link)
        self._rssi_dbm = rssi_dbm
        self._scans_actively = False

    def silence(self) -> None:
        """Stop every timer that would advertise."""
        self.le_legacy_advertiser.stop()
        for advertising_set in self.advertising_sets.values():
            advertising_set.stop()

    def vanish(self) -> None:
        """Leave the air as a radio does that loses its power: its peers time out."""
        self.silence()
        peers = list(self.le_connections.values())
        self.le_connections.clear()
        lost = ll.TerminateInd(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
        for connection in peers:
            if self.link.find_le_controller(connection.peer_address) is not None:
                self.link.send_ll_control_pdu(
                    connection.self_address, connection.peer_address, lost
                )
        if self in self.link.controllers:
            self.link.remove_controller(self)

    # What this radio sends.

    def send_advertising_pdu(self, packet: ll.AdvertisingPdu) -> None:
        """Put an advertisement on the air, with its scan response beside it."""
        match packet:
            case ll.AdvInd():
                answer = self.le_legacy_advertiser.scan_response_data
                packet = Advert(packet.advertiser_address, packet.data, True, answer)
            case ll.AdvExtInd():
                answer = b"".join(
                    bytes(one.scan_response_data)
                    for one in self.advertising_sets.values()
                    if one.address == packet.advertiser_address
                )
                packet = Advert(packet.advertiser_address, packet.data, True, answer)
            case _:
                pass
        super().send_advertising_pdu(packet)

    # What this radio hears.

    def on_hci_le_set_extended_scan_parameters_command(
        self, command: hci.HCI_LE_Set_Extended_Scan_Parameters_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Remember whether the host wants scan responses."""
        self._scans_actively = any(command.scan_types)
        return super().on_hci_le_set_extended_scan_parameters_command(command)

    def on_hci_le_create_connection_cancel_command(
        self, command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Stop waiting for an advertiser, and say so; bumble's own goes on waiting."""
        if (wanted := self.pending_le_connection) is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.pending_le_connection = None
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=wanted.peer_address.address_type,
                peer_address=wanted.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )
        return super().on_hci_le_create_connection_cancel_command(command)

    def on_ll_advertising_pdu(self, packet: ll.AdvertisingPdu) -> None:
        """Report an advertisement, and connect if the host waits for this advertiser."""
        if not isinstance(packet, Advert):
            super().on_ll_advertising_pdu(packet)
            return
        if self.le_scan_enable:
            self._report(packet, _ADV_IND if packet.connectable else _ADV_NONCONN_IND, packet.data)
            answer = packet.scan_response if packet.connectable else None
            if answer is not None and self._scans_actively:
                self._report(packet, _SCAN_RSP, answer)
        wanted = self.pending_le_connection
        if packet.connectable and wanted and wanted.peer_address == packet.advertiser_address:
            self.create_le_connection(packet.advertiser_address)

    def on_le_connect_ind(self, packet: ll.ConnectInd) -> None:
        """Accept a connection, or let the initiator know that somebody else was first."""
        super().on_le_connect_ind(packet)
        for_us = packet.advertiser_address in (self.random_address, self.public_address)
        if for_us and packet.initiator_address not in self.le_connections:
            self.link.send_ll_control_pdu(
                packet.advertiser_address,
                packet.initiator_address,
                ll.TerminateInd(_NOT_ESTABLISHED),
            )

    def on_ll_control_pdu(self, sender_address: hci.Address, packet: ll.ControlPdu) -> None:
        """Ignore a last word about a connection that is already gone."""
        if sender_address in self.le_connections:
            super().on_ll_control_pdu(sender_address, packet)

    def on_hci_disconnect_command(self, command: hci.HCI_Disconnect_Command) -> None:
        """End a connection, also when the peer has left the air without a word."""
        connection = self.find_le_connection_by_handle(command.connection_handle)
        if connection and self.link.find_le_controller(connection.peer_address) is None:
            self._send_hci_command_status(hci.HCI_COMMAND_STATUS_PENDING, command.op_code)
            self.on_le_disconnected(connection, command.reason)
            return
        super().on_hci_disconnect_command(command)

    def _report(self, advert: Advert, event_type: int, data: bytes) -> None:
        report = hci.HCI_LE_Extended_Advertising_Report_Event.Report(
            event_type=event_type,
            address_type=advert.advertiser_address.address_type,
            address=advert.advertiser_address,
            primary_phy=hci.Phy.LE_1M,
            secondary_phy=0,
            advertising_sid=0xFF,
            tx_power=hci.HCI_LE_Extended_Advertising_Report_Event.TX_POWER_INFORMATION_NOT_AVAILABLE,
            rssi=self._rssi_dbm(advert.advertiser_address),
            periodic_advertising_interval=0,
            direct_address_type=0,
            direct_address=hci.Address.ANY,
            data=data,
        )
        self.send_hci_packet(hci.HCI_LE_Extended_Advertising_Report_Event([report]))
