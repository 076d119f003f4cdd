"""RuuviTag and Ruuvi Air, through ruuvitag-ble.

Formats 3, 5, 6 and E1: docs.ruuvi.com. Only the library's decoders are used, which are functions of
the bytes; its `update` also works out accelerations, and took three quarters of the time.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from zodra_contract.reading import ReadingKind as Kind
from zodra_edge.decode.ble.libraries.lean import library
from zodra_edge.decode.ble.parser import Parsed, Value
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.result import DecodeRefusal, Undecodable

COMPANY: Final = 0x0499
_BYTES: Final[Mapping[int, int]] = {0x03: 14, 0x05: 24, 0x06: 20, 0xE1: 40}
"""Of each format, at least."""
_AIR: Final = frozenset({0x06, 0xE1})

_KINDS: Final = (
    ("temperature_celsius", Kind.ROOM_TEMPERATURE_C, 1.0),
    ("humidity_percentage", Kind.HUMIDITY_PERCENT, 1.0),
    ("pressure_hpa", Kind.PRESSURE_HPA, 1.0),
    ("battery_voltage_mv", Kind.VOLTAGE_V, 0.001),
    ("pm25_ug_m3", Kind.PM25_UG_M3, 1.0),
    ("pm10_ug_m3", Kind.PM10_UG_M3, 1.0),
    ("co2_ppm", Kind.CO2_PPM, 1.0),
    ("voc_index", Kind.VOC_INDEX, 1.0),
    ("nox_index", Kind.NOX_INDEX, 1.0),
    ("luminosity_lux", Kind.ILLUMINANCE_LUX, 1.0),
)


class Ruuvi:
    """The parser."""

    def recognises(self, advert: BleAdvert) -> str | None:
        """Know a tag by its maker's company id and the number of its format."""
        data = advert.manufacturer_data.get(COMPANY)
        if not data or data[0] not in _BYTES:
            return None
        return "Ruuvi Air" if data[0] in _AIR else "RuuviTag"

    def parse(self, advert: BleAdvert, bind_key: bytes | None) -> Parsed | Undecodable:
        """Read one frame; the tags have no keys."""
        data = advert.manufacturer_data.get(COMPANY, b"")
        model = self.recognises(advert)
        if model is None:
            return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "no format of Ruuvi's that is read")
        if len(data) < _BYTES[data[0]]:
            return Undecodable(DecodeRefusal.MALFORMED, f"{len(data)} bytes are too few")
        decoder = _decoders()[data[0]](data[: _BYTES[data[0]]])
        found: list[Value] = []
        for name, kind, factor in _KINDS:
            number = getattr(decoder, name, None)
            if number is not None:
                found.append(Value(kind, round(number * factor, 6)))
        return Parsed(model, tuple(found))


@cache
def _decoders() -> Mapping[int, Callable[[bytes], object]]:
    return dict(library("ruuvitag_ble.parser").decoder_classes)


PARSER: Final = Ruuvi()
