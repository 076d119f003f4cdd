"""One advertisement of a device of the home: find the parser that knows it, and read."""

from typing import Final

from zodra_edge.decode.ble import normalise, registry
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import Decoded, DecodeRefusal, Undecodable

DATA_BYTES_MAX: Final = 254
"""What one AD structure can hold, extended advertising included."""

_NOT_RECOGNISED: Final = Undecodable(
    DecodeRefusal.NOT_RECOGNISED, "no parser knows a device that advertises this"
)


def decode(frame: BleAdvert, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one advertisement.

    One without data, such as a name in a scan response, only says that the device is there.
    """
    if (refusal := _too_long(frame)) is not None:
        return refusal
    if profile.parser is not None:
        chosen = registry.named(profile.parser)
        if chosen is None:
            return Undecodable(
                DecodeRefusal.NOT_RECOGNISED, f"there is no parser called {profile.parser}"
            )
        return normalise.read(chosen, frame, profile)
    known = registry.recognise(frame)
    if known is not None:
        return normalise.read(known.parser, frame, profile)
    if any(frame.service_data.values()) or any(frame.manufacturer_data.values()):
        return _NOT_RECOGNISED
    return Decoded(profile.device_id)


def _too_long(frame: BleAdvert) -> Undecodable | None:
    for data in (*frame.service_data.values(), *frame.manufacturer_data.values()):
        if len(data) > DATA_BYTES_MAX:
            return Undecodable(DecodeRefusal.OVERSIZED, f"{len(data)} bytes in one advertisement")
    return None
