"""Bytes to readings, a room a transport; pure, and never raises on bytes.

A module that reads a dialect or a family is imported when the first frame needs it: a gateway
carries in memory what its home speaks, and no more.
"""

from zodra_edge.decode import ble, mqtt
from zodra_edge.decode.frame import BleAdvert, Frame, GattValue, MqttMessage
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import Decoded, DecodeRefusal, Undecodable


def decode(frame: Frame, profile: DeviceProfile) -> Decoded | Undecodable:
    """Say what a frame says, or why it says nothing.

    Args:
        frame: as heard; any bytes.
        profile: of the device the frame is taken to be from.
    """
    if isinstance(frame, MqttMessage):
        return mqtt.decode(frame, profile)
    return ble.decode(frame, profile)


__all__ = [
    "BleAdvert",
    "DecodeRefusal",
    "Decoded",
    "DeviceProfile",
    "Family",
    "Frame",
    "GattValue",
    "MqttMessage",
    "Undecodable",
    "decode",
]
