"""The home's own broker: one module a dialect."""

from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.registry import dialect_of, module_of
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, DecodeRefusal, Undecodable


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message in the dialect of its device."""
    if profile.topic is None:
        return FROM_ANOTHER
    dialect = dialect_of(profile)
    if dialect is None:
        return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "the device's topic names no dialect")
    return module_of(dialect).decode(frame, profile)


def is_bridge_topic(topic: str) -> bool:
    """Whether a topic is Zigbee2MQTT talking about itself: `zigbee2mqtt/bridge/...`."""
    return topic.split("/", 2)[1:2] == ["bridge"]
