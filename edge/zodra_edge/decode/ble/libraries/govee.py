"""Govee's thermometers, buttons and sensors, through govee-ble.

Their frames are barely encrypted: the key is written before what it locks. So no frame proves
anything. What serves as key is the device's clock at the event, in milliseconds: it names the event
for good, so that a press which is told again an hour later is no second one.
"""

from typing import Final

from zodra_contract.reading import PROBES
from zodra_edge.decode.ble.libraries import updates
from zodra_edge.decode.ble.libraries.lean import library
from zodra_edge.decode.ble.parser import Parsed, Value
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.result import DecodeRefusal, Undecodable

_SERVICE: Final = "0000ec88-0000-1000-8000-00805f9b34fb"
_NAMES: Final = ("GV", "Govee", "B5178", "H5")
_COMPANIES: Final = frozenset(
    {0xEC88, 0xEF88, 0x8801, 0x8803, 0x8843, 0xF861, 0x388A, 0xEA42, 0xAAA2, 0xD14B, 0x2730, 0x67DD}
    | {0xE02F, 0xF79F, 0x1B36, 0x4A32, 0x0332, 0x4C32, 0xAC63, 0x3022}
)
"""As the library knows them; most are no registered numbers, but the first bytes of the data."""
_APPLE: Final = 0x004C
_BEACON: Final = b"INTELLI_ROCKS"
"""Written into an iBeacon by all their thermometers."""
_SEALED_BYTES: Final = 24
_NO_PROBE_C: Final = 0.0
"""What the library says of a socket with no probe in it; meat is seldom at 0.00 degrees."""


class Govee:
    """The parser."""

    def recognises(self, advert: BleAdvert) -> str | None:
        """Know a device by its name, its service, or the company ids that Govee makes up."""
        companies = advert.manufacturer_data
        if not companies:
            return None
        if advert.name is not None and advert.name.startswith(_NAMES):
            return advert.name[:32]
        if _SERVICE in advert.service_uuids or not _COMPANIES.isdisjoint(companies):
            return "Govee"
        if _BEACON in companies.get(_APPLE, b""):
            return "Govee"
        return None

    def parse(self, advert: BleAdvert, bind_key: bytes | None) -> Parsed | Undecodable:
        """Read one frame; a household has no keys of theirs."""
        update = (
            library("govee_ble.parser").GoveeBluetoothDeviceData().update(updates.heard(advert))
        )
        model = updates.model_of(update)
        if model is None:
            return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "no Govee device that is known")
        return Parsed(
            model,
            tuple(value for value in updates.values(update) if not _is_an_empty_socket(value)),
            updates.buttons(update, {}),
            event_id=_event_id(advert),
        )


def _is_an_empty_socket(value: Value) -> bool:
    return value.kind in PROBES and value.number == _NO_PROBE_C


def _event_id(advert: BleAdvert) -> str | None:
    sealed = (data for data in advert.manufacturer_data.values() if len(data) == _SEALED_BYTES)
    return next((data[:6].hex() for data in sealed), None)


PARSER: Final = Govee()
