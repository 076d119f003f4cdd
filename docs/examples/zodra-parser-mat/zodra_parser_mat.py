"""A parser for a weighing mat that goes under a bin in the pantry.

The mat does not exist. It advertises manufacturer data under 0xFFFF, the company id that the
Bluetooth SIG keeps for such purposes: the letter M, a counter of its events, the weight in steps of
10 g, the battery in percent, and 1 if somebody pressed its rim.
"""

import struct

from zodra_contract.reading import ReadingKind
from zodra_edge.decode.ble.parser import Button, Parsed, Value
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.result import DecodeRefusal, Undecodable

COMPANY = 0xFFFF
FRAME = struct.Struct("<cBHBB")


class Mat:
    """Reads the mat."""

    def recognises(self, advert: BleAdvert) -> str | None:
        """Look at the company id and the first letter, and at nothing else."""
        data = advert.manufacturer_data.get(COMPANY, b"")
        return "Example mat" if data[:1] == b"M" else None

    def parse(self, advert: BleAdvert, bind_key: bytes | None) -> Parsed | Undecodable:
        """Read one frame; a mat has no key."""
        data = advert.manufacturer_data.get(COMPANY, b"")
        if len(data) != FRAME.size:
            return Undecodable(DecodeRefusal.MALFORMED, f"{len(data)} bytes, not {FRAME.size}")
        _, event, tens_of_grams, battery, pressed = FRAME.unpack(data)
        return Parsed(
            model="Example mat",
            values=(
                Value(ReadingKind.WEIGHT_KG, tens_of_grams / 100),
                Value(ReadingKind.BATTERY_PERCENT, battery),
            ),
            buttons=(Button(0, "press"),) if pressed else (),
            packet_id=event,
        )


PARSER = Mat()
