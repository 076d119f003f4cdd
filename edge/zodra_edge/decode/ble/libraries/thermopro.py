"""ThermoPro's thermometers, through thermopro-ble.

They write what they measured where other devices write their maker's number, so each advertisement
has another "company". A scanner that remembers them all (BlueZ does) hands over the old ones with
the new; the radio passes on what changed, and with several left nobody can say which is new.
"""

from typing import Final

from zodra_edge.decode.ble.libraries import updates
from zodra_edge.decode.ble.libraries.lean import library
from zodra_edge.decode.ble.parser import Parsed
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.result import DecodeRefusal, Undecodable

_NAMES: Final = ("TP35", "TP39", "TP96", "TP97")


class ThermoPro:
    """The parser."""

    def recognises(self, advert: BleAdvert) -> str | None:
        """Know a device by its name, which begins with its model."""
        if advert.name is None or not advert.name.startswith(_NAMES):
            return None
        return advert.name.partition(" ")[0]

    def parse(self, advert: BleAdvert, bind_key: bytes | None) -> Parsed | Undecodable:
        """Read one frame; they have no keys."""
        if len(advert.manufacturer_data) > 1:
            return Undecodable(
                DecodeRefusal.MALFORMED, "several measurements, and no telling which is new"
            )
        update = (
            library("thermopro_ble.parser")
            .ThermoProBluetoothDeviceData()
            .update(updates.heard(advert))
        )
        model = updates.model_of(update)
        if model is None:
            return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "no ThermoPro device that is known")
        values = updates.values(update)
        if not values and advert.manufacturer_data:
            return Undecodable(DecodeRefusal.MALFORMED, "nothing in it that could be measured")
        return Parsed(model, values)


PARSER: Final = ThermoPro()
