"""Bytes to readings, one module a family or dialect; pure, and never raises on bytes."""

from zodra_edge.decode import baby_monitor, bthome, heart_rate, zigbee2mqtt
from zodra_edge.decode.frame import BleAdvert, Frame, GattValue, MqttMessage
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import Decoded, DecodeRefusal, Undecodable

_FROM_ANOTHER = Undecodable(DecodeRefusal.UNKNOWN_DEVICE, "from another device than the profile's")


def decode(frame: Frame, profile: DeviceProfile) -> Decoded | Undecodable:
    """Say what a frame says, or why it says nothing.

    Args:
        frame: as heard; any bytes.
        profile: of the device the frame is taken to be from.
    """
    if isinstance(frame, MqttMessage):
        return _decode_mqtt(frame, profile)
    if profile.address is None or frame.address.upper() != profile.address.upper():
        return _FROM_ANOTHER
    if isinstance(frame, BleAdvert):
        return bthome.decode(frame, profile)
    if isinstance(frame, GattValue) and profile.family is Family.WEARABLE:
        return heart_rate.decode(frame, profile)
    return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "only a wearable is read over a connection")


def _decode_mqtt(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    if is_bridge_topic(frame.topic):
        return Decoded(profile.device_id)
    if profile.topic is None or not frame.topic.startswith(profile.topic):
        return _FROM_ANOTHER
    rest = frame.topic[len(profile.topic) :]
    if rest == "/availability":
        return zigbee2mqtt.decode_availability(frame, profile)
    if rest.startswith("/"):
        # `/set` and `/get` are requests, `/action` repeats what the state topic says.
        return Decoded(profile.device_id)
    if rest:
        return _FROM_ANOTHER
    if profile.family is Family.BABY_MONITOR:
        return baby_monitor.decode(frame, profile)
    if profile.family is Family.WEARABLE:
        return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "a wearable speaks over Bluetooth")
    return zigbee2mqtt.decode(frame, profile)


def is_bridge_topic(topic: str) -> bool:
    """Whether a topic is Zigbee2MQTT talking about itself: `zigbee2mqtt/bridge/...`."""
    return topic.split("/", 2)[1:2] == ["bridge"]


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
    "is_bridge_topic",
]
