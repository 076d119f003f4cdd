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
    return _decode_value(frame, profile)


def _decode_value(frame: GattValue, profile: DeviceProfile) -> Decoded | Undecodable:
    if profile.family in (Family.BUTTON, Family.THERMOSTAT):
        return Undecodable(
            DecodeRefusal.UNKNOWN_FORMAT, f"a {profile.family} is not read over a connection"
        )
    from zodra_edge.decode.ble import gatt, heart_rate, normalise

    number = gatt.number_of(frame.characteristic)
    if profile.family is Family.WEARABLE and number in heart_rate.NUMBERS:
        return heart_rate.decode(frame, profile)
    parsed = gatt.parse(number, frame.value)
    return parsed if isinstance(parsed, Undecodable) else normalise.finish(parsed, frame, profile)
