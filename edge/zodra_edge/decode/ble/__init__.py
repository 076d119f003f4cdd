"""Bluetooth: advertisements, and values notified or read over a connection."""

from zodra_edge.decode.frame import BleAdvert, GattValue
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, DecodeRefusal, Undecodable


def decode(frame: BleAdvert | GattValue, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one frame that was heard over Bluetooth."""
    if profile.address is None or frame.address.upper() != profile.address.upper():
        return FROM_ANOTHER
    if isinstance(frame, BleAdvert):
        from zodra_edge.decode.ble import advert

        return advert.decode(frame, profile)
    if profile.family is Family.WEARABLE:
        from zodra_edge.decode.ble import heart_rate

        return heart_rate.decode(frame, profile)
    return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "only a wearable is read over a connection")
